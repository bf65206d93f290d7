package seal_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

const hunter = keyhatch.Secret("hunter2correcthorse")

func TestColumnsOpenInTheirPlace(t *testing.T) {
	in := install(t)
	for _, secret := range []keyhatch.Secret{"", "x", hunter, "\x00\xff", keyhatch.Secret(strings.Repeat("s", 1<<16))} {
		first, err := in.keys.SealColumn("credentials", "cred_1", "secret", secret)
		if err != nil {
			t.Fatal(err)
		}
		second, err := in.keys.SealColumn("credentials", "cred_1", "secret", secret)
		if err != nil || bytes.Equal(first, second) {
			t.Errorf("sealed twice, %d bytes look the same: %v", len(secret), err)
		}
		if len(secret) > 1 && bytes.Contains(first, []byte(secret.Reveal())) {
			t.Error("the secret can be read")
		}
		for _, sealed := range [][]byte{first, second} {
			if got, err := in.keys.OpenColumn("credentials", "cred_1", "secret", sealed); got != secret || err != nil {
				t.Errorf("%d bytes: %v", len(secret), err)
			}
		}
	}
}

func TestS5_ColumnsOpenNowhereElse(t *testing.T) {
	in, other := install(t), install(t)
	sealed, err := in.keys.SealColumn("credentials", "cred_1", "secret", hunter)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, got keyhatch.Secret, err error) {
		t.Helper()
		if err == nil || got != "" {
			t.Errorf("%s: it opens", name)
			return
		}
		silent(t, name, err.Error(), []byte(hunter), sealed)
	}
	for name, place := range map[string][3]string{
		"another row": {"credentials", "cred_2", "secret"}, "a row that begins alike": {"credentials", "cred_11", "secret"},
		"no row": {"credentials", "", "secret"}, "another column": {"credentials", "cred_1", "token"}, "no column": {"credentials", "cred_1", ""},
		"another table": {"stores", "cred_1", "secret"}, "no place": {"", "", ""}, "turned round": {"secret", "cred_1", "credentials"},
		"capitals": {"Credentials", "cred_1", "secret"},
	} {
		got, err := in.keys.OpenColumn(place[0], place[1], place[2], sealed)
		refused(name, got, err)
	}
	got, err := other.keys.OpenColumn("credentials", "cred_1", "secret", sealed)
	refused("another installation", got, err)
	token, err := in.keys.SealSession(keyhatch.Session{SecretKey: hunter})
	if err != nil {
		t.Fatal(err)
	}
	session, err := base64.RawURLEncoding.DecodeString(token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	got, err = in.keys.OpenColumn("credentials", "cred_1", "secret", session)
	refused("a session token", got, err)
}

func TestS5_ColumnsThatWereChangedDoNotOpen(t *testing.T) {
	in := install(t)
	sealed, err := in.keys.SealColumn("credentials", "cred_1", "secret", hunter)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(b []byte) bool {
		got, err := in.keys.OpenColumn("credentials", "cred_1", "secret", b)
		if err != nil {
			silent(t, "changed", err.Error(), []byte(hunter), sealed)
		}
		return err == nil || got != ""
	}
	for bit := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[bit/8] ^= 1 << (bit % 8)
		if opens(flipped) {
			t.Errorf("with bit %d flipped it opens", bit)
		}
	}
	for n := range len(sealed) {
		if opens(sealed[:n]) || n > 0 && opens(sealed[n:]) {
			t.Errorf("cut at %d it opens", n)
		}
	}
	if opens(append(bytes.Clone(sealed), 0)) || opens(append(bytes.Clone(sealed), sealed...)) || opens(nil) {
		t.Error("with more behind it opens")
	}
}

// TestS5_NoTwoPlacesAreOne: the places are those of tables, in which no name has
// a bar.
func TestS5_NoTwoPlacesAreOne(t *testing.T) {
	in := install(t)
	name := rapid.StringMatching(`[a-z_]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		var a, b [3]string
		for i := range a {
			a[i], b[i] = name.Draw(t, "a"), name.Draw(t, "b")
		}
		sealed, err := in.keys.SealColumn(a[0], a[1], a[2], hunter)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.keys.OpenColumn(b[0], b[1], b[2], sealed); (err == nil) != (a == b) {
			t.Fatalf("sealed for %q, opened for %q: %v", a, b, err)
		}
	})
}
