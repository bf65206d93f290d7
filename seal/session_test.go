package seal_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/seal"
	"pgregory.net/rapid"
)

const urlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func session(parts int) keyhatch.Session {
	at := time.Date(2026, 6, 1, 12, 0, 0, 123_456_000, time.UTC)
	s := keyhatch.Session{SecretKey: hunter, Lease: keyhatch.Lease{
		ID: "lease_0mz3k8q2a7c4f9d", Workspace: "ws_0mz3k8q2a7c4f9d", User: "user_0mz3k8q2a7c4f9d", Token: "tok_0mz3k8q2a7c4f9d",
		Store: "store_0mz3k8q2a7c4f9d", AccessKeyID: "KHLE0MZ3K8Q2A7C4F9D", Access: keyhatch.Write, IssuedAt: at, ExpiresAt: at.Add(time.Hour),
	}}
	for i := range parts {
		s.Lease.Parts = append(s.Lease.Parts, keyhatch.Part{
			Bucket: "demo", Prefix: keyhatch.Prefix(strings.Repeat("a/", i)), Location: "loc_0mz3k8q2a7c4f9d", Grant: "grant_0mz3k8q2a7c4f9d",
		})
	}
	return s
}

func sealed(t testing.TB, keys *seal.Keyring, s keyhatch.Session) string {
	t.Helper()
	token, err := keys.SealSession(s)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// refusedToken demands the one error and nothing beside it.
func refusedToken(t testing.TB, keys *seal.Keyring, what, token string) {
	t.Helper()
	s, err := keys.OpenSession(token)
	if err != seal.ErrSessionToken { // that very error: a cause could tell of what is inside
		t.Errorf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(s, keyhatch.Session{}) {
		t.Errorf("%s: refused, and returns %+v", what, s)
	}
}

func TestSessionsOpenAsTheyWereSealed(t *testing.T) {
	in := install(t)
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "demo", "a/b/", "größe/", "<&>'\"\\/", "\u2028/", "\u0000", "日本/"}), rapid.String())
	at := rapid.Custom(func(t *rapid.T) time.Time { return time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "µs")).UTC() })
	rapid.Check(t, func(t *rapid.T) {
		want := keyhatch.Session{SecretKey: keyhatch.Secret(text.Draw(t, "secret")), Lease: keyhatch.Lease{
			ID: text.Draw(t, "id"), Workspace: text.Draw(t, "workspace"), User: text.Draw(t, "user"), Token: text.Draw(t, "token"),
			Store: text.Draw(t, "store"), AccessKeyID: text.Draw(t, "key"), Access: keyhatch.Access(text.Draw(t, "access")),
			IssuedAt: at.Draw(t, "issued"), ExpiresAt: at.Draw(t, "expires"), SessionName: text.Draw(t, "name"), Pair: text.Draw(t, "pair"), Presigned: rapid.Bool().Draw(t, "presigned"),
		}}
		for range rapid.IntRange(0, 2).Draw(t, "before") {
			want.Lease.Ancestors = append(want.Lease.Ancestors, text.Draw(t, "ancestor"))
			want.Lease.Policies = append(want.Lease.Policies, text.Draw(t, "policy"))
		}
		for range rapid.IntRange(0, 5).Draw(t, "parts") {
			want.Lease.Parts = append(want.Lease.Parts, keyhatch.Part{
				Bucket: text.Draw(t, "bucket"), Prefix: keyhatch.Prefix(text.Draw(t, "prefix")), Location: text.Draw(t, "location"), Grant: text.Draw(t, "grant"),
			})
		}
		token, err := in.keys.SealSession(want)
		if err != nil {
			t.Fatal(err)
		}
		if len(token) > 6<<10 {
			return // more than is ever lent
		}
		if rest := strings.Trim(token.Reveal(), urlAlphabet); rest != "" {
			t.Fatalf("the token has %q in it", rest)
		}
		got, err := in.keys.OpenSession(token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-sealed +opened):\n%s", diff)
		}
	})
}

func TestSessionKeepsNoMoreThanItsFields(t *testing.T) {
	in := install(t)
	s := session(2)
	s.Lease.StoreName, s.Lease.RevokedAt = "store", s.Lease.IssuedAt
	got, err := in.keys.OpenSession(sealed(t, in.keys, s))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(session(2), got); diff != "" { // facts of the present do not travel
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestS5_SessionTokensTellNothing(t *testing.T) {
	in := install(t)
	s := session(1)
	a, b := sealed(t, in.keys, s), sealed(t, in.keys, s)
	if a == b {
		t.Error("sealed twice, it looks the same")
	}
	raw, err := base64.RawURLEncoding.DecodeString(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, fact := range []string{s.SecretKey.Reveal(), s.Lease.ID, s.Lease.User, s.Lease.AccessKeyID, "demo"} {
		if strings.Contains(string(raw), fact) || strings.Contains(a, fact) {
			t.Errorf("%q can be read", fact)
		}
	}
}

// TestSessionTokensAreReadInOneSpelling tries every character at every place,
// for tokens of each length that base64 can leave bits over in.
func TestSessionTokensAreReadInOneSpelling(t *testing.T) {
	in := install(t)
	for pad := range 3 {
		s := session(0)
		s.Lease.Workspace += strings.Repeat("x", pad)
		token := sealed(t, in.keys, s)
		for i := range token {
			for _, c := range urlAlphabet + "+/=. \x00é" {
				if changed := token[:i] + string(c) + token[i+1:]; changed != token {
					refusedToken(t, in.keys, "one character changed", changed)
				}
			}
			refusedToken(t, in.keys, "cut", token[:i])
			refusedToken(t, in.keys, "one character less", token[:i]+token[i+1:])
			refusedToken(t, in.keys, "one character more", token[:i]+"A"+token[i:])
		}
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for name, changed := range map[string]string{
			"padded": token + "=", "padded twice": token + "==", "padded as it should": base64.URLEncoding.EncodeToString(raw) + "=",
			"one more": token + "A", "two more": token + "AA", "twice": token + token, "space before": " " + token, "space behind": token + " ",
			"NUL behind": token + "\x00", "percent": strings.Replace(token, token[:1], "%41", 1), "hexadecimal": hex.EncodeToString(raw),
			"another alphabet": base64.RawStdEncoding.EncodeToString(raw) + "+", "capitals": strings.ToUpper(token),
		} {
			if changed != token {
				refusedToken(t, in.keys, name, changed)
			}
		}
		if _, err := in.keys.OpenSession(token); err != nil {
			t.Errorf("unchanged: %v", err)
		}
	}
}

func TestSessionTokensOfOthers(t *testing.T) {
	in, other := install(t), install(t)
	token := sealed(t, in.keys, session(2))
	refusedToken(t, other.keys, "another installation's", token)
	refusedToken(t, in.keys, "empty", "")
	refusedToken(t, in.keys, "an API token", "kh_00000000000000000000000000000000000000000002czCLJ")
	column, err := in.keys.SealColumn("t", "r", "c", `{"l":"lease_1"}`)
	if err != nil {
		t.Fatal(err)
	}
	refusedToken(t, in.keys, "a column", base64.RawURLEncoding.EncodeToString(column))
	refusedToken(t, in.keys, "plain JSON", base64.RawURLEncoding.EncodeToString([]byte(`{"l":"lease_1","x":"secret"}`)))
}

func TestS9_SessionTokensAreBounded(t *testing.T) {
	in := install(t)
	refusedToken(t, in.keys, "8193 characters", strings.Repeat("A", 8193))
	refusedToken(t, in.keys, "64 MiB", strings.Repeat("A", 64<<20))
	long := session(1)
	long.Lease.Parts[0].Prefix = keyhatch.Prefix(strings.Repeat("a/", 4000))
	token := sealed(t, in.keys, long)
	if len(token) <= 8<<10 {
		t.Fatalf("a token of %d characters proves nothing", len(token))
	}
	refusedToken(t, in.keys, "genuine but too long", token)
}

// TestExpiredSessionsOpen: that a lease ended is told by its facts, not here.
func TestExpiredSessionsOpen(t *testing.T) {
	in := install(t)
	s := session(1)
	s.Lease.ExpiresAt = time.Unix(0, 0).UTC()
	got, err := in.keys.OpenSession(sealed(t, in.keys, s))
	if err != nil || !got.Lease.ExpiresAt.Equal(s.Lease.ExpiresAt) || errors.Is(err, seal.ErrSessionToken) {
		t.Errorf("%v, %v", got.Lease.ExpiresAt, err)
	}
}
