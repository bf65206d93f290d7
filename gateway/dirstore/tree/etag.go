package tree

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// An ETag is the hex MD5 of the body, or for an upload in parts the hex MD5 of
// the parts' MD5s, a dash and their number.
var validTag = regexp.MustCompile(`^[0-9a-f]{32}(-[1-9][0-9]{0,4})?$`)

// bareTag is the ETag of a file that has no record.
func bareTag(info fs.FileInfo) string {
	var id [24]byte
	binary.BigEndian.PutUint64(id[0:], uint64(info.Size()))
	binary.BigEndian.PutUint64(id[8:], uint64(info.ModTime().UnixNano()))
	binary.BigEndian.PutUint64(id[16:], disk.Inode(info))
	sum := sha256.Sum256(id[:])
	return hex.EncodeToString(sum[:16]) + "-1"
}

// partsTag is the ETag of an upload whose parts have these ETags.
func partsTag(parts []string) string {
	h := md5.New()
	for _, tag := range parts {
		sum, _ := hex.DecodeString(tag) // of a part valid by validTag
		h.Write(sum)
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))
}
