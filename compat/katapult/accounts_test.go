package katapult_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult/wiretest"
)

const (
	newOrg    = `"organization":{"sub_domain":"new"}`
	onDisk    = `"object_storage_cluster":{"region":"disk"}`
	newOnDisk = `{` + newOrg + `,` + onDisk + `}`
)

// accountState is what is told of an account's provisioning.
func accountState(t *testing.T, a answer) string {
	t.Helper()
	return into[struct {
		Account struct {
			State string `json:"provisioning_state"`
		} `json:"object_storage_account"`
	}](t, a).Account.State
}

// newOrganization makes a workspace "new" that has nothing yet, and that ann administers.
func (w *world) newOrganization() keyhatch.Workspace {
	w.T.Helper()
	ws, err := w.Broker.People.CreateWorkspace(w.T.Context(), w.Admin, "new")
	if err != nil {
		w.T.Fatal(err)
	}
	w.Member(w.T, ws, w.ann, keyhatch.AdminRole)
	return ws
}

type trash struct {
	ID         string
	KeepUntil  int64  `json:"keep_until"`
	ObjectID   string `json:"object_id"`
	ObjectType string `json:"object_type"`
}

// TestLifeOfAnAccount: it is opened, provisioned by a job, deleted when there is nothing
// on it, and purged from the trash.
func TestLifeOfAnAccount(t *testing.T) {
	w := newWorld(t)
	w.newOrganization()
	const key, bucket = `{` + newOrg + `,` + onDisk + `,"properties":{"name":"x"}}`, `{` + newOrg + `,` + onDisk + `,"properties":{"name":"new-data"}}`
	w.refused("object_storage_account_not_found", "ann", "GET", wiretest.Account, newOnDisk)
	w.refused("object_storage_account_not_found", "ann", "DELETE", wiretest.Account, newOnDisk)
	w.refused("object_storage_account_not_found", "ann", "POST", wiretest.NewKeys, key)
	w.refused("object_storage_account_not_found", "ann", "POST", wiretest.NewBuckets, bucket)
	if state := accountState(t, w.want(201, "ann", "POST", wiretest.Account, newOnDisk)); state != "provisioning" {
		t.Errorf("it is made %s", state)
	}
	w.refused("validation_error", "ann", "POST", wiretest.Account, newOnDisk)
	w.refused("object_storage_account_not_provisioned", "ann", "POST", wiretest.NewKeys, key)
	w.refused("object_storage_account_not_provisioned", "ann", "POST", wiretest.NewBuckets, bucket)
	w.jobs()
	if state := accountState(t, w.want(200, "ann", "GET", wiretest.Account+"?organization[sub_domain]=new&object_storage_cluster[region]=disk", "")); state != "provisioned" {
		t.Errorf("it is %s", state)
	}
	made := into[wiretest.OneAccessKey](t, w.want(201, "ann", "POST", wiretest.NewKeys, key)).Key
	w.want(201, "ann", "POST", wiretest.NewBuckets, bucket)
	a := w.refused("validation_error", "ann", "DELETE", wiretest.Account, newOnDisk)
	if !strings.Contains(a.Body, "buckets or access keys") {
		t.Errorf("it says %s", a.Body)
	}
	w.want(200, "ann", "DELETE", "object_storage/disk/buckets/new-data", "")
	w.want(200, "ann", "DELETE", wiretest.Key, aboutKey(made.ID, ""))

	gone := into[struct {
		Trash trash `json:"trash_object"`
	}](t, w.want(200, "ann", "DELETE", wiretest.Account, newOnDisk)).Trash
	if left := time.Until(time.Unix(gone.KeepUntil, 0)); left < 47*time.Hour || left > 48*time.Hour || gone.ObjectType != "ObjectStorageAccount" {
		t.Errorf("it is kept as %+v", gone)
	}
	for _, call := range []string{"GET " + wiretest.Account, "POST " + wiretest.Account, "DELETE " + wiretest.Account, "POST " + wiretest.NewKeys, "POST " + wiretest.NewBuckets} {
		method, path, _ := strings.Cut(call, " ")
		told := into[struct {
			Detail struct {
				Trash trash `json:"trash_object"`
			}
		}](t, w.refused("object_in_trash", "ann", method, path, bucket)).Detail.Trash
		if told.ID != gone.ID || told.KeepUntil != gone.KeepUntil || told.ObjectID == "" {
			t.Errorf("%s is told of %+v", call, told)
		}
	}
	lies := into[struct {
		Trash trash `json:"trash_object"`
	}](t, w.want(200, "ann", "GET", wiretest.Trash+"?trash_object[id]="+gone.ID, "")).Trash
	if lies.ID != gone.ID || lies.ObjectType != "ObjectStorageAccount" || !strings.HasPrefix(lies.ObjectID, "objacc_") {
		t.Errorf("there lies %+v", lies)
	}
	w.want(200, "ann", "DELETE", wiretest.Trash, `{"trash_object":{"id":"`+gone.ID+`"}}`)
	w.refused("trash_object_not_found", "ann", "GET", wiretest.Trash+"?trash_object[id]="+gone.ID, "")
	w.refused("trash_object_not_found", "ann", "DELETE", wiretest.Trash, `{"trash_object":{"id":"`+gone.ID+`"}}`)
	w.refused("object_storage_account_not_found", "ann", "GET", wiretest.Account, newOnDisk)
	w.want(201, "ann", "POST", wiretest.Account, newOnDisk)
}

// jobs does what was left for later.
func (w *world) jobs() {
	w.T.Helper()
	if failed := w.Jobs(w.T); failed != nil {
		w.T.Fatal(failed)
	}
}

// TestAccountThatFails: it is told, and opened again by the same call.
func TestAccountThatFails(t *testing.T) {
	w := newWorld(t)
	w.newOrganization()
	w.Buckets.Before = func(context.Context, string, string) error {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "the store does not take its credential")
	}
	w.want(201, "ann", "POST", wiretest.Account, newOnDisk)
	w.Jobs(t)
	if state := accountState(t, w.want(200, "ann", "GET", wiretest.Account, newOnDisk)); state != "failed" {
		t.Errorf("it is %s", state)
	}
	w.refused("object_storage_account_not_provisioned", "ann", "POST", wiretest.NewBuckets, `{`+newOrg+`,`+onDisk+`,"properties":{"name":"new-data"}}`)
	w.Buckets.Before = nil
	if state := accountState(t, w.want(201, "ann", "POST", wiretest.Account, newOnDisk)); state != "provisioning" {
		t.Errorf("again it is %s", state)
	}
	w.jobs()
	if state := accountState(t, w.want(200, "ann", "GET", wiretest.Account, newOnDisk)); state != "provisioned" {
		t.Errorf("in the end it is %s", state)
	}
}

// TestSuspendedAccount: nothing is made on it, and nothing of it told.
func TestSuspendedAccount(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Broker.Accounts.Suspend(t.Context(), w.Admin, "lab", "disk"); err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"GET " + wiretest.Account, "POST " + wiretest.Account, "DELETE " + wiretest.Account, "POST " + wiretest.NewKeys, "POST " + wiretest.NewBuckets} {
		method, path, _ := strings.Cut(call, " ")
		w.refused("object_storage_account_suspended", "ann", method, path, inRegion(`{"name":"new-data"}`))
	}
	w.refused("object_storage_account_suspended", "ann", "DELETE", "object_storage/disk/buckets/lab-data", "")
}

// TestAccountsOfOthers: who may not see an account is not told of it, who may not change
// it is refused; and nothing changes.
func TestAccountsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.newOrganization()
	eve := w.User(t, "eve")
	w.Member(t, w.shop, eve, keyhatch.AdminRole)
	w.key["eve"] = w.Secret(people.NewToken{User: eve.User.ID})
	gone := into[struct {
		Trash trash `json:"trash_object"`
	}](t, w.deleteAccount()).Trash
	before := w.Dump(t, "store_accounts", "jobs")
	inLabs := strings.Replace(newOnDisk, "new", "lab", 1)
	for _, method := range []string{"GET", "POST", "DELETE"} {
		w.refused("organization_not_found", "eve", method, wiretest.Account, inLabs)
		w.refused("object_storage_cluster_not_found", "ann", method, wiretest.Account, strings.Replace(inLabs, "disk", "none", 1))
		w.refused("object_storage_cluster_not_found", "ann", method, wiretest.Account, `{"organization":{"sub_domain":"lab"}}`)
	}
	w.refused("permission_denied", "bob", "DELETE", wiretest.Account, inLabs)
	for _, method := range []string{"GET", "DELETE"} {
		w.refused("trash_object_not_found", "eve", method, wiretest.Trash, `{"trash_object":{"id":"`+gone.ID+`"}}`)
		for _, id := range []string{"none", "trsh_", "trsh_000000000000000", strings.Replace(gone.ID, "trsh_", "objacc_", 1)} {
			w.refused("trash_object_not_found", "ann", method, wiretest.Trash, `{"trash_object":{"id":"`+id+`"}}`)
		}
	}
	w.mustBe(before)
}

// deleteAccount opens the account of the new organization, and puts it into the trash.
func (w *world) deleteAccount() answer {
	w.T.Helper()
	w.want(201, "ann", "POST", wiretest.Account, newOnDisk)
	w.jobs()
	return w.want(200, "ann", "DELETE", wiretest.Account, newOnDisk)
}

// TestTaskThatIsNotQueued: without its job nothing of a change is kept. It is told as the
// format has it for the route.
func TestTaskThatIsNotQueued(t *testing.T) {
	w := newWorld(t)
	w.newOrganization()
	before := w.Dump(t, "store_accounts", "events", "buckets")
	mend := w.RefuseInserts(t, "jobs")
	for _, tc := range []struct {
		path, body, code string
		status           int
	}{
		{wiretest.Account, newOnDisk, "task_queueing_error", 406},
		{wiretest.NewBuckets, inRegion(`{"name":"new-data"}`), "service_unavailable", 503},
	} {
		if a := w.refused(tc.code, "ann", "POST", tc.path, tc.body); a.Status != tc.status || strings.Contains(a.Body, "disk is full") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	w.mustBe(before)
	mend()
	w.want(201, "ann", "POST", wiretest.Account, newOnDisk)
}
