package sessionpolicy_test

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	"pgregory.net/rapid"
)

// The evaluator of session policies: it reads the text with encoding/json into
// maps, makes regular expressions of wildcards, and knows nothing of the product's
// rules. It takes what the drawn policies have, and nothing else.
type readPolicy struct{ Statement []readStatement }

type readStatement struct {
	Effect           string
	Action, Resource any
	Condition        map[string]map[string]any
}

func list(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, s := range v {
			out = append(out, s.(string))
		}
	}
	return out
}

var (
	wildcard    = regexp.MustCompile(`\$\{[*?$]\}|\*|\?|[^*?]`)
	expressions = map[string]*regexp.Regexp{}
)

func like(pattern, s, flags string) bool {
	if made := expressions[flags+pattern]; made != nil {
		return made.MatchString(s)
	}
	expression := wildcard.ReplaceAllStringFunc(pattern, func(part string) string {
		switch {
		case part == "*":
			return ".*"
		case part == "?":
			return "."
		case len(part) == 4 && strings.HasPrefix(part, "${"):
			return regexp.QuoteMeta(part[2:3])
		}
		return regexp.QuoteMeta(part)
	})
	made := regexp.MustCompile("(?s" + flags + ")^" + expression + "$")
	expressions[flags+pattern] = made
	return made.MatchString(s)
}

func (p readPolicy) allows(action, resource string, keys map[string]string) bool {
	allowed := false
	for _, s := range p.Statement {
		fits := false
		for _, a := range list(s.Action) {
			fits = fits || like(a, action, "i")
		}
		inResource := false
		for _, r := range list(s.Resource) {
			if r == "*" {
				inResource = true
			} else if _, end, ok := strings.Cut(r, ":s3:::"); ok && like(end, resource, "") {
				inResource = true
			}
		}
		fits = fits && inResource
		for operator, compared := range s.Condition {
			for key, values := range compared {
				got, there := keys[key]
				any := false
				for _, v := range list(values) {
					if operator == "IpAddress" {
						any = any || there && netip.MustParsePrefix(v).Contains(netip.MustParseAddr(got))
						continue
					}
					if strings.Contains(operator, "Like") {
						any = any || there && like(v, got, "")
					} else {
						any = any || there && v == got
					}
				}
				fits = fits && any != strings.Contains(operator, "Not")
			}
		}
		if fits && s.Effect == "Deny" {
			return false
		}
		allowed = allowed || fits
	}
	return allowed
}

var (
	drawnActions   = []string{"*", "s3:*", "s3:Get*", "s3:GetObject", "S3:PUTOBJECT", "s3:*Object", "s3:ListBucket", "s3:?etObject", "s3:List*"}
	drawnResources = []string{
		"*", "arn:aws:s3:::demo", "arn:aws:s3:::demo/*", "arn:aws:s3:::demo/a/*", "arn:aws:s3:::demo/a*", "arn:aws:s3:::demo*", "arn:aws-cn:s3:::demo2/*",
		"arn:aws:s3:::demo/*/x", "arn:aws:s3:::demo/?/*", "arn:aws:s3:::demo/a/${*}", "arn:aws:s3:::demo/*b/*a", "arn:aws:s3:::*/x", "arn:aws:s3:::demo/*a*b*",
	}
	drawnPrefixes  = []string{"", "a/", "a/*", "a*", "*", "b/", "?/", "a/b/"}
	drawnOperators = []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike"}
)

func drawPolicy(t *rapid.T) string {
	some := func(from []string, label string) any {
		drawn := rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, label)
		if len(drawn) == 1 && rapid.Bool().Draw(t, label+" alone") {
			return drawn[0]
		}
		return drawn
	}
	var statements []map[string]any
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		s := map[string]any{
			"Effect": pick(t, []string{"Allow", "Allow", "Deny"}, "effect"), "Action": some(drawnActions, "actions"), "Resource": some(drawnResources, "resources"),
		}
		if rapid.Bool().Draw(t, "conditional") {
			conditions := map[string]any{}
			for range rapid.IntRange(1, 2).Draw(t, "conditions") {
				conditions[pick(t, drawnOperators, "operator")] = map[string]any{"s3:prefix": some(drawnPrefixes, "prefixes")}
			}
			s["Condition"] = conditions
		}
		statements = append(statements, s)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestS2_SessionPolicyNarrows: under policies a lease opens what it opens without
// them and what each of them allows, as the evaluator says, and nothing else.
func TestS2_SessionPolicyNarrows(t *testing.T) {
	asked := questions()
	allowed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		open := policy.Set{{
			Bucket: pick(t, demoBuckets, "bucket"), Prefix: keyhatch.Prefix(pick(t, demoFolders, "open")),
			Access: pick(t, []keyhatch.Access{keyhatch.Read, keyhatch.Write}, "access"),
		}}
		texts := make([]string, rapid.IntRange(1, 2).Draw(t, "policies"))
		read := make([]readPolicy, len(texts))
		for i := range texts {
			texts[i] = drawPolicy(t)
			if err := json.Unmarshal([]byte(texts[i]), &read[i]); err != nil {
				t.Fatal(err)
			}
		}
		policies, err := sessionpolicy.ParseAll(texts)
		if err != nil {
			t.Fatalf("%v: %v", texts, err)
		}
		each := func(action, resource string, keys map[string]string) bool {
			for _, p := range read {
				if !p.allows(action, resource, keys) {
					return false
				}
			}
			return true
		}
		for _, q := range asked {
			key := q.key
			resource := q.bucket + "/" + key
			for _, ask := range []struct {
				request    sessionpolicy.Request
				open, want bool
			}{
				{sessionpolicy.Request{Operation: "GetObject", Bucket: q.bucket, Key: key}, open.AllowsObject(keyhatch.Read, q.bucket, key), each("s3:GetObject", resource, nil)},
				{sessionpolicy.Request{Operation: "PutObject", Bucket: q.bucket, Key: key}, open.AllowsObject(keyhatch.Write, q.bucket, key), each("s3:PutObject", resource, nil)},
				{sessionpolicy.Request{Operation: "ListObjectsV2", Bucket: q.bucket, Prefix: &key}, open.AllowsList(keyhatch.Read, q.bucket, key), each("s3:ListBucket", q.bucket, map[string]string{"s3:prefix": key})},
			} {
				if ask.request.Prefix == nil && key == "" {
					continue // no object
				}
				got := policies.Allow(ask.request)
				if got != ask.want {
					t.Fatalf("%s of %q in %s: %t under %s", ask.request.Operation, key, q.bucket, got, texts)
				}
				if ask.open && got {
					allowed++
				} else if ask.open {
					refused++
				}
			}
			// A list that says no prefix is allowed only if one that has none, and
			// one that has an empty one, is.
			bare := sessionpolicy.Request{Operation: "ListObjects", Bucket: q.bucket}
			if policies.Allow(bare) != (each("s3:ListBucket", q.bucket, nil) && each("s3:ListBucket", q.bucket, map[string]string{"s3:prefix": ""})) {
				t.Fatalf("a list of all of %s under %s", q.bucket, texts)
			}
		}
	})
	if allowed < 100 || refused < 100 {
		t.Errorf("%d questions were allowed, %d refused: too few to tell", allowed, refused)
	}
}

// FuzzSessionPolicy: whatever is read reads back as itself, decides without
// panic, and is not wider than a policy of which a part was taken away.
func FuzzSessionPolicy(f *testing.F) {
	for _, seed := range []string{
		statementJSON(allowAll), `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":["s3:Get*"],"Resource":["arn:aws:s3:::b/${*}?*x*"]}}`,
		statementJSON(allowAll + `,"Condition":{"StringLike":{"s3:prefix":["a/*",""]},"StringNotEquals":{"s3:delimiter":"/"}}`),
		`{"Version":"2012-10-17","Statement":[{},[{"\u0045ffect":1e9}]]}`, strings.Repeat("[", 2000),
	} {
		f.Add(seed, "b", "a/k", "a/")
	}
	f.Fuzz(func(t *testing.T, text, bucket, key, prefix string) {
		p, err := sessionpolicy.Parse(text)
		if err != nil {
			return
		}
		again, err := sessionpolicy.Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q reads back as %q, %v", p, again, err)
		}
		for _, a := range []sessionpolicy.Ask{
			{Action: "s3:GetObject", Bucket: bucket, Key: key},
			{Action: "s3:ListBucket", Bucket: bucket, Lists: true, Prefix: &prefix},
			{Action: "s3:ListBucket", Bucket: bucket, Lists: true},
		} {
			if p.Allows(a) != again.Allows(a) {
				t.Fatalf("%q decides otherwise when it is read again", text)
			}
			if !strings.Contains(text, "Allow") && !strings.Contains(text, `\u`) && p.Allows(a) {
				t.Fatalf("%q allows something", text)
			}
		}
	})
}
