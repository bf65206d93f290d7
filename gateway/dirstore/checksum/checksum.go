package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"html"
	"net/http"
	"slices"
	"strings"
)

// The headers, and the types.
const (
	prefix          = "X-Amz-Checksum-"
	AlgorithmHeader = prefix + "Algorithm"
	ModeHeader      = prefix + "Mode"
	typeHeader      = prefix + "Type"

	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5) // CRC-64/NVME, reversed
)

// algorithms are the checksums that an object can have, by header, and the types
// that each has of an upload in parts.
var algorithms = map[string]struct {
	make  func() hash.Hash
	types []string // the first goes without saying
}{
	prefix + "Crc32":     {func() hash.Hash { return crc32.NewIEEE() }, []string{fullObject, composite}},
	prefix + "Crc32c":    {func() hash.Hash { return crc32.New(castagnoli) }, []string{fullObject, composite}},
	prefix + "Crc64nvme": {func() hash.Hash { return crc64.New(nvme) }, []string{fullObject}},
	prefix + "Md5":       {md5.New, []string{composite}},
	prefix + "Sha1":      {sha1.New, []string{composite}},
	prefix + "Sha256":    {sha256.New, []string{composite}},
	prefix + "Sha512":    {sha512.New, []string{composite}},
}

// What a header can be refused for.
var (
	ErrHeader = errors.New("not one checksum of a known algorithm, with a value of its length in base64")
	ErrType   = errors.New("not a type that the checksum's algorithm has")
)

// New begins a checksum by the name of its algorithm, as a request may ask for it:
// the header that it is kept by, and false when the name is not known.
func New(algorithm string) (header string, h hash.Hash, ok bool) {
	header = http.CanonicalHeaderKey(prefix + algorithm)
	a, ok := algorithms[header]
	if !ok {
		return "", nil, false
	}
	return header, a.make(), true
}

// Told finds the one checksum that headers tell, its name empty when there is none.
func Told(h http.Header) (header, value string, err error) {
	for name := range h {
		if !strings.HasPrefix(name, prefix) || slices.Contains([]string{AlgorithmHeader, ModeHeader, typeHeader}, name) {
			continue
		}
		if header != "" || algorithms[name].make == nil || len(h[name]) != 1 {
			return "", "", ErrHeader
		}
		header, value = name, h.Get(name)
	}
	return header, value, nil
}

// Promised is a checksum that headers tell of a body: nil when there is none.
func Promised(h http.Header) (header string, sum hash.Hash, want []byte, err error) {
	header, value, err := Told(h)
	if header == "" || err != nil {
		return "", nil, nil, err
	}
	sum = algorithms[header].make()
	want, err = decode(value, sum)
	return header, sum, want, err
}

func decode(value string, sum hash.Hash) ([]byte, error) {
	if want, err := base64.StdEncoding.DecodeString(value); err == nil && len(want) == sum.Size() {
		return want, nil
	}
	return nil, ErrHeader
}

// Of finds the checksum among the headers that an object is kept with.
func Of(kept map[string]string) (header, value string) {
	for header := range algorithms {
		if value := kept[header]; value != "" {
			return header, value
		}
	}
	return "", ""
}

// Keep makes it the checksum of an object with these headers. Of an algorithm that
// is not known, or without a value, there is none.
func Keep(kept map[string]string, header, value string) {
	for other := range algorithms {
		delete(kept, other)
	}
	if header = http.CanonicalHeaderKey(header); algorithms[header].make != nil && value != "" {
		kept[header] = value
	}
}

// OfBytes finds the checksum that an object's bytes have wherever they are: one of
// its parts ends where they are put into one.
func OfBytes(kept map[string]string) (header, value string) {
	if header, value = Of(kept); typeOf(value) == composite {
		return "", ""
	}
	return header, value
}

// Tell puts the checksum of an object into the headers of an answer.
func Tell(h http.Header, kept map[string]string) {
	if header, value := Of(kept); header != "" {
		h.Set(header, value)
		h.Set(typeHeader, typeOf(value))
	}
}

// Elements tell an object's checksum and its type in a document.
func Elements(kept map[string]string) string {
	header, value := Of(kept)
	if header == "" {
		return ""
	}
	name := "Checksum" + strings.ToUpper(strings.TrimPrefix(header, prefix))
	return "<" + name + ">" + html.EscapeString(value) + "</" + name + "><ChecksumType>" + typeOf(value) + "</ChecksumType>"
}

// typeOf tells by a checksum what it is of: base64 has no dash.
func typeOf(value string) string {
	if strings.Contains(value, "-") {
		return composite
	}
	return fullObject
}
