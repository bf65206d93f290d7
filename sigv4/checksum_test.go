package sigv4_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"strings"
	"testing"
)

// checkAnswers are the sums of "123456789".
var checkAnswers = map[string]string{
	"crc32":     base64.StdEncoding.EncodeToString([]byte{0xcb, 0xf4, 0x39, 0x26}),
	"crc32c":    base64.StdEncoding.EncodeToString([]byte{0xe3, 0x06, 0x92, 0x83}),
	"crc64nvme": base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, 0xae8b14860a799888)),
	"md5":       base64Sum(md5.New(), "123456789"),
	"sha1":      base64Sum(sha1.New(), "123456789"),
	"sha256":    base64Sum(sha256.New(), "123456789"),
	"sha512":    base64Sum(sha512.New(), "123456789"),
}

func TestChecksums(t *testing.T) {
	const content = "123456789"
	for name, value := range checkAnswers {
		header := "x-amz-checksum-" + name
		for mode, headers := range map[string]map[string]string{
			unsigned:                 {header: value},
			hashHex([]byte(content)): {header: value},
			streamSigned:             {header: value},
			streamTrailed:            {"x-amz-trailer": header},
			streamUnsigned:           {"x-amz-trailer": header},
		} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				r := upload(t, mode, len(content), headers)
				wire := func(content string) string {
					if !strings.HasPrefix(mode, "STREAMING") {
						return content
					}
					s, trailer := chunkSigner{id: tester()}, ""
					if mode != streamUnsigned {
						s.seed = seedOf(r)
					}
					if mode != streamSigned {
						trailer = header + ":" + value
					}
					return strings.Join(s.encode(trailer, content), "")
				}
				_, body, err := readUpload(t, r, wire(content))
				wantCode(t, err, "")
				if gotName, got := body.Checksum(); gotName != header || got != value {
					t.Errorf("checksum %s %s, want %s %s", gotName, got, header, value)
				}
				_, body, err = readUpload(t, r, wire("123456780"))
				want := "BadDigest"
				if mode == hashHex([]byte(content)) {
					want = "XAmzContentSHA256Mismatch"
				}
				wantCode(t, err, want)
				if gotName, got := body.Checksum(); gotName != "" || got != "" {
					t.Errorf("checksum %s %s of a wrong body", gotName, got)
				}
			})
		}
	}
}

func TestChecksumHeaders(t *testing.T) {
	crc := checkAnswers["crc32"]
	for name, test := range map[string]struct {
		headers map[string]string
		want    string
	}{
		"about checksums":      {map[string]string{"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-mode": "ENABLED", "x-amz-checksum-type": "COMPOSITE"}, ""},
		"two":                  {map[string]string{"x-amz-checksum-crc32": crc, "x-amz-checksum-sha1": checkAnswers["sha1"]}, "InvalidRequest"},
		"two, one empty":       {map[string]string{"x-amz-checksum-crc32": crc, "x-amz-checksum-sha1": ""}, "InvalidRequest"},
		"empty":                {map[string]string{"x-amz-checksum-crc32": ""}, "InvalidRequest"},
		"not base64":           {map[string]string{"x-amz-checksum-crc32": "!!!!!!=="}, "InvalidRequest"},
		"of another length":    {map[string]string{"x-amz-checksum-crc32": checkAnswers["sha1"]}, "InvalidRequest"},
		"stray bits":           {map[string]string{"x-amz-checksum-crc32": "y/Q5Jh=="}, "InvalidRequest"},
		"composite":            {map[string]string{"x-amz-checksum-crc32": crc + "-2"}, "InvalidRequest"},
		"not supported":        {map[string]string{"x-amz-checksum-xxhash64": "AAAAAAAAAAA="}, "InvalidRequest"},
		"MD5 besides":          {map[string]string{"x-amz-checksum-crc32": crc, "Content-MD5": checkAnswers["md5"]}, ""},
		"wrong MD5 besides":    {map[string]string{"x-amz-checksum-crc32": crc, "Content-MD5": base64Sum(md5.New(), "")}, "BadDigest"},
		"algorithm of the SDK": {map[string]string{"x-amz-sdk-checksum-algorithm": "SHA256", "x-amz-checksum-crc32": crc}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := readUpload(t, upload(t, unsigned, 0, test.headers), "123456789")
			wantCode(t, err, test.want)
		})
	}
}

func TestTwoMD5(t *testing.T) {
	r := upload(t, unsigned, 0, nil)
	r.Header["Content-Md5"] = []string{checkAnswers["md5"], checkAnswers["md5"]}
	_, _, err := readUpload(t, r, "123456789")
	wantCode(t, err, "InvalidDigest")
}

// The checksum of a completed upload is that of the object and says nothing of
// the body, which is XML.
func TestChecksumOfCompletion(t *testing.T) {
	r := newRequest(t, "POST", "/bucket/key?uploadId=abc", []byte("<CompleteMultipartUpload/>"))
	r.Header.Set("X-Amz-Checksum-Crc64nvme", checkAnswers["crc64nvme"])
	_, body, err := accept(received(t, tester().sign(t, r, hashHex([]byte("<CompleteMultipartUpload/>")))), testTime)
	wantCode(t, err, "")
	if name, _ := body.Checksum(); name != "" {
		t.Errorf("checksum %s", name)
	}
}

// SDKs presign uploads with the checksum of no bytes; S3 does not compare it.
func TestChecksumOfPresigned(t *testing.T) {
	r := newRequest(t, "PUT", "/bucket/key?x-amz-checksum-crc32=AAAAAA%3D%3D", []byte("content"))
	_, _, err := accept(received(t, tester().presign(t, r, unsigned, 60e9)), testTime)
	wantCode(t, err, "")
}

func TestLongChecksums(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 8192)
	for name, h := range map[string]hash.Hash{"crc32c": crc32.New(crc32.MakeTable(crc32.Castagnoli)), "sha512": sha512.New()} {
		r := upload(t, unsigned, 0, map[string]string{"x-amz-checksum-" + name: base64Sum(h, content)})
		_, _, err := readUpload(t, r, content)
		wantCode(t, err, "")
	}
}
