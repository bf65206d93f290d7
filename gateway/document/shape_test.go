package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

func TestDocumentShapes(t *testing.T) {
	t.Parallel()
	const namespace = `xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	for _, c := range []struct {
		shape shape
		text  string
		want  bool
	}{
		{deleteShape, `<Delete><Object><Key>a</Key></Object></Delete>`, true},
		{deleteShape, `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Delete " + namespace + ">\n <Quiet>true</Quiet> <Object><Key> a </Key><VersionId>null</VersionId></Object></Delete>\n", true},
		{deleteShape, `<Delete><!-- says nothing --><Object><Key>a&amp;&#x3c;</Key></Object><Object><Key>b</Key></Object></Delete>`, true},
		{deleteShape, `<Delete/>`, true},
		{deleteShape, ``, false},
		{deleteShape, `<Delete>`, false},
		{deleteShape, `<delete></delete>`, false},
		{deleteShape, `<Delete></Delete><Delete></Delete>`, false},
		{deleteShape, `<Delete></Delete>x`, false},
		{deleteShape, `x<Delete></Delete>`, false},
		{deleteShape, `<Delete>x</Delete>`, false},
		{deleteShape, `<Delete><Object>x<Key>a</Key></Object></Delete>`, false},
		{deleteShape, `<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>`, false},
		{deleteShape, `<Delete><Object><Key>a<b>c</b></Key></Object></Delete>`, false},
		{deleteShape, `<Delete><Key>a</Key></Delete>`, false},
		{deleteShape, `<Delete><Object><Object><Key>a</Key></Object></Object></Delete>`, false},
		{deleteShape, `<Delete><Quiet>true</Quiet><Quiet>false</Quiet></Delete>`, false},
		{deleteShape, `<Delete a="1"><Object><Key>a</Key></Object></Delete>`, false},
		{deleteShape, `<Delete ` + namespace + ` ` + namespace + `></Delete>`, false},
		{deleteShape, `<!DOCTYPE Delete><Delete></Delete>`, false},
		{deleteShape, `<!DOCTYPE d [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>`, false},
		{deleteShape, `<Delete><Object><Key>&e;</Key></Object></Delete>`, false},
		{deleteShape, `<Delete><?php x ?></Delete>`, false},
		{deleteShape, `<Delete></Delete><?xml version="1.0"?>`, false},
		{deleteShape, "<?xml version=\"1.0\" encoding=\"UTF-16\"?><Delete></Delete>", false},
		{completionShape, `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"x"</ETag><ChecksumCRC32>y</ChecksumCRC32></Part></CompleteMultipartUpload>`, true},
		{completionShape, `<CompleteMultipartUpload><Part><PartNumber>one</PartNumber></Part></CompleteMultipartUpload>`, false},
		{taggingShape, `<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`, true},
		{taggingShape, `<Tagging><Tag><Key>a</Key><Value>b</Value></Tag></Tagging>`, false},
	} {
		if err := c.shape.parse([]byte(c.text), fresh(c.shape)); (err == nil) != c.want {
			t.Errorf("%s: %v, want good: %t", c.text, err, c.want)
		}
	}
}

// The parts of an upload are such as S3 takes, whatever the store would: RGW joined an
// upload whose part was named twice.
func TestCompletedParts(t *testing.T) {
	part := func(number, etag string) string {
		return "<Part><PartNumber>" + number + "</PartNumber><ETag>" + etag + "</ETag></Part>"
	}
	for parts, want := range map[string]string{
		part("1", "x"):                                     "",
		part("1", "x") + part("10000", "x"):                "",
		part("1", "x") + part("1", "x"):                    "InvalidPartOrder",
		part("2", "x") + part("1", "x"):                    "InvalidPartOrder",
		part("0", "x"):                                     "InvalidArgument",
		part("-1", "x"):                                    "InvalidArgument",
		part("10001", "x"):                                 "InvalidArgument",
		part("1", ""):                                      "MalformedXML",
		"<Part><PartNumber>1</PartNumber></Part>":          "MalformedXML",
		"<Part><ETag>x</ETag></Part>":                      "InvalidArgument",
		part("1", "x") + part("99999999999999999999", "x"): "MalformedXML",
		"": "MalformedXML",
	} {
		_, err := Rewrite("CompleteMultipartUpload", []byte("<CompleteMultipartUpload>"+parts+"</CompleteMultipartUpload>"))
		var refused *s3wire.Error
		if errors.As(err, &refused); (err != nil || want != "") && (refused == nil || refused.Code != want) {
			t.Errorf("%s: %v, want %q", parts, err, want)
		}
	}
}

// fresh is what a document of the shape is read into.
func fresh(s shape) any {
	switch s.root {
	case "Delete":
		return &Deletion{}
	case "Tagging":
		return &tagging{}
	}
	return &completion{}
}

// FuzzDocuments: what is accepted means the same written anew, and holds no more
// elements than were understood.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		`<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>`,
		`<CompleteMultipartUpload xmlns="x"><Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>`,
		`<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`,
		`<Delete><Object><Key><![CDATA[a<]]>b&amp;</Key></Object></Delete>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, s := range []shape{deleteShape, completionShape, taggingShape} {
			read := fresh(s)
			if s.parse(text, read) != nil {
				continue
			}
			written, err := xml.Marshal(read)
			if err != nil {
				t.Fatal(err)
			}
			again := fresh(s)
			if err := s.parse(written, again); err != nil {
				t.Fatalf("%q is read, written anew as %q it is not: %v", text, written, err)
			}
			twice, err := xml.Marshal(again)
			if err != nil || !bytes.Equal(written, twice) {
				t.Fatalf("%q is written as %q, and that as %q (%v)", text, written, twice, err)
			}
			if many := branches(read); strings.Count(string(text), "<"+many.tag) < many.count {
				t.Fatalf("%q holds fewer %s than the %d that were read", text, many.tag, many.count)
			}
		}
	})
}

type counted struct {
	tag   string
	count int
}

func branches(read any) counted {
	switch d := read.(type) {
	case *Deletion:
		return counted{"Object", len(d.Object)}
	case *tagging:
		return counted{"Tag>", len(d.TagSet.Tag)}
	case *completion:
		return counted{"Part", len(d.Part)}
	}
	return counted{}
}
