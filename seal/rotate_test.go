package seal

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
)

// rotated gives every keyset a new primary key and keeps the old one.
func rotated(t *testing.T, r *Keyring, sets []keyhatch.Keyset) []keyhatch.Keyset {
	t.Helper()
	stored := slices.Clone(sets)
	r.Follow(func(context.Context) ([]keyhatch.Keyset, error) { return stored, nil })
	store := func(c Replacement, err error) {
		t.Helper()
		at := slices.IndexFunc(stored, func(s keyhatch.Keyset) bool { return s.Name == c.New.Name })
		if err != nil || at < 0 || !cmp.Equal(stored[at], c.Old) {
			t.Fatalf("%v: not a change of what is stored", err)
		}
		stored[at] = c.New
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range sets {
		c, id, err := r.WithNew(s.Name)
		if keys := r.Keys(s.Name); len(keys) != 1 || !keys[0].Primary || keys[0].ID == id {
			t.Fatalf("a key that is not stored is in use: %v", keys)
		}
		store(c, err)
		if keys := r.Keys(s.Name); len(keys) != 2 || !keys[0].Primary || keys[1] != (Key{ID: id}) {
			t.Fatalf("a new key is in use at once: %v", keys)
		}
		store(r.WithPrimary(s.Name, id))
	}
	return stored
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
	other, err := OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	after, err := OpenKeyring(kek, rotated(t, other, sets))
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

// ring is a keyring that reads its keysets where the test puts others.
type ring struct {
	*Keyring
	stored []keyhatch.Keyset
	failed error
	asked  int
}

func newRing(t *testing.T, kek KEK, sets []keyhatch.Keyset, previous ...KEK) *ring {
	t.Helper()
	keys, err := OpenKeyring(kek, sets, previous...)
	if err != nil {
		t.Fatal(err)
	}
	r := &ring{Keyring: keys, stored: sets}
	keys.Follow(func(context.Context) ([]keyhatch.Keyset, error) {
		r.asked++
		return r.stored, r.failed
	})
	return r
}

// TestUnknownKeysAreReadOnce: what was sealed with a key that another process has
// made opens, and when the keys cannot be read the answer is to try again, not that
// it is damaged.
func TestUnknownKeysAreReadOnce(t *testing.T) {
	kek, sets := newInstallation(t)
	before := newRing(t, kek, sets)
	made, err := OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	after := newRing(t, kek, rotated(t, made, sets))
	column, err := after.SealColumn("t", "r", "c", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.OpenColumn("t", "r", "c", column); err == nil || errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("a key that is nowhere: %v", err)
	}
	before.failed = errors.New("the database is away")
	if _, err := before.OpenColumn("t", "r", "c", column); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("a key that cannot be read: %v", err)
	}
	before.failed, before.stored, before.asked = nil, after.stored, 0
	for range 3 {
		if s, err := before.OpenColumn("t", "r", "c", column); s != "secret" || err != nil {
			t.Errorf("a key of another process: %v", err)
		}
	}
	if before.asked != 1 {
		t.Errorf("the keysets were read %d times", before.asked)
	}
}

// TestStrangersHaveNoKeysRead: session tokens come from anybody.
func TestStrangersHaveNoKeysRead(t *testing.T) {
	kek, sets := newInstallation(t)
	before := newRing(t, kek, sets)
	made, err := OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	after := newRing(t, kek, rotated(t, made, sets))
	token, err := after.SealSession(keyhatch.Session{SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := before.OpenSession(token.Reveal()); !errors.Is(err, ErrSessionToken) {
			t.Fatal(err)
		}
	}
	if before.asked > 2 { // once a second
		t.Errorf("the keysets were read %d times for 100 tokens", before.asked)
	}
	before.stored = after.stored
	before.Keyring.asked.Store(0) // a second later
	if s, err := before.OpenSession(token.Reveal()); err != nil || s.SecretKey != "secret" {
		t.Errorf("a session of another process: %v", err)
	}
}

// TestKeysThatCannotBeOpenedChangeNothing: another process has wrapped the keysets
// with a key that this one was not given. It goes on with what it has.
func TestKeysThatCannotBeOpenedChangeNothing(t *testing.T) {
	old, sets := newInstallation(t)
	kek, _ := newInstallation(t)
	r := newRing(t, old, sets)
	column, err := r.SealColumn("t", "r", "c", "secret")
	if err != nil {
		t.Fatal(err)
	}
	both := newRing(t, kek, sets, old)
	rewrapped, err := both.Rewrapped()
	if err != nil || len(rewrapped) != len(templates) {
		t.Fatalf("%d keysets, %v", len(rewrapped), err)
	}
	var wrapped []keyhatch.Keyset
	for i, c := range rewrapped {
		if !cmp.Equal(c.Old, sets[i]) || c.New.KEK != kek.ID || c.New.Name != sets[i].Name {
			t.Errorf("%+v", c)
		}
		wrapped = append(wrapped, c.New)
	}
	r.stored = wrapped
	r.MarkBehind()
	if err := r.CatchUp(t.Context()); !errors.Is(err, keyhatch.Unavailable) || !r.Behind() {
		t.Errorf("%v, behind: %v", err, r.Behind())
	}
	for name, k := range map[string]*Keyring{"the old": r.Keyring, "both": both.Keyring, "the new": newRing(t, kek, wrapped).Keyring} {
		if s, err := k.OpenColumn("t", "r", "c", column); s != "secret" || err != nil {
			t.Errorf("with %s key: %v", name, err)
		}
	}
	if _, err := OpenKeyring(old, wrapped); err == nil {
		t.Error("the previous key still opens what was wrapped anew")
	}
	again, err := newRing(t, kek, wrapped, old).Rewrapped()
	if len(again) != 0 || err != nil {
		t.Errorf("wrapped already: %v, %v", again, err)
	}
}

// TestDroppedKeys open nothing any more, and the primary one cannot be dropped.
func TestDroppedKeys(t *testing.T) {
	kek, sets := newInstallation(t)
	made, err := OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	column, err := made.SealColumn("t", "r", "c", "secret")
	if err != nil {
		t.Fatal(err)
	}
	r := newRing(t, kek, rotated(t, made, sets))
	keys := r.Keys(ColumnsKeyset)
	if _, err := r.Without(ColumnsKeyset, keys[1].ID); err == nil {
		t.Error("the primary key is dropped")
	}
	c, err := r.Without(ColumnsKeyset, keys[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	r.stored = []keyhatch.Keyset{c.New, r.stored[1], r.stored[2], r.stored[3]}
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OpenColumn("t", "r", "c", column); err == nil {
		t.Error("a dropped key opens")
	}
	if got := r.Keys(ColumnsKeyset); !cmp.Equal(got, keys[1:]) {
		t.Errorf("keys: %v", got)
	}
}

func newInstallation(t *testing.T) (KEK, []keyhatch.Keyset) {
	t.Helper()
	kek, err := CreateKeyFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	sets, err := NewKeysets(kek)
	if err != nil {
		t.Fatal(err)
	}
	return kek, sets
}
