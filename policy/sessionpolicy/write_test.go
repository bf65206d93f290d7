package sessionpolicy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	"pgregory.net/rapid"
)

var (
	ofAWS   = sessionpolicy.Dialect{Partition: "aws", Escapes: true, Attributes: true}
	ofStore = sessionpolicy.Dialect{Partition: "aws", Resolves: true}
)

// asked are the permissions of a session, by what decides about each.
var asked = struct{ read, write, none []string }{
	[]string{"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:GetObjectAttributes"},
	[]string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObjectTagging", "s3:DeleteObjectTagging"},
	[]string{"s3:PutObjectAcl", "s3:GetObjectAcl", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:BypassGovernanceRetention", "s3:RestoreObject"},
}

var (
	plainFolders = []keyhatch.Prefix{"", "a/", "a/b/", "ab/", "a/b/c/", "b/", "ä/", `q"/`, "a b/"}
	oddFolders   = []keyhatch.Prefix{"a*/", "a?/", "a$/", "${*}/", "a/*/", "$*/"}
	someKeys     = []string{
		"x", "a", "a/", "a/x", "ab", "ab/x", "abc/x", "a/b", "a/b/x", "a/b/", "a/bc", "a/b/c/x", "b/x", "ä/x", "a*/x", "a?/x", "ax/x", "a$/x", "${*}/x", "$/x", "a/*/x", "a/y/x", "$*/x", "$y/x", "*", "?/x", `q"/x`, "A/x", "a/../b/x", "a b/x", "a+b/x",
		".", "./x", "../b/x", "/x", "a/.", "a/..", "a/./x", "a/./", "a//x", "a//", "a/b/..", "a/b//", // lead elsewhere
		".a", "a/.x", "a/..x", "a/x.", "a/...", // do not
	}
)

// leadsElsewhere tells whether a path that is written as the key is shorter elsewhere. One
// slash at the end is that of a folder.
func leadsElsewhere(key string) bool { return path.Clean("/"+key) != "/"+strings.TrimSuffix(key, "/") }

func drawSet(t *rapid.T, folders []keyhatch.Prefix) policy.Set {
	var open policy.Set
	for range rapid.IntRange(0, 4).Draw(t, "prefixes") {
		o := policy.Open{
			Bucket: pick(t, demoBuckets, "bucket"), Prefix: pick(t, folders, "prefix"),
			Access: pick(t, []keyhatch.Access{keyhatch.Read, keyhatch.Write, keyhatch.Write, ""}, "access"), WriteOnly: rapid.IntRange(0, 4).Draw(t, "write only") == 0,
			ListsBucket: rapid.IntRange(0, 4).Draw(t, "lists the bucket") == 0,
		}
		if rapid.IntRange(0, 2).Draw(t, "locks") == 0 {
			o.Locked = rapid.SliceOfN(rapid.SampledFrom(folders), 1, 2).Draw(t, "locked")
		}
		open = append(open, o)
	}
	return open
}

var (
	someNetworks = [][]netip.Prefix{
		{netip.MustParsePrefix("10.0.0.0/8")}, {netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}, {netip.MustParsePrefix("192.0.2.7/32")},
	}
	someAddresses = []string{"10.1.2.3", "10.2.0.1", "192.0.2.7", "2001:db8::1", "198.51.100.1"}
)

// confine has parts of the set be for networks, as they are of locations that hold them.
func confine(t *rapid.T, open policy.Set) policy.Set {
	for i, o := range open {
		if rapid.Bool().Draw(t, "confined") {
			holding := pick(t, o.Prefix.Ancestors(), "location")
			open[i].Confined = []policy.Confined{{Prefix: holding, Networks: pick(t, someNetworks, "networks")}}
		}
	}
	return open
}

// wireQuestion is one permission, and whether the set gives it.
type wireQuestion struct {
	action, bucket, key string
	prefix              *string
	open                bool
}

func wireQuestions(s policy.Set) (all []wireQuestion) {
	for _, bucket := range append(slices.Clone(demoBuckets), "dem", "demo-x") {
		for _, key := range someKeys {
			for _, action := range asked.read {
				all = append(all, wireQuestion{action, bucket, key, nil, s.AllowsObject(keyhatch.Read, bucket, key)})
			}
			for _, action := range asked.write {
				all = append(all, wireQuestion{action, bucket, key, nil, s.AllowsObject(keyhatch.Write, bucket, key)})
			}
			for _, action := range asked.none {
				all = append(all, wireQuestion{action, bucket, key, nil, false})
			}
			for _, action := range []string{"s3:ListBucket", "s3:ListBucketVersions"} {
				all = append(all, wireQuestion{action, bucket, "", &key, s.AllowsList(keyhatch.Read, bucket, key)})
			}
		}
		// Uploads are listed where all of a bucket may be written to, but for what is locked.
		here := func(o policy.Open) bool {
			return !slices.ContainsFunc(o.Elsewhere, func(p keyhatch.Prefix) bool { return p.Covers(o.Prefix) })
		}
		whole := slices.ContainsFunc(s, func(o policy.Open) bool {
			return here(o) && o.Bucket == bucket && o.Prefix == "" && o.Access == keyhatch.Write && !slices.Contains(o.Locked, "")
		})
		opens := slices.ContainsFunc(s, func(o policy.Open) bool {
			locked := slices.ContainsFunc(o.Locked, func(l keyhatch.Prefix) bool { return l.Covers(o.Prefix) })
			return here(o) && o.Bucket == bucket && o.Access != "" && (!locked || !o.WriteOnly || o.Access == keyhatch.Read) && !(o.Access == keyhatch.Read && o.WriteOnly)
		})
		all = append(
			all, wireQuestion{"s3:ListBucketMultipartUploads", bucket, "", nil, whole}, wireQuestion{"s3:GetBucketLocation", bucket, "", nil, opens},
			wireQuestion{"s3:DeleteBucket", bucket, "", nil, false}, wireQuestion{"s3:PutBucketPolicy", bucket, "", nil, false},
		)
	}
	return all
}

func (q wireQuestion) ask(p readPolicy) bool { return q.askFrom(p, "") }

// askFrom asks from an address; empty: the store knows none.
func (q wireQuestion) askFrom(p readPolicy, address string) bool {
	resource, keys := q.bucket, map[string]string{}
	if address != "" {
		keys["aws:SourceIp"] = address
	}
	if q.key != "" {
		resource += "/" + q.key
	}
	if q.prefix != nil {
		keys["s3:prefix"] = *q.prefix
	}
	return p.allows(q.action, resource, keys)
}

func mustRead(t interface{ Fatalf(string, ...any) }, text string) (p readPolicy) {
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// TestS2_SessionPolicySaysTheSet: what a store does by the policy that it is given is
// what the set says, for more than 100,000 questions, by an evaluator that knows
// nothing of how the policy came about. The names have what IAM's language gives a
// meaning, and neighbours that begin alike; and of keys that lead elsewhere every way to
// do so: once those alone with "/../" inside were closed, and "a/." deleted "a".
func TestS2_SessionPolicySaysTheSet(t *testing.T) {
	decided, open := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		dialect, folders := ofStore, plainFolders
		if rapid.Bool().Draw(t, "escapes") {
			dialect, folders = ofAWS, slices.Concat(plainFolders, oddFolders)
		}
		set := drawSet(t, folders)
		text, err := dialect.Write(set, nil, nil)
		if errors.Is(err, keyhatch.Conflict) { // open inside of what is locked
			t.Skip()
		}
		if err != nil {
			t.Fatal(err)
		}
		p := mustRead(t, text)
		for _, q := range wireQuestions(set) {
			if strings.HasSuffix(q.action, "Attributes") && !dialect.Attributes || leadsElsewhere(q.key) && dialect.Resolves {
				q.open = false
			}
			if got := q.ask(p); got != q.open {
				t.Fatalf("%s of %q in %s: %t; %+v gives %s", q.action, q.key, q.bucket, got, set, text)
			}
			decided++
			if q.open {
				open++
			}
		}
	})
	if decided < 100_000 || open < 5_000 {
		t.Errorf("%d questions were decided, %d of them open: too few to tell", decided, open)
	}
}

// TestS2_SessionPolicySaysTheNetworks: where something is for networks, the store opens from
// each address what the set does, and to who has no address that alone which is for
// everywhere.
func TestS2_SessionPolicySaysTheNetworks(t *testing.T) {
	decided, open, closed := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		set := confine(t, drawSet(t, plainFolders))
		text, err := ofAWS.Write(set, nil, nil)
		if errors.Is(err, keyhatch.Conflict) || errors.Is(err, keyhatch.Invalid) { // open inside of what is locked, or too long
			t.Skip()
		}
		if err != nil {
			t.Fatal(err)
		}
		p, address := mustRead(t, text), pick(t, append(someAddresses, ""), "address")
		var from netip.Addr
		if address != "" {
			from = netip.MustParseAddr(address)
		}
		anywhere := wireQuestions(set)
		for i, q := range wireQuestions(set.From(from)) {
			if got := q.askFrom(p, address); got != q.open {
				t.Fatalf("%s of %q in %s, from %q: %t; %+v gives %s", q.action, q.key, q.bucket, address, got, set, text)
			}
			decided++
			if q.open {
				open++
			} else if anywhere[i].open {
				closed++
			}
		}
	})
	if decided < 50_000 || open < 2_500 || closed < 500 {
		t.Errorf("%d questions were decided, %d of them open and %d closed from there alone: too few to tell", decided, open, closed)
	}
}

// TestS2_NarrowedPolicySaysBoth: with policies that callers gave, the one policy that a
// store takes allows what the set opens and each of them allows, or there is none.
func TestS2_NarrowedPolicySaysBoth(t *testing.T) {
	decided, open, refused := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		set := drawSet(t, slices.Concat(plainFolders, oddFolders))
		texts := make([]string, rapid.IntRange(1, 2).Draw(t, "policies"))
		each := make([]readPolicy, len(texts))
		for i := range texts {
			texts[i] = drawPolicy(t)
			each[i] = mustRead(t, texts[i])
		}
		policies, err := sessionpolicy.ParseAll(texts)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ofAWS.Write(set, policies, nil)
		if errors.Is(err, keyhatch.Conflict) || errors.Is(err, keyhatch.Invalid) {
			refused++
			t.Skip()
		}
		if err != nil {
			t.Fatal(err)
		}
		p := mustRead(t, text)
		if _, err := sessionpolicy.Parse(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, q := range wireQuestions(set) {
			want := q.open
			for _, one := range each {
				want = want && q.ask(one)
			}
			if got := q.ask(p); got != want {
				t.Fatalf("%s of %q in %s: %t; %+v under %s gives %s", q.action, q.key, q.bucket, got, set, texts, text)
			}
			decided++
			if want {
				open++
			}
		}
	})
	if decided < 50_000 || open < 500 {
		t.Errorf("%d questions were decided, %d of them open, %d policies refused: too few to tell", decided, open, refused)
	}
}

// TestSessionPolicyTexts: the statements are as few as they can be.
func TestSessionPolicyTexts(t *testing.T) {
	const (
		reads  = `"s3:GetObject","s3:GetObjectVersion","s3:GetObjectTagging","s3:GetObjectVersionTagging"`
		writes = `"s3:PutObject","s3:DeleteObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts","s3:PutObjectTagging","s3:DeleteObjectTagging"`
		lists  = `"s3:ListBucket","s3:ListBucketVersions"`
		begin  = `{"Version":"2012-10-17","Statement":[`
		up     = `{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::*/../*","arn:aws:s3:::*/..","arn:aws:s3:::*/./*","arn:aws:s3:::*/.","arn:aws:s3:::*//*"]}]}`
	)
	blank := mustWrite(t, policy.Set{{Bucket: "lab", Prefix: "a b+c/", Access: keyhatch.Read}})
	if strings.Contains(blank, " ") || !strings.Contains(blank, `lab/a\u0020b+c/*`) {
		t.Errorf("a blank is sent as a plus: %s", blank)
	}
	china := sessionpolicy.Dialect{Partition: "aws-cn", Escapes: true}
	for _, tc := range []struct {
		name    string
		dialect sessionpolicy.Dialect
		set     policy.Set
		keys    []string
		want    string
	}{
		{"nothing", ofAWS, nil, nil, begin + `{"Effect":"Deny","Action":"*","Resource":"*"}]}`},
		{"nothing but a key", ofAWS, policy.Set{{Bucket: "lab"}}, []string{"arn:aws:kms:eu-west-1:123456789012:key/k"}, begin + `{"Effect":"Deny","Action":"*","Resource":"*"}]}`},
		{
			"a prefix to read", ofStore,
			policy.Set{{Bucket: "lab", Prefix: "data/a/", Access: keyhatch.Read}},
			nil,
			begin + `{"Effect":"Allow","Action":[` + reads + `,"s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lab/data/a/*","arn:aws:s3:::lab"]},` +
				`{"Effect":"Allow","Action":[` + lists + `],"Resource":"arn:aws:s3:::lab","Condition":{"StringLike":{"s3:prefix":"data/a/*"}}},` + up,
		},
		{
			"prefixes to write, one in another, and a locked one", ofStore,
			policy.Set{
				{Bucket: "lab", Prefix: "a/", Access: keyhatch.Write, Locked: []keyhatch.Prefix{"a/old/"}},
				{Bucket: "lab", Prefix: "b/", Access: keyhatch.Write},
				{Bucket: "lab", Prefix: "a/new/", Access: keyhatch.Read},
			},
			nil,
			begin + `{"Effect":"Allow","Action":[` + reads + `,` + writes + `,"s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lab/a/*","arn:aws:s3:::lab/b/*","arn:aws:s3:::lab"]},` +
				`{"Effect":"Allow","Action":[` + lists + `],"Resource":"arn:aws:s3:::lab","Condition":{"StringLike":{"s3:prefix":["a/*","b/*"]}}},` +
				`{"Effect":"Deny","Action":["s3:Put*","s3:Delete*","s3:*Multipart*"],"Resource":"arn:aws:s3:::lab/a/old/*"},` + up,
		},
		{
			"prefixes of three locations, two of them for the same networks", ofAWS,
			policy.Set{
				{Bucket: "lab", Prefix: "a/", Access: keyhatch.Read, Confined: []policy.Confined{{Prefix: "a/", Networks: someNetworks[1]}}},
				{Bucket: "lab", Prefix: "b/", Access: keyhatch.Read},
				{Bucket: "lab", Prefix: "c/d/", Access: keyhatch.Read, Confined: []policy.Confined{{Prefix: "c/", Networks: someNetworks[1]}}},
			},
			nil,
			begin + `{"Effect":"Allow","Action":[` + reads + `,"s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lab/a/*","arn:aws:s3:::lab/c/d/*","arn:aws:s3:::lab"],"Condition":{"IpAddress":{"aws:SourceIp":["10.1.0.0/16","2001:db8::/32"]}}},` +
				`{"Effect":"Allow","Action":[` + lists + `],"Resource":"arn:aws:s3:::lab","Condition":{"IpAddress":{"aws:SourceIp":["10.1.0.0/16","2001:db8::/32"]},"StringLike":{"s3:prefix":["a/*","c/d/*"]}}},` +
				`{"Effect":"Allow","Action":[` + reads + `,"s3:GetBucketLocation"],"Resource":["arn:aws:s3:::lab/b/*","arn:aws:s3:::lab"]},` +
				`{"Effect":"Allow","Action":[` + lists + `],"Resource":"arn:aws:s3:::lab","Condition":{"StringLike":{"s3:prefix":"b/*"}}}]}`,
		},
		{
			"a bucket to write to, in China", china,
			policy.Set{{Bucket: "lab", Access: keyhatch.Write, WriteOnly: true}},
			[]string{"arn:aws-cn:kms:cn-north-1:123456789012:key/k"},
			begin + `{"Effect":"Allow","Action":[` + writes + `,"s3:GetBucketLocation","s3:ListBucketMultipartUploads"],"Resource":["arn:aws-cn:s3:::lab/*","arn:aws-cn:s3:::lab"]},` +
				`{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"arn:aws-cn:kms:cn-north-1:123456789012:key/k","Condition":{"StringEquals":{"kms:ViaService":"s3.cn-north-1.amazonaws.com.cn"}}}]}`,
		},
		{
			"the same prefix of two buckets, with signs of IAM", china,
			policy.Set{{Bucket: "lab", Prefix: `*?$"ä/`, Access: keyhatch.Read}, {Bucket: "lab2", Prefix: `*?$"ä/`, Access: keyhatch.Read}},
			nil,
			begin + `{"Effect":"Allow","Action":[` + reads + `,"s3:GetBucketLocation"],"Resource":["arn:aws-cn:s3:::lab/${*}${?}${$}\"\u00e4/*","arn:aws-cn:s3:::lab2/${*}${?}${$}\"\u00e4/*","arn:aws-cn:s3:::lab","arn:aws-cn:s3:::lab2"]},` +
				`{"Effect":"Allow","Action":[` + lists + `],"Resource":["arn:aws-cn:s3:::lab","arn:aws-cn:s3:::lab2"],"Condition":{"StringLike":{"s3:prefix":"${*}${?}${$}\"\u00e4/*"}}}]}`,
		},
	} {
		got, err := tc.dialect.Write(tc.set, nil, tc.keys)
		if err != nil || strings.ReplaceAll(got, `,"s3:GetObjectAttributes","s3:GetObjectVersionAttributes"`, "") != tc.want {
			t.Errorf("%s: %v\n got %s\nwant %s", tc.name, err, got, tc.want)
		}
	}
}

// TestSessionPolicyNarrowedTexts: a policy of the usual form narrows to what is its own.
func TestSessionPolicyNarrowedTexts(t *testing.T) {
	set := policy.Set{{Bucket: "lab", Prefix: "a/", Access: keyhatch.Write}}
	for _, tc := range []struct{ policy, want string }{
		{allowAll, mustWrite(t, set)},
		{`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/b/*"`, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/b/*"}]}`},
		{`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/*.csv"`, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/*.csv"}]}`},
		{`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/b/*"`, `{"Effect":"Deny","Action":"*","Resource":"*"}]}`},
		{
			`"Effect":"Allow","Action":"s3:List*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"a/b*"},"StringEquals":{"s3:delimiter":"/"}}`,
			`{"Effect":"Allow","Action":["s3:ListBucket","s3:ListBucketVersions"],"Resource":"arn:aws:s3:::lab","Condition":{"StringLike":{"s3:delimiter":"/","s3:prefix":"a/b*"}}}]}`,
		},
	} {
		p, err := sessionpolicy.Parse(statementJSON(tc.policy))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ofAWS.Write(set, sessionpolicy.Policies{p}, nil)
		if err != nil || !strings.HasSuffix(got, tc.want) {
			t.Errorf("under %s: %v\n got %s\nwant %s", tc.policy, err, got, tc.want)
		}
	}
	for _, tc := range []struct{ one, other, want string }{
		{ // none of two lists: none of all
			`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotLike":{"s3:prefix":"a/x*"}}`, `"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringNotEquals":{"s3:prefix":"a/y"}}`,
			`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lab","Condition":{"StringLike":{"s3:prefix":"a/*"},"StringNotLike":{"s3:prefix":["a/x*","a/y"]}}}]}`,
		},
		{ // what must fit two lists that have nothing in common
			`"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringLike":{"s3:prefix":"a/x*"}}`, `"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a/y"}}`,
			`{"Effect":"Deny","Action":"*","Resource":"*"}]}`,
		},
		{ // two policies that no literal tells apart, and that yet have nothing in common
			`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/*x?"`, `"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/?*y"`,
			"",
		},
		{
			`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/*x*.csv"`, `"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/a/*y*.txt"`,
			`{"Effect":"Deny","Action":"*","Resource":"*"}]}`,
		},
		{ // a denial in which nothing fits both lists denies nothing
			allowAll + `},{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*","Condition":{"StringLike":{"s3:prefix":"a/x*"},"StringEquals":{"s3:prefix":"a/y"}}`, allowAll,
			mustWrite(t, set),
		},
	} {
		var both sessionpolicy.Policies
		for _, statements := range []string{tc.one, tc.other} {
			p, err := sessionpolicy.Parse(`{"Version":"2012-10-17","Statement":[{` + statements + `}]}`)
			if err != nil {
				t.Fatal(err)
			}
			both = append(both, p)
		}
		got, err := ofAWS.Write(set, both, nil)
		if (err != nil) != (tc.want == "") || !strings.HasSuffix(got, tc.want) {
			t.Errorf("under %s and %s: %v\n got %s\nwant %s", tc.one, tc.other, err, got, tc.want)
		}
	}
	both := make(sessionpolicy.Policies, 2)
	for i, resource := range []string{"arn:aws:s3:::lab/a/*x*y*", "arn:aws:s3:::lab/a/*y*x*"} {
		var err error
		if both[i], err = sessionpolicy.Parse(statementJSON(`"Effect":"Allow","Action":"s3:GetObject","Resource":"` + resource + `"`)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ofAWS.Write(set, both, nil); !errors.Is(err, keyhatch.Invalid) {
		t.Errorf("what has no exact form is %s, %v", got, err)
	}
}

func mustWrite(t *testing.T, s policy.Set) string {
	t.Helper()
	text, err := ofAWS.Write(s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSessionPolicyCannotSay: what cannot be confined is refused, and the reason is in
// the words of who asked.
func TestSessionPolicyCannotSay(t *testing.T) {
	reading := func(bucket string, prefixes ...keyhatch.Prefix) (s policy.Set) {
		for _, p := range prefixes {
			s = append(s, policy.Open{Bucket: bucket, Prefix: p, Access: keyhatch.Read})
		}
		return s
	}
	for _, tc := range []struct {
		name    string
		dialect sessionpolicy.Dialect
		set     policy.Set
		keys    []string
		want    keyhatch.Code
	}{
		{"a wildcard for a bucket", ofAWS, reading("*", "a/"), nil, keyhatch.CodeInvalidBucketName},
		{"no bucket", ofAWS, reading("", "a/"), nil, keyhatch.CodeInvalidBucketName},
		{"a star where it cannot be said", ofStore, reading("lab", "a*/"), nil, keyhatch.CodeInvalidPrefix},
		{"a question mark where it cannot be said", ofStore, reading("lab", "a?/"), nil, keyhatch.CodeInvalidPrefix},
		{"a variable where it cannot be said", ofStore, reading("lab", "${aws:username}/"), nil, keyhatch.CodeInvalidPrefix},
		{"a key that is none", ofAWS, reading("lab", "a/"), []string{"*"}, keyhatch.CodeInvalidPolicy},
		{"a key of another partition", ofAWS, reading("lab", "a/"), []string{"arn:aws-cn:kms:cn-north-1:123456789012:key/k"}, keyhatch.CodeInvalidPolicy},
		{"a key with another name", ofAWS, reading("lab", "a/"), []string{"arn:aws:kms:eu-west-1:123456789012:alias/k"}, keyhatch.CodeInvalidPolicy},
		{"a part for networks", ofAWS, policy.Set{{Bucket: "lab", Access: keyhatch.Read, Confined: []policy.Confined{{Prefix: "a/", Networks: someNetworks[0]}}}}, nil, keyhatch.CodeStoreUnsupported},
		{"too many networks", ofAWS, policy.Set{{Bucket: "lab", Prefix: "a/", Access: keyhatch.Read, Confined: []policy.Confined{{Prefix: "a/", Networks: slices.Repeat(someNetworks[1], 50)}}}}, nil, keyhatch.CodePolicyTooLarge},
		{"open in what is locked", ofAWS, policy.Set{{Bucket: "lab", Access: keyhatch.Write, Locked: []keyhatch.Prefix{"a/"}}, {Bucket: "lab", Prefix: "a/b/", Access: keyhatch.Write}}, nil, keyhatch.CodeStoreUnsupported},
	} {
		text, err := tc.dialect.Write(tc.set, nil, tc.keys)
		var failed *keyhatch.Error
		if !errors.As(err, &failed) || failed.Code != tc.want || text != "" {
			t.Errorf("%s: %s, %v, want %s", tc.name, text, err, tc.want)
		}
	}
}

// TestSessionPolicyTooLong: the error tells how many prefixes fit, and so many do.
func TestSessionPolicyTooLong(t *testing.T) {
	var set policy.Set
	for i := range 100 {
		set = append(set, policy.Open{Bucket: "lab", Prefix: keyhatch.Prefix(fmt.Sprintf("projects/%03d/", i)), Access: keyhatch.Write})
	}
	_, err := ofAWS.Write(set, nil, nil)
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Kind != keyhatch.Invalid || failed.Code != keyhatch.CodePolicyTooLarge || failed.Field != "prefixes" {
		t.Fatalf("it is %v", err)
	}
	fits := 0
	for fits < len(set) {
		if text, err := ofAWS.Write(set[:fits+1], nil, nil); err != nil || len(text) > sessionpolicy.MaxLength {
			break
		}
		fits++
	}
	if fits < 15 || !strings.Contains(failed.Message, fmt.Sprintf("%d of them would fit", fits)) {
		t.Errorf("%d fit, and it says %s", fits, failed.Message)
	}
}
