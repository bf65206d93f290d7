package dirstore

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// someTime is a time of S3's documents.
var someTime = regexp.MustCompile(`>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z<`)

// answered is an XML answer to compare: without declaration, one element a line,
// times replaced by T and the namespace by S3.
func answered(w *httptest.ResponseRecorder, same ...string) string {
	text, ok := strings.CutPrefix(w.Body.String(), xml.Header)
	if !ok || w.Header().Get("Content-Type") != "application/xml" {
		return "not XML: " + w.Header().Get("Content-Type") + " " + text
	}
	text = someTime.ReplaceAllString(text, ">T<")
	text = strings.ReplaceAll(text, `xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`, "S3")
	text = strings.NewReplacer(same...).Replace(text)
	return strings.ReplaceAll(text, "><", ">\n<")
}

func lines(document string) string { return strings.ReplaceAll(document, "><", ">\n<") }

const (
	tagOfX    = "&quot;9dd4e461268c8034f5c8564e155c67a6&quot;"
	tagOfNone = "&quot;d41d8cd98f00b204e9800998ecf8427e&quot;"
	ownerXML  = "<Owner><ID>keyhatch</ID><DisplayName>keyhatch</DisplayName></Owner>"
	initXML   = "<Initiator><ID>keyhatch</ID><DisplayName>keyhatch</DisplayName></Initiator>"
)

// The answers, element by element, as clients that look closely see them.
func TestAnswers(t *testing.T) {
	s := newSite(t)
	s.put("a b+/ü~*", "x")
	s.put("c&<>", "x")
	s.put("f/", "")
	s.ask("PUT", bucket, "sum", nil, "x", "X-Amz-Checksum-Crc32", "jNpzpg==", "X-Amz-Tagging", "k=v+1&l")
	s.ask("PUT", bucket, "sum", nil, "x", "X-Amz-Checksum-Crc32", crc32Of("x"), "X-Amz-Tagging", "k=v+1&l")
	entry := func(key, tag, size, owner string) string {
		return "<Contents><Key>" + key + "</Key><LastModified>T</LastModified><ETag>" + tag + "</ETag><Size>" + size + "</Size>" + owner + "<StorageClass>STANDARD</StorageClass></Contents>"
	}
	version := func(key, tag, size string) string {
		return "<Version><Key>" + key + "</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><LastModified>T</LastModified><ETag>" + tag + "</ETag><Size>" + size + "</Size>" + ownerXML + "<StorageClass>STANDARD</StorageClass></Version>"
	}
	token := func(delimiter, at string) string {
		return makeToken(&request{bucket: bucket, query: url.Values{"delimiter": {delimiter}}}, at)
	}

	for _, c := range []struct {
		name, method, key, query, body string
		header                         []string
		status                         int
		want                           string
	}{
		{"v1", "GET", "", "", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>" +
			entry("a b+/ü~*", tagOfX, "1", ownerXML) + entry("c&amp;&lt;&gt;", tagOfX, "1", ownerXML) + entry("f/", tagOfNone, "0", ownerXML) + entry("sum", tagOfX, "1", ownerXML) + "</ListBucketResult>"},
		{"v1, in parts", "GET", "", "delimiter=/&max-keys=2&marker=a&encoding-type=url", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><Marker>a</Marker><NextMarker>c%26%3C%3E</NextMarker><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>" +
			entry("c%26%3C%3E", tagOfX, "1", ownerXML) + "<CommonPrefixes><Prefix>a+b%2B/</Prefix></CommonPrefixes></ListBucketResult>"},
		{"v1, in parts without a delimiter", "GET", "", "max-keys=1&prefix=a", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix>a</Prefix><Marker></Marker><MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated>" +
			entry("a b+/ü~*", tagOfX, "1", ownerXML) + "</ListBucketResult>"},
		{"v1, the last key is the marker", "GET", "", "max-keys=1", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated>" +
			entry("a b+/ü~*", tagOfX, "1", ownerXML) + "</ListBucketResult>"},
		{"v1, of nothing", "GET", "", "max-keys=0", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><Marker></Marker><MaxKeys>0</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"},
		{"v2", "GET", "", "list-type=2&prefix=a&encoding-type=url&max-keys=2000", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix>a</Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>" +
			entry("a+b%2B/%C3%BC%7E*", tagOfX, "1", "") + "</ListBucketResult>"},
		{"v2, in parts", "GET", "", "list-type=2&delimiter=/&max-keys=2&fetch-owner=true", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><NextContinuationToken>" + token("/", "c&<>") + "</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>" +
			entry("c&amp;&lt;&gt;", tagOfX, "1", ownerXML) + "<CommonPrefixes><Prefix>a b+/</Prefix></CommonPrefixes></ListBucketResult>"},
		{"v2, going on", "GET", "", "list-type=2&delimiter=/&start-after=zz&continuation-token=" + token("/", "c&<>"), "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><StartAfter>zz</StartAfter><ContinuationToken>" + token("/", "c&<>") + "</ContinuationToken><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>" +
			entry("sum", tagOfX, "1", "") + "<CommonPrefixes><Prefix>f/</Prefix></CommonPrefixes></ListBucketResult>"},
		{"v2, start after", "GET", "", "list-type=2&start-after=f/", "", nil, 200, "<ListBucketResult S3><Name>data</Name><Prefix></Prefix><StartAfter>f/</StartAfter><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>" +
			entry("sum", tagOfX, "1", "") + "</ListBucketResult>"},
		{"versions", "GET", "", "versions&key-marker=c%26%3C%3E&version-id-marker=null", "", nil, 200, "<ListVersionsResult S3><Name>data</Name><Prefix></Prefix><KeyMarker>c&amp;&lt;&gt;</KeyMarker><VersionIdMarker>null</VersionIdMarker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>" +
			version("f/", tagOfNone, "0") + version("sum", tagOfX, "1") + "</ListVersionsResult>"},
		{"versions, in parts", "GET", "", "versions&max-keys=1", "", nil, 200, "<ListVersionsResult S3><Name>data</Name><Prefix></Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><NextKeyMarker>a b+/ü~*</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated>" +
			version("a b+/ü~*", tagOfX, "1") + "</ListVersionsResult>"},
		{"versions, up to a prefix", "GET", "", "versions&max-keys=1&delimiter=/&encoding-type=url", "", nil, 200, "<ListVersionsResult S3><Name>data</Name><Prefix></Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><NextKeyMarker>a+b%2B/</NextKeyMarker><MaxKeys>1</MaxKeys><Delimiter>/</Delimiter><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>" +
			"<CommonPrefixes><Prefix>a+b%2B/</Prefix></CommonPrefixes></ListVersionsResult>"},
		{"location", "GET", "", "location", "", nil, 200, "<LocationConstraint S3></LocationConstraint>"},
		{"tags", "GET", "sum", "tagging", "", nil, 200, "<Tagging S3><TagSet><Tag><Key>k</Key><Value>v 1</Value></Tag><Tag><Key>l</Key><Value></Value></Tag></TagSet></Tagging>"},
		{"no tags", "GET", "c&<>", "tagging", "", nil, 200, "<Tagging S3><TagSet></TagSet></Tagging>"},
		{"attributes", "GET", "sum", "attributes", "", []string{"X-Amz-Object-Attributes", "ETag,Checksum, ObjectParts", "X-Amz-Object-Attributes", "StorageClass,ObjectSize"}, 200, "<GetObjectAttributesResponse S3><ETag>9dd4e461268c8034f5c8564e155c67a6</ETag><Checksum><ChecksumCRC32>" + crc32Of("x") + "</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType></Checksum><StorageClass>STANDARD</StorageClass><ObjectSize>1</ObjectSize></GetObjectAttributesResponse>"},
		{"size of a marker", "GET", "f/", "attributes", "", []string{"X-Amz-Object-Attributes", "ObjectSize,Checksum"}, 200, "<GetObjectAttributesResponse S3><ObjectSize>0</ObjectSize></GetObjectAttributesResponse>"},
		{"copy", "PUT", "copy", "", "", []string{"X-Amz-Copy-Source", "/data/sum"}, 200, "<CopyObjectResult S3><LastModified>T</LastModified><ETag>" + tagOfX + "</ETag><ChecksumCRC32>" + crc32Of("x") + "</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>"},
		{"delete", "POST", "", "delete", "<Delete><Object><Key>copy</Key></Object><Object><Key>no&amp;ne</Key><VersionId>null</VersionId></Object><Object><Key>a//b</Key></Object><Object><Key>sum</Key><VersionId>7</VersionId></Object></Delete>", nil, 200, "<DeleteResult S3><Deleted><Key>copy</Key></Deleted><Deleted><Key>no&amp;ne</Key><VersionId>null</VersionId></Deleted>" +
			"<Error><Key>a//b</Key><Code>InvalidArgument</Code><Message>a key or prefix must not begin with a slash or hold an empty segment</Message></Error>" +
			"<Error><Key>sum</Key><VersionId>7</VersionId><Code>NoSuchVersion</Code><Message>The specified version does not exist: objects here have one version, null.</Message></Error></DeleteResult>"},
		{"quiet delete", "POST", "", "delete", "<Delete><Quiet>true</Quiet><Object><Key>none</Key></Object></Delete>", nil, 200, "<DeleteResult S3></DeleteResult>"},
		{"no object", "GET", "none", "", "", nil, 404, "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"},
		{"no operation", "GET", "", "policy", "", nil, 501, "<Error><Code>NotImplemented</Code><Message>This store does not offer the operation, or one of its parameters or headers.</Message></Error>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			w := s.ask(c.method, bucket, c.key, query, c.body, c.header...)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if diff := cmp.Diff(lines(c.want), answered(w)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if w := s.ask("GET", "", "", nil, ""); w.Code != 501 {
		t.Errorf("buckets, which are the gateway's to tell: %d", w.Code)
	}
	w := s.ask("HEAD", bucket, "", nil, "")
	if w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("head of a bucket: %d %q", w.Code, w.Body)
	}
}

// The answers about uploads.
func TestAnswersAboutUploads(t *testing.T) {
	s := newSite(t)
	w := s.ask("POST", bucket, "d/k ü", url.Values{"uploads": {""}}, "")
	var made struct {
		UploadID string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	id := made.UploadID
	s.put("from", "0123456789")
	want := func(name string, w *httptest.ResponseRecorder, document string) {
		t.Helper()
		if diff := cmp.Diff(lines(document), answered(w, id, "ID")); w.Code != 200 || diff != "" {
			t.Errorf("%s: %d (-want +got)\n%s", name, w.Code, diff)
		}
	}
	want("create", w, "<InitiateMultipartUploadResult S3><Bucket>data</Bucket><Key>d/k ü</Key><UploadId>ID</UploadId></InitiateMultipartUploadResult>")
	part := s.ask("PUT", bucket, "d/k ü", url.Values{"uploadId": {id}, "partNumber": {"1"}}, "x", "X-Amz-Checksum-Crc32", crc32Of("x"))
	if part.Code != 200 || part.Header().Get("ETag") != md5Tag("x") || part.Header().Get("X-Amz-Checksum-Crc32") != crc32Of("x") {
		t.Errorf("part: %d %v", part.Code, part.Header())
	}
	want("part of an object", s.ask("PUT", bucket, "d/k ü", url.Values{"uploadId": {id}, "partNumber": {"3"}}, "", "X-Amz-Copy-Source", "data/from", "X-Amz-Copy-Source-Range", "bytes=2-5"),
		"<CopyPartResult S3><LastModified>T</LastModified><ETag>&quot;"+strings.Trim(md5Tag("2345"), `"`)+"&quot;</ETag></CopyPartResult>")
	want("parts", s.ask("GET", bucket, "d/k ü", url.Values{"uploadId": {id}, "max-parts": {"1"}, "encoding-type": {"url"}}, ""),
		"<ListPartsResult S3><Bucket>data</Bucket><Key>d/k+%C3%BC</Key><UploadId>ID</UploadId>"+initXML+ownerXML+"<StorageClass>STANDARD</StorageClass><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"+
			"<Part><PartNumber>1</PartNumber><LastModified>T</LastModified><ETag>"+tagOfX+"</ETag><Size>1</Size></Part></ListPartsResult>")
	want("parts behind a marker", s.ask("GET", bucket, "d/k ü", url.Values{"uploadId": {id}, "part-number-marker": {"1"}}, ""),
		"<ListPartsResult S3><Bucket>data</Bucket><Key>d/k ü</Key><UploadId>ID</UploadId>"+initXML+ownerXML+"<StorageClass>STANDARD</StorageClass><PartNumberMarker>1</PartNumberMarker><NextPartNumberMarker>3</NextPartNumberMarker><MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated>"+
			"<Part><PartNumber>3</PartNumber><LastModified>T</LastModified><ETag>&quot;"+strings.Trim(md5Tag("2345"), `"`)+"&quot;</ETag><Size>4</Size></Part></ListPartsResult>")
	want("uploads", s.ask("GET", bucket, "", url.Values{"uploads": {""}, "prefix": {"d/"}}, ""),
		"<ListMultipartUploadsResult S3><Bucket>data</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker><Prefix>d/</Prefix><MaxUploads>1000</MaxUploads><IsTruncated>false</IsTruncated>"+
			"<Upload><Key>d/k ü</Key><UploadId>ID</UploadId>"+initXML+ownerXML+"<StorageClass>STANDARD</StorageClass><Initiated>T</Initiated></Upload></ListMultipartUploadsResult>")
	want("uploads by folder", s.ask("GET", bucket, "", url.Values{"uploads": {""}, "delimiter": {"/"}, "encoding-type": {"url"}}, ""),
		"<ListMultipartUploadsResult S3><Bucket>data</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker><Prefix></Prefix><Delimiter>/</Delimiter><MaxUploads>1000</MaxUploads><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"+
			"<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes></ListMultipartUploadsResult>")
	done := s.ask("POST", bucket, "d/k ü", url.Values{"uploadId": {id}}, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"+tagOfX+"</ETag></Part><Part><ETag>"+strings.Trim(md5Tag("2345"), `"`)+"</ETag><PartNumber>3</PartNumber></Part></CompleteMultipartUpload>")
	want("complete", done, "<CompleteMultipartUploadResult S3><Location>/data/d/k%20%C3%BC</Location><Bucket>data</Bucket><Key>d/k ü</Key><ETag>&quot;"+strings.Trim(joinedTag("x", "2345"), `"`)+"&quot;</ETag></CompleteMultipartUploadResult>")
	want("attributes", s.ask("GET", bucket, "d/k ü", url.Values{"attributes": {""}}, "", "X-Amz-Object-Attributes", "ObjectParts"),
		"<GetObjectAttributesResponse S3><ObjectParts><PartsCount>2</PartsCount></ObjectParts></GetObjectAttributesResponse>")
}

// The headers of an object, and how their names are spelled: boto3 hands those of
// metadata on as they come.
func TestHeadersOfAnObject(t *testing.T) {
	s := newSite(t)
	s.ask("PUT", bucket, "k", nil, "0123456789", "Content-Type", "text/csv", "Cache-Control", "no-cache", "X-Amz-Meta-Color", "blue", "X-Amz-Meta-Color", "red", "X-Amz-Tagging", "a=1&b=2")
	info, err := os.Stat(s.path(bucket, "k"))
	if err != nil {
		t.Fatal(err)
	}
	modified := info.ModTime().UTC().Format(http.TimeFormat)
	want := http.Header{
		"Accept-Ranges": {"bytes"}, "Content-Length": {"10"}, "Content-Type": {"text/csv"}, "Cache-Control": {"no-cache"},
		"Etag": {md5Tag("0123456789")}, "Last-Modified": {modified}, "x-amz-meta-color": {"blue,red"}, "X-Amz-Tagging-Count": {"2"},
	}
	for _, method := range []string{"GET", "HEAD"} {
		w := s.ask(method, bucket, "k", nil, "")
		if diff := cmp.Diff(want, w.Result().Header); diff != "" || w.Code != 200 {
			t.Errorf("%s: %d (-want +got)\n%s", method, w.Code, diff)
		}
	}
	w := s.ask("HEAD", bucket, "k", url.Values{
		"response-content-type": {"text/plain"}, "response-content-disposition": {"inline"}, "response-content-encoding": {"br"},
		"response-content-language": {"de"}, "response-cache-control": {"private"}, "response-expires": {"0"},
	}, "", "Range", "bytes=1-2")
	for name, value := range map[string]string{
		"Content-Type": "text/plain", "Content-Disposition": "inline", "Content-Encoding": "br", "Content-Language": "de",
		"Cache-Control": "private", "Expires": "0", "Content-Range": "bytes 1-2/10", "Content-Length": "2",
	} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if w.Code != 206 || w.Body.Len() > 0 {
		t.Errorf("head of a range: %d %q", w.Code, w.Body)
	}
	w = s.ask("GET", bucket, "k", nil, "", "If-None-Match", md5Tag("0123456789"))
	want = http.Header{"Etag": {md5Tag("0123456789")}, "Last-Modified": {modified}, "Cache-Control": {"no-cache"}}
	if diff := cmp.Diff(want, w.Result().Header); diff != "" || w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("not modified: %d %q (-want +got)\n%s", w.Code, w.Body, diff)
	}
}

// copier is an answer that wants to send files itself, as net/http's does.
type copier struct {
	*httptest.ResponseRecorder
	got io.Reader
}

func (c *copier) ReadFrom(r io.Reader) (int64, error) {
	c.got = r
	return io.Copy(struct{ io.Writer }{c.ResponseRecorder}, r)
}

// Bytes go from the file to the connection: nothing stands between the server and
// a file with a limit, which is what it can send without copying.
func TestServerSendsTheFile(t *testing.T) {
	s := newSite(t)
	s.put("k", "0123456789")
	r := httptest.NewRequest("GET", "/data/k", nil)
	r.Header.Set("Range", "bytes=2-4")
	c := &copier{ResponseRecorder: httptest.NewRecorder()}
	s.store.Handler().ServeHTTP(c, r)
	limited, ok := c.got.(*io.LimitedReader)
	if !ok || c.Body.String() != "234" {
		t.Fatalf("the server was given %T and sent %q", c.got, c.Body)
	}
	if _, ok := limited.R.(*os.File); !ok {
		t.Errorf("the limit is on %T", limited.R)
	}
}

// A directory name, a link's target or what was sent never shows in an error.
func TestErrorsRepeatNothing(t *testing.T) {
	s := newSite(t)
	const canary = "canary"
	for _, w := range []*httptest.ResponseRecorder{
		s.ask("GET", bucket, canary, nil, ""),
		s.ask("GET", canary+"_", "k", nil, ""),
		s.ask("GET", bucket, canary+"//x", nil, ""),
		s.ask("PUT", bucket, canary+"/"+strings.Repeat("n", 300), nil, ""),
		s.ask("GET", bucket, "", url.Values{canary: {""}}, ""),
		s.ask("GET", bucket, "", url.Values{"max-keys": {canary}}, ""),
		s.ask("GET", bucket, "", url.Values{"list-type": {"2"}, "continuation-token": {canary}}, ""),
		s.ask("PUT", bucket, "k", nil, "", "X-Amz-Copy-Source", canary),
		s.ask("PUT", bucket, "k", nil, "", "X-Amz-Tagging", canary+"=%"),
		s.ask("PUT", bucket, "k", url.Values{"tagging": {""}}, "<"+canary+"/>"),
		s.ask("GET", bucket, "k", url.Values{"uploadId": {canary}}, ""),
	} {
		if w.Code < 400 || bytes.Contains(bytes.ToLower(w.Body.Bytes()), []byte(canary)) || strings.Contains(w.Body.String(), s.dir) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
