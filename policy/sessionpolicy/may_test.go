package sessionpolicy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	"pgregory.net/rapid"
)

func TestMayAllow(t *testing.T) {
	on := func(effect, action string, resources ...string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":["arn:aws:s3:::%s"]}`, effect, action, strings.Join(resources, `","arn:aws:s3:::`))
	}
	all := on("Allow", "s3:*", "*")
	const get, put, list = "GetObject", "PutObject", "ListObjectsV2"
	for _, c := range []struct {
		statements, operation, prefix string
		want                          bool
	}{
		{all, get, "", true},
		{all, list, "in/", true},
		{on("Allow", "s3:Get*", "*"), put, "", false},
		{on("Allow", "s3:ListAllMyBuckets", "*"), list, "", false},
		{on("Allow", "s3:*", "other", "other/*"), get, "", false},
		{on("Allow", "s3:*", "other", "other/*"), list, "", false},
		{on("Allow", "s3:*", "demo"), get, "", false},
		{on("Allow", "s3:*", "demo"), list, "", true},
		{on("Allow", "s3:*", "demo/*"), list, "", false},
		{on("Allow", "s3:*", "demo/in/a"), get, "in/", true},
		{on("Allow", "s3:*", "demo/in/a"), get, "out/", false},
		{on("Allow", "s3:*", "demo/i?/x*y"), get, "in/", true},
		{on("Allow", "s3:*", "demo/i?/x*y"), get, "in/xy/", true},
		{on("Allow", "s3:*", "demo/i?/x*y"), get, "in/y/", false},
		{on("Allow", "s3:*", "demo/in/x"), get, "in/x/", false},
		{on("Allow", "s3:*", "*/x"), get, "in/", true},
		{on("Allow", "s3:*", "d*o2/*"), get, "in/", true}, // demo/…o2/…
		{on("Allow", "s3:GetObject", "*"), "GetObjectAttributes", "", false},
		{on("Allow", "s3:GetObject*", "*"), "GetObjectAttributes", "", true},
		{on("Allow", "s3:*", "*"), "DeleteObjects", "", false},
		{on("Allow", "s3:*", "*"), "RestoreObject", "", false},

		{all + "," + on("Deny", "s3:*", "demo", "demo/*"), get, "", false},
		{all + "," + on("Deny", "s3:*", "demo", "demo/*"), list, "", false},
		{all + "," + on("Deny", "s3:*", "demo*"), get, "in/", false},
		{all + "," + on("Deny", "s3:*", "demo/in/*"), get, "in/", false},
		{all + "," + on("Deny", "s3:*", "demo/in/*"), get, "in/a/", false},
		{all + "," + on("Deny", "s3:*", "demo/in/*"), get, "", true},
		{all + "," + on("Deny", "s3:*", "demo/in/*.csv"), get, "in/", true},
		{all + "," + on("Deny", "s3:*", "demo/in/"), get, "in/", true},
		{all + "," + on("Deny", "s3:Get*", "*"), get, "", false},
		{all + "," + on("Deny", "s3:Get*", "*"), put, "", true},
		{all + `,{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"in/*"}}}`, list, "", true},
	} {
		policies, err := sessionpolicy.ParseAll([]string{`{"Version":"2012-10-17","Statement":[` + c.statements + `]}`})
		if err != nil {
			t.Fatalf("%s: %v", c.statements, err)
		}
		if got := policies.MayAllow(c.operation, "demo", keyhatch.Prefix(c.prefix)); got != c.want {
			t.Errorf("%s below %q: %t under %s", c.operation, c.prefix, got, c.statements)
		}
		both := append(policies, sessionpolicy.Policy{})
		if both.MayAllow(c.operation, "demo", keyhatch.Prefix(c.prefix)) {
			t.Errorf("%s below %q: beside a policy that allows nothing", c.operation, c.prefix)
		}
	}
	if !(sessionpolicy.Policies{}).MayAllow(get, "demo", "") {
		t.Error("no policies close something")
	}
}

// TestMayAllowIsNotTooSure: where nothing may be allowed, the evaluator finds nothing
// that is.
func TestMayAllowIsNotTooSure(t *testing.T) {
	asked := questions()
	closed := 0
	rapid.Check(t, func(t *rapid.T) {
		bucket, prefix := pick(t, demoBuckets, "bucket"), pick(t, demoFolders, "open")
		text := drawPolicy(t)
		var read readPolicy
		if err := json.Unmarshal([]byte(text), &read); err != nil {
			t.Fatal(err)
		}
		policies, err := sessionpolicy.ParseAll([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range asked {
			key := q.key
			if q.bucket != bucket || !strings.HasPrefix(key, prefix) {
				continue
			}
			for operation, allowed := range map[string]bool{
				"GetObject":     key != "" && read.allows("s3:GetObject", bucket+"/"+key, nil),
				"PutObject":     key != "" && read.allows("s3:PutObject", bucket+"/"+key, nil),
				"ListObjectsV2": read.allows("s3:ListBucket", bucket, map[string]string{"s3:prefix": key}),
			} {
				may := policies.MayAllow(operation, bucket, keyhatch.Prefix(prefix))
				if allowed && !may {
					t.Fatalf("%s of %q in %s is allowed, and below %q nothing may be, under %s", operation, key, bucket, prefix, text)
				}
				if !may {
					closed++
				}
			}
		}
	})
	if closed < 100 {
		t.Errorf("%d questions were about what is closed: too few to tell", closed)
	}
}
