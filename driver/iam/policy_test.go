package iam_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/iam"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	"pgregory.net/rapid"
)

var (
	ofAWS    = iam.Language{Partition: "aws", Escapes: true, Limit: iam.MaxPolicy}
	ofOthers = iam.Language{Partition: "aws", Limit: iam.MaxPolicy}
)

const (
	head   = `{"Version":"2012-10-17","Statement":[`
	reads  = `"s3:ListBucket","s3:ListBucketVersions","s3:GetBucketLocation","s3:GetObject","s3:GetObjectVersion","s3:GetObjectTagging","s3:GetObjectVersionTagging"`
	writes = `"s3:ListBucketMultipartUploads","s3:ListMultipartUploadParts","s3:AbortMultipartUpload","s3:PutObject","s3:PutObjectTagging","s3:DeleteObject","s3:DeleteObjectTagging"`
	denies = `{"Effect":"Deny","Action":["s3:Put*","s3:Delete*","s3:AbortMultipartUpload"],"Resource":`
	closed = head + `{"Effect":"Deny","Action":"*","Resource":"*"}]}`
)

func allows(actions, resources string) string {
	return `{"Effect":"Allow","Action":[` + actions + `],"Resource":[` + resources + `]}`
}

type right = driver.BucketRight

// TestPolicy: the documents, letter by letter.
func TestPolicy(t *testing.T) {
	for _, tc := range []struct {
		what   string
		in     iam.Language
		seeAll bool
		rights []right
		want   string
	}{
		{"nothing", ofAWS, false, nil, closed},
		{"the names of all buckets", ofAWS, true, nil, closed},
		{"a bucket without rights", ofAWS, true, []right{{Bucket: "one", Locked: []keyhatch.Prefix{"a/"}}}, closed},
		{
			"to read", ofAWS, false,
			[]right{{Bucket: "two", Read: true}, {Bucket: "one", Read: true}},
			head + allows(reads, `"arn:aws:s3:::one","arn:aws:s3:::one/*","arn:aws:s3:::two","arn:aws:s3:::two/*"`) + `]}`,
		},
		{
			"to write", ofAWS, false,
			[]right{{Bucket: "one", Write: true}},
			head + allows(writes, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) + `]}`,
		},
		{
			"each its own, in another partition",
			iam.Language{Partition: "aws-cn", Limit: iam.MaxPolicy},
			false,
			[]right{{Bucket: "one", Read: true, Write: true}, {Bucket: "two", Read: true}, {Bucket: "three", Write: true}},
			head + allows(reads, `"arn:aws-cn:s3:::two","arn:aws-cn:s3:::two/*"`) + "," +
				allows(writes, `"arn:aws-cn:s3:::three","arn:aws-cn:s3:::three/*"`) + "," +
				allows(reads+","+writes, `"arn:aws-cn:s3:::one","arn:aws-cn:s3:::one/*"`) + `]}`,
		},
		{
			"a bucket in two parts", ofAWS, false,
			[]right{{Bucket: "one", Read: true, Locked: []keyhatch.Prefix{"a/"}}, {Bucket: "one", Write: true, Locked: []keyhatch.Prefix{"b/"}}},
			head + allows(reads+","+writes, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) + "," + denies + `["arn:aws:s3:::one/a/*","arn:aws:s3:::one/b/*"]}]}`,
		},
		{
			"locks that say nothing new", ofAWS, false,
			[]right{
				{Bucket: "one", Write: true, Locked: []keyhatch.Prefix{"a/b/", "a/", "a/", "ab/"}},
				{Bucket: "two", Read: true, Locked: []keyhatch.Prefix{"a/"}},
			},
			head + allows(reads, `"arn:aws:s3:::two","arn:aws:s3:::two/*"`) + "," + allows(writes, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) + "," +
				denies + `["arn:aws:s3:::one/a/*","arn:aws:s3:::one/ab/*"]}]}`,
		},
		{
			"all of a bucket locked", ofAWS, false,
			[]right{{Bucket: "one", Read: true, Write: true, Locked: []keyhatch.Prefix{"a/", ""}}},
			head + allows(reads, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) + `]}`,
		},
		{
			"locations for networks", ofAWS, false,
			[]right{{Bucket: "one", Read: true, Confined: []policy.Confined{
				{Prefix: "a/", Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}},
				{Prefix: "b*/", Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}},
			}}},
			head + allows(reads, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) +
				`,{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::one","arn:aws:s3:::one/a/*"],"Condition":{"NotIpAddress":{"aws:SourceIp":["10.1.0.0/16","2001:db8::/32"]}}}` +
				`,{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::one","arn:aws:s3:::one/b${*}/*"],"Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.7/32"}}}]}`,
		},
		{
			"odd names", ofAWS, false,
			[]right{{Bucket: "one", Write: true, Locked: []keyhatch.Prefix{`*?$${*}"\<&>/`, "ü€𝄞 /"}}},
			head + allows(writes, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) + "," +
				denies + `["arn:aws:s3:::one/${*}${?}${$}${$}{${*}}\"\\<&>/*","arn:aws:s3:::one/\u00fc\u20ac\ud834\udd1e\u0020/*"]}]}`,
		},
		{
			"odd names where nothing escapes", ofOthers, false,
			[]right{{Bucket: "one", Write: true, Locked: []keyhatch.Prefix{`*?$${aws:username}/`}}},
			head + allows(writes, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) + "," + denies + `"arn:aws:s3:::one/????{aws:username}/*"}]}`,
		},
	} {
		t.Run(tc.what, func(t *testing.T) {
			got, err := tc.in.Policy(driver.KeyOrder{SeesAll: tc.seeAll, Buckets: tc.rights})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPolicyThatEnds: the end is written where it says that nothing is open afterwards.
func TestPolicyThatEnds(t *testing.T) {
	until := time.Date(2026, 6, 1, 14, 0, 0, 999, time.FixedZone("", 7200))
	got, err := ofAWS.Policy(driver.KeyOrder{Until: until, Buckets: []right{{Bucket: "one", Read: true}}})
	want := head + allows(reads, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) +
		`,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-06-01T12:00:00Z"}}}]}`
	if err != nil || got != want {
		t.Error(cmp.Diff(want, got), err)
	}
	if got, err := ofAWS.Policy(driver.KeyOrder{Until: until}); err != nil || got != closed {
		t.Errorf("what opens nothing: %s, %v", got, err)
	}
}

// TestPolicyOfSessions: of a pair that was ended no session goes on, which could be made
// of it for a day and more, whatever the policy said.
func TestPolicyOfSessions(t *testing.T) {
	language := ofAWS
	language.Sessions = true
	got, err := language.Policy(driver.KeyOrder{Buckets: []right{{Bucket: "one", Read: true}}})
	want := head + allows(reads, `"arn:aws:s3:::one","arn:aws:s3:::one/*"`) +
		`,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"false"}}}]}`
	if err != nil || got != want {
		t.Error(cmp.Diff(want, got), err)
	}
	if got, err := language.Policy(driver.KeyOrder{}); err != nil || got != closed {
		t.Errorf("what opens nothing: %s, %v", got, err)
	}
}

// TestPolicyOfOwners: where what a user puts is its own, all is denied that is not
// ordered.
func TestPolicyOfOwners(t *testing.T) {
	language := iam.Language{Partition: "aws", Owners: true, Limit: 20_000}
	got, err := language.Policy(driver.KeyOrder{Buckets: []right{{Bucket: "one", Read: true}, {Bucket: "two", Write: true}, {Bucket: "three", Read: true, Write: true}}})
	if err != nil {
		t.Fatal(err)
	}
	one, two, three := `"arn:aws:s3:::one","arn:aws:s3:::one/*"`, `"arn:aws:s3:::two","arn:aws:s3:::two/*"`, `"arn:aws:s3:::three","arn:aws:s3:::three/*"`
	denied := func(actions, resources string) string {
		return `{"Effect":"Deny","Action":[` + actions + `],"Resource":[` + resources + `]}`
	}
	put := func(condition string) string {
		return `{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{` + condition + `}}`
	}
	want := head + strings.Join([]string{
		allows(reads, one), denied(writes, one),
		allows(writes, two), denied(reads, two),
		allows(reads+","+writes, three),
		`{"Effect":"Deny","Action":"*","NotResource":[` + one + "," + two + "," + three + `]}`,
		`{"Effect":"Deny","Action":["s3:*Acl","s3:DeleteObjectVersion*","s3:PutObjectVersion*","s3:*Retention","s3:*LegalHold","s3:RestoreObject","s3:GetObjectTorrent"],"Resource":"*"}`,
		put(`"StringEquals":{"s3:x-amz-acl":["public-read","public-read-write","authenticated-read"]}`),
		put(`"StringLike":{"s3:x-amz-grant-read":"*"}`), put(`"StringLike":{"s3:x-amz-grant-write":"*"}`),
		put(`"StringLike":{"s3:x-amz-grant-read-acp":"*"}`), put(`"StringLike":{"s3:x-amz-grant-write-acp":"*"}`),
		put(`"StringLike":{"s3:x-amz-grant-full-control":"*"}`),
	}, ",") + `]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := language.Policy(driver.KeyOrder{}); err != nil || got != closed {
		t.Errorf("what opens nothing: %s, %v", got, err)
	}
}

// TestPolicyThatIsTooLong: what does not fit is refused, with how much would.
func TestPolicyThatIsTooLong(t *testing.T) {
	var order driver.KeyOrder
	for i := range 30 {
		order.Buckets = append(order.Buckets, right{Bucket: fmt.Sprintf("bucket-number-%02d", i), Read: true})
	}
	_, err := ofAWS.Policy(order)
	var told *keyhatch.Error
	if !errors.Is(err, keyhatch.Conflict) || !errors.As(err, &told) || told.Code != keyhatch.CodePolicyTooLarge {
		t.Fatalf("it says %v", err)
	}
	var buckets, locked, has, takes, fits int
	if _, err := fmt.Sscanf(told.Message, "%d buckets with %d locked prefixes make a policy of %d characters, and the store takes %d: it would fit with %d of these",
		&buckets, &locked, &has, &takes, &fits); err != nil {
		t.Fatalf("%q: %v", told.Message, err)
	}
	if buckets != 30 || locked != 0 || takes != 2048 || has <= takes || fits < 1 || fits >= 30 {
		t.Errorf("it says %q", told.Message)
	}
	all := order.Buckets
	order.Buckets = all[:fits]
	text, err := ofAWS.Policy(order)
	if err != nil || len(text) > 2048 {
		t.Errorf("with what fits: %d characters, %v", len(text), err)
	}
	order.Buckets = all[:fits+1]
	if _, err := ofAWS.Policy(order); !errors.Is(err, keyhatch.Conflict) {
		t.Errorf("with one more: %v", err)
	}
}

// TestPolicyOfNoBucket: in what is allowed a wildcard would open more.
func TestPolicyOfNoBucket(t *testing.T) {
	for _, name := range []string{"", "*", "a*b", "one/*", "ONE", "a?bc", "${aws:username}"} {
		if text, err := ofAWS.Policy(driver.KeyOrder{Buckets: []right{{Bucket: name, Read: true}}}); !errors.Is(err, keyhatch.Conflict) {
			t.Errorf("%q: %s, %v", name, text, err)
		}
	}
}

// TestPolicyOpensWhatIsOrdered: as session policies are read here, by code that
// knows nothing of how these are written.
func TestPolicyOpensWhatIsOrdered(t *testing.T) {
	folders := []keyhatch.Prefix{"", "a/", "a/b/", "ab/", "a*/", "a?/", "a$/", "${*}/", "ä/"}
	keys := []string{"x", "a/x", "a/b/x", "ab/x", "abc/x", "a*/x", "a?/x", "a$/x", "ac/x", "${*}/x", "*/x", "ä/x", "a/", "a"}
	actions := map[string][]string{
		"read":  {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
		"write": {"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectTagging", "s3:AbortMultipartUpload"},
		"none":  {"s3:PutObjectAcl", "s3:GetObjectAcl", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:BypassGovernanceRetention"},
	}
	onBuckets := map[string][]string{
		"read":  {"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"},
		"write": {"s3:ListBucketMultipartUploads"},
		"none":  {"s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:CreateBucket"},
	}
	rapid.Check(t, func(t *rapid.T) {
		var order driver.KeyOrder
		byName := map[string]right{}
		for _, name := range []string{"one", "two", "one.more"} {
			r := right{Bucket: name, Read: rapid.Bool().Draw(t, "read"), Write: rapid.Bool().Draw(t, "write")}
			r.Locked = rapid.SliceOfN(rapid.SampledFrom(folders), 0, 3).Draw(t, "locked")
			if rapid.Bool().Draw(t, "listed") {
				order.Buckets, byName[name] = append(order.Buckets, r), r
			}
		}
		exact := rapid.Bool().Draw(t, "escapes")
		language := iam.Language{Partition: "aws", Escapes: exact, Limit: 10_000}
		text, err := language.Policy(order)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sessionpolicy.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, bucket := range []string{"one", "two", "one.more", "one-more", "other"} {
			r := byName[bucket]
			has := map[string]bool{"read": r.Read, "write": r.Write && !slices.Contains(r.Locked, "")}
			for sort, names := range onBuckets {
				for _, action := range names {
					if got := p.Allows(sessionpolicy.Ask{Action: action, Bucket: bucket}); got != has[sort] {
						t.Errorf("%s on %s: %v; %+v gives %s", action, bucket, got, order, text)
					}
				}
			}
			for sort, names := range actions {
				for _, action := range names {
					for _, key := range keys {
						want, sure := has[sort], true
						if sort == "write" {
							for _, l := range r.Locked {
								want = want && !l.Holds(key)
								// Without escapes more is closed than is locked.
								sure = sure && (exact || !strings.ContainsAny(string(l), "*?$"))
							}
						}
						got := p.Allows(sessionpolicy.Ask{Action: action, Bucket: bucket, Key: key})
						if got && !want || sure && got != want {
							t.Errorf("%s on %s of %s: %v; %+v gives %s", action, key, bucket, got, order, text)
						}
					}
				}
			}
		}
		if p.Allows(sessionpolicy.Ask{Action: "s3:ListAllMyBuckets"}) {
			t.Errorf("all buckets are listed by %s", text)
		}
		for _, c := range text {
			if c < ' ' || c > '~' {
				t.Fatalf("%q is not for IAM", text)
			}
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", text)
		}
	})
}
