package sigv4

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// algorithm is one of S3's checksums of an object: base64 of the sum, in a
// header or trailer of this name.
type algorithm struct {
	name string
	size int
	make func() hash.Hash
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5) // CRC-64/NVME: 123456789 gives ae8b14860a799888
)

// algorithms is the checksums that can be verified, by header name. S3 has the
// XXHash family too, which is refused.
var algorithms = func(list ...*algorithm) map[string]*algorithm {
	byName := make(map[string]*algorithm, len(list))
	for _, a := range list {
		byName[a.name] = a
	}
	return byName
}(
	&algorithm{checksumPrefix + "crc32", crc32.Size, func() hash.Hash { return crc32.NewIEEE() }},
	&algorithm{checksumPrefix + "crc32c", crc32.Size, func() hash.Hash { return crc32.New(castagnoli) }},
	&algorithm{checksumPrefix + "crc64nvme", crc64.Size, func() hash.Hash { return crc64.New(nvme) }},
	&algorithm{checksumPrefix + "md5", md5.Size, md5.New},
	&algorithm{checksumPrefix + "sha1", sha1.Size, sha1.New},
	&algorithm{checksumPrefix + "sha256", sha256.Size, sha256.New},
	&algorithm{checksumPrefix + "sha512", sha512.Size, sha512.New},
)

const checksumPrefix = "x-amz-checksum-"

// aboutChecksums is the headers that begin like a checksum and are none.
var aboutChecksums = map[string]bool{
	checksumPrefix + "algorithm": true,
	checksumPrefix + "mode":      true,
	checksumPrefix + "type":      true,
}

func errManyChecksums() *Error {
	return fail(invalidRequest, "a request has at most one x-amz-checksum-* value")
}

// planChecksum reads Content-MD5 and x-amz-checksum-*. An empty value counts as
// one. The checksum that comes with the completion of a multipart upload is that
// of the object, not of the request's body: it is left to whoever knows the
// parts.
func (p *plan) planChecksum(r *http.Request, q query) error {
	if values := r.Header["Content-Md5"]; len(values) > 0 {
		sum, ok := decodeSum(values[0], md5.Size)
		if !ok || len(values) > 1 {
			return fail(invalidDigest, "Content-MD5 must be 16 bytes in base64")
		}
		p.md5 = sum
	}
	if _, completes := q.get("uploadId"); completes && r.Method == http.MethodPost {
		return nil
	}
	for key := range r.Header {
		if len(key) < len(checksumPrefix) || !strings.EqualFold(key[:len(checksumPrefix)], checksumPrefix) {
			continue
		}
		name := strings.ToLower(key)
		if aboutChecksums[name] {
			continue
		}
		if p.checksum != nil {
			return errManyChecksums()
		}
		if p.checksum = algorithms[name]; p.checksum == nil {
			return fail(invalidRequest, "the request has an x-amz-checksum-* header that is not supported")
		}
		sum, ok := decodeSum(r.Header.Get(name), p.checksum.size)
		if !ok {
			return fail(invalidRequest, "the value of %s is not valid", name)
		}
		p.sum = sum
	}
	return nil
}

// decodeSum reads base64 of exactly size bytes. The length is compared first
// because the decoder skips line ends.
func decodeSum(s string, size int) ([]byte, bool) {
	if len(s) != base64.StdEncoding.EncodedLen(size) {
		return nil, false
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(s)
	return sum, err == nil && len(sum) == size
}
