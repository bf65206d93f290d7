package dirstore

import (
	"bytes"
	"encoding/xml"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// fuzzDocument checks what holds for every document of a request: it is parsed or
// refused, an entity or a directive is never let in, and what was parsed says the
// same when it is written and parsed again.
func fuzzDocument[D any](f *testing.F, same func(a, b D) bool, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
		f.Add([]byte(xml.Header + seed + "\n<!-- end -->\n"))
		f.Add([]byte("<!DOCTYPE d [<!ENTITY e 'x'>]>" + seed))
		f.Add([]byte(seed + seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, again D
		if err := parse(text, &got); err != nil {
			if err != errMalformedXML {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if !utf8.Valid(text) {
			t.Error("parsed what is not UTF-8")
		}
		if parse(append(slices.Clone(text), '<', 'x', '/', '>'), new(D)) == nil || parse(append(slices.Clone(text), 'x'), new(D)) == nil {
			t.Error("parsed what is more than one element")
		}
		if parse(append([]byte("<!DOCTYPE x>"), bytes.TrimPrefix(text, []byte("\ufeff"))...), new(D)) == nil {
			t.Error("parsed a directive")
		}
		written, err := xml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(written, &again); err != nil || !same(got, again) {
			t.Errorf("%q was written as %q and read as another: %v", text, written, err)
		}
	})
}

func FuzzDeleteDocument(f *testing.F) {
	fuzzDocument(f, func(a, b deleteDocument) bool { return len(a.Objects) == len(b.Objects) && a.Quiet == b.Quiet },
		"<Delete><Quiet>true</Quiet><Object><Key>a&amp;b</Key><VersionId>null</VersionId><ETag>&quot;x&quot;</ETag></Object></Delete>",
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>k</Key><Size>1</Size></Object><Object/></Delete>")
}

func FuzzCompleteDocument(f *testing.F) {
	fuzzDocument(f, func(a, b completeDocument) bool { return slices.Equal(a.Parts, b.Parts) },
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"x\"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>")
}

func FuzzTaggingDocument(f *testing.F) {
	fuzzDocument(f, func(a, b tagsDocument) bool {
		return (a.TagSet == nil) == (b.TagSet == nil) && (a.TagSet == nil || slices.Equal(a.TagSet.Tags, b.TagSet.Tags))
	}, "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>&#65;</Key></Tag></TagSet></Tagging>", "<Tagging/>")
}

// Tags that are accepted are kept as they are.
func FuzzTagsHeader(f *testing.F) {
	f.Add("a=1&b=%20+&c")
	f.Add("a=%zz")
	f.Fuzz(func(t *testing.T, text string) {
		tags, err := s3wire.ParseTags(text)
		if err != nil {
			return
		}
		if again, err := s3wire.ParseTags(s3wire.FormatTags(tags)); err != nil || !slices.Equal(again, tags) {
			t.Errorf("%q: %v became %v, %v", text, tags, again, err)
		}
	})
}

// A range lies in the object, whatever was asked for.
func FuzzRanges(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=-5", "bytes=5-", "bytes=9-1", "bytes=99999999999999999999-"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		part, partial, err := parseRange(text, size)
		if err == nil && (part.start < 0 || part.length < 0 || part.start+part.length > size || partial && part.length == 0 || !partial && part.length != size) {
			t.Errorf("%q of %d: %+v, %v", text, size, part, partial)
		}
		if part, err := parseSourceRange(text, size); err == nil && (part.start < 0 || part.length <= 0 || part.start+part.length > size) {
			t.Errorf("%q of %d: %+v", text, size, part)
		}
	})
}

// No text stands for a name but the token that was made for it.
func FuzzTokens(f *testing.F) {
	f.Add("prefix", "a/b", "AAAA")
	f.Fuzz(func(t *testing.T, prefix, at, text string) {
		r := &request{bucket: bucket, query: url.Values{"prefix": {prefix}}}
		if got, err := readToken(r, makeToken(r, at)); at != "" && (err != nil || got != at) {
			t.Errorf("%q became %q, %v", at, got, err)
		}
		if got, err := readToken(r, text); err == nil && makeToken(r, got) != text {
			t.Errorf("%q stands for %q", text, got)
		}
	})
}

// Conditions and sources of copies are read without a fault.
func FuzzHeaders(f *testing.F) {
	f.Add("data/k", `"x", W/"y"`, "Sat, 01 Jan 2000 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, source, tags, date string) {
		if from, err := s3wire.ParseSource(source); err == nil {
			if again, err := s3wire.ParseSource(from.Header()); err != nil || again != from {
				t.Errorf("%q reads as %+v, and that back as %+v, %v", source, from, again, err)
			}
		}
		r := httptest.NewRequest("GET", "/", nil)
		for name, value := range map[string]string{"If-Match": tags, "If-None-Match": tags, "If-Range": date, "If-Modified-Since": date, "If-Unmodified-Since": date} {
			r.Header.Set(name, value)
		}
		rec := tree.Record{ETag: "x"}
		if holds(r.Header, "", rec) == nil && tags != "" {
			t.Errorf("%q both matches and does not", tags)
		}
		rangeStands(r.Header, rec)
	})
}
