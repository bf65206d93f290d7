package conformance

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestPresignedURLs: whoever has the URL reads that object, whatever its key has in it, and
// does nothing else with it; and nothing more when the bucket's are revoked.
func TestPresignedURLs(t *testing.T) {
	t.Parallel()
	p := start(t)
	l := p.lend(t, p.own, "write")
	client := s3.New(s3.Options{
		BaseEndpoint: &p.S3, Region: p.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(l.AccessKeyID, l.SecretAccessKey, l.SessionToken),
	})
	put := func(key, text string) {
		t.Helper()
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &p.bucket, Key: &key, Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	sign := func(key string) string {
		t.Helper()
		var made struct{ URL string }
		if err := p.Create(t.Context(), "/api/v1/buckets/"+p.bucket+"/presigned-url", map[string]any{"key": key, "expiry_seconds": 60}, &made); err != nil {
			t.Fatal(err)
		}
		return made.URL
	}
	fetch := func(method, u string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	for _, name := range []string{"plain.txt", "a b+c%20ü&=?#.txt", "${*}*?$.txt", "deep/er/~x_'(1)!.txt"} {
		put(p.own+"urls/"+name, "this is "+name)
		u := sign(p.own + "urls/" + name)
		if status, text := fetch(http.MethodGet, u); status != http.StatusOK || text != "this is "+name {
			t.Errorf("%s: %d %s", name, status, text)
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPost} {
			if status, _ := fetch(method, u); status < 400 || status >= 500 && status != http.StatusNotImplemented {
				t.Errorf("%s: %s with its URL answers %d", name, method, status)
			}
		}
	}
	put(p.own+"urls/xx$.txt", "what a wildcard would open")
	u, err := url.Parse(sign(p.own + "urls/plain.txt"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := *u
	elsewhere.Path = "/" + p.bucket + "/" + p.own + "README.txt"
	if status, text := fetch(http.MethodGet, elsewhere.String()); status != http.StatusForbidden {
		t.Errorf("for another object it answers %d %s", status, text)
	}
	if err := p.Create(t.Context(), "/api/v1/buckets/"+p.bucket+"/revoke-presigned-urls", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	if status, text := fetch(http.MethodGet, u.String()); status != http.StatusForbidden || !strings.Contains(text, "AccessDenied") {
		t.Errorf("revoked, it answers %d %s", status, text)
	}
	if status, text := fetch(http.MethodGet, sign(p.own+"urls/plain.txt")); status != http.StatusOK {
		t.Errorf("one that was made since answers %d %s", status, text)
	}
}
