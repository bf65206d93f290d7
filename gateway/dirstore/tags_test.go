package dirstore

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

func tagging(tags ...s3wire.Tag) string {
	var out strings.Builder
	out.WriteString("<Tagging><TagSet>")
	for _, t := range tags {
		fmt.Fprintf(&out, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", t.Key, t.Value)
	}
	return out.String() + "</TagSet></Tagging>"
}

// Tags are held to their limits wherever they come from.
func TestTagLimits(t *testing.T) {
	s := newSite(t)
	s.put("k", "x")
	many := func(n int) (out []s3wire.Tag) {
		for i := range n {
			out = append(out, s3wire.Tag{Key: fmt.Sprint("k", i), Value: "v"})
		}
		return out
	}
	for name, c := range map[string]struct {
		tags []s3wire.Tag
		ok   bool
	}{
		"none":                {nil, true},
		"ten":                 {many(10), true},
		"eleven":              {many(11), false},
		"as long as can be":   {[]s3wire.Tag{{Key: strings.Repeat("ü", 128), Value: strings.Repeat("日", 256)}}, true},
		"long key":            {[]s3wire.Tag{{Key: strings.Repeat("k", 129), Value: "v"}}, false},
		"long value":          {[]s3wire.Tag{{Key: "k", Value: strings.Repeat("v", 257)}}, false},
		"no key":              {[]s3wire.Tag{{Key: "", Value: "v"}}, false},
		"no value":            {[]s3wire.Tag{{Key: "k", Value: ""}}, true},
		"every character":     {[]s3wire.Tag{{Key: "a Z9_.:/=+-@", Value: "ä+/ =@"}}, true},
		"another character":   {[]s3wire.Tag{{Key: "k", Value: "a*b"}}, false},
		"a control character": {[]s3wire.Tag{{Key: "k\n", Value: "v"}}, false},
		"the same key twice":  {[]s3wire.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}}, false},
		"Amazon's own":        {[]s3wire.Tag{{Key: "AWS:k", Value: "v"}}, false},
	} {
		s.ask("DELETE", bucket, "k", url.Values{"tagging": {""}}, "")
		s.delete("put")
		w := s.ask("PUT", bucket, "k", url.Values{"tagging": {""}}, tagging(c.tags...))
		put := s.ask("PUT", bucket, "put", nil, "x", "X-Amz-Tagging", s3wire.FormatTags(c.tags))
		create := s.ask("POST", bucket, "up", url.Values{"uploads": {""}}, "", "X-Amz-Tagging", s3wire.FormatTags(c.tags))
		if !c.ok {
			for what, got := range map[string]string{"document": w.Body.String(), "put": put.Body.String(), "upload": create.Body.String()} {
				if !strings.Contains(got, "<Code>InvalidTag</Code>") {
					t.Errorf("%s, %s: %s", name, what, got)
				}
			}
			s.wantKeys("k")
			continue
		}
		if w.Code != 200 || put.Code != 200 || create.Code != 200 {
			t.Errorf("%s: %d %d %d %s", name, w.Code, put.Code, create.Code, w.Body)
		}
		for _, key := range []string{"k", "put"} {
			got := s.ask("GET", bucket, key, url.Values{"tagging": {""}}, "")
			if diff := cmp.Diff(lines(strings.Replace(tagging(c.tags...), "<Tagging>", "<Tagging S3>", 1)), answered(got)); diff != "" {
				t.Errorf("%s, %s: (-want +got)\n%s", name, key, diff)
			}
		}
	}
	for _, bad := range []string{"", "<Tagging/>", "<Tagging><TagSet>", tagging() + tagging(), "<Other><TagSet/></Other>", "<!DOCTYPE t [<!ENTITY e 'x'>]>" + tagging(s3wire.Tag{Key: "k", Value: "&e;"})} {
		if w := s.ask("PUT", bucket, "k", url.Values{"tagging": {""}}, bad); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>MalformedXML</Code>") {
			t.Errorf("%q: %d %s", bad, w.Code, w.Body)
		}
	}
	if w := s.ask("PUT", bucket, "put", nil, "x", "X-Amz-Tagging", "a=%zz"); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>InvalidArgument</Code>") {
		t.Errorf("tags that cannot be read: %d %s", w.Code, w.Body)
	}
}

// A directive says for metadata and for tags whether the copy has the source's or
// those of the request.
func TestDirectivesOfCopies(t *testing.T) {
	s := newSite(t)
	s.ask("PUT", bucket, "from", nil, "x", "X-Amz-Meta-M", "old", "Content-Type", "text/old", "X-Amz-Tagging", "t=old")
	for _, c := range []struct{ metadata, tags, wantMeta, wantType, wantTag string }{
		{"", "", "old", "text/old", "old"},
		{"COPY", "COPY", "old", "text/old", "old"},
		{"REPLACE", "", "new", "text/new", "old"},
		{"", "REPLACE", "old", "text/old", "new"},
		{"REPLACE", "REPLACE", "new", "text/new", "new"},
	} {
		header := []string{"X-Amz-Copy-Source", "data/from", "X-Amz-Meta-M", "new", "Content-Type", "text/new", "X-Amz-Tagging", "t=new"}
		if c.metadata != "" {
			header = append(header, "X-Amz-Metadata-Directive", c.metadata)
		}
		if c.tags != "" {
			header = append(header, "X-Amz-Tagging-Directive", c.tags)
		}
		for _, to := range []string{"to", "from"} {
			if to == "from" && c.metadata != "REPLACE" {
				if w := s.ask("PUT", bucket, to, nil, "", header...); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>InvalidRequest</Code>") {
					t.Errorf("%+v onto itself: %d %s", c, w.Code, w.Body)
				}
				continue
			}
			if w := s.ask("PUT", bucket, to, nil, "", header...); w.Code != 200 {
				t.Fatalf("%+v: %d %s", c, w.Code, w.Body)
			}
			head := s.ask("HEAD", bucket, to, nil, "").Result().Header
			tags := s.ask("GET", bucket, to, url.Values{"tagging": {""}}, "").Body.String()
			if got := strings.Join(head[strings.ToLower("X-Amz-Meta-M")], ","); got != c.wantMeta || head.Get("Content-Type") != c.wantType || !strings.Contains(tags, ">"+c.wantTag+"<") {
				t.Errorf("%+v to %s: %q %q %s", c, to, got, head.Get("Content-Type"), tags)
			}
			s.ask("PUT", bucket, "from", nil, "x", "X-Amz-Meta-M", "old", "Content-Type", "text/old", "X-Amz-Tagging", "t=old")
		}
	}
	for _, name := range []string{"X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive"} {
		if w := s.ask("PUT", bucket, "to", nil, "", "X-Amz-Copy-Source", "data/from", name, "replace"); w.Code != 400 {
			t.Errorf("%s that nobody knows: %d", name, w.Code)
		}
	}
	// So is a file of which only the file is known.
	s.file("plain", "y")
	if w := s.ask("PUT", bucket, "copied", nil, "", "X-Amz-Copy-Source", "data/plain", "X-Amz-Tagging", "t=new", "X-Amz-Tagging-Directive", "REPLACE"); w.Code != 200 {
		t.Errorf("copy of a plain file: %d %s", w.Code, w.Body)
	}
	if body, out := s.get("copied"); body != "y" || *out.ETag != md5Tag("y") || *out.TagCount != 1 {
		t.Errorf("the copy of a plain file: %q %+v", body, out)
	}
	// A marker is a source too, and a target.
	s.put("m/", "", "who", "me")
	for _, to := range []string{"n/", "n/file"} {
		if w := s.ask("PUT", bucket, to, nil, "", "X-Amz-Copy-Source", "data/m/"); w.Code != 200 {
			t.Errorf("copy of a marker to %s: %d %s", to, w.Code, w.Body)
		}
		if h := s.head(to); h.Metadata["who"] != "me" || *h.ContentLength != 0 {
			t.Errorf("the copy of a marker: %+v", h)
		}
	}
	if w := s.ask("PUT", bucket, "o/", nil, "", "X-Amz-Copy-Source", "data/from"); w.Code != 400 {
		t.Errorf("a marker with bytes: %d", w.Code)
	}
}
