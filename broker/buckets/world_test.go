package buckets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// world has workspace lab with its admin ann and its member bob, who owns the bucket
// lab-data, and workspace far with its admin eve.
type world struct {
	*coretest.Core
	t             *testing.T
	ctx           context.Context
	lab           keyhatch.Workspace
	ann, bob, eve keyhatch.Caller
	cyd           keyhatch.Caller // a member of lab
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t, ctx: t.Context()}
	w.lab = w.Workspace(t, "lab")
	far := w.Workspace(t, "far")
	w.ann, w.bob, w.eve, w.cyd = w.User(t, "ann"), w.User(t, "bob"), w.User(t, "eve"), w.User(t, "cyd")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	w.Member(t, w.lab, w.cyd, keyhatch.MemberRole)
	w.Member(t, far, w.eve, keyhatch.AdminRole)
	_, err := w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "lab-data", buckets.Change{Owner: &w.bob.User.ID})
	w.must(err)
	w.Buckets.Put(w.Store.ID, "lab-data", "a/b.txt", 7)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// new makes a bucket as the admin of lab.
func (w *world) new(name string, ch buckets.Change) (buckets.Bucket, error) {
	return w.Broker.Buckets.Create(w.ctx, w.ann, buckets.NewBucket{Workspace: "lab", Store: "disk", Name: name, Change: ch})
}

func (w *world) wantCode(what string, err error, want keyhatch.Code) {
	w.t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Code != want {
		w.t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

// state is that of a bucket on record; empty for none.
func (w *world) state(name string) keyhatch.BucketState {
	w.t.Helper()
	b, err := w.DB.BucketByName(w.ctx, w.lab.ID, name)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		w.t.Fatal(err)
	}
	return b.State
}

// wait has the jobs of buckets be due now.
func (w *world) wait() {
	w.t.Helper()
	w.SQL(w.t, "update jobs set run_at = 0")
}

func (w *world) jobs() int {
	w.t.Helper()
	all, err := w.DB.Jobs(w.ctx, db.JobFilter{}, db.Everything)
	w.must(err)
	return len(all)
}

func (w *world) narrow(of keyhatch.Caller, scopes ...keyhatch.Scope) keyhatch.Caller {
	return w.Token(w.t, of, people.NewToken{Workspace: "lab", Scopes: scopes})
}

func ptr[T any](v T) *T { return &v }

func (w *world) bucket(name string) keyhatch.Bucket {
	w.t.Helper()
	b, err := w.DB.BucketByName(w.ctx, w.lab.ID, name)
	w.must(err)
	return b
}

// task is a token of a task.
func (w *world) task(of keyhatch.Caller) keyhatch.Caller {
	w.t.Helper()
	return w.Token(w.t, of, people.NewToken{Workspace: "lab", Annotations: map[string]string{"task": "t"}})
}

func tokenOf(workspace string) people.NewToken { return people.NewToken{Workspace: workspace} }

type change = buckets.Change
