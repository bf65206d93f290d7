package seal_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/seal"
)

// TestTicketsAreForOnePurpose: what was sealed for one purpose opens for no other, changed for none, and is neither a session
// token nor a column; another process of the installation opens it, and another installation does not.
func TestTicketsAreForOnePurpose(t *testing.T) {
	in, other := install(t), install(t)
	const purpose, text = "a|b", "since then"
	ticket, err := in.keys.SealTicket(purpose, text)
	if err != nil {
		t.Fatal(err)
	}
	replica, err := seal.OpenKeyring(in.kek, in.sets)
	if err != nil {
		t.Fatal(err)
	}
	for what, keys := range map[string]*seal.Keyring{"this process": in.keys, "another one": replica} {
		if got, err := keys.OpenTicket(purpose, ticket); got != text || err != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	if raw, _ := base64.RawURLEncoding.DecodeString(ticket); strings.Contains(string(raw)+ticket, text) {
		t.Error("it can be read")
	}
	column, err := in.keys.SealColumn("a", "b", "", text)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		keys            *seal.Keyring
		purpose, ticket string
	}{
		"another purpose":      {in.keys, "a|c", ticket},
		"no purpose":           {in.keys, "", ticket},
		"another installation": {other.keys, purpose, ticket},
		"empty":                {in.keys, purpose, ""},
		"cut":                  {in.keys, purpose, ticket[:len(ticket)-1]},
		"padded":               {in.keys, purpose, ticket + "="},
		"a line break":         {in.keys, purpose, ticket + "\n"},
		"too long":             {in.keys, purpose, strings.Repeat("A", 16<<10+1)},
		"a session token":      {in.keys, purpose, sealed(t, in.keys, session(1))},
		"a column":             {in.keys, purpose, base64.RawURLEncoding.EncodeToString(column)},
	} {
		if got, err := c.keys.OpenTicket(c.purpose, c.ticket); err != seal.ErrTicket || got != "" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	refusedToken(t, in.keys, "a ticket", ticket)
}
