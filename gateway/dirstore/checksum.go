package dirstore

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"html"
	"net/http"
	"strings"
)

const (
	checksumPrefix = "X-Amz-Checksum-"
	wholeObject    = "FULL_OBJECT" // the type of every checksum that is kept
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5) // CRC-64/NVME, reversed
)

// algorithms are the checksums that an object can have, by header.
var algorithms = map[string]func() hash.Hash{
	checksumPrefix + "Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	checksumPrefix + "Crc32c":    func() hash.Hash { return crc32.New(castagnoli) },
	checksumPrefix + "Crc64nvme": func() hash.Hash { return crc64.New(nvme) },
	checksumPrefix + "Md5":       md5.New,
	checksumPrefix + "Sha1":      sha1.New,
	checksumPrefix + "Sha256":    sha256.New,
	checksumPrefix + "Sha512":    sha512.New,
}

// aboutChecksums are headers that begin like a checksum's and are none.
var aboutChecksums = []string{checksumPrefix + "Algorithm", checksumPrefix + "Mode", checksumPrefix + "Type"}

// checksumOf finds the checksum among the headers that an object is kept with.
func checksumOf(kept map[string]string) (header, value string) {
	for header := range algorithms {
		if value := kept[header]; value != "" {
			return header, value
		}
	}
	return "", ""
}

// keepChecksum makes it the checksum of an object with these headers. Of an
// algorithm that is not known, or without a value, there is none.
func keepChecksum(kept map[string]string, header, value string) {
	for other := range algorithms {
		delete(kept, other)
	}
	if header = http.CanonicalHeaderKey(header); algorithms[header] != nil && value != "" {
		kept[header] = value
	}
}

// tellChecksum puts the checksum of an object into the headers of an answer.
func tellChecksum(h http.Header, kept map[string]string) {
	if header, value := checksumOf(kept); header != "" {
		h.Set(header, value)
		h.Set(checksumPrefix+"Type", wholeObject)
	}
}

// checksumElements tells an object's checksum and its type in a document.
func checksumElements(kept map[string]string) string {
	header, value := checksumOf(kept)
	if header == "" {
		return ""
	}
	name := "Checksum" + strings.ToUpper(strings.TrimPrefix(header, checksumPrefix))
	return "<" + name + ">" + html.EscapeString(value) + "</" + name + "><ChecksumType>" + wholeObject + "</ChecksumType>"
}
