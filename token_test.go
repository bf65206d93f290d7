package keyhatch_test

import (
	"hash/crc32"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

const base62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// knownTokens were worked out apart from this code: "kh_", 43 characters, and
// their CRC-32 (IEEE) in base62, digits before small before capital letters.
var knownTokens = []string{
	"kh_00000000000000000000000000000000000000000002czCLJ",
	"kh_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ4flUwk",
	"kh_ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ4bdyUq",
}

func TestKnownTokenSecrets(t *testing.T) {
	for _, s := range knownTokens {
		if !keyhatch.IsTokenSecret(s) {
			t.Errorf("%s is refused", s)
		}
	}
}

func TestNewTokenSecretHasItsShape(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		s := keyhatch.NewTokenSecret().Reveal()
		rest, ok := strings.CutPrefix(s, "kh_")
		if !ok || len(s) != 52 || strings.Trim(rest, base62) != "" {
			t.Errorf("%q is not kh_ and 49 of base62", s)
		}
		if !keyhatch.IsTokenSecret(s) {
			t.Errorf("%q is refused", s)
		}
		seen[s] = true
	}
	if len(seen) != 200 {
		t.Errorf("200 secrets are only %d different ones", len(seen))
	}
}

// TestTokenSecretsUseTheirRange: 256 bits fill 43 characters, but for a few
// values of the first one.
func TestTokenSecretsUseTheirRange(t *testing.T) {
	var at [43]map[byte]bool
	for i := range at {
		at[i] = map[byte]bool{}
	}
	for range 1000 {
		body := keyhatch.NewTokenSecret().Reveal()[3:46]
		for i := range at {
			at[i][body[i]] = true
		}
	}
	for i := 1; i < len(at); i++ {
		if len(at[i]) < 58 { // of 62; one is missed once in 10 million
			t.Errorf("character %d took only %d values in 1000 secrets", i, len(at[i]))
		}
	}
}

func TestTokenChecksumCatchesAnyOneChange(t *testing.T) {
	for _, s := range append(knownTokens, keyhatch.NewTokenSecret().Reveal()) {
		for i := range len(s) {
			for c := range 256 {
				changed := s[:i] + string([]byte{byte(c)}) + s[i+1:]
				if changed != s && keyhatch.IsTokenSecret(changed) {
					t.Errorf("%q passes as %q", changed, s)
				}
			}
		}
	}
}

func TestTokenChecksumCatchesAdjacentSwaps(t *testing.T) {
	for range 50 {
		s := keyhatch.NewTokenSecret().Reveal()
		for i := range len(s) - 1 {
			b := []byte(s)
			b[i], b[i+1] = b[i+1], b[i]
			if string(b) != s && keyhatch.IsTokenSecret(string(b)) {
				t.Errorf("%q passes as %q", b, s)
			}
		}
	}
}

// TestTokenLookAlikes: whoever types a token from paper mixes these up.
func TestTokenLookAlikes(t *testing.T) {
	pairs := []string{"0O", "0o", "1l", "1I", "lI", "5S", "8B", "2Z", "uv", "uU", "cC", "xX"}
	for range 20 {
		s := keyhatch.NewTokenSecret().Reveal()
		for _, pair := range pairs {
			for _, r := range []*strings.Replacer{
				strings.NewReplacer(pair[:1], pair[1:]), strings.NewReplacer(pair[1:], pair[:1]),
			} {
				if changed := s[:3] + r.Replace(s[3:]); changed != s && keyhatch.IsTokenSecret(changed) {
					t.Errorf("%q passes as %q", changed, s)
				}
			}
		}
	}
}

func TestIsTokenSecretRefuses(t *testing.T) {
	good := knownTokens[1]
	for _, tc := range []struct{ name, s string }{
		{"empty", ""},
		{"prefix alone", "kh_"},
		{"no prefix", good[3:]},
		{"another prefix", "kx_" + good[3:]},
		{"prefix in capitals", "KH_" + good[3:]},
		{"no underscore", "kh-" + good[3:]},
		{"one short", good[:51]},
		{"one long", good + "0"},
		{"the body alone", good[:46]},
		{"twice", good + good},
		{"a space before", " " + good},
		{"a newline behind", good + "\n"},
		{"a NUL behind", good + "\x00"},
		{"underscores in the body", "kh_" + strings.Repeat("_", 43) + good[46:]},
		{"all small", strings.ToLower(good)},
		{"all capitals", "kh_" + strings.ToUpper(good[3:])},
		{"the checksum of another", good[:46] + knownTokens[0][46:]},
		{"52 bytes that are not ASCII", "kh_" + strings.Repeat("é", 24) + "a"},
		{"huge", strings.Repeat(good, 10_000)},
	} {
		if keyhatch.IsTokenSecret(tc.s) {
			t.Errorf("%s: accepted", tc.name)
		}
	}
}

// TestTokenAlphabet: a checksum that fits does not make other characters good.
// One client feeds a token to a shell, another splits it.
func TestTokenAlphabet(t *testing.T) {
	check := func(body string) string {
		sum := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))).Text(62)
		return "kh_" + body + strings.Repeat("0", 6-len(sum)) + sum
	}
	body := strings.Repeat("a", 42)
	if !keyhatch.IsTokenSecret(check(body + "b")) {
		t.Fatal("what the test makes is refused")
	}
	for c := range 256 {
		s := check(body[:20] + string([]byte{byte(c)}) + body[20:])
		if got, want := keyhatch.IsTokenSecret(s), strings.Contains(base62, string(rune(c))) && c < 128; got != want {
			t.Errorf("a token with byte %#x is accepted: %t", c, got)
		}
	}
}

func TestRandomTextIsNoTokenSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringOfN(rapid.SampledFrom([]rune(base62)), 49, 49, -1).Draw(t, "body")
		if keyhatch.IsTokenSecret("kh_" + body) { // once in 4 billion
			t.Fatalf("%q fits its checksum", body)
		}
	})
}

func TestTokenLive(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		expires time.Time
		want    bool
	}{
		{"no expiry", time.Time{}, true},
		{"later", now.Add(time.Microsecond), true},
		{"this moment", now, false},
		{"earlier", now.Add(-time.Microsecond), false},
		{"later, in another zone", now.Add(time.Second).In(time.FixedZone("west", -7200)), true},
	} {
		if got := (keyhatch.Token{ExpiresAt: tc.expires}).Live(now); got != tc.want {
			t.Errorf("token, %s: %t", tc.name, got)
		}
		if got := (keyhatch.Grant{ExpiresAt: tc.expires}).Live(now); got != tc.want {
			t.Errorf("grant, %s: %t", tc.name, got)
		}
	}
}

// TestTokenSpellings: what each spelling says, and what is none.
func TestTokenSpellings(t *testing.T) {
	const payload = "0mz3k8q2a7c4f9d"
	for _, secret := range knownTokens {
		for text, want := range map[string]keyhatch.ShownToken{
			secret: {Secret: keyhatch.Secret(secret)},
			"v2/ab0cd-gj3su-" + payload + "/" + secret:     {Secret: keyhatch.Secret(secret), Token: "tok_" + payload},
			"v2/zzzzz-gj3su-000000000000000/" + secret:     {Secret: keyhatch.Secret(secret), Token: "tok_000000000000000"},
			"kh-ws_" + payload + "-" + secret[len("kh_"):]: {Secret: keyhatch.Secret(secret), Workspace: "ws_" + payload},
		} {
			if got, ok := keyhatch.ParseTokenSecret(text); !ok || got != want {
				t.Errorf("%s: %t, token %q, workspace %q", text, ok, got.Token, got.Workspace)
			}
		}
		for what, text := range map[string]string{
			"empty":                          "",
			"a container's part":             "v2/ab0cd-gj3su-" + payload + "/" + secret + "/ab0cd-dz642-" + payload,
			"a slash at the end":             "v2/ab0cd-gj3su-" + payload + "/" + secret + "/",
			"a UUID of something else":       "v2/ab0cd-tpzed-" + payload + "/" + secret,
			"a cluster too long":             "v2/ab0cde-gj3su-" + payload + "/" + secret,
			"a cluster too short":            "v2/ab0c-gj3su-" + payload + "/" + secret,
			"a cluster in capitals":          "v2/AB0CD-gj3su-" + payload + "/" + secret,
			"a payload in capitals":          "v2/ab0cd-gj3su-" + strings.ToUpper(payload) + "/" + secret,
			"a payload too short":            "v2/ab0cd-gj3su-" + payload[1:] + "/" + secret,
			"no UUID":                        "v2//" + secret,
			"our own id":                     "v2/tok_" + payload + "/" + secret,
			"no secret":                      "v2/ab0cd-gj3su-" + payload + "/",
			"no kh_ behind the UUID":         "v2/ab0cd-gj3su-" + payload + "/" + secret[3:],
			"a salted secret":                "v2/ab0cd-gj3su-" + payload + "/7fd31b61f39c0e82a4155592163218272cedacdc",
			"another version":                "v1/ab0cd-gj3su-" + payload + "/" + secret,
			"a version in capitals":          "V2/ab0cd-gj3su-" + payload + "/" + secret,
			"kh_ behind the workspace":       "kh-ws_" + payload + "-" + secret,
			"no workspace":                   "kh-ws_-" + secret[3:],
			"a workspace too long":           "kh-ws_" + payload + "0-" + secret[3:],
			"a workspace in capitals":        "kh-ws_" + strings.ToUpper(payload) + "-" + secret[3:],
			"something else than workspaces": "kh-ts_" + payload + "-" + secret[3:],
			"a hyphen less":                  "kh-ws_" + payload + secret[3:],
			"one spelling in the other":      "v2/ab0cd-gj3su-" + payload + "/kh-ws_" + payload + "-" + secret[3:],
			"the other way around":           "kh-ws_" + payload + "-v2/ab0cd-gj3su-" + payload + "/" + secret,
			"a mistyped secret":              "kh-ws_" + payload + "-0" + secret[4:len(secret)-1] + "_",
			"a blank":                        " " + secret,
		} {
			if got, ok := keyhatch.ParseTokenSecret(text); ok || got != (keyhatch.ShownToken{}) {
				t.Errorf("%s: %s is read", what, text)
			}
		}
	}
}

// TestNetworksInCommon: networks that lie in others of the result were told beside those.
func TestNetworksInCommon(t *testing.T) {
	parse := func(text ...string) (out []netip.Prefix) {
		for _, n := range text {
			out = append(out, netip.MustParsePrefix(n))
		}
		return out
	}
	for _, tc := range []struct{ a, b, want []netip.Prefix }{
		{nil, nil, nil},
		{parse("10.1.0.0/16", "10.1.2.0/24"), nil, parse("10.1.0.0/16")},
		{parse("10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32"), parse("10.0.0.0/8", "2001:db8::/64"), parse("10.1.0.0/16", "2001:db8::/64")},
		{parse("10.0.0.0/8"), parse("192.0.2.0/24"), nil},
	} {
		got, some := keyhatch.NetworksInCommon(tc.a, tc.b)
		if !slices.Equal(got, tc.want) || some != (len(tc.want) > 0 || tc.a == nil) {
			t.Errorf("%v and %v have %v in common, %t", tc.a, tc.b, got, some)
		}
	}
}
