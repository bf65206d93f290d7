package dirstore

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
)

// An ETag is the hex MD5 of the body, or for an upload in parts the hex MD5 of
// the parts' MD5s, a dash and their number. gofakes3 can only write bytes in hex,
// so inside it the second form is the MD5 followed by the number in four hex
// digits; the handler translates on the way in and out.
var (
	validTag  = regexp.MustCompile(`^[0-9a-f]{32}(-[1-9][0-9]{0,4})?$`)
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
	b, _ := hex.DecodeString(packTags(tag)) // valid by validTag
	return b
}

func quoted(tag string) string { return `"` + tag + `"` }

// bareTag is the ETag of a file that has no record.
func bareTag(info fs.FileInfo) string {
	var id [24]byte
	binary.BigEndian.PutUint64(id[0:], uint64(info.Size()))
	binary.BigEndian.PutUint64(id[8:], uint64(info.ModTime().UnixNano()))
	binary.BigEndian.PutUint64(id[16:], inode(info))
	sum := sha256.Sum256(id[:])
	return hex.EncodeToString(sum[:16]) + "-1"
}

// partsTag is the ETag of an upload whose parts have these ETags.
func partsTag(parts []string) string {
	h := md5.New()
	for _, tag := range parts {
		h.Write(tagBytes(tag))
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))
}
