package audit

import (
	"crypto/sha256"

	"github.com/keyhatch/keyhatch"
)

// ObjectsDigest is the SHA-256 of a batch of object requests in their order. The
// event that holds it vouches for the batch: it is chained and keyed, the digest
// needs to be neither.
func ObjectsDigest(requests []keyhatch.ObjectRequest) keyhatch.Hash {
	b := appendInt(nil, int64(len(requests)))
	for _, r := range requests {
		b = appendInt(b, r.At.UnixMicro())
		for _, s := range []string{
			r.ID, r.Workspace, r.User, r.Token, r.Lease, r.Store, r.Operation, string(r.Access), r.Bucket, r.Key, r.Code, r.Address, r.RequestID,
		} {
			b = appendText(b, s)
		}
		b = appendInt(b, r.Bytes)
		b = appendInt(b, int64(r.Status))
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
