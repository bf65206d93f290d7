package conformance

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What only one of the clients can do.

// TestRcloneBlind has rclone upload without a look first: where it is refused
// the look, as above, nothing is learned about uploads.
func TestRcloneBlind(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		rclone := c.(rclone)
		l := s.lend(t, s.own, "write")
		refused := regexp.MustCompile(`AccessDenied: [^\n]*\n\s+status code: 403`)
		for what, key := range map[string]string{
			"the sibling":                    siblingPrefix + "blind",
			"a prefix that begins like ours": lookalikeStart + "blind",
			"the bucket's root":              "blind",
		} {
			t.Run("into "+what, func(t *testing.T) {
				mustStoreNothing(t, s, func(data []byte) {
					rclone.putBlind(l, write(t, data), key).mustBeRefused(t, refused)
				})
			})
		}
		t.Run("into our own", func(t *testing.T) {
			key, file := s.own+"blind", filepath.Join(t.TempDir(), "download")
			data := content(key, 1000)
			rclone.putBlind(l, write(t, data), key).must(t)
			rclone.get(l, key, file).must(t)
			mustHave(t, file, data)
		})
	}, "rclone")
}

// TestListBuckets lists the buckets that a lease opens something in.
func TestListBuckets(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "read")
		var r result
		switch c := c.(type) {
		case awsS3:
			r = c.s3(l, "ls")
		case rclone:
			r = c.rclone(l, "lsd", ":s3:")
		}
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
		l := s.lend(t, s.own, "write")
		under := s.own + "api-calls/"
		key := under + "a b+c/ü"
		api.put(l, write(t, content(key, 1234)), key).must(t)

		t.Run("ListObjects, the first version", func(t *testing.T) {
			listed, r := api.listWith(l, "list-objects", under)
			r.must(t)
			mustList(t, listed, []entry{{key, 1234}})
			_, r = api.listWith(l, "list-objects", siblingPrefix)
			r.mustBeRefused(t, awsWords("ListObjects", "AccessDenied"))
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
			api.api(l, "head-object", "--key", siblingPrefix+"x").mustBeRefused(t, awsWords("HeadObject", "403"))
			api.api(l, "head-object", "--key", under+"missing").mustBeRefused(t, awsWords("HeadObject", "404"))
		})
		t.Run("GetObject of what is not there", func(t *testing.T) {
			api.get(l, under+"missing", filepath.Join(t.TempDir(), "x")).mustBeRefused(t, awsWords("GetObject", "NoSuchKey"))
		})
		// A lease is for objects: not even one that may write may do these.
		for action, r := range map[string]result{
			"CreateBucket":    api.api(l, "create-bucket"),
			"DeleteBucket":    api.api(l, "delete-bucket"),
			"PutBucketPolicy": api.api(l, "put-bucket-policy", "--policy", `{"Statement":[]}`),
			"PutObjectAcl":    api.api(l, "put-object-acl", "--key", key, "--acl", "public-read"),
		} {
			t.Run(action, func(t *testing.T) {
				r.mustBeRefused(t, awsWords(action, anyOf([]string{"AccessDenied", "NotImplemented", "MethodNotAllowed"})))
			})
		}
	}, "aws-s3api")
}
