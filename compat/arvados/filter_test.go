package arvados

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

func at(text string) time.Time {
	t, ok := parseTime(text)
	if !ok {
		panic(text)
	}
	return t
}

// some are the records that filters are asked of.
var some = []keyhatch.Token{
	{
		ID: "tok_aaaaaaaaaaaaaaa", User: "user_000000000000001", CreatedAt: at("2024-01-01T00:00:00.000001Z"), ExpiresAt: at("2024-06-01"),
		Scopes: []keyhatch.Scope{"all"}, CreatedFrom: "192.0.2.1",
	},
	{
		ID: "tok_bbbbbbbbbbbbbbb", User: "user_000000000000002", CreatedAt: at("2024-01-02"), LastUsedAt: at("2024-01-03"), LastUsedFrom: "192.0.2.2",
		Scopes: []keyhatch.Scope{"GET /a", "GET /b"},
	},
	{ID: "tok_ccccccccccccccc", User: "user_000000000000001", CreatedAt: at("2024-01-03"), ExpiresAt: at("2024-01-03"), Scopes: []keyhatch.Scope{}},
}

func TestFilters(t *testing.T) {
	r := (&Door{cluster: "zzzzz"}).tokens()
	const a, b, c = `"zzzzz-gj3su-aaaaaaaaaaaaaaa"`, `"zzzzz-gj3su-bbbbbbbbbbbbbbb"`, `"zzzzz-gj3su-ccccccccccccccc"`
	for filters, want := range map[string]string{
		`[]`:   "abc",
		`null`: "abc",

		`[["uuid","=",` + a + `]]`:                              "a",
		`[["uuid","!=",` + a + `]]`:                             "bc",
		`[["uuid","<>",` + a + `]]`:                             "bc",
		`[["uuid",">",` + a + `]]`:                              "bc",
		`[["uuid",">=",` + b + `]]`:                             "bc",
		`[["uuid","<",` + b + `]]`:                              "a",
		`[["uuid","<=",` + b + `]]`:                             "ab",
		`[["uuid","in",[` + a + `,` + c + `,"other"]]]`:         "ac",
		`[["uuid","IN",[]]]`:                                    "",
		`[["uuid","not in",[` + a + `]]]`:                       "bc",
		`[["uuid","like","%bbb"]]`:                              "b",
		`[["uuid","like","_____-gj3su-%"]]`:                     "abc",
		`[["uuid","like","zzzzz"]]`:                             "",
		`[["uuid","ilike","ZZZZZ-%-C%"]]`:                       "c",
		`[["uuid","like","ZZZZZ-%-C%"]]`:                        "",
		`[["uuid","like","zzzzz\\%"]]`:                          "",
		`[["uuid","is_a","arvados#apiClientAuthorization"]]`:    "abc",
		`[["uuid","is_a",["arvados#user","arvados#group"]]]`:    "",
		`[["owner_uuid","is_a","arvados#user"]]`:                "abc",
		`[["uuid","=",null]]`:                                   "",
		`[["uuid","=",` + a + `],["uuid","!=",` + a + `]]`:      "",
		`[["owner_uuid","=","zzzzz-tpzed-000000000000001"]]`:    "ac",
		`[["any","ilike","%TPZED-000000000000002"]]`:            "b",
		`[["any","=","192.0.2.2"]]`:                             "b",
		`[["any","in",["192.0.2.1",` + b + `]]]`:                "ab",
		`[["created_by_ip_address","=","192.0.2.1"]]`:           "a",
		`[["created_by_ip_address","!=","192.0.2.1"]]`:          "bc",
		`[["created_by_ip_address","not in",["192.0.2.1"]]]`:    "bc",
		`[["created_by_ip_address","in",[null]]]`:               "bc",
		`[["created_by_ip_address","not in",["x",null]]]`:       "a",
		`[["created_by_ip_address",">",""]]`:                    "a",
		`[["created_at","=","2024-01-01T00:00:00.000001000Z"]]`: "a",
		`[["created_at",">","2024-01-01 00:00:00"]]`:            "abc",
		`[["created_at",">=","2024-01-02T01:00:00+01:00"]]`:     "bc",
		`[["created_at","<","2024-01-02"]]`:                     "a",
		`[["created_at","in",["2024-01-02","2024-01-03"]]]`:     "bc",
		`[["created_at","!=","2024-01-02"]]`:                    "ac",
		`[["expires_at","=",null]]`:                             "b",
		`[["expires_at","!=",null]]`:                            "ac",
		`[["expires_at","<","2024-03-01"]]`:                     "c",
		`[["expires_at","!=","2024-01-03"]]`:                    "ab",
		`[["last_used_at",">","2000-01-01"]]`:                   "b",
		`[["last_used_at","=",null]]`:                           "ac",
		`[["scopes","=",["GET /b","GET /a"]]]`:                  "b",
		`[["scopes","=",[]]]`:                                   "c",
		`[["scopes","!=",["all"]]]`:                             "bc",
		`[["scopes","in",[["all"],[]]]]`:                        "ac",
		`[["scopes","=",["GET /a5 GET /b"]]]`:                   "",
		`[["scopes","=",["GET /a","GET /b","GET /a"]]]`:         "b",
		`[["scopes","not in",[["all"],[]]]]`:                    "b",
		`[["scopes","contains","GET /a"]]`:                      "b",
		`[["scopes","contains",["GET /a","GET /c"]]]`:           "",
		`[["scopes","contains",[]]]`:                            "abc",
		`["(created_at < expires_at)"]`:                         "a",
		`["( created_at = expires_at )"]`:                       "c",
		`["(last_used_at > created_at)",["uuid","!=",null]]`:    "b",
		`["(uuid >= owner_uuid)"]`:                              "",
	} {
		conditions, err := parse(r, filters)
		if err != nil {
			t.Errorf("%s: %v", filters, err)
			continue
		}
		var got strings.Builder
		for _, record := range some {
			if !slices.ContainsFunc(conditions, func(c condition[keyhatch.Token]) bool { return !c(record) }) {
				got.WriteByte(record.ID[4])
			}
		}
		if got.String() != want {
			t.Errorf("%s: %q, want %q", filters, got.String(), want)
		}
	}
	for _, filters := range []string{
		`{}`, `"x"`, `[1]`, `[[]]`, `[["uuid","="]]`, `[["uuid","=","x","y"]]`, `[[1,"=","x"]]`, `[["uuid",1,"x"]]`, `[null]`,
		`[["kind","=","x"]]`, `[["etag","=","x"]]`, `[["uuid","=",1]]`, `[["uuid","=",["x"]]]`, `[["uuid","in","x"]]`, `[["uuid","in",[1]]]`, `[["uuid","<",null]]`,
		`[["uuid","contains","x"]]`, `[["uuid","exists","x"]]`, `[["uuid","like",1]]`, `[["uuid","like","` + strings.Repeat("%", 1001) + `"]]`, `[["uuid","is_a",1]]`,
		`[["created_at","=","soon"]]`, `[["created_at","<",1]]`, `[["created_at","like","2024%"]]`, `[["created_at","is_a","x"]]`,
		`[["scopes","=","all"]]`, `[["scopes","<",[]]]`, `[["scopes","like","all"]]`, `[["scopes","in",["all"]]]`, `[["scopes","contains",[1]]]`, `[["scopes","contains",[` + strings.Repeat(`"all",`, 10) + `"all"]]]`,
		`[["scopes","in",[` + strings.Repeat(`[],`, 100) + `[]]]]`, `[["uuid","in",[` + strings.Repeat(`"x",`, 10000) + `"x"]]]`,
		`[["user_id","=",1]]`, `[["user_id","like","x"]]`, `[["any","!=","x"]]`, `[["any","=",null,1]]`,
		`["(created_at < uuid)"]`, `["(created_at != expires_at)"]`, `["created_at < expires_at"]`, `["(created_at < colour)"]`, `["(scopes = scopes)"]`,
	} {
		if _, err := parse(r, filters); err == nil {
			t.Errorf("%.80s is read", filters)
		} else if e := asWire(err); e.status != 422 {
			t.Errorf("%.80s: %d %s", filters, e.status, e.message)
		}
	}
}

func parse(r resource[keyhatch.Token], filters string) ([]condition[keyhatch.Token], error) {
	v, err := parseJSON([]byte(filters))
	if err != nil {
		return nil, argument("%s", err)
	}
	return parseFilters(r, v)
}

// TestLike holds the matching of patterns against a regular expression.
func TestLike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune(`ab%%_\`)), 0, 12, -1).Draw(t, "pattern")
		text := rapid.StringOfN(rapid.RuneFrom([]rune(`ab%_\`)), 0, 12, -1).Draw(t, "text")
		var same strings.Builder
		escaped := false
		for _, c := range pattern {
			switch {
			case !escaped && c == '\\':
				escaped = true
				continue
			case !escaped && c == '%':
				same.WriteString("(?s:.*)")
			case !escaped && c == '_':
				same.WriteString("(?s:.)")
			default:
				same.WriteString(regexp.QuoteMeta(string(c)))
			}
			escaped = false
		}
		want := regexp.MustCompile("^(?:" + same.String() + ")$").MatchString(text)
		if got := like(parsePattern(pattern), []rune(text)); got != want {
			t.Fatalf("%q like %q: %t", text, pattern, got)
		}
	})
}

// FuzzFilters: filters that are read can be asked of every record, and are as many as
// there were; those that are not read are told so.
func FuzzFilters(f *testing.F) {
	for _, seed := range []string{
		`[["uuid","=","x"]]`, `[["scopes","in",[["all"],[]]],"(created_at < expires_at)"]`, `[["any","ilike","%a_\\%"]]`, `[["expires_at","not in",[null,"2024-01-01"]]]`,
		`[["owner_uuid","is_a",["arvados#user"]]]`, `[["scopes","contains","x"]]`, `[[[[`, `{"a":1}`, `null`,
	} {
		f.Add(seed)
	}
	r := (&Door{cluster: "zzzzz"}).tokens()
	f.Fuzz(func(t *testing.T, text string) {
		conditions, err := parse(r, text)
		if err != nil {
			if e := asWire(err); e.status != 422 || e.message == "" {
				t.Fatalf("%q: %d %s", text, e.status, e.message)
			}
			return
		}
		v, err := parseJSON([]byte(text))
		if list, _ := v.([]any); err != nil || len(list) != len(conditions) || len(conditions) > maxFilters {
			t.Fatalf("%q became %d conditions", text, len(conditions))
		}
		for _, c := range conditions {
			for _, record := range some {
				if c(record) != c(record) {
					t.Fatalf("%q cannot decide", text)
				}
			}
		}
	})
}
