package keyhatch_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

func TestCheckBucketName(t *testing.T) {
	for _, name := range []string{
		"abc", "a-b", "a.b", "123", "0ab", "my.bucket-1", "a--b", "a-.b", "a.-b", strings.Repeat("a", 63), "demo",
	} {
		if err := keyhatch.CheckBucketName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for what, name := range map[string]string{
		"empty": "", "one": "a", "two": "ab", "64": strings.Repeat("a", 64), "a mebibyte": strings.Repeat("a", 1<<20),
		"capital": "Abc", "capital inside": "aBc", "underscore": "a_b", "space": "a b", "slash": "a/b", "backslash": `a\b`,
		"NUL": "ab\x00", "newline": "abc\n", "accent": "abé", "invalid UTF-8": "ab\xff", "full-width": "ａｂｃ",
		"dash first": "-ab", "dash last": "ab-", "dot first": ".ab", "dot last": "ab.", "two dots": "a..b",
		"dots": "...", "dot-dot": "..", "dash-dot first": "-.a", "star": "a*b", "question": "a?b", "dollar": "a$b",
		"percent": "a%2fb", "colon": "a:b", "at": "u@b", "tilde": "~ab",
	} {
		wantInvalid(t, what, keyhatch.CodeInvalidBucketName, keyhatch.CheckBucketName(name))
	}
}

func TestParseS3URL(t *testing.T) {
	for in, want := range map[string]keyhatch.S3URL{
		"s3://demo":                  {Bucket: "demo"},
		"s3://demo/":                 {Bucket: "demo"},
		"s3://demo/a":                {Bucket: "demo", Prefix: "a/"},
		"s3://demo/a/b/":             {Bucket: "demo", Prefix: "a/b/"},
		"s3://demo/a%2F..%2Fb":       {Bucket: "demo", Prefix: "a%2F..%2Fb/"},
		"s3://demo/a?versionId=1":    {Bucket: "demo", Prefix: "a?versionId=1/"},
		"s3://demo/a#b":              {Bucket: "demo", Prefix: "a#b/"},
		"s3://demo/s3://other/x":     {}, // an empty segment
		"s3://demo/s3:/other":        {Bucket: "demo", Prefix: "s3:/other/"},
		"s3://my.bucket/with spaces": {Bucket: "my.bucket", Prefix: "with spaces/"},
	} {
		got, err := keyhatch.ParseS3URL(in)
		if refused := want.Bucket == ""; (err != nil) != refused || got != want {
			t.Errorf("ParseS3URL(%q) = %+v, %v; want %+v", in, got, err, want)
			continue
		}
		if err != nil {
			continue
		}
		if again, err := keyhatch.ParseS3URL(got.String()); err != nil || again != got {
			t.Errorf("%q, written as %q, reads %+v, %v", in, got, again, err)
		}
	}
	for in, code := range map[string]keyhatch.Code{
		"":                        keyhatch.CodeInvalidPrefix,
		"demo/a":                  keyhatch.CodeInvalidPrefix,
		"/demo/a":                 keyhatch.CodeInvalidPrefix,
		"S3://demo/a":             keyhatch.CodeInvalidPrefix,
		"s3:/demo/a":              keyhatch.CodeInvalidPrefix,
		" s3://demo/a":            keyhatch.CodeInvalidPrefix,
		"https://demo/a":          keyhatch.CodeInvalidPrefix,
		"s3://":                   keyhatch.CodeInvalidBucketName,
		"s3:///a":                 keyhatch.CodeInvalidBucketName,
		"s3://../a":               keyhatch.CodeInvalidBucketName,
		"s3://Demo/a":             keyhatch.CodeInvalidBucketName,
		"s3://user@demo/a":        keyhatch.CodeInvalidBucketName,
		"s3://demo:443/a":         keyhatch.CodeInvalidBucketName,
		"s3://demo\\a":            keyhatch.CodeInvalidBucketName,
		"s3://demo?x":             keyhatch.CodeInvalidBucketName,
		"s3://arn:aws:s3:::b/a":   keyhatch.CodeInvalidBucketName,
		"s3://demo//a":            keyhatch.CodeInvalidPrefix,
		"s3://demo/a/../b":        keyhatch.CodeInvalidPrefix,
		"s3://demo/../other/x":    keyhatch.CodeInvalidPrefix,
		"s3://demo/a\x00":         keyhatch.CodeInvalidPrefix,
		"s3://demo/a\nx-header: ": keyhatch.CodeInvalidPrefix,
	} {
		got, err := keyhatch.ParseS3URL(in)
		wantInvalid(t, in, code, err)
		if got != (keyhatch.S3URL{}) {
			t.Errorf("%q is refused and returns %+v", in, got)
		}
	}
}

func TestIsS3URL(t *testing.T) {
	for s, want := range map[string]bool{
		"s3://demo/a": true, "s3://": true, "s3:/x": false, "S3://x": false, "": false, "alpha": false, "a/s3://": false, " s3://x": false,
	} {
		if got := keyhatch.IsS3URL(s); got != want {
			t.Errorf("IsS3URL(%q) = %t", s, got)
		}
	}
}
