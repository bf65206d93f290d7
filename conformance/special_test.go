package conformance

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// What only one of the clients can do.

// TestRcloneBlind has rclone upload without a look first: where it is refused
// the look, as above, nothing is learned about uploads.
func TestRcloneBlind(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		rclone := c.(tool)
		l := s.lend(t, s.own, "write")
		refused := regexp.MustCompile(`AccessDenied: [^\n]*\n\s+status code: 403`)
		for what, key := range map[string]string{
			"the sibling":                    siblingPrefix + "blind",
			"a prefix that begins like ours": lookalikeStart + "blind",
			"the bucket's root":              "blind",
		} {
			t.Run("into "+what, func(t *testing.T) {
				mustStoreNothing(t, s, func(data []byte) {
					blind(rclone, l, write(t, data), key).mustBeRefused(t, refused)
				})
			})
		}
		t.Run("into our own", func(t *testing.T) {
			key, file := s.own+"blind", filepath.Join(t.TempDir(), "download")
			data := content(key, 1000)
			blind(rclone, l, write(t, data), key).must(t)
			rclone.get(l, key, file).must(t)
			mustHave(t, file, data)
		})
	}, "rclone")
}

// blind uploads without a look at what is there, so that the upload itself is what
// the server is asked for.
func blind(c tool, l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.command(l, "copyto", "--no-check-dest", "--s3-no-head", file, c.root+key)
}

// TestListBuckets lists the buckets that a lease opens something in.
func TestListBuckets(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "read")
		r := c.(tool).command(l, map[string][]string{"aws-s3": {"s3", "ls"}, "rclone": {"lsd", ":s3:"}}[name]...)
		// Of a line, the last word is the name.
		lines := strings.Split(strings.TrimSpace(string(r.must(t).stdout)), "\n")
		if len(lines) != 1 || !strings.HasSuffix(lines[0], " "+s.bucket) {
			t.Errorf("%s: lists %q, want only %s", r.command, lines, s.bucket)
		}
	}, "aws-s3", "rclone")
}

// TestAPICalls makes the requests of "aws s3api" that no command above makes.
func TestAPICalls(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		api := c.(awsAPI)
		refused := func(action, codes string) *regexp.Regexp { return regexp.MustCompile(awsWords(action, codes)) }
		l := s.lend(t, s.own, "write")
		under := s.own + "api-calls/"
		key := under + "a b+c/ü"
		api.put(l, write(t, content(key, 1234)), key).must(t)

		t.Run("ListObjects, the first version", func(t *testing.T) {
			listed, r := api.listWith(l, "list-objects", under)
			r.must(t)
			mustList(t, listed, []entry{{key, 1234}})
			_, r = api.listWith(l, "list-objects", siblingPrefix)
			r.mustBeRefused(t, refused("ListObjects", "AccessDenied"))
		})
		t.Run("ListObjectsV2 with a delimiter", func(t *testing.T) {
			r := api.api(l, "list-objects-v2", "--prefix", under, "--delimiter", "/", "--query", "CommonPrefixes[].Prefix").must(t)
			if got := strings.Join(strings.Fields(string(r.stdout)), " "); got != `[ "`+under+`a b+c/" ]` {
				t.Errorf("%s: the common prefixes are %s", r.command, got)
			}
		})
		t.Run("HeadObject", func(t *testing.T) {
			r := api.api(l, "head-object", "--key", key, "--query", "ContentLength").must(t)
			if got := strings.TrimSpace(string(r.stdout)); got != "1234" {
				t.Errorf("%s: the length is %s, want 1234", r.command, got)
			}
			api.api(l, "head-object", "--key", siblingPrefix+"x").mustBeRefused(t, refused("HeadObject", "403"))
			api.api(l, "head-object", "--key", under+"missing").mustBeRefused(t, refused("HeadObject", "404"))
		})
		t.Run("GetObject of what is not there", func(t *testing.T) {
			api.get(l, under+"missing", filepath.Join(t.TempDir(), "x")).mustBeRefused(t, refused("GetObject", "NoSuchKey"))
		})
		// A lease is for objects: not even one that may write may do these.
		for action, r := range map[string]result{
			"CreateBucket":    api.api(l, "create-bucket"),
			"DeleteBucket":    api.api(l, "delete-bucket"),
			"PutBucketPolicy": api.api(l, "put-bucket-policy", "--policy", `{"Statement":[]}`),
			"PutObjectAcl":    api.api(l, "put-object-acl", "--key", key, "--acl", "public-read"),
		} {
			t.Run(action, func(t *testing.T) {
				r.mustBeRefused(t, refused(action, anyOf([]string{"AccessDenied", "NotImplemented", "MethodNotAllowed"})))
			})
		}
	}, "aws-s3api")
}
