package upstream_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// says is a store that says always the same.
func says(text string, keep bool) func(*exchange) bool {
	return func(e *exchange) bool {
		e.read()
		e.say(strings.ReplaceAll(text, "\n", "\r\n"))
		return keep
	}
}

// What the store says of itself stays behind; what it says of the object comes.
func TestHeadersOfAnswers(t *testing.T) {
	t.Parallel()
	kept := []string{
		"Accept-Ranges: bytes", "Cache-Control: max-age=1", "Content-Disposition: inline", "Content-Encoding: gzip", "Content-Language: de",
		"Content-Type: text/x", `Etag: "0"`, "Expires: never", "Last-Modified: Mon, 02 Jan 2006 15:04:05 GMT", "X-Amz-Checksum-Crc32: AAAAAA==",
		"X-Amz-Meta-A: b", "X-Amz-Version-Id: v", "X-Amz-Delete-Marker: true", "X-Amz-Tagging-Count: 1", "X-Amz-Mp-Parts-Count: 2",
	}
	left := []string{
		"Server: MinIO", "Set-Cookie: a=CANARY", "X-Amz-Request-Id: CANARY", "X-Amz-Id-2: CANARY", "Location: http://CANARY/", "Date: CANARY", "Via: CANARY",
		"X-Powered-By: CANARY", "X-Rgw-Object-Type: CANARY", "X-Minio-Deployment-Id: CANARY", "X-Amz-Bucket-Region: CANARY", "Alt-Svc: CANARY", "Vary: CANARY",
		"Strict-Transport-Security: CANARY", "Access-Control-Allow-Origin: CANARY", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id: arn:CANARY",
		"X-Amz-Expiration: rule-id=CANARY", "X-Amz-Replication-Status: CANARY", "X-Amz-Website-Redirect-Location: http://CANARY/", "Refresh: 0; CANARY",
		"X-Amz-Abort-Rule-Id: CANARY", "X-Ratelimit-Limit: CANARY", "X-Amz-Restore: CANARY", "Link: CANARY", "Www-Authenticate: CANARY",
	}
	f := newFake(t, func(e *exchange) bool {
		e.read()
		return e.answer(200, "abc", slices.Concat(kept, left)...)
	})
	address, c := before(t, f).listen(t), client(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		if method == "PUT" { // an answer that is no object is not packed, and nothing to be shown
			kept = slices.DeleteFunc(kept, func(h string) bool {
				return strings.HasPrefix(h, "Content-Encoding") || strings.HasPrefix(h, "Content-Type")
			})
			kept = append(kept, "Content-Type: application/xml")
		}
		r, _ := http.NewRequest(method, address+"/bucket/key", nil)
		got, err := send(c, r)
		if err != nil || got.status != 200 {
			t.Fatalf("%s: %+v %v", method, got, err)
		}
		for _, h := range kept {
			name, value, _ := strings.Cut(h, ": ")
			if name == "X-Amz-Version-Id" {
				value += ".mark"
			}
			if got.header.Get(name) != value {
				t.Errorf("%s: %s is %q", method, name, got.header.Get(name))
			}
		}
		if all := fmt.Sprint(got.header); strings.Contains(all, "CANARY") || strings.Contains(all, "MinIO") {
			t.Errorf("%s: %s", method, all)
		}
	}
}

// How an answer arrives, and what the client makes of it.
func TestShapesOfAnswers(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\nContent-Length: 10\n\n"
	for name, c := range map[string]struct {
		text   string
		keep   bool
		method string
		status int // 0: the client sees no whole answer
		body   string
	}{
		"whole":                       {head + "0123456789", true, "GET", 200, "0123456789"},
		"too short":                   {head + "01234", false, "GET", 0, ""},
		"nothing of it":               {head, false, "GET", 0, ""},
		"too long":                    {head + "0123456789abcdef", false, "GET", 200, "0123456789"},
		"another answer behind":       {head + "0123456789" + head + "9876543210", true, "GET", 200, "0123456789"},
		"chunked":                     {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\n01234\n5\n56789\n0\n\n", true, "GET", 200, "0123456789"},
		"chunked, broken":             {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\n01234\n5\n5", false, "GET", 0, ""},
		"chunked without end":         {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\n01234\n", false, "GET", 0, ""},
		"chunked, garbage":            {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz\n01234\n", false, "GET", 0, ""},
		"end told by closing":         {"HTTP/1.1 200 OK\n\n01234", false, "GET", 500, ""},
		"HTTP/1.0":                    {"HTTP/1.0 200 OK\nContent-Length: 5\n\n01234", false, "GET", 200, "01234"},
		"HTTP/1.0, end by closing":    {"HTTP/1.0 200 OK\n\n01234", false, "GET", 500, ""},
		"part":                        {"HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-4/10\nContent-Length: 5\n\n01234", true, "GET", 206, "01234"},
		"no content":                  {"HTTP/1.1 204 No Content\n\n", true, "DELETE", 204, ""},
		"not modified":                {"HTTP/1.1 304 Not Modified\nEtag: \"0\"\n\n", true, "GET", 304, ""},
		"not modified, with a length": {"HTTP/1.1 304 Not Modified\nEtag: \"0\"\nContent-Length: 10\n\n", true, "GET", 304, ""},
		"head":                        {head, true, "HEAD", 200, ""},
		"early hints":                 {"HTTP/1.1 103 Early Hints\nLink: x\n\n" + head + "0123456789", true, "GET", 200, "0123456789"},
		"switching":                   {"HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: Upgrade\n\nabc", false, "GET", 500, ""},
		"empty object":                {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", true, "GET", 200, ""},
		"an error for an object":      {"HTTP/1.1 200 OK\nContent-Length: 8\n\n<Error/>", true, "GET", 200, "<Error/>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, says(c.text, c.keep))
			address, cl := before(t, f).listen(t), client(t)
			r, _ := http.NewRequest(c.method, address+"/bucket/key", nil)
			got, err := send(cl, r)
			whole := err == nil && got.broken == nil
			if whole != (c.status != 0) || whole && (got.status != c.status || c.status < 400 && string(got.body) != c.body) {
				t.Errorf("%v %v: %d %q", err, got.broken, got.status, got.body)
			}
			if c.method == "HEAD" && got.header.Get("Content-Length") != "10" {
				t.Errorf("length %q", got.header.Get("Content-Length"))
			}
		})
	}
}

// The operations that answer with a document.
var documents = map[string]struct {
	method, path string
	query        url.Values
}{
	"ListObjects":             {"GET", "/bucket", nil},
	"ListObjectsV2":           {"GET", "/bucket", url.Values{"list-type": {"2"}}},
	"ListObjectVersions":      {"GET", "/bucket", url.Values{"versions": {""}}},
	"ListMultipartUploads":    {"GET", "/bucket", url.Values{"uploads": {""}}},
	"ListParts":               {"GET", "/bucket/key", url.Values{"uploadId": {"u.mark"}}},
	"GetObjectTagging":        {"GET", "/bucket/key", url.Values{"tagging": {""}}},
	"GetObjectAttributes":     {"GET", "/bucket/key", url.Values{"attributes": {""}}},
	"CopyObject":              {"PUT", "/bucket/key", nil},
	"UploadPartCopy":          {"PUT", "/bucket/key", url.Values{"uploadId": {"u.mark"}, "partNumber": {"1"}}},
	"CreateMultipartUpload":   {"POST", "/bucket/key", url.Values{"uploads": {""}}},
	"CompleteMultipartUpload": {"POST", "/bucket/key", url.Values{"uploadId": {"u.mark"}}},
	"DeleteObjects":           {"POST", "/bucket", url.Values{"delete": {""}}},
}

// No document names who owns, who uploads, where it lies, or why in the store's
// own words.
func TestDocumentsNameNobody(t *testing.T) {
	t.Parallel()
	const text = `<?xml version="1.0"?>
<!-- <Owner> in a remark --><R xmlns="http://s3.amazonaws.com/doc/2006-03-01/" a="</Owner>">
<Key>a&lt;Owner&gt;b</Key><Key><![CDATA[<Owner>]]></Key><OwnerOf>kept</OwnerOf><Owners/>
<Owner><ID>CANARY</ID><DisplayName>CANARY</DisplayName></Owner>
<Owner xmlns:xsi="http://x" xsi:type="Canonical>User"><ID>CANARY</ID></Owner>
<s3:Owner><s3:ID>CANARY</s3:ID></s3:Owner ><Owner/><Owner x="CANARY" /><Size>1</Size>
<Initiator
><ID>arn:aws:iam::CANARY</ID></Initiator><Location>http://CANARY:9000/bucket/key</Location>
<Deleted><Key>k</Key></Deleted><Error><Key>l</Key><Code>AccessDenied</Code><Message>User: arn:aws:iam::CANARY is not allowed</Message></Error>
<ETag>"0"</ETag></R>
`
	for name, c := range documents {
		for _, length := range []string{"Content-Length: " + fmt.Sprint(len(text)), "Connection: close"} {
			f := newFake(t, func(e *exchange) bool {
				e.read()
				e.say("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n" + length + "\r\n\r\n" + text)
				return strings.HasPrefix(length, "Content")
			})
			got := before(t, f).ask(asked(t, c.method, c.path, c.query, nil, 0))
			if got.status != 200 || holds(got.body, "CANARY") || got.header.Get("Content-Type") != "application/xml" {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
			if n := got.header.Get("Content-Length"); n != "" && n != fmt.Sprint(len(got.body)) {
				t.Errorf("%s: length %s of %d", name, n, len(got.body))
			}
			for _, kept := range []string{"<Owner> in a remark", "a&lt;Owner&gt;b", "<![CDATA[<Owner>]]>", "<OwnerOf>kept</OwnerOf><Owners/>", "<Size>1</Size>", `"0"`, "<Key>l</Key><Code>AccessDenied</Code>"} {
				if !holds(got.body, kept) {
					t.Errorf("%s: %q is gone from\n%s", name, kept, got.body)
				}
			}
		}
	}
}

const maxListed = 16 << 20

// A document that cannot be read to its end, or by us, is none.
func TestDocumentsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"short":           "HTTP/1.1 200 OK\nContent-Length: 100\nETag: x\n\n<List><Owner>CANARY</Owner>",
		"open owner":      "HTTP/1.1 200 OK\nContent-Length: 21\nETag: x\n\n<List><Owner>CANARY</",
		"open tag":        "HTTP/1.1 200 OK\nContent-Length: 19\nETag: x\n\n<List><Owner CANARY",
		"nothing":         "HTTP/1.1 200 OK\nContent-Length: 3\nETag: x\n\n \n ",
		"no markup":       "HTTP/1.1 200 OK\nContent-Length: 6\nETag: x\n\nCANARY",
		"entities":        "HTTP/1.1 200 OK\nContent-Length: 51\nETag: x\n\n<!DOCTYPE x [<!ENTITY e \"CANARY\">]><List>&e;</List>",
		"open error":      "HTTP/1.1 200 OK\nContent-Length: 35\nETag: x\n\n<Error><Code>CANARY\x01</Code></Error>",
		"two owners":      "HTTP/1.1 200 OK\nContent-Length: 33\nETag: x\n\n<Owner><Owner></Owner>CANARY</ID>",
		"packed":          "HTTP/1.1 200 OK\nContent-Length: 6\nContent-Encoding: gzip\nETag: x\n\nCANARY",
		"a long tag":      "HTTP/1.1 200 OK\nContent-Length: 100027\nETag: x\n\n<List><CANARY a='" + strings.Repeat("a", 100_000) + "'/></List>",
		"a long id":       "HTTP/1.1 200 OK\nContent-Length: 100032\nETag: x\n\n<L><VersionId>CANARY" + strings.Repeat("a", 99_996) + "</VersionId></L>",
		"longer than any": "HTTP/1.1 200 OK\nContent-Length: 16777217\nETag: x\n\nCANARY" + strings.Repeat(" ", maxListed),
	} {
		for _, operation := range []string{"ListObjectsV2", "ListParts", "DeleteObjects"} {
			c := documents[operation]
			if len(text) > maxListed && operation != "ListObjectsV2" {
				continue // once is enough
			}
			f := newFake(t, says(text, false))
			got := before(t, f).ask(asked(t, c.method, c.path, c.query, nil, 0))
			if got.status < 500 || got.broken != nil || holds(got.body, "CANARY") || got.header.Get("ETag") != "" || got.header.Get("Content-Encoding") != "" {
				t.Errorf("%s, %s: %d %v %v %.100s", operation, name, got.status, got.broken, got.header, got.body)
			}
		}
	}
}

// The header of an answer is held in memory, and one that is longer than any of S3's
// is not: it could have 10 MiB.
func TestLongHeaders(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{8 << 10: 200, 100 << 10: 503} {
		f := newFake(t, func(e *exchange) bool {
			return e.answer(200, "abc", "X-Amz-Meta-A: "+strings.Repeat("a", length))
		})
		got := before(t, f).get(t, "/bucket/key", nil)
		if got.status != want || want == 200 && len(got.header.Get("X-Amz-Meta-A")) != length {
			t.Errorf("%d bytes: %d %s", length, got.status, got.body)
		}
	}
}

// A list as long as there are comes through.
func TestLongestList(t *testing.T) {
	t.Parallel()
	var list bytes.Buffer
	list.WriteString("<ListBucketResult>")
	for range 1000 {
		list.WriteString("<Contents><Key>" + strings.Repeat("%25E2", 1024) + "</Key><Owner><ID>x</ID></Owner></Contents>")
	}
	list.WriteString("</ListBucketResult>")
	f := newFake(t, func(e *exchange) bool { return e.answer(200, list.String()) })
	got := before(t, f).get(t, "/bucket", url.Values{"list-type": {"2"}})
	if want := strings.ReplaceAll(list.String(), "<ID>x</ID>", "<ID>keyhatch</ID><DisplayName>keyhatch</DisplayName>"); string(got.body) != want {
		t.Errorf("%d, %d bytes, want %d", got.status, len(got.body), len(want))
	}
}
