package bearers_test

import (
	"context"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// TestOfWhoLogsIn: where the rules say so, a signed token is of the user who logs in with a browser
// at its issuer as its subject: of nobody before the first login, nor after the user was removed.
func TestOfWhoLogsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sign := func(text keyhatch.Secret, change func(*keyhatch.Assertion)) keyhatch.Secret {
		return w.sign(text, func(a *keyhatch.Assertion) {
			a.User, a.ByLogin, a.Subject = "", true, "s-1"
			if change != nil {
				change(a)
			}
		})
	}
	if !w.invalid(sign("a", nil)) {
		t.Error("nobody has logged in, and it is somebody's")
	}
	link := func(user string) {
		t.Helper()
		err := w.DB.Write(t.Context(), func(tx *db.Tx) error {
			return tx.PutIdentity(context.Background(), db.Identity{Issuer: issuer, Subject: "s-1", User: user, CreatedAt: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	link(w.ann.User.ID)
	if c := w.show(sign("b", nil)); c.User.ID != w.ann.User.ID {
		t.Errorf("it is of %+v", c.User)
	}
	for what, change := range map[string]func(*keyhatch.Assertion){
		"another subject":       func(a *keyhatch.Assertion) { a.Subject = "s-2" },
		"the user's name":       func(a *keyhatch.Assertion) { a.Subject = "ann" },
		"signed long before":    func(a *keyhatch.Assertion) { a.SignedAt = time.Now().Add(-time.Hour) },
		"an issuer without one": func(a *keyhatch.Assertion) { a.Issuer = "https://another.test" },
	} {
		if !w.invalid(sign(keyhatch.Secret("c "+what), change)) {
			t.Errorf("%s: it is let in", what)
		}
	}
	if err := w.Broker.People.DeleteUser(t.Context(), w.Admin, w.ann.User.ID); err != nil {
		t.Fatal(err)
	}
	w.User(t, "ann")
	for _, text := range []keyhatch.Secret{"b", "d"} {
		if !w.invalid(sign(text, nil)) {
			t.Errorf("%s is of somebody whose user was removed", text)
		}
	}
}
