package sessionpolicy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// statementJSON is a policy of one statement with some of it put otherwise.
func statementJSON(inner string) string {
	return `{"Version":"2012-10-17","Statement":[{` + inner + `}]}`
}

const allowAll = `"Effect":"Allow","Action":"s3:*","Resource":"*"`

// TestSessionPolicyRefused is what is not understood, and what its author is told.
func TestSessionPolicyRefused(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"nothing":              {"", "one JSON object"},
		"no JSON":              {"{", "one JSON object"},
		"another type":         {`"*"`, "must be an object"},
		"null":                 {`null`, "must be an object"},
		"a list":               {`[]`, "must be an object"},
		"trailing data":        {statementJSON(allowAll) + "{}", "one JSON object"},
		"trailing comma":       {`{"Version":"2012-10-17","Statement":[{` + allowAll + `,}]}`, "one JSON object"},
		"not UTF-8":            {statementJSON(`"Sid":"` + "\xff" + `",` + allowAll), "UTF-8"},
		"half a surrogate":     {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/\ud800"`), "cannot be read"},
		"nested deeply":        {strings.Repeat(`{"Statement":[`, 100) + strings.Repeat("]}", 100), "not understood"},
		"a list in a list":     {`{"Version":"2012-10-17","Statement":[[{` + allowAll + `}]]}`, "list of objects"},
		"no version":           {`{"Statement":[{` + allowAll + `}]}`, "Version"},
		"the old version":      {`{"Version":"2008-10-17","Statement":[{` + allowAll + `}]}`, "Version"},
		"version a number":     {`{"Version":20121017,"Statement":[{` + allowAll + `}]}`, "must be a string"},
		"no statement":         {`{"Version":"2012-10-17"}`, "needs a Statement"},
		"no statements":        {`{"Version":"2012-10-17","Statement":[]}`, "needs a Statement"},
		"statement a string":   {`{"Version":"2012-10-17","Statement":"x"}`, "list of objects"},
		"an Id":                {`{"Version":"2012-10-17","Id":"x","Statement":[{` + allowAll + `}]}`, "element"},
		"version twice":        {`{"Version":"2012-10-17","Version":"2012-10-17","Statement":[{` + allowAll + `}]}`, "twice"},
		"statement twice":      {`{"Version":"2012-10-17","Statement":{` + allowAll + `},"Statement":{` + allowAll + `}}`, "twice"},
		"effect twice":         {statementJSON(`"Effect":"Deny",` + allowAll), "twice"},
		"effect twice, hidden": {statementJSON(`"\u0045ffect":"Deny",` + allowAll), "twice"},
		"another case":         {statementJSON(`"effect":"Allow","Action":"*","Resource":"*"`), "none of Sid"},
		"no effect":            {statementJSON(`"Action":"*","Resource":"*"`), "needs Effect"},
		"another effect":       {statementJSON(`"Effect":"allow","Action":"*","Resource":"*"`), "Effect must be"},
		"no action":            {statementJSON(`"Effect":"Allow","Resource":"*"`), "needs Effect, Action"},
		"empty actions":        {statementJSON(`"Effect":"Allow","Action":[],"Resource":"*"`), "Action must not be empty"},
		"action of nothing":    {statementJSON(`"Effect":"Allow","Action":"","Resource":"*"`), "Action must be"},
		"another service":      {statementJSON(`"Effect":"Allow","Action":["s3:*","kms:Decrypt"],"Resource":"*"`), "Action must be"},
		"a service's wildcard": {statementJSON(`"Effect":"Allow","Action":"s3*:GetObject","Resource":"*"`), "Action must be"},
		"action with a blank":  {statementJSON(`"Effect":"Allow","Action":"s3:Get Object","Resource":"*"`), "Action must be"},
		"action a number":      {statementJSON(`"Effect":"Allow","Action":1,"Resource":"*"`), "string or a list"},
		"action in action":     {statementJSON(`"Effect":"Allow","Action":[["*"]],"Resource":"*"`), "must be a string"},
		"no resource":          {statementJSON(`"Effect":"Allow","Action":"*"`), "needs Effect, Action and Resource"},
		"empty resources":      {statementJSON(`"Effect":"Allow","Action":"*","Resource":[]`), "Resource must not be empty"},
		"no ARN":               {statementJSON(`"Effect":"Allow","Action":"*","Resource":"bucket/*"`), "Resource must be"},
		"an ARN of nothing":    {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::"`), "Resource must be"},
		"another partition":    {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws-iso:s3:::b"`), "Resource must be"},
		"any partition":        {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:*:s3:::b"`), "Resource must be"},
		"an access point":      {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:us-east-1:123456789012:accesspoint/a"`), "Resource must be"},
		"a policy variable":    {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"`), "policy variable"},
		"an open escape":       {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${*"`), "policy variable"},
		"NotAction":            {statementJSON(`"Effect":"Allow","NotAction":"s3:DeleteObject","Resource":"*"`), "NotAction"},
		"NotResource":          {statementJSON(`"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b"`), "NotResource"},
		"Principal":            {statementJSON(`"Principal":"*",` + allowAll), "Principal"},
		"Condition a list":     {statementJSON(allowAll + `,"Condition":[]`), "Condition must be an object"},
		"another operator":     {statementJSON(allowAll + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), "operator"},
		"IfExists":             {statementJSON(allowAll + `,"Condition":{"StringLikeIfExists":{"s3:prefix":"a/*"}}`), "operator"},
		"another key":          {statementJSON(allowAll + `,"Condition":{"StringLike":{"aws:username":"x"}}`), "another key"},
		"max-keys":             {statementJSON(allowAll + `,"Condition":{"StringEquals":{"s3:max-keys":"10"}}`), "another key"},
		"a key twice":          {statementJSON(allowAll + `,"Condition":{"StringLike":{"s3:prefix":"a/*","S3:Prefix":"*"}}`), "twice"},
		"no values":            {statementJSON(allowAll + `,"Condition":{"StringLike":{"s3:prefix":[]}}`), "must not be empty"},
		"a value's variable":   {statementJSON(allowAll + `,"Condition":{"StringLike":{"s3:prefix":"${aws:username}/*"}}`), "policy variable"},
		"a slow pattern":       {statementJSON(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*?` + strings.Repeat("a", 100) + `*"`), "up to 100"},
	} {
		p, err := sessionpolicy.Parse(tc.text)
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Kind != keyhatch.Invalid || e.Code != keyhatch.CodeInvalidPolicy || e.Field != "policy" || !strings.Contains(e.Message, tc.says) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, tc.says)
		}
		if p.Allows(sessionpolicy.Ask{Action: "s3:GetObject", Bucket: "b", Key: "k"}) {
			t.Errorf("%s: what was refused allows something", name)
		}
	}
}

// TestSessionPolicySize: characters count, not bytes, and one more is too many.
func TestSessionPolicySize(t *testing.T) {
	padded := func(characters int) string {
		p := statementJSON(`"Sid":"` + "\x00" + `",` + allowAll)
		return strings.Replace(p, "\x00", strings.Repeat("ü", characters-len(p)+1), 1)
	}
	if _, err := sessionpolicy.Parse(padded(sessionpolicy.MaxLength)); err != nil {
		t.Errorf("the longest policy: %v", err)
	}
	for _, n := range []int{sessionpolicy.MaxLength + 1, 1 << 20} {
		_, err := sessionpolicy.Parse(padded(n))
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Code != keyhatch.CodePolicyTooLarge {
			t.Errorf("%d characters: %v", n, err)
		}
	}
}

func mustPolicy(t *testing.T, text string) sessionpolicy.Policy {
	t.Helper()
	p, err := sessionpolicy.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// TestSessionPolicyText: what a lease carries is the policy without blanks, and
// means the same.
func TestSessionPolicyText(t *testing.T) {
	const want = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/<&> x"}}`
	spaced := "\n" + strings.NewReplacer(":", " :\t", ",", " ,\n", "{", "{ ").Replace(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"`) + `s3:Get*", "Resource" : "arn:aws:s3:::b/<&> x" } } `
	p := mustPolicy(t, spaced)
	if p.String() != want {
		t.Errorf("it is %s", p)
	}
	if again := mustPolicy(t, p.String()); again.String() != want || !again.Allows(sessionpolicy.Ask{Action: "s3:GetObject", Bucket: "b", Key: "<&> x"}) {
		t.Errorf("read again it is %s", again)
	}
}

func text(s string) *string { return &s }

// TestSessionPolicyDecides asks of policies of one kind of rule each what IAM's
// documentation says of them.
func TestSessionPolicyDecides(t *testing.T) {
	object := func(action, bucket, key string) sessionpolicy.Ask {
		return sessionpolicy.Ask{Action: action, Bucket: bucket, Key: key}
	}
	list := func(prefix *string) sessionpolicy.Ask {
		return sessionpolicy.Ask{Action: "s3:ListBucket", Bucket: "b", Lists: true, Prefix: prefix}
	}
	on := func(effect, action, resource string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q}`, effect, action, resource)
	}
	listing := func(condition string) string {
		return `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":` + condition + `}`
	}
	for _, tc := range []struct {
		statements string
		ask        sessionpolicy.Ask
		want       bool
	}{
		{on("Allow", "*", "*"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "s3:*", "*"), object("s3:ListAllMyBuckets", "", ""), true},
		{on("Allow", "s3:*", "arn:aws:s3:::*"), object("s3:ListAllMyBuckets", "", ""), true},
		{on("Allow", "s3:*", "arn:aws:s3:::b"), object("s3:ListAllMyBuckets", "", ""), false},
		{on("Allow", "S3:gETobject", "*"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "s3:Get*", "*"), object("s3:GetObjectTagging", "b", "k"), true},
		{on("Allow", "s3:Get*", "*"), object("s3:PutObject", "b", "k"), false},
		{on("Allow", "s3:?etObject", "*"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "s3:?etObject", "*"), object("s3:etObject", "b", "k"), false},
		{on("Allow", "s3:GetObject", "*"), object("s3:GetObjectVersion", "b", "k"), false},

		{on("Allow", "*", "arn:aws:s3:::b/a/*"), object("s3:GetObject", "b", "a/"), true},
		{on("Allow", "*", "arn:aws:s3:::b/a/*"), object("s3:GetObject", "b", "a/x/y"), true},
		{on("Allow", "*", "arn:aws:s3:::b/a/*"), object("s3:GetObject", "b", "ab/x"), false},
		{on("Allow", "*", "arn:aws:s3:::b/a/*"), object("s3:GetObject", "b2", "a/x"), false},
		{on("Allow", "*", "arn:aws:s3:::b/a/*"), object("s3:ListBucket", "b", ""), false},
		{on("Allow", "*", "arn:aws:s3:::b"), object("s3:GetObject", "b", "k"), false},
		{on("Allow", "*", "arn:aws:s3:::b*"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "*", "arn:aws-cn:s3:::b/k"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "*", "arn:aws-us-gov:s3:::b/k"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "*", "arn:aws:s3:::b/K"), object("s3:GetObject", "b", "k"), false},
		{on("Allow", "*", "arn:aws:s3:::b/*.csv"), object("s3:GetObject", "b", "a.csv/b.csv"), true},
		{on("Allow", "*", "arn:aws:s3:::b/*.csv"), object("s3:GetObject", "b", "a.csv/b"), false},
		{on("Allow", "*", "arn:aws:s3:::b/*a*b*"), object("s3:GetObject", "b", "xbxaxb"), true},
		{on("Allow", "*", "arn:aws:s3:::b/*a*b"), object("s3:GetObject", "b", "ba"), false},
		{on("Allow", "*", "arn:aws:s3:::b/ab*ba"), object("s3:GetObject", "b", "aba"), false},
		{on("Allow", "*", "arn:aws:s3:::b/*?x*"), object("s3:GetObject", "b", "x"), false},
		{on("Allow", "*", "arn:aws:s3:::b/*?x*"), object("s3:GetObject", "b", "éx"), true},
		{on("Allow", "*", "arn:aws:s3:::b/*?"), object("s3:GetObject", "b", "é"), true},
		{on("Allow", "*", "arn:aws:s3:::b/?"), object("s3:GetObject", "b", "é"), true},
		{on("Allow", "*", "arn:aws:s3:::b/??"), object("s3:GetObject", "b", "é"), false},
		{on("Allow", "*", "arn:aws:s3:::b/a?c"), object("s3:GetObject", "b", "a/c"), true},
		{on("Allow", "*", "arn:aws:s3:::b/a${*}"), object("s3:GetObject", "b", "a*"), true},
		{on("Allow", "*", "arn:aws:s3:::b/a${*}"), object("s3:GetObject", "b", "ab"), false},
		{on("Allow", "*", "arn:aws:s3:::b/a${?}${$}{*}"), object("s3:GetObject", "b", "a?${x}"), true},
		{on("Allow", "*", "arn:aws:s3:::b/a$"), object("s3:GetObject", "b", "a$"), true},

		{on("Allow", "*", "*") + "," + on("Deny", "s3:GetObject", "arn:aws:s3:::b/no/*"), object("s3:GetObject", "b", "no/k"), false},
		{on("Deny", "s3:GetObject", "arn:aws:s3:::b/no/*") + "," + on("Allow", "*", "*"), object("s3:GetObject", "b", "no/k"), false},
		{on("Allow", "*", "*") + "," + on("Deny", "s3:GetObject", "arn:aws:s3:::b/no/*"), object("s3:GetObject", "b", "k"), true},
		{on("Allow", "*", "*") + "," + on("Deny", "s3:GetObject", "arn:aws:s3:::b/no/*"), object("s3:PutObject", "b", "no/k"), true},
		{on("Deny", "s3:PutObject", "*"), object("s3:GetObject", "b", "k"), false},

		{listing(`{"StringEquals":{"s3:prefix":["a/","c/"]}}`), list(text("c/")), true},
		{listing(`{"StringEquals":{"s3:prefix":"a/*"}}`), list(text("a/b")), false},
		{listing(`{"StringEquals":{"s3:prefix":"a/*"}}`), list(text("a/*")), true},
		{listing(`{"StringEquals":{"s3:prefix":"a/${*}"}}`), list(text("a/*")), true},
		{listing(`{"StringLike":{"S3:PREFIX":"a/*"}}`), list(text("a/b")), true},
		{listing(`{"StringLike":{"s3:prefix":"a/*"}}`), list(text("A/b")), false},
		{listing(`{"StringLike":{"s3:prefix":"a/${*}"}}`), list(text("a/b")), false},
		{listing(`{"StringNotEquals":{"s3:prefix":["a/","b/"]}}`), list(text("b/")), false},
		{listing(`{"StringNotEquals":{"s3:prefix":["a/","b/"]}}`), list(text("c/")), true},
		{listing(`{"StringNotLike":{"s3:prefix":"a/*"}}`), list(text("a/b")), false},
		{listing(`{"StringLike":{"s3:prefix":"a/*"},"StringNotLike":{"s3:prefix":"a/b*"}}`), list(text("a/b")), false},
		{listing(`{"StringLike":{"s3:prefix":"a/*"},"StringNotLike":{"s3:prefix":"a/b*"}}`), list(text("a/c")), true},
		{listing(`{"StringLike":{"s3:prefix":"a/*","s3:delimiter":"/"}}`), list(text("a/c")), false},
		{listing(`{}`), list(nil), true},
		{listing(`{"StringEquals":{"s3:prefix":""}}`), list(text("")), true},
		// What was not sent fits no value, also not the empty one; and is no way
		// around a rule about the empty one.
		{listing(`{"StringEquals":{"s3:prefix":""}}`), list(nil), false},
		{listing(`{"StringLike":{"s3:prefix":"*"}}`), list(nil), false},
		{listing(`{"StringNotEquals":{"s3:prefix":""}}`), list(nil), false},
		{listing(`{"StringNotEquals":{"s3:prefix":"a/"}}`), list(nil), true},
		{on("Allow", "*", "*") + `,{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*","Condition":{"StringEquals":{"s3:prefix":""}}}`, list(nil), false},
		{on("Allow", "*", "*") + `,{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*","Condition":{"StringNotLike":{"s3:prefix":"a/*"}}}`, list(nil), false},
		{on("Allow", "*", "*") + `,{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*","Condition":{"StringNotLike":{"s3:prefix":"a/*"}}}`, list(text("a/b")), true},
		// Other requests do not have the keys at all.
		{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"*"}}}`, object("s3:GetObject", "b", "k"), false},
		{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotLike":{"s3:prefix":"a/*"}}}`, object("s3:GetObject", "b", "k"), true},
	} {
		p := mustPolicy(t, `{"Version":"2012-10-17","Statement":[`+tc.statements+`]}`)
		if got := p.Allows(tc.ask); got != tc.want {
			t.Errorf("%s\n%+v: %t", tc.statements, tc.ask, got)
		}
	}
}

// TestSessionPolicies: all policies must allow, and whatever a request takes.
func TestSessionPolicies(t *testing.T) {
	only := func(actions string) string {
		return statementJSON(`"Effect":"Allow","Action":[` + actions + `],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`)
	}
	copying := sessionpolicy.Request{Operation: "CopyObject", Bucket: "b", Key: "to", Source: &sessionpolicy.Object{Bucket: "b", Key: "from"}}
	elsewhere, tagged, versioned := copying, copying, copying
	elsewhere.Source = &sessionpolicy.Object{Bucket: "c", Key: "from"}
	tagged.SourceTags = true
	versioned.Source = &sessionpolicy.Object{Bucket: "b", Key: "from", Versioned: true}
	get := sessionpolicy.Request{Operation: "GetObject", Bucket: "b", Key: "k"}
	for _, tc := range []struct {
		name     string
		policies []string
		request  sessionpolicy.Request
		want     bool
	}{
		{"none", nil, get, true},
		{"an operation that is not known, and no policy", nil, sessionpolicy.Request{Operation: "PutBucketPolicy", Bucket: "b"}, true},
		{"an operation that is not known", []string{only(`"*"`)}, sessionpolicy.Request{Operation: "PutBucketPolicy", Bucket: "b"}, false},
		{"both", []string{only(`"s3:Get*"`), only(`"s3:GetObject"`)}, get, true},
		{"one of two", []string{only(`"s3:Get*"`), only(`"s3:PutObject"`)}, get, false},
		{"a version", []string{only(`"s3:GetObject"`)}, sessionpolicy.Request{Operation: "GetObject", Bucket: "b", Key: "k", Versioned: true}, false},
		{"a version, allowed", []string{only(`"s3:GetObject","s3:GetObjectVersion"`)}, sessionpolicy.Request{Operation: "HeadObject", Bucket: "b", Key: "k", Versioned: true}, true},
		{"a version is the object too", []string{only(`"s3:GetObjectVersion"`)}, sessionpolicy.Request{Operation: "GetObject", Bucket: "b", Key: "k", Versioned: true}, false},
		{"attributes", []string{only(`"s3:GetObjectAttributes"`)}, sessionpolicy.Request{Operation: "GetObjectAttributes", Bucket: "b", Key: "k"}, false},
		{"a copy", []string{only(`"s3:PutObject","s3:GetObject"`)}, copying, true},
		{"a copy that may not read", []string{only(`"s3:PutObject"`)}, copying, false},
		{"a copy that may not write", []string{only(`"s3:GetObject"`)}, copying, false},
		{"a copy from another bucket", []string{only(`"*"`)}, elsewhere, false},
		{"a copy with tags", []string{only(`"s3:PutObject","s3:GetObject","s3:PutObjectTagging"`)}, tagged, false},
		{"a copy with tags, allowed", []string{only(`"s3:PutObject","s3:GetObject","s3:*Tagging"`)}, tagged, true},
		{"a copy of a version", []string{only(`"s3:PutObject","s3:GetObject"`)}, versioned, false},
		{"tags with an object", []string{only(`"s3:PutObject"`)}, sessionpolicy.Request{Operation: "PutObject", Bucket: "b", Key: "k", Tags: true}, false},
		{"a condition on the object that is there", []string{only(`"s3:PutObject"`)}, sessionpolicy.Request{Operation: "PutObject", Bucket: "b", Key: "k", Compares: true}, false},
		{"a batch, whose keys are asked about", []string{only(`"s3:GetObject"`)}, sessionpolicy.Request{Operation: "DeleteObjects", Bucket: "b"}, true},
		{"one of its keys", []string{only(`"s3:GetObject"`)}, sessionpolicy.Request{Operation: "DeleteObject", Bucket: "b", Key: "k"}, false},
	} {
		p, err := sessionpolicy.ParseAll(tc.policies)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Allow(tc.request); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}

// TestSessionPolicyOfNothing: the zero value allows nothing (S8).
func TestS8_SessionPolicyOfNothing(t *testing.T) {
	if (sessionpolicy.Policies{{}}).Allow(sessionpolicy.Request{Operation: "ListBuckets"}) {
		t.Error("a policy without statements allows something")
	}
	if _, err := sessionpolicy.ParseAll([]string{statementJSON(allowAll), ""}); err == nil {
		t.Error("an empty policy is none")
	}
}
