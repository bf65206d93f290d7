package lending_test

import (
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// TestTasksUseWhatIsAllowed: the token of a task borrows on no store whose credential
// is not for tasks, what it borrowed ends with the permission for good, and it makes
// itself no token that is not a task's.
func TestTasksUseWhatIsAllowed(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ctx := t.Context()
	ws := c.Workspace(t, "lab")
	folder := c.Location(t, ws, "s3://lab-data/alpha/")
	held, err := c.Broker.Credentials.Create(ctx, c.Admin, credentials.NewCredential{Name: "archive", Authority: keyhatch.AWSKeys("AKIAEXAMPLE", "secret")})
	must(t, err)
	_, err = c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{Name: "archive", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: held.ID})
	must(t, err)
	_, err = c.Broker.Buckets.Register(ctx, c.Admin, buckets.Existing{Workspace: ws.ID, Store: "archive", Name: "archive"})
	must(t, err)
	far := c.Location(t, ws, "s3://archive/beta/")
	ann := c.User(t, "ann")
	c.Grant(t, folder, ann, keyhatch.Read)
	c.Grant(t, far, ann, keyhatch.Read)
	task := c.Token(t, ann, people.NewToken{Annotations: map[string]string{"task": "nightly", "note": "x"}})
	lease := func(by keyhatch.Caller, l keyhatch.Location) (keyhatch.Lease, error) {
		lent, err := c.Broker.Lending.Lease(ctx, by, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		return lent.Lease, err
	}
	stands := func(what string, l keyhatch.Lease, want error) {
		t.Helper()
		if _, _, err := c.Broker.Lending.Standing(ctx, l); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	allow := func(yes bool) {
		t.Helper()
		_, err := c.Broker.Credentials.Update(ctx, c.Admin, credentials.In{}, held.ID, credentials.Change{Marks: credentials.Marks{AllowedInTasks: &yes}})
		must(t, err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, keyhatch.Forbidden) {
			t.Errorf("%s: %v, want it forbidden", what, err)
		}
	}
	if _, err := lease(task, folder); err != nil {
		t.Errorf("a folder, which has no credential: %v", err)
	}
	_, err = lease(task, far)
	refused("not allowed", err)
	persons, err := lease(ann, far)
	must(t, err)
	allow(true)
	borrowed, err := lease(task, far)
	must(t, err)
	stands("allowed", borrowed, nil)
	allow(false)
	stands("no more", borrowed, policy.ErrLeaseRevoked)
	stands("a person's", persons, nil)
	_, err = c.Broker.Lending.Relend(ctx, borrowed, lending.LeaseRequest{Location: far.ID, Access: keyhatch.Read})
	if !errors.Is(err, policy.ErrLeaseRevoked) {
		t.Errorf("borrowed with it: %v", err)
	}
	allow(true)
	stands("allowed again", borrowed, policy.ErrLeaseRevoked)

	admins := c.Token(t, c.Admin, people.NewToken{Annotations: map[string]string{"task": "cleanup"}})
	yes, other := true, keyhatch.AWSKeys("AKIAOTHER", "secret")
	for what, change := range map[string]credentials.Change{
		"allowed by a task itself": {Marks: credentials.Marks{AllowedInTasks: &yes}}, "replaced by a task": {Authority: &other},
	} {
		_, err := c.Broker.Credentials.Update(ctx, admins, credentials.In{}, held.ID, change)
		refused(what, err)
	}
	_, err = c.Broker.Credentials.VerifyStored(ctx, admins, credentials.In{}, held.ID)
	refused("verified by a task", err)
	_, err = c.Broker.Places.UpdateStore(ctx, admins, "archive", places.StoreChange{Credential: &held.ID})
	refused("a store changed by a task", err)

	made, _, err := c.Broker.People.CreateToken(ctx, task, people.NewToken{Annotations: map[string]string{"note": "mine"}})
	must(t, err)
	if word, yes := made.OfTask(); !yes || word != "nightly" || made.Annotations["note"] != "mine" {
		t.Errorf("a token that a task makes is %v", made.Annotations)
	}
	none := map[string]string{}
	_, err = c.Broker.People.UpdateToken(ctx, task, task.Token.ID, people.TokenChange{Annotations: &none})
	refused("its annotation taken off by itself", err)
	_, err = c.Broker.People.UpdateToken(ctx, ann, task.Token.ID, people.TokenChange{Annotations: &none})
	if err != nil {
		t.Errorf("its annotation taken off by its user: %v", err)
	}
	task2 := map[string]string{"task": ""}
	before, err := lease(ann, far)
	must(t, err)
	_, err = c.Broker.People.UpdateToken(ctx, ann, ann.Token.ID, people.TokenChange{Annotations: &task2})
	must(t, err)
	stands("of a token that was made a task's", before, policy.ErrLeaseRevoked)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
