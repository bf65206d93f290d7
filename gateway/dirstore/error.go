package dirstore

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/keyhatch/keyhatch/gateway/dirstore/checksum"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// Source of codes and statuses: Amazon S3 API reference, "Error responses".
var (
	errInvalidURI      = s3wire.Refuse(http.StatusBadRequest, "InvalidURI", "The path or query of the request cannot be read.")
	errNotImplemented  = s3wire.Refuse(http.StatusNotImplemented, "NotImplemented", "This store does not offer the operation, or one of its parameters or headers.")
	errOfBucketsOnly   = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "This can be asked of a bucket, not of an object.")
	errStillInChunks   = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "A body in chunks has to be decoded and verified before it comes here.")
	errInternal        = s3wire.Refuse(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	errNoSuchBucket    = s3wire.Refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	errNoSuchKey       = s3wire.Refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	errNoSuchVersion   = s3wire.Refuse(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist: objects here have one version, null.")
	errNotModified     = s3wire.Refuse(http.StatusNotModified, "NotModified", "Not Modified")
	errPrecondition    = s3wire.Refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
	errInvalidRange    = s3wire.Refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable.")
	errPartNumber      = s3wire.Refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable.")
	errRangeAndPart    = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter.")
	errMalformedXML    = s3wire.Refuse(http.StatusBadRequest, "MalformedXML", "The XML is not well-formed, or is not what the operation takes.")
	errDocumentTooLong = s3wire.Refuse(http.StatusBadRequest, "MaxMessageLengthExceeded", "The XML of this operation has at most 1 MiB.")
	errTooLarge        = s3wire.Refuse(http.StatusBadRequest, "EntityTooLarge", "An object or part that is sent in one piece has at most 5 GiB.")
	errIncomplete      = s3wire.Refuse(http.StatusBadRequest, "IncompleteBody", "The body could not be read to its end; nothing was stored.")
	errBodyTooLong     = s3wire.Refuse(http.StatusBadRequest, "IncompleteBody", "The body is longer than its length says; nothing was stored.")
	errBadDigest       = s3wire.Refuse(http.StatusBadRequest, "BadDigest", "A checksum that you specified did not match what was received; nothing was stored.")
	errInvalidDigest   = s3wire.Refuse(http.StatusBadRequest, "InvalidDigest", "Content-MD5 must be 16 bytes in base64.")
	errSourceTooLarge  = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "The source of a copy in one piece has at most 5 GiB.")
	errOntoItself      = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.")
	errCompletedSize   = s3wire.Refuse(http.StatusBadRequest, "InvalidRequest", "The parts have another size in all than x-amz-mp-object-size says.")
)

func invalidArgument(message string) *s3wire.Error {
	return s3wire.Refuse(http.StatusBadRequest, "InvalidArgument", message)
}

// answers are the S3 answers to what the tree says no with, and to what a file
// system says. Order matters where one error is also another. Without a message
// the error's own Why is it.
var answers = []struct {
	is      error
	status  int
	code    string
	message string
}{
	{tree.ErrNoObject, 404, errNoSuchKey.Code, errNoSuchKey.Message},
	{tree.ErrNoBucket, 404, errNoSuchBucket.Code, errNoSuchBucket.Message},

	{tree.ErrKey, 400, "InvalidArgument", ""},
	{tree.ErrKeyTooLong, 400, "KeyTooLongError", ""},
	{tree.ErrFolder, 400, "InvalidRequest", "There are objects below this key, so it is a folder of the directory that this store keeps; a folder and an object cannot have the same name. Choose another key."},
	{tree.ErrFileAbove, 400, "InvalidRequest", "A part of this key that ends at a slash is itself an object, and a directory cannot hold a file and a folder of the same name. Choose another key."},
	{tree.ErrNotFile, 400, "InvalidRequest", "The directory that this store keeps has a link or a special file where this key would be. Choose another key."},
	{tree.ErrMoving, 503, "SlowDown", "The object is being replaced too fast to be read. Try again."},
	{tree.ErrMarkerBody, 400, "InvalidRequest", "A key that ends in a slash is a folder in this store and holds no bytes. Leave out the slash, or the body."},
	{tree.ErrBodyLength, 400, "IncompleteBody", "The body is shorter than its length says; nothing was stored."},
	{tree.ErrNotText, 400, "InvalidArgument", "The values of metadata must be UTF-8."},

	{checksum.ErrHeader, 400, "InvalidRequest", "There must be one x-amz-checksum- header, of a known algorithm, with a value of its length in base64."},
	{checksum.ErrType, 400, "InvalidRequest", "The x-amz-checksum-type is not one that the algorithm has: FULL_OBJECT of CRC32, CRC32C and CRC64NVME, COMPOSITE of all others and of CRC32 and CRC32C."},

	{tree.ErrNoUpload, 404, "NoSuchUpload", "There is no such upload. It may have been completed or aborted."},
	{tree.ErrNoParts, 400, "MalformedXML", "Name the parts to complete the upload with."},
	{tree.ErrPartOrder, 400, "InvalidPartOrder", "The parts must be in ascending order."},
	{tree.ErrPart, 400, "InvalidPart", ""},

	{syscall.EISDIR, 400, "InvalidRequest", "A folder took the place of this key. Choose another key."},
	{syscall.ENAMETOOLONG, 400, "KeyTooLongError", "A part of this key is longer than the file system allows."},
	{syscall.EROFS, 400, "InvalidRequest", "This store is read-only."},
	{fs.ErrPermission, 400, "InvalidRequest", "The permissions of the directory that this store keeps do not allow this."},
	{syscall.ENOSPC, 503, "SlowDown", "The disk of this store is full."},
	{syscall.EDQUOT, 503, "SlowDown", "The disk quota of this store is used up."},
}

// answer turns every error into S3's. What nobody expected is a fault of ours, and
// its cause is for the log alone.
func (s *Store) answer(operation string, err error) *s3wire.Error {
	var known *s3wire.Error
	if errors.As(err, &known) {
		return known
	}
	for _, a := range answers {
		var refusal *tree.Refusal
		switch {
		case !errors.Is(err, a.is):
			continue
		case a.message == "" && errors.As(err, &refusal):
			return s3wire.Refuse(a.status, a.code, refusal.Why)
		}
		return s3wire.Refuse(a.status, a.code, a.message)
	}
	if !errors.Is(err, context.Canceled) { // else the client has gone
		s.log.Error("directory store: "+operation, "error", err)
	}
	return errInternal
}

// fail answers with an error.
func (s *Store) fail(w http.ResponseWriter, r *http.Request, operation string, err error) {
	e := s.answer(operation, err)
	if r.Method == http.MethodHead || e.Status == http.StatusNotModified {
		w.WriteHeader(e.Status)
		return
	}
	writeXML(w, e.Status, errorDocument{Code: e.Code, Message: e.Message})
}
