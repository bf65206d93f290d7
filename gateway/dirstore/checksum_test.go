package dirstore

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func crc32Of(s string) string {
	c := crc32.NewIEEE()
	io.WriteString(c, s)
	return base64.StdEncoding.EncodeToString(c.Sum(nil))
}

// wantChecksum checks what a HEAD that asks for the checksum is told.
func (s *site) wantChecksum(key, header, want string) {
	s.Helper()
	w := s.ask("HEAD", bucket, key, nil, "", "X-Amz-Checksum-Mode", "ENABLED")
	sum, kind := w.Header().Get("X-Amz-Checksum-"+header), w.Header().Get("X-Amz-Checksum-Type")
	if w.Code != 200 || sum != want || want != "" && kind != "FULL_OBJECT" {
		s.Errorf("%s: %d, %s %q %q, want %q", key, w.Code, header, sum, kind, want)
	}
}

// The checksum of every algorithm is verified, kept, told where it is asked for,
// and gone with the bytes that it is of. The CRCs of 123456789 are the published
// check values.
func TestChecksums(t *testing.T) {
	s := newSite(t)
	for header, sum := range map[string]string{
		"Crc32": "y/Q5Jg==", "Crc32c": "4waSgw==", "Crc64nvme": "rosUhgp5mIg=", "Md5": "JfnnlDI7RTiF9RgfG2JNCw==",
		"Sha1": "98O8HYCOBHMq32eZZczDTKeuNEE=", "Sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
		"Sha512": "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==",
	} {
		name := "X-Amz-Checksum-" + header
		if w := s.ask("PUT", bucket, "k", nil, "12345678", name, sum); w.Code != 400 || !strings.Contains(w.Body.String(), "BadDigest") {
			t.Errorf("%s of another body: %d %s", header, w.Code, w.Body)
		}
		w := s.ask("PUT", bucket, "k", nil, "123456789", name, sum)
		if w.Code != 200 || w.Header().Get(name) != sum {
			t.Fatalf("%s: %d %s %v", header, w.Code, w.Body, w.Header())
		}
		s.wantChecksum("k", header, sum)
		if w := s.ask("GET", bucket, "k", nil, "", "X-Amz-Checksum-Mode", "ENABLED", "Range", "bytes=1-2"); w.Header().Get(name) != "" {
			t.Errorf("%s of the whole is told with a part", header)
		}
		if w := s.ask("GET", bucket, "k", nil, ""); w.Header().Get(name) != "" {
			t.Errorf("%s is told without being asked for", header)
		}
		// Tags leave it, another body does not, nor does a file changed by hand.
		s.ask("PUT", bucket, "k", url.Values{"tagging": {""}}, "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>")
		s.wantChecksum("k", header, sum)
		s.put("other", "x")
		s.ask("PUT", bucket, "copy", nil, "", "X-Amz-Copy-Source", "data/k")
		s.wantChecksum("copy", header, sum)
		s.ask("PUT", bucket, "copy", nil, "", "X-Amz-Copy-Source", "data/k", "X-Amz-Metadata-Directive", "REPLACE")
		s.wantChecksum("copy", header, sum)
		s.ask("PUT", bucket, "copy", nil, "different")
		s.wantChecksum("copy", header, "")
		if err := os.WriteFile(s.path(bucket, "k"), []byte("987654321"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(s.path(bucket, "k"), time.Time{}, time.Unix(1e9, 7)); err != nil {
			t.Fatal(err)
		}
		s.wantChecksum("k", header, "")
	}
	for _, c := range []struct {
		header []string
		code   string
	}{
		{[]string{"X-Amz-Checksum-Crc32", "y/Q5"}, "InvalidRequest"},
		{[]string{"X-Amz-Checksum-Crc32", "?"}, "InvalidRequest"},
		{[]string{"X-Amz-Checksum-Crc99", "y/Q5Jg=="}, "InvalidRequest"},
		{[]string{"X-Amz-Checksum-Crc32", "y/Q5Jg==", "X-Amz-Checksum-Crc32c", "4waSgw=="}, "InvalidRequest"},
		{[]string{"Content-MD5", "y/Q5Jg=="}, "InvalidDigest"},
	} {
		if w := s.ask("PUT", bucket, "k", nil, "123456789", c.header...); w.Code != 400 || !strings.Contains(w.Body.String(), c.code) {
			t.Errorf("%v: %d %s", c.header, w.Code, w.Body)
		}
	}
	// A copy may have another checksum than its source.
	s.ask("PUT", bucket, "k", nil, "123456789", "X-Amz-Checksum-Crc32", "y/Q5Jg==")
	if w := s.ask("PUT", bucket, "copy", nil, "", "X-Amz-Copy-Source", "data/k", "X-Amz-Checksum-Algorithm", "CRC32C"); w.Code != 200 {
		t.Errorf("copy with another checksum: %d %s", w.Code, w.Body)
	}
	s.wantChecksum("copy", "Crc32c", "4waSgw==")
	s.wantChecksum("copy", "Crc32", "")
	if w := s.ask("PUT", bucket, "copy", nil, "", "X-Amz-Copy-Source", "data/k", "X-Amz-Checksum-Algorithm", "XXHASH3"); w.Code != 400 {
		t.Errorf("copy with an unknown checksum: %d", w.Code)
	}
	// An object joined from parts has none, whatever its parts had, when none is told
	// of their whole.
	id := s.begin("joined")
	w := s.ask("PUT", bucket, "joined", url.Values{"uploadId": {id}, "partNumber": {"1"}}, "123456789", "X-Amz-Checksum-Crc32", "y/Q5Jg==")
	if _, err := s.complete("joined", id, types.CompletedPart{PartNumber: aws.Int32(1), ETag: aws.String(w.Header().Get("ETag"))}); err != nil {
		t.Fatal(err)
	}
	s.wantChecksum("joined", "Crc32", "")
}

// verifiedBody is a body as the gateway hands it over.
type verifiedBody struct {
	io.Reader
	name, value string
	asked       *bool
}

func (verifiedBody) Close() error { return nil }

func (b verifiedBody) Checksum() (string, string) { *b.asked = true; return b.name, b.value }

// What somebody has verified is not verified again, and its checksum is asked for
// after the end: one that came in a trailer is known only then.
func TestChecksumOfAVerifiedBody(t *testing.T) {
	s := newSite(t)
	asked := false
	sum := "x-amz-checksum-crc64nvme"
	if w := s.send("/data/k", verifiedBody{strings.NewReader("body"), sum, "rosUhgp5mIg=", &asked}, 4, "X-Amz-Checksum-Crc32", "AAAAAA=="); w.Code != 200 || w.Header().Get(sum) != "rosUhgp5mIg=" {
		t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
	}
	s.wantChecksum("k", "Crc64nvme", "rosUhgp5mIg=")
	s.wantChecksum("k", "Crc32", "")
	if w := s.send("/data/k", verifiedBody{strings.NewReader("none"), "", "", &asked}, 4); w.Code != 200 {
		t.Fatal(w.Code)
	}
	s.wantChecksum("k", "Crc64nvme", "")

	asked = false
	broken := io.MultiReader(strings.NewReader("body"), iotest.ErrReader(errors.New("another hash")))
	if w := s.send("/data/k", verifiedBody{broken, sum, "rosUhgp5mIg=", &asked}, 4); w.Code != 400 || asked {
		t.Errorf("a body that failed: %d, asked for its checksum: %v", w.Code, asked)
	}
	if body, _ := s.get("k"); body != "none" {
		t.Errorf("k became %q", body)
	}
}

// The SDK verifies what it gets against the checksum that it is told.
func TestChecksumsWithTheSDK(t *testing.T) {
	s := newSite(t)
	put, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Body: strings.NewReader("123456789"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme})
	if err != nil || *put.ChecksumCRC64NVME != "rosUhgp5mIg=" || put.ChecksumType != types.ChecksumTypeFullObject {
		t.Fatalf("%+v %v", put, err)
	}
	got, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil || got.ChecksumCRC64NVME == nil || *got.ChecksumCRC64NVME != "rosUhgp5mIg=" {
		t.Fatalf("%+v %v", got, err)
	}
	defer got.Body.Close()
	if _, err := io.ReadAll(got.Body); err != nil {
		t.Error(err)
	}
	attributes, err := s.client.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: aws.String(bucket), Key: aws.String("k"), ObjectAttributes: types.ObjectAttributesEtag.Values()})
	if err != nil || *attributes.Checksum.ChecksumCRC64NVME != "rosUhgp5mIg=" || *attributes.ObjectSize != 9 || attributes.LastModified == nil || `"`+*attributes.ETag+`"` != *put.ETag {
		t.Errorf("%+v %v", attributes, err)
	}
	s.wantCode(func() error {
		_, err := s.client.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: aws.String(bucket), Key: aws.String("none"), ObjectAttributes: types.ObjectAttributesEtag.Values()})
		return err
	}(), "NoSuchKey")
}

// What the end of an upload tells of the whole is checked, kept and told again:
// of all bytes, or of the checksums of the parts, as the algorithm has it.
func TestChecksumOfAnUpload(t *testing.T) {
	s := newSite(t)
	// The second of each pair is of the parts 12345 and 6789; as AWS's SDKs make
	// them, with the number of parts behind.
	composite := func(make func() hash.Hash) string {
		all := make()
		for _, part := range []string{"12345", "6789"} {
			one := make()
			io.WriteString(one, part)
			all.Write(one.Sum(nil))
		}
		return base64.StdEncoding.EncodeToString(all.Sum(nil)) + "-2"
	}
	crc32c := func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }
	ofCRC32, ofCRC32C := composite(func() hash.Hash { return crc32.NewIEEE() }), composite(crc32c)
	ofSHA1, ofSHA256 := composite(sha1.New), composite(sha256.New)
	const badDigest, invalid = "BadDigest", "InvalidRequest"
	for _, c := range []struct{ header, value, kind, kept, refused string }{
		{header: "Crc32", value: "y/Q5Jg==", kept: "y/Q5Jg=="},
		{header: "Crc32", value: "y/Q5Jg==", kind: "FULL_OBJECT", kept: "y/Q5Jg=="},
		{header: "Crc32c", value: "4waSgw==", kind: "FULL_OBJECT", kept: "4waSgw=="},
		{header: "Crc64nvme", value: "rosUhgp5mIg=", kept: "rosUhgp5mIg="},
		{header: "Crc64nvme", value: "rosUhgp5mIg=", kind: "FULL_OBJECT", kept: "rosUhgp5mIg="},
		{header: "Crc32", value: ofCRC32, kept: ofCRC32},
		{header: "Crc32c", value: ofCRC32C, kind: "COMPOSITE", kept: ofCRC32C},
		{header: "Sha1", value: ofSHA1, kept: ofSHA1},
		{header: "Sha256", value: ofSHA256, kind: "COMPOSITE", kept: ofSHA256},
		{header: "Sha256", value: strings.TrimSuffix(ofSHA256, "-2"), kept: ofSHA256},

		{header: "Crc32", value: "y/Q5Jw==", refused: badDigest},
		{header: "Crc32", value: "y/Q5Jg==", kind: "COMPOSITE", refused: badDigest},
		{header: "Crc64nvme", value: "AAAAAAAAAAA=", refused: badDigest},
		{header: "Sha256", value: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", refused: badDigest}, // of the bytes
		{header: "Sha256", value: strings.Replace(ofSHA256, "-2", "-3", 1), refused: badDigest},
		{header: "Sha1", value: ofSHA1, kind: "FULL_OBJECT", refused: invalid},
		{header: "Crc64nvme", value: "rosUhgp5mIg=-2", refused: invalid},
		{header: "Crc64nvme", value: "rosUhgp5mIg=", kind: "COMPOSITE", refused: invalid},
		{header: "Crc32", value: ofCRC32, kind: "FULL_OBJECT", refused: invalid},
		{header: "Crc32", value: "y/Q5Jg==", kind: "HALF", refused: invalid},
		{header: "Crc32", value: "y/Q5Jg==-", refused: invalid},
		{header: "Crc32", value: "y/Q5", refused: invalid},
		{header: "Crc32", value: "", refused: invalid},
		{header: "Crc99", value: "y/Q5Jg==", refused: invalid},
	} {
		name := "X-Amz-Checksum-" + c.header
		what := fmt.Sprintf("%s %s %s", c.header, c.value, c.kind)
		id := s.begin("joined")
		parts := []types.CompletedPart{s.mustPart("joined", id, 1, "12345"), s.mustPart("joined", id, 2, "6789")}
		header := []string{name, c.value}
		if c.kind != "" {
			header = append(header, "X-Amz-Checksum-Type", c.kind)
		}
		w := s.ask("POST", bucket, "joined", url.Values{"uploadId": {id}}, completion(parts...), header...)
		if c.refused != "" {
			if w.Code != 400 || !strings.Contains(w.Body.String(), c.refused) {
				t.Errorf("%s: %d %s, want %s", what, w.Code, w.Body, c.refused)
			}
			if w := s.ask("HEAD", bucket, "joined", nil, ""); w.Code != 404 {
				t.Errorf("%s: there is an object: %d", what, w.Code)
			}
			continue
		}
		kind := "FULL_OBJECT"
		if strings.Contains(c.kept, "-") {
			kind = "COMPOSITE"
		}
		element := "<Checksum" + strings.ToUpper(c.header) + ">" + c.kept + "<"
		told := func(what string, w *httptest.ResponseRecorder) {
			t.Helper()
			if text := w.Body.String(); w.Code != 200 || !strings.Contains(text, element) || !strings.Contains(text, "<ChecksumType>"+kind+"<") {
				t.Errorf("%s: %d %s, want %s %s", what, w.Code, text, element, kind)
			}
		}
		told(what, w)
		told(what+", again", s.ask("POST", bucket, "joined", url.Values{"uploadId": {id}}, completion(parts...), header...))
		told(what+", attributes", s.ask("GET", bucket, "joined", url.Values{"attributes": {""}}, "", "X-Amz-Object-Attributes", "Checksum"))
		for _, method := range []string{"HEAD", "GET"} {
			w := s.ask(method, bucket, "joined", nil, "", "X-Amz-Checksum-Mode", "ENABLED")
			if w.Code != 200 || w.Header().Get(name) != c.kept || w.Header().Get("X-Amz-Checksum-Type") != kind {
				t.Errorf("%s: %s: %d %v", what, method, w.Code, w.Header())
			}
		}
		// In a copy there are no parts any more.
		s.ask("PUT", bucket, "copy", nil, "", "X-Amz-Copy-Source", "data/joined")
		if kind == "COMPOSITE" {
			s.wantChecksum("copy", c.header, "")
		} else {
			s.wantChecksum("copy", c.header, c.kept)
		}
		s.delete("joined")
	}
	// A part that is not there is told as that.
	id := s.begin("joined")
	part := s.mustPart("joined", id, 1, "12345")
	part.ETag = aws.String(strings.Repeat("0", 32))
	if w := s.ask("POST", bucket, "joined", url.Values{"uploadId": {id}}, completion(part), "X-Amz-Checksum-Crc32", "y/Q5Jg=="); !strings.Contains(w.Body.String(), "InvalidPart") {
		t.Errorf("another part: %s", w.Body)
	}
}
