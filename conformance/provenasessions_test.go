package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// speaksProvena has the store's sessions asked for over Provena's wire, by curl and by
// Provena's own client.
func (m minting) speaksProvena(t *testing.T) {
	m.t = t
	ctx := t.Context()
	p := provena{
		place: place{Server: m.Server, bucket: m.buckets[0], own: "alpha/"}, realm: m.realm, dataset: "alpha", endpoint: m.store.Endpoint, region: m.store.Region,
	}
	root := m.store.Client(t)
	for _, key := range []string{"alpha/README.txt", "beta/README.txt"} {
		_, err := root.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.bucket, Key: &key, Body: strings.NewReader("of " + key)})
		m.must(err)
	}
	console := "https://console.example/browser/" + p.bucket + "/alpha%2F"
	for form, body := range p.forms(true) {
		for path, writes := range map[string]bool{provenaRead: false, provenaWrite: true} {
			text := p.curl(t, "POST", path, p.Token, body)
			var said provenaAnswer
			if err := json.Unmarshal(text, &said); err != nil || (said.Console != nil) != (form != "bare") || said.Console != nil && *said.Console != console {
				t.Errorf("%s: the console is %v, %v", form, said.Console, err)
			}
			l := p.read(t, text)
			if left := time.Until(l.ExpiresAt); left < 8*time.Hour-2*time.Minute || strings.HasPrefix(l.AccessKeyID, "KHLE") {
				t.Errorf("%s: %s lasts %v", form, l.AccessKeyID, left)
			}
			c := m.store.ClientWith(t, aws.Credentials{AccessKeyID: l.AccessKeyID, SecretAccessKey: l.SecretAccessKey, SessionToken: l.SessionToken})
			put := func(key string) error {
				_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &p.bucket, Key: &key, Body: strings.NewReader("by " + form)})
				return err
			}
			get := func(key string) error {
				got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &p.bucket, Key: &key})
				if err == nil {
					got.Body.Close()
				}
				return err
			}
			for _, tc := range []struct {
				what string
				err  error
				may  bool
			}{
				{"read", get("alpha/README.txt"), true},
				{"write", put("alpha/" + form), writes},
				{"read beside", get("beta/README.txt"), false},
				{"write beside", put("beta/" + form), false},
				{"write before", put("alpha" + form), false},
			} {
				if (tc.err == nil) != tc.may || tc.err != nil && !strings.Contains(tc.err.Error(), "StatusCode: 403") { // RGW may close before its reason was read
					t.Errorf("%s, %s to %s: %v", form, path, tc.what, tc.err)
				}
			}
		}
	}
	const sign = "/registry/items/generate-presigned-url"
	var signed struct {
		URL string `json:"presigned_url"`
	}
	if text := p.curl(t, "POST", sign, p.Token, `{"dataset_id":"alpha","file_path":"README.txt","expires_in":3600}`); json.Unmarshal(text, &signed) != nil || !strings.HasPrefix(signed.URL, m.store.Endpoint) {
		t.Fatalf("a URL of %d bytes is not one of the store", len(text))
	}
	fetched(t, signed.URL, http.StatusOK, "of alpha/README.txt")
	text := p.curl(t, "POST", sign, p.Token, `{"dataset_id":"alpha","file_path":"none.txt"}`)
	if !minters[m.store.Name].role {
		detail(t, text, "The file does not exist in the dataset.")
	} else { // a role looks at nothing: the store tells
		m.must(json.Unmarshal(text, &signed))
		fetched(t, signed.URL, http.StatusNotFound, "")
	}
	if text := p.curl(t, "GET", "/check-access/check-write-access", m.realm.sign("ann"), ""); !strings.Contains(string(text), `"username":"ann"`) {
		t.Errorf("who calls: %s", text)
	}
	if m.store.Name != "minio" { // what differs is the store, and it has been asked
		return
	}
	step := p.client(t)
	if got := step("ann", "write"); got.Key != "alpha/from-provena.txt" {
		t.Errorf("write: %+v", got)
	}
	if got := step("bob", "read"); got.Console == nil || *got.Console != console || !slices.Contains(got.Keys, "alpha/from-provena.txt") || !strings.HasSuffix(got.Expiry, "+00:00") {
		t.Errorf("read: %+v", got)
	}
	if got := step("bob", "url"); got.Error != "" {
		t.Errorf("a URL: %+v", got)
	} else {
		fetched(t, got.URL, http.StatusOK, "of alpha/README.txt")
	}
}

// fetched wants a URL to answer so.
func fetched(t *testing.T, url string, status int, text string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal("the URL cannot be used") // which the error repeats
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status || status == http.StatusOK && (string(got) != text || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment")) {
		t.Errorf("the URL answers %d with %d bytes, %q, %v", answer.StatusCode, len(got), answer.Header.Get("Content-Disposition"), err)
	}
}
