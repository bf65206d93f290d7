package s3wire

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// MetadataPrefix begins the names of the headers that hold an object's own metadata,
// as net/http spells them.
const MetadataPrefix = "X-Amz-Meta-"

// maxMetadata bounds the names and values of an object's own metadata together.
//
// Source: Amazon S3 User Guide, "Working with object metadata".
const maxMetadata = 2 << 10

var (
	errMetadata         = Refuse(http.StatusBadRequest, "InvalidArgument", "Metadata must be UTF-8.")
	errMetadataTooLarge = Refuse(http.StatusBadRequest, "MetadataTooLarge", "The metadata of an object has at most 2 KiB, names and values together.")
)

// Metadata returns the headers of an object's own metadata. Values of one name are
// one value, with commas between them.
func Metadata(h http.Header) (map[string]string, error) {
	kept := map[string]string{}
	size := 0
	for name, values := range h {
		rest, ok := strings.CutPrefix(name, MetadataPrefix)
		if !ok {
			continue
		}
		kept[name] = strings.Join(values, ",")
		if size += len(rest) + len(kept[name]); !utf8.ValidString(kept[name]) {
			return nil, errMetadata
		}
	}
	if size > maxMetadata {
		return nil, errMetadataTooLarge
	}
	return kept, nil
}
