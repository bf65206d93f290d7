package keyhatch_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
)

// checkPrefix holds what is true of every prefix that was accepted, however it
// came in.
func checkPrefix(t *testing.T, p keyhatch.Prefix) {
	t.Helper()
	s := string(p)
	if s == "" {
		return
	}
	bare, slash := strings.CutSuffix(s, "/")
	if !slash || len(s) > keyhatch.MaxKeyBytes || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		t.Errorf("accepted prefix %q", s)
	}
	if slices.ContainsFunc(strings.Split(bare, "/"), func(seg string) bool { return strings.Trim(seg, ".") == "" && len(seg) < 3 }) {
		t.Errorf("accepted prefix %q with an empty or dot segment", s)
	}
	if again, err := keyhatch.ParsePrefix(s); err != nil || again != p {
		t.Errorf("%q is read again as %q, %v", s, again, err)
	}
	if again, err := keyhatch.ParsePrefix(bare); err != nil || again != p {
		t.Errorf("%q is read again as %q, %v", bare, again, err)
	}
	if err := keyhatch.CheckKey(s); err != nil {
		t.Errorf("%q is no folder marker: %v", s, err)
	}
	if a := p.Ancestors(); !slices.Contains(a, p) || len(a) != strings.Count(s, "/")+1 {
		t.Errorf("ancestors of %q: %q", s, a)
	}
}

func FuzzParsePrefix(f *testing.F) {
	for _, s := range []string{"", "data/a", "data/ab/", "..a/b..", "é/\u2028/", " ", "%2e%2e/"} {
		f.Add(s, "x")
	}
	for _, bad := range []map[string]string{refusedPaths, controls} {
		for _, s := range bad {
			if len(s) < 2000 {
				f.Add(s, s)
			}
		}
	}
	f.Fuzz(func(t *testing.T, s, relative string) {
		p, err := keyhatch.ParsePrefix(s)
		if err != nil {
			if p != "" {
				t.Fatalf("%q is refused and returns %q", s, p)
			}
			return
		}
		if string(p) != s && string(p) != s+"/" {
			t.Fatalf("%q is read as %q", s, p)
		}
		checkPrefix(t, p)
		joined, err := p.Join(relative)
		if err != nil {
			return
		}
		checkPrefix(t, joined)
		if !p.Covers(joined) || !slices.Contains(joined.Ancestors(), p) {
			t.Fatalf("%q and %q lead to %q", p, relative, joined)
		}
	})
}

func FuzzParseS3URL(f *testing.F) {
	for _, s := range []string{
		"s3://demo", "s3://demo/", "s3://demo/a/b", "s3://my.bucket-1/a", "s3://demo//a", "s3://demo/../x", "s3://../x", "s3:///a",
		"S3://demo/a", "s3://demo/a\x00", "s3://demo:1/a", "s3://u@demo/a", "s3://demo?x", "s3://demo/s3://demo", "https://demo/a", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := keyhatch.ParseS3URL(s)
		if err != nil {
			if u != (keyhatch.S3URL{}) {
				t.Fatalf("%q is refused and returns %+v", s, u)
			}
			return
		}
		if !keyhatch.IsS3URL(s) {
			t.Fatalf("%q is read but is no S3 URL", s)
		}
		checkPrefix(t, u.Prefix)
		if strings.ContainsAny(u.Bucket, "/\\:@?#%_ ") || strings.Trim(u.Bucket, ".-") != u.Bucket || strings.Contains(u.Bucket, "..") {
			t.Fatalf("%q has bucket %q", s, u.Bucket)
		}
		if text := u.String(); strings.TrimSuffix(text, "/") != strings.TrimSuffix(s, "/") {
			t.Fatalf("%q is written %q", s, text)
		}
		if again, err := keyhatch.ParseS3URL(u.String()); err != nil || again != u {
			t.Fatalf("%q is read again as %+v, %v", u, again, err)
		}
	})
}

func FuzzParseScope(f *testing.F) {
	for _, s := range []string{
		"all", "leases", "leases:read", "GET /", "GET /api/v1/leases/", "POST /a", "s3:read s3://demo/a", "s3:write s3://demo",
		"all ", "GET  /a", "GET /a/../b", "GET /a%2fb", "s3:read  s3://demo", "s3:all s3://demo", "leases:read:read", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := keyhatch.ParseScope(s)
		if err != nil {
			if p != (keyhatch.ParsedScope{}) {
				t.Fatalf("%q is refused and returns %+v", s, p)
			}
			return
		}
		text := scopeText(p)
		if text != s && text != s+"/" {
			t.Fatalf("%q is read as %q", s, text)
		}
		if again, err := keyhatch.ParseScope(text); err != nil || again != p {
			t.Fatalf("%q is read again as %+v, %v", text, again, err)
		}
		if p.Kind != keyhatch.AllScope && s == "all" || p.Kind == keyhatch.AllScope && s != "all" {
			t.Fatalf("%q is %+v", s, p)
		}
		checkPrefix(t, p.URL.Prefix)
		if p.Kind == keyhatch.RouteScope && (!strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, "%?#\\ \x00\n\r") ||
			strings.Contains(p.Path, "//") || strings.Contains(p.Path+"/", "/../") || strings.Contains(p.Path+"/", "/./")) {
			t.Fatalf("%q has path %q", s, p.Path)
		}
	})
}

// checkShown holds what is true of every text that is read as a token: there is no
// other way to write what was read.
func checkShown(t *testing.T, s string) {
	t.Helper()
	shown, ok := keyhatch.ParseTokenSecret(s)
	if !ok {
		if shown != (keyhatch.ShownToken{}) || keyhatch.IsTokenSecret(s) {
			t.Fatalf("%q is refused, and says %v", s, shown)
		}
		return
	}
	bare := shown.Secret.Reveal()
	if !keyhatch.IsTokenSecret(bare) {
		t.Fatalf("%q is read as a secret of another shape", s)
	}
	switch again := bare; {
	case shown.Token != "":
		payload, _ := keyhatch.IDPayload(keyhatch.TokenID, shown.Token)
		cluster := strings.Trim(s[3:min(len(s), 8)], "0123456789abcdefghijklmnopqrstuvwxyz")
		if again = "v2/" + s[3:8] + "-gj3su-" + payload + "/" + bare; again != s || cluster != "" || shown.Workspace != "" {
			t.Fatalf("%q is read as %q", s, again)
		}
	case shown.Workspace != "":
		payload, _ := keyhatch.IDPayload(keyhatch.WorkspaceID, shown.Workspace)
		if again = "kh-ws_" + payload + "-" + bare[3:]; again != s {
			t.Fatalf("%q is read as %q", s, again)
		}
	case again != s:
		t.Fatalf("%q is read as %q", s, again)
	}
}

func FuzzTokenSecret(f *testing.F) {
	for _, s := range knownTokens {
		f.Add(s)
		f.Add(s[:51])
		f.Add(s + "0")
		f.Add(strings.ToLower(s))
	}
	f.Add("")
	f.Add("kh_")
	for _, s := range knownTokens {
		f.Add("v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/" + s)
		f.Add("kh-ws_0mz3k8q2a7c4f9d-" + s[3:])
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkShown(t, s)
		if !keyhatch.IsTokenSecret(s) {
			return
		}
		if len(s) != 52 || !strings.HasPrefix(s, "kh_") || strings.Trim(s[3:], base62) != "" {
			t.Fatalf("accepted %q", s)
		}
		for _, other := range []string{s[1:], s[:51], s + s[51:], " " + s, s[:46] + s[47:] + s[46:47]} {
			if other != s && keyhatch.IsTokenSecret(other) {
				t.Fatalf("accepted %q and %q", s, other)
			}
		}
		for i := 3; i < len(s); i++ {
			for _, c := range []byte("0aZ_-/+ \x00") {
				if changed := s[:i] + string(c) + s[i+1:]; changed != s && keyhatch.IsTokenSecret(changed) {
					t.Fatalf("accepted %q and %q", s, changed)
				}
			}
		}
	})
}
