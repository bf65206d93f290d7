package seal_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/seal"
)

// known is what an earlier version made with the key of testdata. Every later one
// must open it: it stands in databases and in the hands of callers.
type known struct {
	Keysets   []keyhatch.Keyset `json:"keysets"`
	Session   string            `json:"session"`
	Column    []byte            `json:"column"`
	Pepper    uint32            `json:"pepper"`
	TokenHash string            `json:"token_hash"`
	AuditMAC  string            `json:"audit_mac"`
}

func readKnown(t testing.TB) (known, *seal.Keyring) {
	t.Helper()
	key, err := os.ReadFile("testdata/key")
	if err != nil {
		t.Fatal(err)
	}
	kek, err := seal.ReadKeyFile(writeKeyFile(t, string(key)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/known.json")
	if err != nil {
		t.Fatal(err)
	}
	var k known
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.OpenKeyring(kek, k.Keysets)
	if err != nil {
		t.Fatal(err)
	}
	return k, keys
}

func knownSession() keyhatch.Session {
	at := time.Date(2026, 6, 1, 12, 0, 0, 123_456_000, time.UTC)
	return keyhatch.Session{SecretKey: "0123456789abcdefghijklmnopqrstuvwxyzABCD", Lease: keyhatch.Lease{
		ID: "lease_0mz3k8q2a7c4f9d", Workspace: "ws_0mz3k8q2a7c4f9d", User: "user_0mz3k8q2a7c4f9d", Token: "tok_0mz3k8q2a7c4f9d",
		Store: "store_0mz3k8q2a7c4f9d", AccessKeyID: "KHLE0MZ3K8Q2A7C4F9D", Access: keyhatch.Write, IssuedAt: at, ExpiresAt: at.Add(time.Hour),
		Parts: []keyhatch.Part{
			{Bucket: "demo", Prefix: "alpha/", Location: "loc_0mz3k8q2a7c4f9d", Grant: "grant_0mz3k8q2a7c4f9d"},
			{Bucket: "demo", Prefix: "größe/", Location: "loc_0mz3k8q2a7c4f9e", Grant: "grant_0mz3k8q2a7c4f9e"},
		},
	}}
}

func TestWhatEarlierVersionsSealedOpens(t *testing.T) {
	k, keys := readKnown(t)
	s, err := keys.OpenSession(k.Session)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(knownSession(), s); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	if secret, err := keys.OpenColumn("credentials", "cred_1", "secret", k.Column); err != nil || secret != "hunter2" {
		t.Errorf("column: %q, %v", secret.Reveal(), err)
	}
	h, err := keys.HashToken("kh_00000000000000000000000000000000000000000002czCLJ")
	if err != nil || h.Pepper != k.Pepper || hex.EncodeToString([]byte(h.Hash)) != k.TokenHash {
		t.Errorf("token's hash: %d %x, %v", h.Pepper, h.Hash, err)
	}
	if mac := keys.AuditMAC([]byte("an event")); mac.String() != k.AuditMAC {
		t.Errorf("audit hash: %s", mac)
	}
}

// FuzzOpenSession: nothing opens but what was sealed, and only to that. Base64
// skips line breaks, wherever they stand.
func FuzzOpenSession(f *testing.F) {
	k, keys := readKnown(f)
	for _, s := range []string{k.Session, k.Session + "=", k.Session[:40], k.Session + "\n", "", "A", "====", strings.Repeat("A", 9000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		s, err := keys.OpenSession(token)
		if err != nil {
			if err != seal.ErrSessionToken { // that very error
				t.Fatalf("%v", err)
			}
			return
		}
		if strings.NewReplacer("\r", "", "\n", "").Replace(token) != k.Session {
			t.Fatalf("%q opens", token)
		}
		if diff := cmp.Diff(knownSession(), s); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
