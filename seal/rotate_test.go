package seal

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// rotated gives every keyset a new primary key and keeps the old one.
func rotated(t *testing.T, kek KEK, sets []keyhatch.Keyset) []keyhatch.Keyset {
	t.Helper()
	var out []keyhatch.Keyset
	for i, s := range sets {
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(s.Wrapped)), kek.aead, keysetContext(s.Name))
		if err != nil {
			t.Fatal(err)
		}
		m := keyset.NewManagerFromHandle(h)
		id, err := m.Add(templates[i].template())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.SetPrimary(id); err != nil {
			t.Fatal(err)
		}
		if h, err = m.Handle(); err != nil {
			t.Fatal(err)
		}
		var wrapped bytes.Buffer
		if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&wrapped), kek.aead, keysetContext(s.Name)); err != nil {
			t.Fatal(err)
		}
		out = append(out, keyhatch.Keyset{Name: s.Name, KEK: kek.ID, Wrapped: wrapped.Bytes()})
	}
	return out
}

// TestRotatedKeysOpenWhatOldOnesSealed: after a rotation leases live on, tokens
// are still known, columns still open; what is new is made with the new keys.
func TestRotatedKeysOpenWhatOldOnesSealed(t *testing.T) {
	kek, err := CreateKeyFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	sets, err := NewKeysets(kek)
	if err != nil {
		t.Fatal(err)
	}
	before, err := OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	after, err := OpenKeyring(kek, rotated(t, kek, sets))
	if err != nil {
		t.Fatal(err)
	}

	session := keyhatch.Session{SecretKey: "secret"}
	old, err := before.SealSession(session)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := after.OpenSession(old.Reveal()); err != nil || s.SecretKey != session.SecretKey {
		t.Errorf("an old session token: %v", err)
	}
	fresh, err := after.SealSession(session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.OpenSession(fresh.Reveal()); err == nil {
		t.Error("a new session token is sealed with the old key")
	}

	column, err := before.SealColumn("t", "r", "c", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := after.OpenColumn("t", "r", "c", column); err != nil || s != "secret" {
		t.Errorf("an old column: %v", err)
	}
	if _, err := after.OpenColumn("t", "r2", "c", column); err == nil {
		t.Error("an old column opens in another row")
	}

	oldHash, err := before.HashToken("kh_x")
	if err != nil {
		t.Fatal(err)
	}
	newHash, err := after.HashToken("kh_x")
	if err != nil {
		t.Fatal(err)
	}
	if newHash.Pepper == oldHash.Pepper || newHash.Hash == oldHash.Hash {
		t.Error("a new token is hashed with the old pepper")
	}
	all, err := after.HashesOfToken("kh_x")
	if diff := cmp.Diff([]keyhatch.TokenHash{newHash, oldHash}, all); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
