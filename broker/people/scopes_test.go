package people_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// minting is what a token may make. Scopes are separated by commas; workspace
// "" is none asked or none of the maker's own.
var minting = []struct {
	maker, in string // the maker's scopes and workspace
	asks, at  string
	code      keyhatch.Code // "" when it is made
}{
	{"all", "", "all", "", ""},
	{"all", "", "leases:read", "", ""},
	{"all", "", "GET /api/v1/leases", "", ""},
	{"all", "", "s3:read s3://lab-data/a/", "lab", ""},
	{"all", "", "s3:read s3://lab-data/a/", "", keyhatch.CodeWorkspaceRequired},
	{"all", "", "all", "lab", ""},
	{"all", "", "all", "nowhere", keyhatch.CodeWorkspaceNotFound},
	{"all", "", "nonsense", "", keyhatch.CodeInvalidScope},
	{"all", "", "all ", "", keyhatch.CodeInvalidScope},
	{"all", "", "leases:write", "", keyhatch.CodeInvalidScope},
	{"all", "", "get /api", "", keyhatch.CodeInvalidScope},
	{"all", "", "GET /api/../x", "", keyhatch.CodeInvalidScope},
	{"all", "", "s3:read s3://lab-data/../x/", "lab", keyhatch.CodeInvalidScope},
	{"all", "", "s3:delete s3://lab-data/", "lab", keyhatch.CodeInvalidScope},

	{"all", "lab", "all", "", ""},
	{"all", "lab", "all", "lab", ""},
	{"all", "lab", "all", "other", keyhatch.CodeWorkspaceNotInToken},
	{"all", "lab", "s3:read s3://lab-data/a/", "", ""},

	{"tokens,leases", "", "all", "", keyhatch.CodeScopeTooBroad},
	{"tokens,leases", "", "leases", "", ""},
	{"tokens,leases", "", "leases:read,tokens", "", ""},
	{"tokens,leases", "", "users:read", "", keyhatch.CodeScopeTooBroad},
	{"tokens,leases:read", "", "leases", "", keyhatch.CodeScopeTooBroad},
	{"tokens,leases", "", "GET /api/v1/leases", "", keyhatch.CodeScopeTooBroad},
	{"tokens,leases", "lab", "s3:read s3://lab-data/", "", ""}, // it may lease what its user may
	{"tokens", "lab", "s3:read s3://lab-data/", "", keyhatch.CodeScopeTooBroad},
	{"tokens,leases:read", "lab", "s3:read s3://lab-data/", "", keyhatch.CodeScopeTooBroad},

	{"GET /api/v1/", "", "GET /api/v1/leases", "", ""},
	{"GET /api/v1/", "", "HEAD /api/v1/leases/", "", ""},
	{"GET /api/v1/", "", "POST /api/v1/leases", "", keyhatch.CodeScopeTooBroad},
	{"GET /api/v1/leases", "", "GET /api/v1/leases/", "", keyhatch.CodeScopeTooBroad},
	{"GET /api/v1/leases", "", "GET /api/v1/leases2", "", keyhatch.CodeScopeTooBroad},
	{"HEAD /api/v1/leases", "", "GET /api/v1/leases", "", keyhatch.CodeScopeTooBroad},

	{"all,s3:write s3://lab-data/a/", "lab", "all", "", keyhatch.CodeScopeTooBroad},
	{"all,s3:write s3://lab-data/a/", "lab", "leases", "", keyhatch.CodeScopeTooBroad},
	{"all,s3:write s3://lab-data/a/", "lab", "all,s3:read s3://lab-data/a/b/", "", ""},
	{"all,s3:write s3://lab-data/a/", "lab", "all,s3:write s3://lab-data/ab/", "", keyhatch.CodeScopeTooBroad},
	{"all,s3:write s3://lab-data/a/", "lab", "all,s3:write s3://lab-data/", "", keyhatch.CodeScopeTooBroad},
	{"all,s3:write s3://lab-data/a/", "lab", "all,s3:write s3://other-data/a/", "", keyhatch.CodeScopeTooBroad},
	{"all,s3:read s3://lab-data/a/", "lab", "all,s3:write s3://lab-data/a/", "", keyhatch.CodeScopeTooBroad},
	{"all,s3:read s3://lab-data/a/", "lab", "all,s3:read s3://lab-data/a/,s3:read s3://lab-data/b/", "", keyhatch.CodeScopeTooBroad},
	{"s3:write s3://lab-data/a/", "lab", "s3:read s3://lab-data/a/", "", ""},
	{"s3:write s3://lab-data/a/", "lab", "leases,s3:read s3://lab-data/a/", "", keyhatch.CodeScopeTooBroad},
	{"s3:write s3://lab-data/a/", "lab", "all,s3:read s3://lab-data/a/", "", keyhatch.CodeScopeTooBroad},

	{"tokens,leases", "", "", "", ""}, // none asked: the maker's own
	{"s3:read s3://lab-data/a/", "lab", "", "", ""},
}

func scopes(text string) (out []keyhatch.Scope) {
	if text == "" {
		return nil
	}
	for s := range strings.SplitSeq(text, ",") {
		out = append(out, keyhatch.Scope(s))
	}
	return out
}

// TestS4_Minting: no token makes one that may more than itself.
func TestS4_Minting(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	c.Workspace(t, "other")
	lab := c.Workspace(t, "lab")
	ann := c.User(t, "ann")
	c.Member(t, lab, ann, keyhatch.MemberRole)
	for _, who := range []keyhatch.Caller{ann, c.Admin} { // being an admin makes no token wider
		for _, row := range minting {
			maker := c.Token(t, who, people.NewToken{Scopes: scopes(row.maker), Workspace: row.in})
			made, secret, err := c.Broker.People.CreateToken(t.Context(), maker, people.NewToken{Scopes: scopes(row.asks), Workspace: row.at})
			var e *keyhatch.Error
			switch {
			case row.code == "" && err != nil:
				t.Errorf("%+v: %v", row, err)
			case row.code != "" && (!errors.As(err, &e) || e.Code != row.code):
				t.Errorf("%+v: got %v, want %s", row, err, row.code)
			case row.code != "" && (secret != "" || made.ID != ""):
				t.Errorf("%+v: the refusal came with a token", row)
			case row.code == "" && row.in != "" && made.Workspace != lab.ID:
				t.Errorf("%+v: it is not confined to the maker's workspace", row)
			case row.code == "" && row.asks == "" && !slices.Equal(made.Scopes, scopes(row.maker)):
				t.Errorf("%+v: it got %q", row, made.Scopes)
			}
		}
	}
}

// TestS4_ConfinedTokensEnd: what a confined token makes ends no later than it
// does.
func TestS4_ConfinedTokensEnd(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	ann := c.User(t, "ann")
	c.Member(t, lab, ann, keyhatch.MemberRole)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	for what, n := range map[string]people.NewToken{
		"scoped":   {Scopes: scopes("tokens,leases"), ExpiresAt: end},
		"confined": {Workspace: "lab", ExpiresAt: end},
		"bounded":  {Workspace: "lab", Scopes: scopes("all,s3:read s3://lab-data/"), ExpiresAt: end},
	} {
		maker := c.Token(t, ann, n)
		for _, asks := range []struct {
			what    string
			expires time.Time
			gets    time.Time // zero: refused
		}{
			{"none", time.Time{}, end},
			{"the same", end, end},
			{"sooner", end.Add(-time.Minute), end.Add(-time.Minute)},
			{"later", end.Add(time.Microsecond), time.Time{}},
			{"much later", end.AddDate(10, 0, 0), time.Time{}},
			{"in the past", time.Now().Add(-time.Second), time.Time{}},
		} {
			made, _, err := c.Broker.People.CreateToken(t.Context(), maker, people.NewToken{ExpiresAt: asks.expires})
			var e *keyhatch.Error
			switch {
			case asks.gets.IsZero() && (!errors.As(err, &e) || e.Code != keyhatch.CodeInvalidExpiry || e.Field != "expires_at"):
				t.Errorf("%s asks for %s: got %v", what, asks.what, err)
			case !asks.gets.IsZero() && (err != nil || !made.ExpiresAt.Equal(asks.gets)):
				t.Errorf("%s asks for %s: ends at %v, want %v; %v", what, asks.what, made.ExpiresAt, asks.gets, err)
			}
		}
	}
}

// reach is what scopes open, said without the product's rules: which of some
// calls, and which leases. A scope list that cannot be read opens everything, so
// that a test on it fails.
func reach(list []keyhatch.Scope) (out []string) {
	bounded := slices.ContainsFunc(list, func(s keyhatch.Scope) bool { return strings.HasPrefix(string(s), "s3:") })
	onlyS3 := !slices.ContainsFunc(list, func(s keyhatch.Scope) bool { return !strings.HasPrefix(string(s), "s3:") })
	borrows := onlyS3
	for _, call := range []struct{ noun, method, path string }{
		{"leases", "GET", "/api/v1/leases"},
		{"leases", "HEAD", "/api/v1/leases"},
		{"leases", "POST", "/api/v1/leases"},
		{"leases", "GET", "/api/v1/leases/x"},
		{"tokens", "GET", "/api/v1/tokens"},
		{"tokens", "POST", "/api/v1/tokens"},
		{"", "GET", "/api/v1/version"},
	} {
		looks := call.method != "POST"
		for _, s := range list {
			method, path, _ := strings.Cut(string(s), " ")
			sameMethod := method == call.method || method == "GET" && call.method == "HEAD"
			if s == "all" || string(s) == call.noun || looks && string(s) == call.noun+":read" ||
				sameMethod && (path == call.path || strings.HasSuffix(path, "/") && strings.HasPrefix(call.path, path)) {
				out = append(out, call.method+" "+call.path)
				borrows = borrows || call.noun == "leases" && !looks
			}
		}
	}
	for _, url := range []string{"s3://lab-data/", "s3://lab-data/a/", "s3://lab-data/a/b/", "s3://lab-data/ab/", "s3://other/a/"} {
		for _, access := range []string{"read", "write"} {
			opens := !bounded
			for _, s := range list {
				word, under, _ := strings.Cut(string(s), " ")
				opens = opens || strings.HasPrefix(word, "s3:") && strings.HasPrefix(url, under) && (word == "s3:write" || access == "read")
			}
			if borrows && opens {
				out = append(out, "lease for "+access+" on "+url)
			}
		}
	}
	return out
}

// drawScopes draws a list of scopes, of few, so that one is often within another.
func drawScopes(r *rand.Rand) []keyhatch.Scope {
	some := []string{
		"all", "leases", "leases:read", "tokens", "tokens:read", "GET /api/v1/", "GET /api/v1/leases", "HEAD /api/v1/leases", "POST /api/v1/leases",
		"POST /api/v1/", "GET /api/v1/leases/", "s3:read s3://lab-data/", "s3:write s3://lab-data/a/", "s3:read s3://lab-data/a/b/",
		"s3:write s3://lab-data/ab/", "s3:read s3://other/a/",
	}
	list := make([]keyhatch.Scope, 1+r.IntN(3))
	for i := range list {
		list[i] = keyhatch.Scope(some[r.IntN(len(some))])
	}
	return list
}

// TestS4_MintingNeverWidens: of any two lists of scopes, when a token with one
// makes a token with the other, everything that the new one reaches is within
// the reach of its maker.
func TestS4_MintingNeverWidens(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := coretest.New(t)
	c.Workspace(t, "lab")
	draw := func() []keyhatch.Scope { return drawScopes(r) }
	made := 0
	for i := 0; i < 60 || made < 60; i++ {
		maker := c.Token(t, c.Admin, people.NewToken{Scopes: draw(), Workspace: "lab"})
		outer := reach(maker.Token.Scopes)
		for range 12 {
			asks := draw()
			_, _, err := c.Broker.People.CreateToken(t.Context(), maker, people.NewToken{Scopes: asks})
			if err != nil {
				if !errors.Is(err, keyhatch.Forbidden) {
					t.Fatalf("%q makes %q: %v", maker.Token.Scopes, asks, err)
				}
				continue
			}
			made++
			for _, what := range reach(asks) {
				if !slices.Contains(outer, what) {
					t.Errorf("%q made %q, which opens %s", maker.Token.Scopes, asks, what)
				}
			}
		}
	}
}
