package dirstore

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// Whoever missed the answer asks again, and is told the same, by another process
// too: but only while the object is there that the upload became, and only of
// that upload.
func TestCompletedAgain(t *testing.T) {
	s := newSite(t)
	id := s.begin("k")
	parts := []types.CompletedPart{s.mustPart("k", id, 1, "one"), s.mustPart("k", id, 2, "two")}
	first, err := s.complete("k", id, parts...)
	if err != nil {
		t.Fatal(err)
	}
	again := func(what, code string) {
		t.Helper()
		out, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(bucket), Key: aws.String("k"), UploadId: &id, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		if code != "" {
			s.wantCode(err, code)
		} else if err != nil || *out.ETag != *first.ETag {
			t.Errorf("%s: %v", what, err)
		}
	}
	again("at once", "")
	s = s.restart()
	again("in another process", "")
	if w := s.ask("PUT", bucket, "k", url.Values{"tagging": {""}}, tagging(s3wire.Tag{Key: "a", Value: "b"})); w.Code != 200 {
		t.Fatal(w.Body)
	}
	again("with tags since", "")

	_, err = s.complete("k", id, parts[0])
	s.wantCode(err, "NoSuchUpload")
	_, err = s.complete("k", strings.Repeat("0", 32), parts...)
	s.wantCode(err, "NoSuchUpload")
	_, err = s.complete("other", id, parts...)
	s.wantCode(err, "NoSuchUpload")
	s.ask("PUT", bucket, "copy", nil, "", "X-Amz-Copy-Source", "data/k")
	_, err = s.complete("copy", id, parts...)
	s.wantCode(err, "NoSuchUpload")
	s.put("k", "another")
	again("after another took its place", "NoSuchUpload")
	s.delete("k")
	again("after it was deleted", "NoSuchUpload")
	s.file("k", "onetwo")
	if w := s.ask("POST", bucket, "k", url.Values{"uploadId": {""}}, completion(parts...)); w.Code != 404 {
		t.Errorf("an upload without an id: %d %s", w.Code, w.Body)
	}
}

func completion(parts ...types.CompletedPart) string {
	var out strings.Builder
	out.WriteString("<CompleteMultipartUpload>")
	for _, p := range parts {
		fmt.Fprintf(&out, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", *p.PartNumber, *p.ETag)
	}
	return out.String() + "</CompleteMultipartUpload>"
}

// What completes an upload is bounded, and has to be what it says.
func TestDocumentsThatComplete(t *testing.T) {
	s := newSite(t)
	id := s.begin("k")
	p := s.mustPart("k", id, 1, "12345")
	ask := func(document string, header ...string) *httptest.ResponseRecorder {
		return s.ask("POST", bucket, "k", url.Values{"uploadId": {id}}, document, header...)
	}
	one := completion(p)
	for name, c := range map[string]struct {
		document string
		code     string
	}{
		"nothing":          {"", "MalformedXML"},
		"no parts":         {completion(), "MalformedXML"},
		"another element":  {"<Complete/>", "MalformedXML"},
		"not closed":       {strings.TrimSuffix(one, "</CompleteMultipartUpload>"), "MalformedXML"},
		"two documents":    {one + one, "MalformedXML"},
		"text behind":      {one + "x", "MalformedXML"},
		"text before":      {"x" + one, "MalformedXML"},
		"a directive":      {"<!DOCTYPE x>" + one, "MalformedXML"},
		"an entity":        {strings.Replace(one, "1", "&one;", 1), "MalformedXML"},
		"not a number":     {strings.Replace(one, "<PartNumber>1", "<PartNumber>x", 1), "MalformedXML"},
		"another encoding": {`<?xml version="1.0" encoding="UTF-16"?>` + one, "MalformedXML"},
		"too many parts":   {"<CompleteMultipartUpload>" + strings.Repeat("<Part/>", 10_001) + "</CompleteMultipartUpload>", "MalformedXML"},
		"too long":         {one + strings.Repeat(" ", 1<<20), "MaxMessageLengthExceeded"},
		"no such part":     {strings.Replace(one, "<PartNumber>1", "<PartNumber>2", 1), "InvalidPart"},
		"part 0":           {strings.Replace(one, "<PartNumber>1", "<PartNumber>0", 1), "InvalidPart"},
		"the same twice":   {completion(p, p), "InvalidPartOrder"},
	} {
		if w := ask(c.document); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>"+c.code+"<") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	for size, code := range map[string]string{"4": "InvalidRequest", "-5": "InvalidArgument", "x": "InvalidArgument"} {
		if w := ask(one, "X-Amz-Mp-Object-Size", size); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>"+code+"<") {
			t.Errorf("size %s: %d %s", size, w.Code, w.Body)
		}
	}
	if w := ask(completion(p, types.CompletedPart{PartNumber: aws.Int32(2), ETag: p.ETag}), "X-Amz-Mp-Object-Size", "10"); !strings.Contains(w.Body.String(), "<Code>InvalidPart<") {
		t.Errorf("a size, but no such part: %s", w.Body)
	}
	if w := ask(one, "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>BadDigest<") {
		t.Errorf("another document than was meant: %d %s", w.Code, w.Body)
	}
	s.wantKeys()
	if w := ask(strings.Replace(one, "<PartNumber>1", "<PartNumber>2", 1), "X-Amz-Checksum-Crc32", crc32Of("the object")); !strings.Contains(w.Body.String(), "<Code>InvalidPart<") {
		t.Errorf("the checksum of the object was taken for the document's: %s", w.Body)
	}
	// With everything around it that XML allows.
	document := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- parts -->\n" + strings.Replace(one, "<CompleteMultipartUpload>", "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n<!-- one -->", 1) + "\n<!-- end -->\n"
	if w := ask(strings.ReplaceAll(document, `"`+strings.Trim(*p.ETag, `"`)+`"`, "\n&quot;"+strings.Trim(*p.ETag, `"`)+"&#34; "), "X-Amz-Mp-Object-Size", "5"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if body, _ := s.get("k"); body != "12345" {
		t.Errorf("k is %q", body)
	}
}

// A list of parts that is refused is refused before a part is read: the checksum was
// made first, of one part ten thousand times if it was listed so often. And nobody
// goes on with it when the request is over.
func TestPartsAreReadOnlyToBeJoined(t *testing.T) {
	s := newSite(t)
	id := s.begin("k")
	p, two := s.mustPart("k", id, 1, "12345"), s.mustPart("k", id, 2, "12345")
	files, err := filepath.Glob(filepath.Join(s.dir, ownFolder, "*", bucket, id, "0000*"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files { // whoever reads one notices
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		parts []types.CompletedPart
		code  string
	}{
		"the same twice":   {[]types.CompletedPart{p, p}, "InvalidPartOrder"},
		"descending":       {[]types.CompletedPart{two, p}, "InvalidPartOrder"},
		"no such part":     {[]types.CompletedPart{p, {PartNumber: aws.Int32(3), ETag: p.ETag}}, "InvalidPart"},
		"of another ETag":  {[]types.CompletedPart{p, {PartNumber: aws.Int32(2), ETag: aws.String("x")}}, "InvalidPart"},
		"nothing is wrong": {[]types.CompletedPart{p, two}, "InternalError"},
	} {
		w := s.ask("POST", bucket, "k", url.Values{"uploadId": {id}}, completion(c.parts...), "X-Amz-Checksum-Crc32", crc32Of("1234512345"))
		if !strings.Contains(w.Body.String(), "<Code>"+c.code+"<") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}

	id = s.begin("k")
	p = s.mustPart("k", id, 1, "12345")
	over, cancel := context.WithCancel(ctx)
	cancel()
	for _, sum := range []string{"12345", "another"} {
		r := httptest.NewRequest("POST", "/"+bucket+"/k?uploadId="+id, strings.NewReader(completion(p))).WithContext(over)
		r.Header.Set("X-Amz-Checksum-Crc32", crc32Of(sum))
		w := httptest.NewRecorder()
		s.store.Handler().ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), "<Code>InternalError<") {
			t.Errorf("checksum of %s: %d %s", sum, w.Code, w.Body)
		}
	}
	s.wantKeys()
}

// What deletes many objects is bounded too.
func TestDocumentsThatDelete(t *testing.T) {
	s := newSite(t)
	s.put("k", "x")
	object := "<Object><Key>k</Key></Object>"
	for name, document := range map[string]string{
		"nothing":       "",
		"no objects":    "<Delete/>",
		"too many":      "<Delete>" + strings.Repeat("<Object><Key>x</Key></Object>", 1000) + object + "</Delete>",
		"two documents": "<Delete>" + object + "</Delete><Delete/>",
		"an entity":     "<!DOCTYPE d [<!ENTITY k \"k\">]><Delete><Object><Key>&k;</Key></Object></Delete>",
		"cut off":       "<Delete>" + object,
		"quiet, maybe":  "<Delete><Quiet>maybe</Quiet>" + object + "</Delete>",
	} {
		if w := s.ask("POST", bucket, "", url.Values{"delete": {""}}, document); w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>MalformedXML<") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	s.wantKeys("k")
	if w := s.ask("POST", bucket, "", url.Values{"delete": {""}}, "<Delete>"+strings.Repeat("<Object><Key>x</Key></Object>", 999)+object+"</Delete>\n"); w.Code != 200 {
		t.Errorf("a thousand: %d %s", w.Code, w.Body)
	}
	s.wantKeys()
}

// A batch is over with its request: what is left is not removed, and is told.
func TestBatchDeleteEndsWithItsContext(t *testing.T) {
	s := newSite(t)
	s.put("k", "x")
	over, cancel := context.WithCancel(ctx)
	cancel()
	r := httptest.NewRequest("POST", "/"+bucket+"?delete", strings.NewReader("<Delete><Object><Key>k</Key></Object></Delete>")).WithContext(over)
	w := httptest.NewRecorder()
	s.store.Handler().ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "<Error><Key>k</Key><Code>InternalError</Code>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.wantKeys("k")
}

// A range that is copied into a part has to lie in its source.
func TestSourceRanges(t *testing.T) {
	s := newSite(t)
	s.put("from", "0123456789")
	id := s.begin("k")
	for asked, status := range map[string]int{
		"bytes=0-9": 200, "bytes=9-9": 200, "bytes=0-10": 400, "bytes=10-10": 400, "bytes=5-4": 400, "bytes=-5": 400, "bytes=5-": 400,
		"0-5": 400, "bytes=a-b": 400, "bytes=0-99999999999999999999": 400, "bytes=0-1,2-3": 400, "bytes=0-+1": 400,
	} {
		w := s.ask("PUT", bucket, "k", url.Values{"uploadId": {id}, "partNumber": {"1"}}, "", "X-Amz-Copy-Source", "data/from", "X-Amz-Copy-Source-Range", asked)
		if w.Code != status || status == 400 && !strings.Contains(w.Body.String(), "<Code>InvalidArgument<") {
			t.Errorf("%s: %d %s", asked, w.Code, w.Body)
		}
	}
	if w := s.ask("PUT", bucket, "k", url.Values{"uploadId": {id}, "partNumber": {"1"}}, "", "X-Amz-Copy-Source", "data/from", "X-Amz-Copy-Source-If-Match", md5Tag("x")); w.Code != 412 {
		t.Errorf("a source that has changed: %d", w.Code)
	}
}
