package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// What only one of the clients can do.

// TestPresign makes URLs that open one object for a while, as people do to
// share it, and fetches them with no credentials.
func TestPresign(t *testing.T) {
	urls := map[string]func(t *testing.T, s place, l devserver.Lease, key string) result{
		"aws-s3": func(t *testing.T, s place, l devserver.Lease, key string) result {
			c := newAWSS3(t, s.bucket).(awsS3)
			// For some regions awscli still makes URLs in the signature before
			// version 4, unless it is told not to.
			config := filepath.Join(c.home, "presign-config")
			if err := os.WriteFile(config, []byte("[default]\ns3 =\n    signature_version = s3v4\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			env := append(awsEnv(t, l, c.home), "AWS_CONFIG_FILE="+config)
			return c.run(l, env, "s3", "presign", "--expires-in", "300", c.url(key))
		},
		"boto3": func(t *testing.T, s place, l devserver.Lease, key string) result {
			return newBoto3(t, s.bucket).(boto3).script(l, "presign.py", key)
		},
	}
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		presign := urls[name]
		l := s.lend(t, s.own, "write")
		key := s.own + "presign/" + name + " +.bin"
		data := content(key, 1000)
		c.put(l, write(t, data), key).must(t)

		// The URL is read from what the program printed before redaction.
		ours := strings.TrimSpace(string(presign(t, s, l, key).must(t).stdout))
		status, body := fetch(t, l, ours)
		if status != http.StatusOK || sha256.Sum256(body) != sha256.Sum256(data) {
			t.Fatalf("presigned URL: status %d with %d bytes, want 200 with the %d that were stored\n%s",
				status, len(body), len(data), l.Redact(string(body[:min(len(body), 500)])))
		}

		// Signing needs no server: a URL for anything can be made.
		secret := siblingPrefix + "presign/" + name
		c.put(s.lend(t, siblingPrefix, "write"), write(t, content(secret, 1000)), secret).must(t)
		theirs := strings.TrimSpace(string(presign(t, s, l, secret).must(t).stdout))
		if status, body := fetch(t, l, theirs); status != http.StatusForbidden || !bytes.Contains(body, []byte("<Code>AccessDenied</Code>")) {
			t.Errorf("presigned URL outside the lease: status %d, want 403 with AccessDenied\n%s", status, l.Redact(string(body)))
		}
		if status, body := fetch(t, l, strings.Replace(ours, s.own, siblingPrefix, 1)); status != http.StatusForbidden {
			t.Errorf("presigned URL, changed: status %d, want 403\n%s", status, l.Redact(string(body)))
		}

		if err := s.Revoke(t.Context(), l.ID); err != nil {
			t.Fatal(err)
		}
		if status, body := fetch(t, l, ours); status/100 != 4 || bytes.Contains(body, data) {
			t.Errorf("presigned URL of a revoked lease: status %d with %d bytes, want a refusal", status, len(body))
		}
	}, "aws-s3", "boto3")
}

// fetch gets a URL as a browser would. Its errors would show the URL, and with
// it the session token.
func fetch(t *testing.T, l devserver.Lease, url string) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(l.Redact(err.Error()))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(l.Redact(err.Error()))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(l.Redact(err.Error()))
	}
	return resp.StatusCode, body
}

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
