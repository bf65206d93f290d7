package listing

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(text string) time.Time {
	t, ok := ParseTime(text)
	if !ok {
		panic(text)
	}
	return t
}

// record is what filters are asked of.
type record struct {
	id, owner, from string
	made, end, used time.Time
	scopes          []string
}

var things = Resource[record]{
	Class: "Thing", Kind: "arvados#apiClientAuthorization", Infixes: map[string]string{"arvados#apiClientAuthorization": "gj3su", "arvados#user": "tpzed"}, Columns: []Column[record]{
		TextOrNull("uuid", func(r record) string { return "zzzzz-gj3su-" + r.id }),
		TextOrNull("owner_uuid", func(r record) string { return "zzzzz-tpzed-" + r.owner }),
		Time("created_at", func(r record) time.Time { return r.made }),
		TextOrNull("created_by_ip_address", func(r record) string { return r.from }),
		Time("expires_at", func(r record) time.Time { return r.end }),
		Time("last_used_at", func(r record) time.Time { return r.used }),
		TextOrNull("last_used_by_ip_address", func(r record) string {
			if r.used.IsZero() {
				return ""
			}
			return "192.0.2.2"
		}),
		Set("scopes", func(r record) []string { return r.scopes }),
		Flag("is_active", func(r record) bool { return r.from != "" }),
		Opaque[record]("user_id", nil),
	},
}

var some = []record{
	{
		id: "aaaaaaaaaaaaaaa", owner: "000000000000001", made: at("2024-01-01T00:00:00.000001Z"), end: at("2024-06-01"),
		scopes: []string{"all"}, from: "192.0.2.1",
	},
	{id: "bbbbbbbbbbbbbbb", owner: "000000000000002", made: at("2024-01-02"), used: at("2024-01-03"), scopes: []string{"GET /a", "GET /b"}},
	{id: "ccccccccccccccc", owner: "000000000000001", made: at("2024-01-03"), end: at("2024-01-03")},
}

func TestFilters(t *testing.T) {
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
		`[["is_active","=",true]]`:                              "a",
		`[["is_active","!=","true"]]`:                           "bc",
		`[["is_active","in",[false]]]`:                          "bc",
		`["(created_at < expires_at)"]`:                         "a",
		`["( created_at = expires_at )"]`:                       "c",
		`["(last_used_at > created_at)",["uuid","!=",null]]`:    "b",
		`["(uuid >= owner_uuid)"]`:                              "",
	} {
		conditions, err := parse(filters)
		if err != nil {
			t.Errorf("%s: %v", filters, err)
			continue
		}
		var got strings.Builder
		for _, r := range some {
			if !slices.ContainsFunc(conditions, func(c condition[record]) bool { return !c(r) }) {
				got.WriteByte(r.id[0])
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
		`[["is_active","=",2]]`, `[["is_active","<",true]]`, `[["user_id","=",1]]`, `[["user_id","like","x"]]`, `[["any","!=","x"]]`, `[["any","=",null,1]]`,
		`["(created_at < uuid)"]`, `["(created_at != expires_at)"]`, `["created_at < expires_at"]`, `["(created_at < colour)"]`, `["(scopes = scopes)"]`,
	} {
		if _, err := parse(filters); err == nil {
			t.Errorf("%.80s is read", filters)
		} else if e := (*ArgumentError)(nil); !errors.As(err, &e) {
			t.Errorf("%.80s: %v", filters, err)
		}
	}
}

func parse(filters string) ([]condition[record], error) {
	v, err := ParseJSON([]byte(filters))
	if err != nil {
		return nil, Argument("%s", err)
	}
	return parseFilters(things, v)
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
	f.Fuzz(func(t *testing.T, text string) {
		conditions, err := parse(text)
		if err != nil {
			if e := (*ArgumentError)(nil); !errors.As(err, &e) || e.Message == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		v, err := ParseJSON([]byte(text))
		if list, _ := v.([]any); err != nil || len(list) != len(conditions) || len(conditions) > maxFilters {
			t.Fatalf("%q became %d conditions", text, len(conditions))
		}
		for _, c := range conditions {
			for _, r := range some {
				if first, again := c(r), c(r); first != again {
					t.Fatalf("%q cannot decide", text)
				}
			}
		}
	})
}
