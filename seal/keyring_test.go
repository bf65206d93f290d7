package seal_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/seal"
)

var keysetNames = []string{"columns", "sessions", "tokens", "audit"}

func TestKeysetsAreWrapped(t *testing.T) {
	in, other := install(t), install(t)
	_, raw := in.text(t)
	var names []string
	for i, s := range in.sets {
		names = append(names, s.Name)
		if s.KEK != in.kek.ID || s.CreatedAt.IsZero() || len(s.Wrapped) < 60 {
			t.Errorf("%+v", s)
		}
		if bytes.Equal(s.Wrapped, other.sets[i].Wrapped) || bytes.Contains(s.Wrapped, raw) {
			t.Errorf("%s is not wrapped anew, or holds its key", s.Name)
		}
	}
	if diff := cmp.Diff(keysetNames, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeyringOpensInAnyOrder(t *testing.T) {
	in := install(t)
	sets := cloned(in.sets)
	slices.Reverse(sets)
	kek, err := seal.ReadKeyFile(in.path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	same(t, in.keys, again)
}

// same demands that one keyring opens and computes what the other does.
func same(t *testing.T, a, b *seal.Keyring) {
	t.Helper()
	sealed, err := a.SealColumn("t", "r", "c", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := b.OpenColumn("t", "r", "c", sealed); err != nil || s != "secret" {
		t.Errorf("column: %q, %v", s.Reveal(), err)
	}
	token, err := a.SealSession(keyhatch.Session{SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := b.OpenSession(token.Reveal()); err != nil || s.SecretKey != "secret" {
		t.Errorf("session: %v", err)
	}
	ha, errA := a.HashToken("kh_x")
	hb, errB := b.HashToken("kh_x")
	if ha != hb || errA != nil || errB != nil {
		t.Errorf("hashes differ: %v, %v", errA, errB)
	}
	if !bytes.Equal(a.AuditMAC([]byte("x")), b.AuditMAC([]byte("x"))) {
		t.Error("audit hashes differ")
	}
}

func TestAnotherKeyFileIsTold(t *testing.T) {
	in, other := install(t), install(t)
	_, rawIn := in.text(t)
	textOther, rawOther := other.text(t)

	keys, err := seal.OpenKeyring(other.kek, in.sets)
	if keys != nil || err == nil || !strings.Contains(err.Error(), in.kek.ID) || !strings.Contains(err.Error(), other.kek.ID) {
		t.Fatalf("another id: %v", err)
	}
	silent(t, "another id", err.Error(), rawIn, rawOther, in.sets[0].Wrapped)

	// A key that claims the id is told by its failure to open.
	liar, err := seal.ReadKeyFile(writeKeyFile(t, strings.Replace(textOther, other.kek.ID, in.kek.ID, 1)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err = seal.OpenKeyring(liar, in.sets)
	if keys != nil || err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Fatalf("another key of the same id: %v", err)
	}
	silent(t, "another key of the same id", err.Error(), rawIn, rawOther, in.sets[0].Wrapped)
}

func TestKeysetsOfADatabaseThatWasChanged(t *testing.T) {
	in, other := install(t), install(t)
	_, raw := in.text(t)
	cases := map[string]func(sets []keyhatch.Keyset) []keyhatch.Keyset{
		"none":          func([]keyhatch.Keyset) []keyhatch.Keyset { return nil },
		"of another id": func(s []keyhatch.Keyset) []keyhatch.Keyset { s[3].KEK = "kek_00000000"; return s },
		"of no id":      func(s []keyhatch.Keyset) []keyhatch.Keyset { s[3].KEK = ""; return s },
		"another's set": func(s []keyhatch.Keyset) []keyhatch.Keyset { s[1].Wrapped = other.sets[1].Wrapped; return s },
	}
	for i, name := range keysetNames {
		cases[name+" removed"] = func(s []keyhatch.Keyset) []keyhatch.Keyset { return slices.Delete(s, i, i+1) }
		cases[name+" renamed"] = func(s []keyhatch.Keyset) []keyhatch.Keyset { s[i].Name = "x"; return s }
		cases[name+" empty"] = func(s []keyhatch.Keyset) []keyhatch.Keyset { s[i].Wrapped = nil; return s }
		cases[name+" cut"] = func(s []keyhatch.Keyset) []keyhatch.Keyset {
			s[i].Wrapped = s[i].Wrapped[:len(s[i].Wrapped)/2]
			return s
		}
		for j, with := range keysetNames[:i] {
			cases[name+" swapped with "+with] = func(s []keyhatch.Keyset) []keyhatch.Keyset {
				s[i].Wrapped, s[j].Wrapped = s[j].Wrapped, s[i].Wrapped
				return s
			}
			cases[name+" overwritten by "+with] = func(s []keyhatch.Keyset) []keyhatch.Keyset { s[i].Wrapped = s[j].Wrapped; return s }
			cases[name+" renamed to "+with] = func(s []keyhatch.Keyset) []keyhatch.Keyset { s[i].Name = with; return s }
		}
	}
	for name, change := range cases {
		keys, err := seal.OpenKeyring(in.kek, change(cloned(in.sets)))
		if err == nil || keys != nil {
			t.Errorf("%s: it opens", name)
			continue
		}
		silent(t, name, err.Error(), raw, in.sets[0].Wrapped)
		if set, ok := strings.CutSuffix(name, " removed"); ok && !strings.Contains(err.Error(), "keyset "+set+" is missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamagedKeysetsNeverOpenToOthers changes each byte of each wrapped keyset.
// Some bytes only describe what is inside: whatever opens is the same keyring.
func TestDamagedKeysetsNeverOpenToOthers(t *testing.T) {
	in := install(t)
	opened, refused := 0, 0
	for i := range in.sets {
		for at := range in.sets[i].Wrapped {
			sets := cloned(in.sets)
			sets[i].Wrapped[at] ^= 0x41
			keys, err := seal.OpenKeyring(in.kek, sets)
			if err != nil {
				refused++
				continue
			}
			opened++
			same(t, in.keys, keys)
		}
	}
	if refused < 4*100 || opened > 4*60 {
		t.Errorf("%d damaged keysets were refused, %d opened", refused, opened)
	}
}

func TestTokenHashes(t *testing.T) {
	in, other := install(t), install(t)
	const secret = keyhatch.Secret("kh_00000000000000000000000000000000000000000002czCLJ")
	hash := func(in installation, s keyhatch.Secret) keyhatch.TokenHash {
		t.Helper()
		h, err := in.keys.HashToken(s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := hash(in, secret)
	if len(h.Hash) != 32 || h.Pepper == 0 {
		t.Errorf("%d bytes, pepper %d", len(h.Hash), h.Pepper)
	}
	if hash(in, secret) != h {
		t.Error("the same secret is hashed differently")
	}
	if hash(other, secret).Hash == h.Hash {
		t.Error("two installations hash alike")
	}
	seen := map[string]bool{h.Hash: true}
	for _, s := range []keyhatch.Secret{"", "k", secret[:51], secret + "0", secret[:51] + "K"} {
		if seen[hash(in, s).Hash] {
			t.Errorf("%d bytes are hashed like others", len(s))
		}
		seen[hash(in, s).Hash] = true
	}
	silent(t, "hash", h.Hash, []byte(secret.Reveal()))
	all, err := in.keys.HashesOfToken(secret)
	if diff := cmp.Diff([]keyhatch.TokenHash{h}, all); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAuditMACs(t *testing.T) {
	in, other := install(t), install(t)
	seen := map[string]string{}
	for _, data := range []string{"", "\x00", "a", "b", "aa", strings.Repeat("a", 1<<20)} {
		mac := in.keys.AuditMAC([]byte(data))
		if len(mac) != 32 || !bytes.Equal(mac, in.keys.AuditMAC([]byte(data))) {
			t.Errorf("of %d bytes: %s", len(data), mac)
		}
		if bytes.Equal(mac, other.keys.AuditMAC([]byte(data))) {
			t.Errorf("two installations hash %d bytes alike", len(data))
		}
		if before, taken := seen[mac.String()]; taken {
			t.Errorf("%.9q and %.9q are hashed alike", before, data)
		}
		seen[mac.String()] = data
	}
	// A token's hash must not be had from the audit record's key.
	if h, err := in.keys.HashToken("a"); err != nil || h.Hash == string(in.keys.AuditMAC([]byte("a"))) {
		t.Errorf("tokens and events are hashed with one key: %v", err)
	}
}
