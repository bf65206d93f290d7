package upstream

import (
	"bytes"
	"encoding/xml"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// documentsToFuzz are as stores write them, and as they should not.
var documentsToFuzz = []string{
	`<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>a/</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys>` +
		`<Contents><Key>a/b &amp; c&#39;d</Key><ETag>&#34;00&#34;</ETag><Size>1</Size><Owner><ID>SECRET</ID><DisplayName>SECRET</DisplayName></Owner></Contents>` +
		`<CommonPrefixes><Prefix>a/x/</Prefix></CommonPrefixes><EncodingType>url</EncodingType></ListBucketResult>`,
	`<ListBucketResult><Prefix>a%2F</Prefix><EncodingType>url</EncodingType><Contents><Key>a%2Fb+c</Key></Contents></ListBucketResult>`,
	`<ListBucketResult><EncodingType/><Key>a/b c</Key></ListBucketResult>`,
	`<ListVersionsResult><VersionIdMarker/><Version><Key>a/b</Key><VersionId>v1</VersionId><Owner/></Version><DeleteMarker><Key>a/c</Key><VersionId>null</VersionId></DeleteMarker></ListVersionsResult>`,
	`<ListMultipartUploadsResult><Upload><Key>a/b</Key><UploadId>u&lt;1</UploadId><Initiator><ID>SECRET</ID></Initiator></Upload></ListMultipartUploadsResult>`,
	`<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>a/b</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>`,
	`<CompleteMultipartUploadResult><Location>http://SECRET/b</Location><ETag>"0-1"</ETag></CompleteMultipartUploadResult>`,
	` <Error><Code>SlowDown</Code><Message>SECRET</Message></Error>`,
	`<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code><Message>SECRET</Message></Error></DeleteResult>`,
	`<ListBucketResult><Owner><Owner>SECRET</Owner>SECRET</Owner><OwnerOf></OwnerOf></ListBucketResult>`,
	`<ListBucketResult><Owner><![CDATA[</Owner>]]>SECRET<!-- </Owner> --></Owner></ListBucketResult>`,
	`<!DOCTYPE x [<!ENTITY e "SECRET">]><ListBucketResult><Key>&e;</Key></ListBucketResult>`,
	`<s3:ListBucketResult xmlns:s3="x"><s3:Key a='>'>a/b</s3:Key><s3:Owner>SECRET</s3:Owner></s3:ListBucketResult>`,
	"<ListBucketResult><Key>a/\x01\xff</Key></ListBucketResult>", `<ListBucketResult><Key>other/b</Key></ListBucketResult>`,
	`<Key>a/<b>c</b></Key>`, `<Key>a/<![CDATA[b]]></Key>`, `<a`, `<`, `</a>`, `<></>`, `<!-- `, `<!-->`, `<?>`, `</Owner><Owner>`, ``,
}

// requestsToFuzz are those whose answers differ in how they are handed on.
var requestsToFuzz = []struct{ method, target string }{
	{http.MethodGet, "/b?list-type=2&prefix=a%2F&encoding-type=url"},
	{http.MethodGet, "/b?list-type=2&prefix=a%2F"},
	{http.MethodGet, "/b?versions&prefix=a%2F&encoding-type=url"},
	{http.MethodPost, "/b/a/b?uploads"},
	{http.MethodPost, "/b?delete"},
}

// FuzzAnswers: whatever a store answers, nothing breaks; the client gets XML if the
// store has sent some, of a list no name that it did not ask for, and nothing of what
// the store says of itself.
func FuzzAnswers(f *testing.F) {
	for _, text := range documentsToFuzz {
		for i := range requestsToFuzz {
			f.Add([]byte(text), uint8(i), true)
		}
		f.Add([]byte(text), uint8(0), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8, good bool) {
		asked, status := requestsToFuzz[int(which)%len(requestsToFuzz)], http.StatusOK
		if !good {
			status = http.StatusNotFound
		}
		client := NewClient(fixed{}, nil, slog.New(slog.DiscardHandler))
		store, err := client.Store(keyhatch.Store{Endpoint: "http://store.test", Region: "us-east-1"})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		store.pass(w, httptest.NewRequest(asked.method, asked.target, nil), &http.Response{
			StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
		})
		if held, _ := client.memory.Held(); held != 0 {
			t.Fatalf("%d bytes are still held", held)
		}
		got := w.Body.Bytes()
		if w.Code != http.StatusOK {
			var e struct {
				XMLName xml.Name `xml:"Error"`
				Code    string
			}
			if err := xml.Unmarshal(got, &e); err != nil || e.Code == "" {
				t.Fatalf("%d %q: %v", w.Code, got, err)
			}
			return
		}
		if !isXML(text) {
			return // it is handed on as far as that can be
		}
		if !isXML(got) {
			t.Fatalf("%q is XML, and as %q is none", text, got)
		}
		// In a root of our own, for there may be several, or none.
		var came, gone node
		if xml.Unmarshal(inRoot(text), &came) != nil || xml.Unmarshal(inRoot(got), &gone) != nil {
			return // an instruction that must be the first
		}
		codedNow, coded := gone.has(encodingElement, "url"), came.has(encodingElement, "url")
		gone.walk(func(n node) {
			if want, found := ours[n.XMLName.Local]; found && n.Inner != want {
				t.Fatalf("%s holds %q in %q, of %q", n.XMLName.Local, n.Inner, got, text)
			}
			if asked.method != http.MethodGet || !slices.Contains(belowPrefix, n.XMLName.Local) || n.Text == "" {
				return
			}
			name := n.Text
			if codedNow && !coded { // by us
				if name, err = url.PathUnescape(name); err != nil {
					t.Fatalf("%q in %q, of %q: %v", n.Text, got, text, err)
				}
			}
			if !slices.ContainsFunc(spellings(name, coded), func(s string) bool { return strings.HasPrefix(s, "a/") }) {
				t.Fatalf("a list of a/ names %q: %q, of %q", name, got, text)
			}
		})
	})
}

// spellings are what a name may stand for.
func spellings(name string, coded bool) []string {
	out := []string{name}
	if coded {
		plus, _ := url.QueryUnescape(name)
		plain, _ := url.PathUnescape(name)
		out = append(out, plus, plain)
	}
	for _, s := range slices.Clone(out) {
		out = append(out, html.UnescapeString(s))
	}
	return out
}

// isXML tells whether a text is well-formed as far as encoding/xml looks.
func isXML(text []byte) bool {
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); err != nil {
			return err == io.EOF
		}
	}
}

func inRoot(text []byte) []byte { return slices.Concat([]byte("<root>"), text, []byte("</root>")) }

// node is any element.
type node struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
	Inner   string `xml:",innerxml"`
	Nodes   []node `xml:",any"`
}

func (n node) walk(do func(node)) {
	do(n)
	for _, inner := range n.Nodes {
		inner.walk(do)
	}
}

func (n node) has(name, text string) (found bool) {
	n.walk(func(n node) { found = found || n.XMLName.Local == name && n.Text == text })
	return found
}
