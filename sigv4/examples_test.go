package sigv4_test

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/keyhatch/keyhatch/sigv4"
)

// The worked examples of the Amazon S3 API reference: one key, one day, one
// bucket.
var (
	docsSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	docsTime   = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	docsAt     = sigv4.Endpoint{Service: "s3", Regions: []string{"us-east-1"}}
)

const docsEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func docsAuthorization(signedHeaders, signature string) string {
	return "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
		"SignedHeaders=" + signedHeaders + ",Signature=" + signature
}

func TestDocumentedExamples(t *testing.T) {
	for name, lines := range map[string][]string{
		"get object": {
			"GET /test.txt HTTP/1.1", "Host: examplebucket.s3.amazonaws.com", "Range: bytes=0-9",
			"x-amz-content-sha256: " + docsEmpty, "x-amz-date: 20130524T000000Z",
			docsAuthorization("host;range;x-amz-content-sha256;x-amz-date",
				"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
		},
		"put object": {
			"PUT /test%24file.text HTTP/1.1", "Host: examplebucket.s3.amazonaws.com",
			"Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-date: 20130524T000000Z", "x-amz-storage-class: REDUCED_REDUNDANCY",
			"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "Content-Length: 21",
			docsAuthorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
				"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
			"", "Welcome to Amazon S3.",
		},
		"get lifecycle": {
			"GET /?lifecycle HTTP/1.1", "Host: examplebucket.s3.amazonaws.com",
			"x-amz-content-sha256: " + docsEmpty, "x-amz-date: 20130524T000000Z",
			docsAuthorization("host;x-amz-content-sha256;x-amz-date",
				"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
		},
		"list objects": {
			"GET /?max-keys=2&prefix=J HTTP/1.1", "Host: examplebucket.s3.amazonaws.com",
			"x-amz-content-sha256: " + docsEmpty, "x-amz-date: 20130524T000000Z",
			docsAuthorization("host;x-amz-content-sha256;x-amz-date",
				"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
		},
		"presigned": {
			"GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
				url.QueryEscape("AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request") +
				"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
				"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1",
			"Host: examplebucket.s3.amazonaws.com",
		},
	} {
		t.Run(name, func(t *testing.T) {
			claim, err := sigv4.Parse(wireRequest(t, lines...))
			wantCode(t, err, "")
			body, err := claim.Verify(docsSecret, docsAt, docsTime)
			wantCode(t, err, "")
			if _, err := io.Copy(io.Discard, body); err != nil || !body.Verified() {
				t.Errorf("body: %v, verified %v", err, body.Verified())
			}
		})
	}
}

// The two examples of chunked uploads send 65 KiB of "a" in chunks of 64 KiB.
func TestDocumentedChunks(t *testing.T) {
	long, short := strings.Repeat("a", 65536), strings.Repeat("a", 1024)
	signed := strings.Join([]string{
		"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", long,
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", short,
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", "", "",
	}, "\r\n")
	trailed := strings.Join([]string{
		"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", long,
		"400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", short,
		"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
		"x-amz-checksum-crc32c:sOO8/Q==",
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435", "", "",
	}, "\r\n")
	head := []string{
		"PUT /examplebucket/chunkObject.txt HTTP/1.1", "Host: s3.amazonaws.com", "x-amz-date: 20130524T000000Z",
		"x-amz-storage-class: REDUCED_REDUNDANCY", "Content-Encoding: aws-chunked", "x-amz-decoded-content-length: 66560",
	}
	for name, test := range map[string]struct {
		lines         []string
		body          string
		payload       sigv4.Payload
		checksum, sum string
	}{
		"chunks": {
			lines: append([]string{
				"Content-Length: 66824", "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
				docsAuthorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
					"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
			}, head[1:]...),
			body: signed, payload: sigv4.ChunksSigned,
		},
		"trailer": {
			lines: append([]string{
				"Content-Length: 66946", "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-trailer: x-amz-checksum-crc32c",
				docsAuthorization("content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
					"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"),
			}, head[1:]...),
			body: trailed, payload: sigv4.ChunksSignedTrailer, checksum: "x-amz-checksum-crc32c", sum: "sOO8/Q==",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := wireRequest(t, append(append([]string{head[0]}, test.lines...), "", test.body)...)
			claim, err := sigv4.Parse(r)
			wantCode(t, err, "")
			if claim.Payload != test.payload {
				t.Errorf("payload %v", claim.Payload)
			}
			body, err := claim.Verify(docsSecret, docsAt, docsTime)
			wantCode(t, err, "")
			if body.Len() != 66560 {
				t.Errorf("length %d", body.Len())
			}
			content, err := io.ReadAll(iotest.HalfReader(body))
			wantCode(t, err, "")
			if !bytes.Equal(content, []byte(long+short)) {
				t.Errorf("%d bytes", len(content))
			}
			if name, sum := body.Checksum(); name != test.checksum || sum != test.sum {
				t.Errorf("checksum %s %s", name, sum)
			}
		})
	}
}
