package dirstore

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// A token goes on with the list that it came from, also in another process, and
// with no other; whoever changes it is refused.
func TestContinuationTokens(t *testing.T) {
	s := newSite(t)
	for _, key := range []string{"a/1", "a/2", "b", "c"} {
		s.file(key, "x")
	}
	first, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), MaxKeys: aws.Int32(2)})
	if err != nil || *first.KeyCount != 2 || !*first.IsTruncated {
		t.Fatal(first, err)
	}
	token := *first.NextContinuationToken
	s = s.restart()
	query := func(change ...string) url.Values {
		q := url.Values{"list-type": {"2"}, "continuation-token": {token}}
		for i := 0; i < len(change); i += 2 {
			q.Set(change[i], change[i+1])
		}
		return q
	}
	if w := s.ask("GET", bucket, "", query(), ""); w.Code != 200 || !strings.Contains(w.Body.String(), "<Key>b</Key>") || strings.Contains(w.Body.String(), "<Key>a/2</Key>") {
		t.Errorf("in another process: %d %s", w.Code, w.Body)
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		changed := slices.Clone(text)
		changed[i] ^= 1
		if w := s.ask("GET", bucket, "", query("continuation-token", base64.RawURLEncoding.EncodeToString(changed)), ""); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>InvalidArgument</Code>") {
			t.Errorf("byte %d changed: %d", i, w.Code)
		}
	}
	for name, q := range map[string]url.Values{
		"empty":             query("continuation-token", ""),
		"a key":             query("continuation-token", "a/2"),
		"half":              query("continuation-token", token[:8]),
		"longer":            query("continuation-token", token+"AAAA"),
		"padded":            query("continuation-token", token+"=="),
		"another prefix":    query("prefix", "a"),
		"another delimiter": query("delimiter", "/"),
	} {
		if w := s.ask("GET", bucket, "", q, ""); w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := s.ask("GET", "other", "", query(), ""); w.Code != 400 {
		t.Errorf("another bucket: %d", w.Code)
	}
}

// versions lists with ListObjectVersions, page by page.
func (s *site) versions(prefix, delimiter string, most int32) (out []string) {
	s.Helper()
	in := &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &most}
	for range 100 {
		page, err := s.client.ListObjectVersions(ctx, in)
		if err != nil {
			s.Fatal(err)
		}
		for _, v := range page.Versions {
			out = append(out, *v.Key+" "+*v.VersionId)
		}
		for _, p := range page.CommonPrefixes {
			out = append(out, *p.Prefix)
		}
		if !*page.IsTruncated {
			return out
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	s.Fatal("the list does not end")
	return nil
}

func TestVersionsPageByPage(t *testing.T) {
	s := newSite(t)
	for _, key := range []string{"a-b", "a/b", "a/c/d", "a0", "z"} {
		s.file(key, "x")
	}
	for _, c := range []struct {
		prefix, delimiter string
		want              []string
	}{
		{"", "", []string{"a-b null", "a/b null", "a/c/d null", "a0 null", "z null"}},
		{"", "/", []string{"a-b null", "a/", "a0 null", "z null"}},
		{"a/", "/", []string{"a/b null", "a/c/"}},
		{"y", "", nil},
	} {
		for _, most := range []int32{1, 2, 1000} {
			got := s.versions(c.prefix, c.delimiter, most)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("prefix %q, delimiter %q, max %d (-want +got)\n%s", c.prefix, c.delimiter, most, diff)
			}
		}
	}
}

// Uploads page like objects, with one more marker for those of one key.
func TestUploadsPageByPage(t *testing.T) {
	s := newSite(t)
	name := map[string]string{}
	for _, key := range []string{"a/1", "a/1", "a/2", "b", "b", "b", "c/x", "c/y/z", "d"} {
		id := s.begin(key)
		name[id] = key
	}
	page := func(prefix, delimiter string, most int) (out []string) {
		in := &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket), Prefix: &prefix, Delimiter: &delimiter, MaxUploads: aws.Int32(int32(most))}
		seen := map[string]bool{}
		for range 100 {
			got, err := s.client.ListMultipartUploads(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(got.Uploads) + len(got.CommonPrefixes); n > most || n == 0 && *got.IsTruncated {
				t.Fatalf("%d results of %d", n, most)
			}
			for _, u := range got.Uploads {
				if seen[*u.UploadId] || name[*u.UploadId] != *u.Key {
					t.Errorf("upload %s of %s", *u.UploadId, *u.Key)
				}
				seen[*u.UploadId] = true
				out = append(out, *u.Key)
			}
			for _, p := range got.CommonPrefixes {
				out = append(out, *p.Prefix)
			}
			if !*got.IsTruncated {
				slices.Sort(out)
				return out
			}
			in.KeyMarker, in.UploadIdMarker = got.NextKeyMarker, got.NextUploadIdMarker
		}
		t.Fatal("the list does not end")
		return nil
	}
	for _, c := range []struct{ prefix, delimiter, want string }{
		{"", "", "[a/1 a/1 a/2 b b b c/x c/y/z d]"},
		{"", "/", "[a/ b b b c/ d]"},
		{"c/", "/", "[c/x c/y/]"},
		{"a", "", "[a/1 a/1 a/2]"},
		{"a/1", "1", "[a/1 a/1]"},
		{"", "/1", "[a/1 a/2 b b b c/x c/y/z d]"},
		{"e", "/", "[]"},
	} {
		for _, most := range []int{1, 2, 3, 1000} {
			if got := fmt.Sprint(page(c.prefix, c.delimiter, most)); got != c.want {
				t.Errorf("prefix %q, delimiter %q, max %d: %s, want %s", c.prefix, c.delimiter, most, got, c.want)
			}
		}
	}
	// A key marker alone leaves all uploads of that key behind; an upload marker
	// alone means nothing.
	w := s.ask("GET", bucket, "", url.Values{"uploads": {""}, "key-marker": {"b"}}, "")
	if strings.Count(w.Body.String(), "<Upload>") != 3 {
		t.Errorf("behind a key: %s", w.Body)
	}
	w = s.ask("GET", bucket, "", url.Values{"uploads": {""}, "upload-id-marker": {"ffffffffffffffffffffffffffffffff"}}, "")
	if strings.Count(w.Body.String(), "<Upload>") != 9 {
		t.Errorf("behind an upload of no key: %s", w.Body)
	}
	w = s.ask("GET", bucket, "", url.Values{"uploads": {""}, "max-uploads": {"0"}}, "")
	if !strings.Contains(w.Body.String(), "<IsTruncated>false<") || strings.Contains(w.Body.String(), "<Upload>") {
		t.Errorf("none: %s", w.Body)
	}
}
