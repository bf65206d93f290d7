package lending_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// TestOpenSession: what was lent comes back from its session token, with its
// secret; a token that is changed, of another installation, or shown with
// another key is refused in one way.
func TestOpenSession(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	lent, err := w.lease(w.ann, w.location.ID, keyhatch.Write, "one", "two/")
	second, err2 := w.lease(w.ann, w.location.ID, keyhatch.Read)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	key, token := lent.Credentials.AccessKeyID, lent.Credentials.SessionToken.Reveal()
	session, err := w.Broker.Lending.OpenSession(key, token)
	if err != nil {
		t.Fatal(err)
	}
	want := lent.Lease
	want.StoreName = "" // a name may change: it does not travel
	if diff := cmp.Diff(want, session.Lease); diff != "" {
		t.Errorf("lease (-lent +opened):\n%s", diff)
	}
	if session.SecretKey.Reveal() != lent.Credentials.SecretAccessKey.Reveal() || session.SecretKey == "" {
		t.Error("the secret is another one")
	}
	open, store, err := w.Broker.Lending.Standing(t.Context(), session.Lease)
	if err != nil || store.ID != w.Store.ID {
		t.Errorf("standing on %q: %v", store.ID, err)
	}
	if diff := cmp.Diff(policy.Set{{Bucket: "lab-data", Prefix: "alpha/one/", Access: keyhatch.Write}, {Bucket: "lab-data", Prefix: "alpha/two/", Access: keyhatch.Write}}, open); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}

	foreign := coretest.New(t)
	flipped := []byte(token)
	flipped[len(flipped)/2] ^= 1
	_, refused := w.Broker.Lending.OpenSession("", "")
	wantFail(t, "nothing", refused, keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "")
	for what, err := range map[string]error{
		"another lease's key":  onlyErr(w.Broker.Lending.OpenSession(second.Credentials.AccessKeyID, token)),
		"no key":               onlyErr(w.Broker.Lending.OpenSession("", token)),
		"the key in lower":     onlyErr(w.Broker.Lending.OpenSession(strings.ToLower(key), token)),
		"changed":              onlyErr(w.Broker.Lending.OpenSession(key, string(flipped))),
		"cut off":              onlyErr(w.Broker.Lending.OpenSession(key, token[:len(token)-4])),
		"longer":               onlyErr(w.Broker.Lending.OpenSession(key, token+"AAAA")),
		"endless":              onlyErr(w.Broker.Lending.OpenSession(key, strings.Repeat("A", 1<<20))),
		"another installation": onlyErr(foreign.Broker.Lending.OpenSession(key, token)),
	} {
		if diff := cmp.Diff(refused, err); diff != "" {
			t.Errorf("%s (-nothing +got):\n%s", what, diff)
		}
	}
}

func onlyErr[T any](_ T, err error) error { return err }

// TestS8_StoreGone: a lease on a store that is not there opens nothing.
func TestS8_StoreGone(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	lent, err := w.lease(w.ann, w.location.ID, keyhatch.Read)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*keyhatch.Lease){
		"another store": func(l *keyhatch.Lease) { l.Store = "store_000000000000000" },
		"no parts":      func(l *keyhatch.Lease) { l.Parts = nil },
		"another user":  func(l *keyhatch.Lease) { l.User = w.Admin.User.ID },
		"another bucket": func(l *keyhatch.Lease) {
			l.Parts = []keyhatch.Part{{Bucket: "other-data", Prefix: "alpha/", Location: w.location.ID, Grant: w.grant.ID}}
		},
		"above": func(l *keyhatch.Lease) {
			l.Parts = []keyhatch.Part{{Bucket: "lab-data", Location: w.location.ID, Grant: w.grant.ID}}
		},
		"no grant": func(l *keyhatch.Lease) {
			l.Parts = []keyhatch.Part{{Bucket: "lab-data", Prefix: "alpha/", Location: w.location.ID}}
		},
		"another place": func(l *keyhatch.Lease) {
			l.Parts = []keyhatch.Part{{Bucket: "lab-data", Prefix: "alpha/", Location: "loc_000000000000000", Grant: w.grant.ID}}
		},
	} {
		l := lent.Lease
		change(&l)
		if open, _, err := w.Broker.Lending.Standing(t.Context(), l); len(open) != 0 {
			t.Errorf("%s: %v is open, %v", what, open, err)
		}
	}
}
