package issuers_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

// TestRulesThatAreNeeded: an issuer without them is not taken, and it is said which is
// missing.
func TestRulesThatAreNeeded(t *testing.T) {
	t.Parallel()
	for why, change := range map[string]func(*issuers.Issuer){
		"issuer is missing":                   func(i *issuers.Issuer) { i.URL = "" },
		"audience.values is missing":          func(i *issuers.Issuer) { i.Audience.Values = nil },
		"audience.values holds an empty one":  func(i *issuers.Issuer) { i.Audience.Values = []string{"keyhatch", ""} },
		"subject is missing":                  func(i *issuers.Issuer) { i.Subject.Users = nil },
		"users or template, not both":         func(i *issuers.Issuer) { i.Subject.Template = "{}" },
		"the name of a user":                  func(i *issuers.Issuer) { i.Subject.Users = map[string]string{"x": "not a name"} },
		"workspaces is missing":               func(i *issuers.Issuer) { i.Workspaces = nil },
		"workspaces holds an empty one":       func(i *issuers.Issuer) { i.Workspaces = []string{""} },
		"scopes and scopes_claim are missing": func(i *issuers.Issuer) { i.Scopes = nil },
		"scopes: a scope is":                  func(i *issuers.Issuer) { i.Scopes = []keyhatch.Scope{"everything"} },
		"none and HS256 are never accepted":   func(i *issuers.Issuer) { i.Algorithms = []string{"RS256", "HS256"} },
		"never accepted":                      func(i *issuers.Issuer) { i.Algorithms = []string{"none"} },
		"longest must be":                     func(i *issuers.Issuer) { i.Longest = issuers.MaxLongest + 1 },
		"longest must be from 1m":             func(i *issuers.Issuer) { i.Longest = time.Second },
		"issuer: it must be an https URL":     func(i *issuers.Issuer) { i.Keys, i.URL = nil, "http://issuer.test" },
		"neither user, query nor fragment":    func(i *issuers.Issuer) { i.Keys, i.URL = nil, "https://a@issuer.test" },
		"issuer: it must be a URL":            func(i *issuers.Issuer) { i.Keys, i.URL = nil, "issuer.test" },
		"keys_url: it must be an https URL":   func(i *issuers.Issuer) { i.Keys, i.KeysURL = nil, "http://keys.test" },
		"keys or keys_url, not both":          func(i *issuers.Issuer) { i.KeysURL = "https://keys.test" },
		"at most 100 networks": func(i *issuers.Issuer) {
			i.Networks = slices.Repeat([]netip.Prefix{netip.MustParsePrefix("::1/128")}, 101)
		},
		`"{}" once`:                            func(i *issuers.Issuer) { i.Subject.Users, i.Subject.Template = nil, "admin" },
		`with "{}" once`:                       func(i *issuers.Issuer) { i.Subject.Users, i.Subject.Template = nil, "{}{}" },
		`subject.template must be the name of`: func(i *issuers.Issuer) { i.Subject.Users, i.Subject.Template = nil, "a b{}" },
	} {
		i := rules(pemOf(t, public("ed")))
		change(&i)
		_, err := issuers.New([]issuers.Issuer{i}, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), "issuers[0] ("+i.URL+"): ") || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	i := rules(pemOf(t, public("ed")))
	if _, err := issuers.New([]issuers.Issuer{i, i}, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "issuers[1]") {
		t.Errorf("two of one: %v", err)
	}
	for _, url := range []string{"http://127.0.0.1:1/x", "http://localhost", "http://[::1]:1"} {
		i := rules()
		i.URL = url
		if _, err := issuers.New([]issuers.Issuer{i}, nil, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestRulesAreTold: another rule is another text, another key is not.
func TestRulesAreTold(t *testing.T) {
	t.Parallel()
	told := func(change func(*issuers.Issuer)) string {
		i := rules(pemOf(t, public("ed")))
		change(&i)
		return verifier(t, i).Rules()[i.URL]
	}
	same := told(func(*issuers.Issuer) {})
	if got := told(func(i *issuers.Issuer) { i.Keys = [][]byte{pemOf(t, public("rsa"))} }); got != same || same == "" {
		t.Errorf("with another key: %q, %q", got, same)
	}
	for what, change := range map[string]func(*issuers.Issuer){
		"audience": func(i *issuers.Issuer) { i.Audience.Values = []string{"x"} }, "user": func(i *issuers.Issuer) { i.Subject.Users["repo:acme"] = "bob" },
		"workspaces": func(i *issuers.Issuer) { i.Workspaces = []string{"x"} }, "scopes": func(i *issuers.Issuer) { i.Scopes = []keyhatch.Scope{"all"} },
		"longest": func(i *issuers.Issuer) { i.Longest = time.Hour }, "networks": func(i *issuers.Issuer) { i.Networks = []netip.Prefix{netip.MustParsePrefix("::1/128")} },
	} {
		if told(change) == same {
			t.Errorf("another %s is the same", what)
		}
	}
}

// TestSubjects: who a token is of, by the letter.
func TestSubjects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule issuers.Subject
		sub  string
		want string // "": refused
	}{
		{issuers.Subject{Users: map[string]string{"a": "ann", "A": "bob"}}, "A", "bob"},
		{issuers.Subject{Users: map[string]string{"a.*": "ann"}}, "abc", ""},
		{issuers.Subject{Users: map[string]string{"a": "ann"}}, "a ", ""},
		{issuers.Subject{Template: "{}"}, "ann", "ann"},
		{issuers.Subject{Template: "ci-{}-x"}, "ann", "ci-ann-x"},
		{issuers.Subject{Template: "ci-{}"}, "{}", ""},
		{issuers.Subject{Template: "{}"}, "../admin", ""},
		{issuers.Subject{Template: "{}"}, "user_0mz3k8q2a7c4f9d", ""}, // an id is no name
		{issuers.Subject{Template: "{}"}, "ann,bob", ""},
		{issuers.Subject{Template: "{}"}, strings.Repeat("a", 129), ""},
	} {
		i := rules(pemOf(t, public("ed")))
		i.Subject = c.rule
		a, err := verifier(t, i).Verify(t.Context(), sign(t, pairs()["ed"], object{"alg": "EdDSA"}, but(goodClaims(), object{"sub": c.sub})), now)
		if (err == nil) != (c.want != "") || a.User != c.want && err == nil {
			t.Errorf("%+v of %q: %q, %v", c.rule, c.sub, a.User, err)
		}
	}
	i := rules(pemOf(t, public("ed")))
	i.Subject.Claim, i.Audience = "preferred_username", issuers.Audience{Claim: "azp", Values: []string{"app"}}
	jwt := func(claims object) keyhatch.Secret {
		return sign(t, pairs()["ed"], object{"alg": "EdDSA"}, but(goodClaims(), claims))
	}
	v := verifier(t, i)
	if a, err := v.Verify(t.Context(), jwt(object{"preferred_username": "repo:acme", "sub": "x", "azp": "app", "aud": "account"}), now); err != nil || a.User != "ann" {
		t.Errorf("by other claims: %+v, %v", a, err)
	}
	if _, err := v.Verify(t.Context(), jwt(object{"preferred_username": "repo:acme"}), now); !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("without azp: %v", err)
	}
}

// TestScopesOfTheClaim: a token may what it says, within its issuer's rules (S4); what those
// say when it says nothing; and nothing when nobody says anything.
func TestScopesOfTheClaim(t *testing.T) {
	t.Parallel()
	refused := []keyhatch.Scope{"refused"}
	for _, c := range []struct {
		rules []keyhatch.Scope
		claim any // nil: none
		want  []keyhatch.Scope
	}{
		{[]keyhatch.Scope{"leases"}, nil, []keyhatch.Scope{"leases"}},
		{[]keyhatch.Scope{"leases"}, "", nil}, // it says that it may do nothing
		{[]keyhatch.Scope{"leases"}, " ", nil},
		{[]keyhatch.Scope{"leases"}, []string{}, nil},
		{[]keyhatch.Scope{"leases"}, "openid profile email", []keyhatch.Scope{"leases"}},
		{[]keyhatch.Scope{"leases"}, "openid leases:read", []keyhatch.Scope{"leases:read"}},
		{[]keyhatch.Scope{"leases"}, "leases:read tokens", refused},
		{[]keyhatch.Scope{"leases"}, "s3:read s3://lab/a/", []keyhatch.Scope{"s3:read s3://lab/a/"}},
		{[]keyhatch.Scope{"leases", "s3:read s3://lab/a/"}, "leases", refused}, // which would reach further
		{[]keyhatch.Scope{"leases", "s3:read s3://lab/a/"}, "leases s3:write s3://lab/a/", refused},
		{[]keyhatch.Scope{"leases", "s3:read s3://lab/a/"}, "leases s3:read s3://lab/ab/", refused},
		{[]keyhatch.Scope{"all"}, []string{"GET /api/v1/leases", "object_storage:read"}, []keyhatch.Scope{"GET /api/v1/leases", "object_storage:read"}},
		{[]keyhatch.Scope{"all"}, " GET  /api/v1/leases   tokens ", []keyhatch.Scope{"GET /api/v1/leases", "tokens"}},
		{[]keyhatch.Scope{"all"}, "GET", refused},
		{[]keyhatch.Scope{"all"}, "leases s3:read", refused},
		{[]keyhatch.Scope{"all"}, []string{"leases tokens"}, refused},
		{nil, nil, nil},
		{nil, "openid", nil},
		{nil, "all", []keyhatch.Scope{"all"}},
	} {
		i := rules(pemOf(t, public("ed")))
		i.Scopes, i.ScopesClaim = c.rules, "scope"
		a, err := verifier(t, i).Verify(t.Context(), sign(t, pairs()["ed"], object{"alg": "EdDSA"}, but(goodClaims(), object{"scope": c.claim})), now)
		if err != nil {
			a.Scopes = refused
		}
		if !slices.Equal(a.Scopes, c.want) {
			t.Errorf("%q within %q: %q, %v", c.claim, c.rules, a.Scopes, err)
		}
	}
}
