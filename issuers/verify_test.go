package issuers_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/issuers"
)

func verifier(t testing.TB, list ...issuers.Issuer) *issuers.Verifier {
	t.Helper()
	v, err := issuers.New(list, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestEveryAlgorithm: what is signed with each algorithm is accepted, with a key of the right
// kind and where the algorithm is allowed; and nowhere else.
func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	of := map[string]string{
		"RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
		"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed",
	}
	for algorithm, name := range of {
		i := rules(pemOf(t, public(name)))
		i.Algorithms = []string{algorithm}
		v := verifier(t, i)
		jwt := sign(t, pairs()[name], object{"alg": algorithm}, goodClaims())
		if _, err := v.Verify(t.Context(), jwt, now); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		for another, its := range of {
			if another == algorithm || its != name && another[:2] == algorithm[:2] {
				continue
			}
			other := rules(pemOf(t, public(its)))
			other.Algorithms = []string{another}
			if _, err := verifier(t, other).Verify(t.Context(), jwt, now); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Errorf("%s where %s is allowed: %v", algorithm, another, err)
			}
		}
	}
	if _, err := verifier(t, rules(pemOf(t, public("rsa")))).Verify(t.Context(), sign(t, pairs()["rsa"], object{"alg": "PS256"}, goodClaims()), now); err == nil {
		t.Error("PS256 is allowed without being named")
	}
}

// TestAssertion: what a token says is read by the rules.
func TestAssertion(t *testing.T) {
	t.Parallel()
	i := rules(pemOf(t, public("ed")))
	i.Workspaces, i.ScopesClaim = []string{"lab", "archive"}, "scopes"
	i.Scopes = []keyhatch.Scope{"leases", "s3:read s3://lab-data/"}
	jwt := sign(t, pairs()["ed"], object{"alg": "EdDSA", "typ": "JWT"}, but(goodClaims(), object{
		"aud": []string{"x", "keyhatch"}, "workspace": "archive", "scopes": "leases s3:read s3://lab-data/a/", "exp": float64(now.Unix()) + 60.9,
	}))
	v := verifier(t, i)
	got, err := v.Verify(t.Context(), jwt, now)
	if err != nil {
		t.Fatal(err)
	}
	want := keyhatch.Assertion{
		Issuer: i.URL, Rules: v.Rules()[i.URL], Subject: "repo:acme", User: "ann", Workspaces: i.Workspaces, Workspace: "archive",
		Scopes: []keyhatch.Scope{"leases", "s3:read s3://lab-data/a/"}, SignedAt: now.Add(-time.Minute), ExpiresAt: now.Add(time.Minute), JWTID: "j-1",
		Signed: jwt[:strings.LastIndexByte(jwt.Reveal(), '.')],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRefused: each of these tokens is wrong in one thing, and refused for that; and all of
// them look alike to who shows them (S6).
func TestS6_Refused(t *testing.T) {
	t.Parallel()
	i := rules(setOf(t, jose.JSONWebKey{Key: public("ed"), KeyID: "one", Use: "sig"}, jose.JSONWebKey{Key: public("rsa"), KeyID: "two", Algorithm: "RS256"},
		jose.JSONWebKey{Key: public("p256"), KeyID: "three"}))
	i.Algorithms = []string{"EdDSA", "RS256", "RS512", "ES256"}
	i.ScopesClaim = "scopes"
	v := verifier(t, i)
	ed, rsaKey := pairs()["ed"], pairs()["rsa"]
	head := object{"alg": "EdDSA", "kid": "one"}
	with := func(changed object) keyhatch.Secret { return sign(t, ed, head, but(goodClaims(), changed)) }
	header := func(changed object) keyhatch.Secret { return sign(t, ed, but(head, changed), goodClaims()) }
	text := func(header, claims string) keyhatch.Secret {
		return keyhatch.Secret(signText(t, ed, "EdDSA", encoded(t, header), encoded(t, claims)))
	}
	unsigned := func(algorithm string) keyhatch.Secret {
		return keyhatch.Secret(encoded(t, object{"alg": algorithm}) + "." + encoded(t, goodClaims()) + ".")
	}
	hs256 := func(secret []byte) keyhatch.Secret {
		whole := encoded(t, object{"alg": "HS256", "kid": "two"}) + "." + encoded(t, goodClaims())
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(whole))
		return keyhatch.Secret(whole + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	}
	good := with(nil).Reveal()
	parts := strings.Split(good, ".")
	type thing struct {
		what string
		jwt  keyhatch.Secret
		why  string
	}
	for _, c := range []thing{
		{"no parts", "", "three parts"},
		{"two parts", keyhatch.Secret(parts[0] + "." + parts[1]), "three parts"},
		{"five parts, as what is encrypted has", keyhatch.Secret(good + ".a.b"), "three parts"},
		{"too long", keyhatch.Secret(good + strings.Repeat("A", 16<<10)), "16 KiB"},
		{"padding", keyhatch.Secret(parts[0] + "=." + parts[1] + "." + parts[2]), "base64url"},
		{"the other alphabet", keyhatch.Secret(parts[0] + "." + parts[1] + "." + strings.Repeat("/+", 43)), "base64url"},
		{"a line break", keyhatch.Secret(parts[0] + "." + parts[1][:4] + "\n" + parts[1][4:] + "." + parts[2]), "base64url"},
		{"bits behind the last byte", keyhatch.Secret(parts[0] + "." + parts[1] + "." + parts[2][:85] + next(parts[2][85])), "base64url"},
		{"a header that is a list", text(`["EdDSA"]`, `{}`), "JSON objects"},
		{"a header that is null", text(`null`, `{}`), "JSON objects"},
		{"claims that are null", text(`{"alg":"EdDSA"}`, `null`), "JSON objects"},
		{"claims twice", text(`{"alg":"EdDSA"}`, `{"iss":"https://issuer.test","iss":"https://issuer.test"}`), "JSON objects"},
		{"alg twice", text(`{"alg":"none","alg":"EdDSA"}`, `{}`), "JSON objects"},
		{"something behind the claims", text(`{"alg":"EdDSA"}`, `{"iss":"https://issuer.test"}{}`), "JSON objects"},
		{"alg none", unsigned("none"), "algorithm"},
		{"alg None", unsigned("None"), "algorithm"},
		{"no alg", text(`{}`, `{"iss":"https://issuer.test"}`), "algorithm"},
		{"an alg that is a list", text(`{"alg":["EdDSA"]}`, `{}`), "alg is no text"},
		{"no signature", keyhatch.Secret(parts[0] + "." + parts[1] + "."), "signature"},
		{"a shared secret: the public key in PEM", hs256(pemOf(t, public("rsa"))), "algorithm"},
		{"an algorithm that is not allowed", sign(t, rsaKey, object{"alg": "RS384", "kid": "two"}, goodClaims()), "algorithm"},
		{"an algorithm that is not the key's", sign(t, rsaKey, object{"alg": "RS512", "kid": "two"}, goodClaims()), "no key"},
		{"an algorithm of another kind of keys", sign(t, ed, object{"alg": "ES256", "kid": "one"}, goodClaims()), "no key"},
		{"an unknown kid", header(object{"kid": "four"}), "no key"},
		{"a kid that is a path", header(object{"kid": "../../dev/null"}), "no key"},
		{"a kid that is no text", header(object{"kid": 1}), "kid is no text"},
		{"another's signature", sign(t, pairs()["other"], head, goodClaims()), "signature"},
		{"a key of its own", sign(t, pairs()["other"], but(head, object{"jwk": jose.JSONWebKey{Key: public("other"), KeyID: "one"}}), goodClaims()), "signature"},
		{"a key of its own elsewhere", sign(t, pairs()["other"], but(head, object{"jku": "https://evil.test/keys", "x5u": "https://evil.test/c"}), goodClaims()), "signature"},
		{"other claims", keyhatch.Secret(parts[0] + "." + encoded(t, but(goodClaims(), object{"sub": "root"})) + "." + parts[2]), "signature"},
		{"crit", header(object{"crit": []string{"exp"}}), "crit"},
		{"crit, empty", header(object{"crit": []string{}}), "crit"},
		{"b64", header(object{"b64": false, "crit": []string{"b64"}}), "holds"},
		{"a token of logouts", header(object{"typ": "logout+jwt"}), "another purpose"},
		{"a token of events", header(object{"typ": "application/secevent+jwt"}), "another purpose"},
		{"no iss", with(object{"iss": nil}), "issuer"},
		{"another iss", with(object{"iss": "https://evil.test"}), "issuer"},
		{"iss with a slash", with(object{"iss": "https://issuer.test/"}), "issuer"},
		{"iss in other letters", with(object{"iss": "https://ISSUER.test"}), "issuer"},
		{"iss in a list", with(object{"iss": []string{"https://issuer.test"}}), "iss is no text"},
		{"Iss beside iss", with(object{"iss": "https://evil.test", "Iss": "https://issuer.test"}), "issuer"},
		{"no aud", with(object{"aud": nil}), "somebody else"},
		{"another aud", with(object{"aud": "other"}), "somebody else"},
		{"a longer aud", with(object{"aud": "keyhatch2"}), "somebody else"},
		{"aud in other letters", with(object{"aud": "KEYHATCH"}), "somebody else"},
		{"an empty list of aud", with(object{"aud": []string{}}), "somebody else"},
		{"aud that is an object", with(object{"aud": object{"keyhatch": 1}}), "neither a text"},
		{"aud with null", with(object{"aud": []any{"keyhatch", nil}}), "neither a text"},
		{"no exp", with(object{"exp": nil}), "no exp"},
		{"exp that is a text", with(object{"exp": "9999999999"}), "exp is no time"},
		{"exp null", sign(t, ed, head, strings.Replace(string(jsonOf(t, goodClaims())), `"exp":`, `"exp":null,"x":`, 1)), "exp is no time"},
		{"exp without end", with(object{"exp": 1e300}), "exp is no time"},
		{"expired now", with(object{"exp": now.Unix()}), "expired"},
		{"nbf to come", with(object{"nbf": now.Add(61 * time.Second).Unix()}), "nbf"},
		{"nbf that is a text", with(object{"nbf": "0"}), "nbf is no time"},
		{"no iat", with(object{"iat": nil}), "no iat"},
		{"iat to come", with(object{"iat": now.Add(61 * time.Second).Unix()}), "iat"},
		{"too long a life", with(object{"iat": now.Add(-time.Hour).Unix(), "exp": now.Add(23*time.Hour + time.Second).Unix()}), "longest"},
		{"a negative iat", with(object{"iat": -1}), "iat is no time"},
		{"no sub", with(object{"sub": nil}), "no sub"},
		{"an empty sub", with(object{"sub": ""}), "no sub"},
		{"sub that is a number", with(object{"sub": 7}), "sub is no text"},
		{"an unknown sub", with(object{"sub": "repo:acme2"}), "no user"},
		{"a sub with a control character", with(object{"sub": "repo:acme\n"}), "UTF-8"},
		{"a workspace that is a list", with(object{"workspace": []string{"lab"}}), "workspace is no text"},
		{"an empty workspace", with(object{"workspace": ""}), "workspace is empty"},
		{"bound to a key", with(object{"cnf": object{"jkt": "x"}}), "bound to a key"},
		{"more scopes", with(object{"scopes": "leases tokens"}), "not within"},
		{"all scopes", with(object{"scopes": []string{"all"}}), "not within"},
		{"an unknown scope", with(object{"scopes": "leases everything"}), "not known"},
		{"an s3 scope that is mistyped", with(object{"scopes": []string{"leases", "s3:raed s3://lab/"}}), "not known"},
		{"scopes that are an object", with(object{"scopes": object{"leases": true}}), "neither a text"},
		{"too many scopes", with(object{"scopes": slices.Repeat([]string{"leases"}, 101)}), "too many"},
	} {
		a, err := v.Verify(t.Context(), c.jwt, now)
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Kind != keyhatch.Unauthenticated || e.Cause == nil || !strings.Contains(e.Cause.Error(), c.why) {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if e.Message != "the signed token is not valid: get a new one from its issuer" || e.Code != keyhatch.CodeTokenInvalid || !cmp.Equal(a, keyhatch.Assertion{}) {
			t.Errorf("%s can be told from others: %+v", c.what, e)
		}
	}
	for what, jwt := range map[string]keyhatch.Secret{
		"as it is": with(nil), "without kid": header(object{"kid": nil}), "at+jwt": header(object{"typ": "application/at+JWT"}),
		"a clock a minute ahead": with(object{"nbf": now.Add(time.Minute).Unix(), "iat": now.Add(time.Minute).Unix()}),
		"the longest life":       with(object{"iat": now.Add(-time.Hour).Unix(), "exp": now.Add(23 * time.Hour).Unix()}),
		"the last second":        with(object{"exp": now.Add(time.Second).Unix()}),
	} {
		if _, err := v.Verify(t.Context(), jwt, now); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// next is another letter that stands for the same first bits.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

// TestOneTokenIsOne: an ECDSA signature can be written in two ways by anybody. What was
// revoked must not come back by that.
func TestOneTokenIsOne(t *testing.T) {
	t.Parallel()
	v := verifier(t, rules(pemOf(t, public("p256"))))
	jwt := sign(t, pairs()["p256"], object{"alg": "ES256"}, goodClaims()).Reveal()
	cut := strings.LastIndexByte(jwt, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(jwt[cut:])
	if err != nil {
		t.Fatal(err)
	}
	order, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	s := new(big.Int).Sub(order, new(big.Int).SetBytes(signature[32:]))
	other := jwt[:cut] + base64.RawURLEncoding.EncodeToString(append(signature[:32:32], s.FillBytes(make([]byte, 32))...))
	one, err1 := v.Verify(t.Context(), keyhatch.Secret(jwt), now)
	two, err2 := v.Verify(t.Context(), keyhatch.Secret(other), now)
	if err := errors.Join(err1, err2); err != nil || jwt == other {
		t.Fatal(err)
	}
	if one.Signed != two.Signed {
		t.Error("one token is two")
	}
}

// TestKeysOfFiles: PEM, a JWK and a JWK set are read; nothing that is not a public key of a
// kind that can be used is.
func TestKeysOfFiles(t *testing.T) {
	t.Parallel()
	jwk := func(k any) []byte { return setOf(t, jose.JSONWebKey{Key: k}) }
	one := []byte(strings.TrimSuffix(strings.TrimPrefix(string(jwk(public("ed"))), `{"keys":[`), `]}`))
	for what, text := range map[string][]byte{
		"PEM": pemOf(t, public("ed")), "two in PEM": append(pemOf(t, public("ed")), pemOf(t, public("rsa"))...), "a set": jwk(public("p256")), "a JWK": one,
	} {
		if _, err := issuers.New([]issuers.Issuer{rules(text)}, nil, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, text := range map[string][]byte{
		"nothing": nil, "text": []byte("canary"), "an empty set": []byte(`{"keys":[]}`), "an empty PEM": []byte("-----BEGIN"),
		"a private key in PEM": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"a private JWK":        jwk(pairs()["ed"]), "a shared secret": jwk([]byte("canary-canary-canary-canary-canary")),
		"a short RSA key": pemOf(t, public("short")), "another curve": pemOf(t, crypto.PublicKey(public("p224"))),
		"one for encryption": setOf(t, jose.JSONWebKey{Key: public("rsa"), Use: "enc"}), "one of another algorithm": setOf(t, jose.JSONWebKey{Key: public("rsa"), Algorithm: "ES256"}),
		"one that no allowed algorithm takes": pemOf(t, public("p384")),
	} {
		_, err := issuers.New([]issuers.Issuer{rules(text)}, nil, slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRoles: those of realm_access are read, and what is not in its form is no reason to
// refuse a token.
func TestRoles(t *testing.T) {
	t.Parallel()
	v := verifier(t, rules(pemOf(t, public("ed"))))
	many := make([]string, 1001)
	for _, tc := range []struct {
		says any
		want []string
	}{
		{object{"roles": []string{"entity-registry-read", "x"}}, []string{"entity-registry-read", "x"}},
		{object{"roles": []string{}}, []string{}},
		{object{"Roles": []string{"x"}}, nil},
		{object{"roles": "x"}, nil},
		{object{"roles": []any{"x", 1}}, nil},
		{object{"roles": nil}, nil},
		{object{"roles": many}, nil},
		{object{}, nil},
		{[]string{"x"}, nil},
		{"x", nil},
		{nil, nil},
	} {
		got, err := v.Verify(t.Context(), sign(t, pairs()["ed"], object{"alg": "EdDSA"}, but(goodClaims(), object{"realm_access": tc.says})), now)
		if err != nil || !slices.Equal(got.Roles, tc.want) || (got.Roles == nil) != (tc.want == nil) {
			t.Errorf("%v: %q, %v", tc.says, got.Roles, err)
		}
	}
	if got, err := v.Verify(t.Context(), sign(t, pairs()["ed"], object{"alg": "EdDSA"}, goodClaims()), now); err != nil || got.Roles != nil {
		t.Errorf("none: %q, %v", got.Roles, err)
	}
}

// TestFewKeysAreTried: a token that names no key has a few tried, and not all that its issuer
// has; one that names its own is accepted whatever others there are.
func TestFewKeysAreTried(t *testing.T) {
	t.Parallel()
	set := func(n int, named bool) []byte {
		keys := make([]jose.JSONWebKey, n)
		for i := range keys {
			another, _, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if keys[i].Key = another; named {
				keys[i].KeyID = fmt.Sprint("k", i)
			}
		}
		last := &keys[n-1]
		last.Key = public("ed")
		return setOf(t, keys...)
	}
	unnamed, last := sign(t, pairs()["ed"], object{"alg": "EdDSA"}, goodClaims()), func(n int) keyhatch.Secret {
		return sign(t, pairs()["ed"], object{"alg": "EdDSA", "kid": fmt.Sprint("k", n-1)}, goodClaims())
	}
	for _, c := range []struct {
		n    int
		good bool
	}{{1, true}, {4, true}, {5, false}, {32, false}} {
		v := verifier(t, rules(set(c.n, true)))
		if _, err := v.Verify(t.Context(), unnamed, now); (err == nil) != c.good || err != nil && !strings.Contains(err.Error(), "does not name") {
			t.Errorf("%d keys: %v", c.n, err)
		}
		if _, err := v.Verify(t.Context(), last(c.n), now); err != nil {
			t.Errorf("%d keys, of which it names one: %v", c.n, err)
		}
		_, err := issuers.New([]issuers.Issuer{rules(set(c.n, false))}, nil, slog.New(slog.DiscardHandler))
		if (err == nil) != c.good {
			t.Errorf("%d keys without an id: %v", c.n, err)
		}
	}
}

// TestS9_RefusalsFillNoLog: who has a token of an issuer that is refused writes a few lines a
// minute with it, however often it is shown, and none of another issuer's.
func TestS9_RefusalsFillNoLog(t *testing.T) {
	t.Parallel()
	var log logged.Text
	other := rules(pemOf(t, public("other")))
	other.URL = "https://other.test"
	v, err := issuers.New([]issuers.Issuer{rules(pemOf(t, public("ed"))), other}, nil, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	expired := sign(t, pairs()["ed"], object{"alg": "EdDSA"}, but(goodClaims(), object{"exp": now.Unix()}))
	others := sign(t, pairs()["other"], object{"alg": "EdDSA"}, but(goodClaims(), object{"exp": now.Unix(), "iss": other.URL}))
	show := func(jwt keyhatch.Secret, times int, at time.Time) (lines int) {
		for range times {
			if _, err := v.Verify(t.Context(), jwt, at); !errors.Is(err, keyhatch.Unauthenticated) {
				t.Error(err)
			}
		}
		return strings.Count(log.Take(), "a signed token was refused")
	}
	for what, got := range map[string][2]int{
		"often": {show(expired, 1000, now), 10}, "another issuer's": {show(others, 1, now), 1}, "a minute later": {show(expired, 1000, now.Add(time.Minute)), 10},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %d lines, not %d", what, got[0], got[1])
		}
	}
}
