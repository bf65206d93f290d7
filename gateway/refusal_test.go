package gateway_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/gateway"
)

// What a refused caller is told fits what it asked for: only a list asks for a prefix.
// Every refusal said what a list must ask for.
func TestRefusalFitsTheRequest(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.near)
		const says, ofLists = "This lease opens write on s3://near/", "a list must ask for such a prefix"
		for _, c := range []struct {
			q    request
			list bool
		}{
			{get("/far"), true},
			{get("/far?list-type=2&prefix=a/"), true},
			{get("/far?versions"), true},
			{get("/far?uploads"), true},
			{get("/far?location"), false},
			{get("/far/key"), false},
			{put("/far/key", "x"), false},
			{del("/far/key"), false},
			{post("/far?delete", "<Delete><Object><Key>one</Key></Object></Delete>"), false},
			{copied("/far/key", "/near/copy"), false},
		} {
			got := r.send(c.q.as("ann"))
			if got.status != http.StatusForbidden || !strings.Contains(got.body, says) || strings.Contains(got.body, ofLists) != c.list {
				t.Errorf("%s %s: %d %s", c.q.method, c.q.target, got.status, got.body)
			}
		}
	})
}

// Who comes with a session of a store, as an SDK does that was told of our endpoint alone,
// learns that the keys belong elsewhere.
func TestRefusalOfAStoresKeys(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.near)
		changed := r.keys["ann"]
		changed.token += "x"
		r.keys["store"], r.keys["changed"] = keys{id: "ASIAEXAMPLE", secret: "word", token: "token"}, changed
		for who, says := range map[string]string{"store": "its endpoint is told with the lease", "changed": "The session token is not one of this endpoint"} {
			for _, q := range []request{get("/near/key"), put("/near/key", "x"), get("/")} {
				if got := r.send(q.as(who)); got.status != http.StatusForbidden || !strings.Contains(got.body, says) {
					t.Errorf("%s, %s %s: %d %s", who, q.method, q.target, got.status, got.body)
				}
			}
		}
	})
}

// Who is refused because of a lock is told so, and where, whatever it is that was signed
// with; who could not write there anyway is not.
func TestRefusalNamesTheLock(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		r.issue("key", "key", accesskeys.Rights{Read: []string{"far"}, Write: []string{"far"}}, 0)
		r.issue("reads", "reads", accesskeys.Rights{Read: []string{"far"}}, 0)
		r.lend("lease", "ann", r.far)
		const says = "s3://far/ is locked"
		ask := func(who string, locked bool) {
			t.Helper()
			for _, q := range []request{put("/far/there", "x"), del("/far/there"), copied("/far/here", "/far/there")} {
				if got := r.send(q.as(who)); strings.Contains(got.body, says) != locked || locked && got.status != http.StatusForbidden {
					t.Errorf("%s %s by %s: %d %s", q.method, q.target, who, got.status, got.body)
				}
			}
			if got := r.send(post("/far?delete", "<Delete><Object><Key>there</Key></Object></Delete>").as(who)); strings.Contains(got.body, says) != locked {
				t.Errorf("batch delete by %s: %s", who, got.body)
			}
		}
		lock := func(to bool) {
			t.Helper()
			_, err := r.core.Broker.Places.UpdateLocation(t.Context(), r.core.Admin, "", r.far.ID, places.LocationChange{Locked: &to})
			r.must(err)
		}
		ask("key", false)
		ask("lease", false)
		ask("reads", false)
		lock(true)
		ask("key", true)
		ask("lease", true)
		ask("reads", false)
		lock(false)
		ask("key", false)
		ask("lease", false) // unlocking does not reopen it, and there is no lock
	})
}

// What a refused caller is told is short however much its key opens, says how much more
// there is, and first what is in the bucket that it asked for. It once named a thousand.
func TestRefusalIsShort(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		for i := range 20 {
			_, err := r.core.Broker.Buckets.Register(t.Context(), r.core.Admin, buckets.Existing{Workspace: "lab", Store: "behind", Name: fmt.Sprintf("many-%02d", i)})
			r.must(err)
		}
		r.issue("key", "key", accesskeys.Rights{WriteAll: true}, 0)
		for bucket, want := range map[string]string{
			"many-17": "write without read on s3://many-17/, write without read on s3://far/, write without read on s3://many-00/, and 18 others.",
			"none":    "write without read on s3://far/, write without read on s3://many-00/, write without read on s3://many-01/, and 18 others.",
		} {
			want = "Access Denied. This access key opens " + want
			for range 3 { // in the same words each time
				if got := r.send(get("/" + bucket + "/key").as("key")).element("Message"); got != want {
					t.Errorf("%s: %q, want %q", bucket, got, want)
				}
			}
		}
	})
}

// TestS9_StrangersKeepNoConnection: who is nobody is hung up on with its refusal. Such
// connections stayed for two minutes each, and others waited for them. Who signs keeps its own,
// also when it is refused.
func TestS9_StrangersKeepNoConnection(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.near)
		r.keys["stranger"] = keys{"KHNOBODY", "secret", ""}
		r.keys["forger"] = keys{r.keys["ann"].id, "secret", r.keys["ann"].token}
		for what, c := range map[string]struct {
			q     request
			stays bool
		}{
			"ann":         {get("/far/key").as("ann"), true},
			"nobody":      {get("/far/key").as("ann").anonymous(), false},
			"no such key": {get("/far/key").as("stranger"), false},
			"forged":      {get("/far/key").as("forger"), false},
			"no request":  {request{method: "PATCH", target: "/far/key"}.as("ann"), false},
		} {
			c.q.patient = true
			conn := r.begin(c.q)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || answer.StatusCode < 400 {
				t.Fatalf("%s: %v, %v", what, answer, err)
			}
			if answer.Close == c.stays {
				t.Errorf("%s: is hung up on: %v", what, answer.Close)
			}
			conn.Close()
		}
	})
}
