package provena_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/doortest"
)

// generated is an answer with credentials.
type generated struct {
	Credentials struct {
		ID     string `json:"aws_access_key_id"`
		Token  string `json:"aws_session_token"`
		Expiry time.Time
	}
}

// lent is the lease of an answer, as our S3 endpoint reads it.
func (w *world) lent(a doortest.Answer) keyhatch.Lease {
	w.T.Helper()
	var g generated
	if err := json.Unmarshal([]byte(a.Body), &g); err != nil || a.Status != http.StatusOK {
		w.T.Fatalf("%d %s, %v", a.Status, a.Body, err)
	}
	s, err := w.Broker.Lending.OpenSession(g.Credentials.ID, g.Credentials.Token)
	if err != nil {
		w.T.Fatal(err)
	}
	if end := s.Lease.ExpiresAt; end.Sub(g.Credentials.Expiry) < 0 || end.Sub(g.Credentials.Expiry) >= time.Second {
		w.T.Errorf("S15: it ends at %v, and %v is said", end, g.Credentials.Expiry)
	}
	return s.Lease
}

// TestS2_WhatIsOpened: a dataset, or the place in it that an older form names, with the
// access of the endpoint, and nothing beside it.
func TestS2_WhatIsOpened(t *testing.T) {
	w := newWorld(t)
	at := func(path string) string {
		return `{"s3_location":{"bucket_name":"lab-data","path":"` + path + `","s3_uri":"s3://other/"},"console_session_required":false}`
	}
	for _, tc := range []struct {
		endpoint, body string
		access         keyhatch.Access
		url            string
	}{
		{toRead, of("alpha"), keyhatch.Read, "s3://lab-data/datasets/alpha/"},
		{toWrite, of(w.alpha.ID), keyhatch.Write, "s3://lab-data/datasets/alpha/"},
		{toRead, at("datasets/alpha/"), keyhatch.Read, "s3://lab-data/datasets/alpha/"},
		{toWrite, at("datasets/alpha/in"), keyhatch.Write, "s3://lab-data/datasets/alpha/in/"},
		{toWrite, `{"bucket_name":"lab-data","path":"datasets/alpha/in/","s3_uri":""}`, keyhatch.Write, "s3://lab-data/datasets/alpha/in/"},
	} {
		l := w.lent(w.ask("ann", "POST", tc.endpoint, tc.body))
		if urls := l.URLs(); len(urls) != 1 || urls[0] != tc.url || l.Access != tc.access || l.User != w.ann.User.ID || len(l.Grants()) != 1 {
			t.Errorf("%s: %s on %v", tc.body, l.Access, urls)
		}
		open, _, err := w.Broker.Lending.Standing(t.Context(), l)
		if err != nil || !open.AllowsObject(keyhatch.Read, "lab-data", "datasets/alpha/in/x") || open.AllowsObject(keyhatch.Write, "lab-data", "datasets/alpha/in/x") != (tc.access == keyhatch.Write) ||
			open.AllowsObject(keyhatch.Read, "lab-data", "datasets/shut/x") || open.AllowsList(keyhatch.Read, "lab-data", "datasets/") {
			t.Errorf("%s opens %+v, %v", tc.body, open, err)
		}
	}
}

// TestLife: credentials last for 8 hours, or as long as the location, the grant and the
// token let them.
func TestLife(t *testing.T) {
	w := newWorld(t)
	life := func(who string) time.Duration {
		t.Helper()
		l := w.lent(w.ask(who, "POST", toRead, of("alpha")))
		return l.ExpiresAt.Sub(l.IssuedAt)
	}
	if got := life("ann"); got != 8*time.Hour {
		t.Errorf("of ann: %v", got)
	}
	if got := life("jwt-read"); got > time.Hour || got < 50*time.Minute {
		t.Errorf("of a signed token that ends in an hour: %v", got)
	}
	cas := w.User(t, "dee")
	w.key["dee"] = w.Secret(people.NewToken{User: cas.User.ID, Workspace: ""})
	w.Member(t, w.lab, cas, keyhatch.MemberRole)
	if _, err := w.Broker.Places.GiveGrant(t.Context(), w.Admin, places.NewGrant{
		Location: w.alpha.ID, Subject: keyhatch.SubjectUser, Name: "dee", Access: keyhatch.Read, ExpiresAt: time.Now().Add(2 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	if got := life("dee"); got > 2*time.Hour || got < 110*time.Minute {
		t.Errorf("by a grant that ends in two hours: %v", got)
	}
	most := 3 * time.Hour
	if _, err := w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", w.alpha.ID, places.LocationChange{MaxLease: &most}); err != nil {
		t.Fatal(err)
	}
	if got := life("ann"); got != most {
		t.Errorf("where the location allows 3 hours: %v", got)
	}
}

// TestConsole: the URL of a store's console is there for who wants it, where there is one.
func TestConsole(t *testing.T) {
	w := newWorld(t)
	says := func(want bool) bool {
		t.Helper()
		body := `{"dataset_id":"alpha","console_session_required":false}`
		if want {
			body = strings.ReplaceAll(body, "false", "true")
		}
		a := w.ask("ann", "POST", toRead, body)
		w.lent(a)
		return strings.Contains(a.Body, `"console_session_url":"https://console.example.org/?x"`)
	}
	if says(true) {
		t.Error("there is none")
	}
	w.console = "https://console.example.org/?x"
	if !says(true) || says(false) {
		t.Error("it is there for who does not want it, or not for who does")
	}
	w.shut = keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "it is shut")
	if a := w.ask("ann", "POST", toRead, `{"dataset_id":"alpha","console_session_required":true}`); a.Status != 500 ||
		a.Body != `{"detail":"Something went wrong when trading credentials for console session: it is shut"}` {
		t.Errorf("one that cannot be had was told as a fault of the token service: %d %s", a.Status, a.Body)
	}
	if says(false) {
		t.Error("it is there for who does not want it")
	}
}

// TestURLWithoutALook: where the store's credential is a role nothing can look whether a file
// is there, and no URL was made at all.
func TestURLWithoutALook(t *testing.T) {
	w := newWorld(t)
	w.Buckets.Before = func(_ context.Context, what, _ string) error {
		if what == "object" {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "it is a role")
		}
		return nil
	}
	if a := w.ask("bob", "POST", signURL, `{"dataset_id":"alpha","file_path":"in/levels 1.csv"}`); a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := w.ask("cas", "POST", signURL, `{"dataset_id":"alpha","file_path":"in/levels 1.csv"}`); a.Status == 200 {
		t.Errorf("who may not read: %d", a.Status)
	}
}

// TestLists: all of the bucket is listed where its owner lets that, and only by leases of
// this format.
func TestLists(t *testing.T) {
	w := newWorld(t)
	lists := func() bool {
		t.Helper()
		open, _, err := w.Broker.Lending.Standing(t.Context(), w.lent(w.ask("ann", "POST", toRead, of("alpha"))))
		if err != nil {
			t.Fatal(err)
		}
		return open.AllowsList(keyhatch.Read, "lab-data", "")
	}
	if lists() {
		t.Error("nobody has let it")
	}
	yes := true
	if _, err := w.Broker.Buckets.Update(t.Context(), w.Admin, "lab", "lab-data", buckets.Change{ListWhole: &yes}); err != nil {
		t.Fatal(err)
	}
	if !lists() {
		t.Error("the bucket's owner has let it")
	}
}

// TestS5_NothingOfABodyIsLogged: also not the names of its fields, in which a token can be
// that a client has taken apart; and no credentials.
func TestS5_NothingOfABodyIsLogged(t *testing.T) {
	w := newWorld(t)
	const canary = "canary-5d41402abc4b2a76"
	for _, body := range []string{
		`{"Bearer ` + canary + `":"=","dataset_id":"alpha","console_session_required":false}`,
		`{"Bearer ` + canary + `":"=","dataset_id":1}`, canary, `{"dataset_id":"` + canary + `","console_session_required":"` + canary + `"}`,
		`{"dataset_id":"` + canary + `","console_session_required":false}`,
	} {
		a := w.ask("ann", "POST", toRead, body)
		if strings.Contains(a.Body, canary) {
			t.Errorf("S13: it is repeated: %s", a.Body)
		}
		if a.Status == http.StatusOK {
			if l := w.lent(a); strings.Contains(w.Log.String(), l.AccessKeyID) {
				t.Error("the log holds an access key id")
			}
		}
	}
	for _, said := range []string{canary, w.key["ann"]} {
		if strings.Contains(w.Log.String(), said) {
			t.Errorf("the log holds what was sent: %s", w.Log.String())
		}
	}
}

// TestS9_Bounds: a body that is too long is refused, and the root is one path.
func TestS9_Bounds(t *testing.T) {
	w := newWorld(t)
	long := `{"x":"` + strings.Repeat("x", 1<<20) + `","dataset_id":"alpha","console_session_required":false}`
	if a := w.ask("ann", "POST", toRead, long); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := w.ask("", "POST", toRead, long); a.Status != http.StatusUnauthorized {
		t.Errorf("of nobody: %d %s", a.Status, a.Body)
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	if a := w.ask("ann", "POST", toRead, deep); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.Status)
	}
}

// TestS1_NothingLeavesUnrecorded: when the lease cannot be recorded the answer is a fault
// of ours, as the format has it, and holds no key.
func TestS1_NothingLeavesUnrecorded(t *testing.T) {
	w := newWorld(t)
	mend := w.RefuseInserts(t, "leases")
	a := w.ask("ann", "POST", toWrite, of("alpha"))
	if a.Status != http.StatusInternalServerError || a.Body != "Internal Server Error" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	mend()
	w.lent(w.ask("ann", "POST", toWrite, of("alpha")))
}

// TestWorkspaces: a place is one of the workspace that the token is for, that its user is
// alone in, or that the request says.
func TestWorkspaces(t *testing.T) {
	w := newWorld(t)
	shop := w.Workspace(t, "shop")
	l := w.Location(t, shop, "s3://shop-data/alpha/")
	w.Member(t, shop, w.ann, keyhatch.MemberRole)
	w.Grant(t, l, w.ann, keyhatch.Read)
	if a := w.ask("ann", "POST", toRead, of("alpha")); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "workspace") {
		t.Errorf("of two workspaces: %d %s", a.Status, a.Body)
	}
	for workspace, url := range map[string]string{"lab": "s3://lab-data/datasets/alpha/", "shop": "s3://shop-data/alpha/"} {
		if got := w.lent(w.ask("ann", "POST", toRead+"?workspace="+workspace, of("alpha"))); got.URLs()[0] != url {
			t.Errorf("%s: %v", workspace, got.URLs())
		}
		w.key["in "+workspace] = w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: workspace})
		if got := w.lent(w.ask("in "+workspace, "POST", toRead, of("alpha"))); got.URLs()[0] != url {
			t.Errorf("with a token of %s: %v", workspace, got.URLs())
		}
	}
	if a := w.ask("in shop", "POST", toRead, of(w.alpha.ID)); a.Status != http.StatusBadRequest {
		t.Errorf("by its id, from another workspace: %d %s", a.Status, a.Body)
	}
}
