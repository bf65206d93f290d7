package dirstore

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// gofakes3 can only write bytes in hex, so inside it an ETag with a dash, that of
// an upload in parts, is the MD5 followed by the number of parts in four hex
// digits; the handler translates on the way in and out.
var (
	dashedTag = regexp.MustCompile(`\b[0-9a-f]{32}-[1-9][0-9]{0,4}\b`)
	packedTag = regexp.MustCompile(`\b[0-9a-f]{36}\b`)
)

// packTags translates every ETag in s to gofakes3's form.
func packTags(s string) string {
	return dashedTag.ReplaceAllStringFunc(s, func(tag string) string {
		n, err := strconv.ParseUint(tag[33:], 10, 16)
		if err != nil {
			return tag
		}
		return fmt.Sprintf("%s%04x", tag[:32], n)
	})
}

// unpackTags translates every ETag in s from gofakes3's form.
func unpackTags(s string) string {
	return packedTag.ReplaceAllStringFunc(s, func(tag string) string {
		n, err := strconv.ParseUint(tag[32:], 16, 16)
		if err != nil {
			return tag
		}
		return fmt.Sprintf("%s-%d", tag[:32], n)
	})
}

// tagBytes is the ETag as gofakes3 wants it.
func tagBytes(tag string) []byte {
	b, _ := hex.DecodeString(packTags(tag)) // the tree has no others
	return b
}

func quoted(tag string) string { return `"` + tag + `"` }
