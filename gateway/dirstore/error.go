package dirstore

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/rclone/gofakes3"
)

var errBuckets = errors.New("buckets are not made here")

// answers are the S3 answers to what the tree says no with, and to what a file
// system says. Order matters where one error is also another. Without a message
// the error's own Why is it.
var answers = []struct {
	is      error
	code    gofakes3.ErrorCode
	message string
}{
	{tree.ErrNoObject, gofakes3.ErrNoSuchKey, "There is no such object."},
	{tree.ErrNoBucket, gofakes3.ErrNoSuchBucket, "There is no such bucket."},
	{errBuckets, gofakes3.ErrNotImplemented, "Buckets of this store are made and removed through the API of Keyhatch."},

	{tree.ErrKey, gofakes3.ErrInvalidArgument, ""},
	{tree.ErrKeyTooLong, gofakes3.ErrKeyTooLong, ""},
	{tree.ErrFolder, gofakes3.ErrInvalidRequest, "There are objects below this key, so it is a folder of the directory that this store keeps; a folder and an object cannot have the same name. Choose another key."},
	{tree.ErrFileAbove, gofakes3.ErrInvalidRequest, "A part of this key that ends at a slash is itself an object, and a directory cannot hold a file and a folder of the same name. Choose another key."},
	{tree.ErrNotFile, gofakes3.ErrInvalidRequest, "The directory that this store keeps has a link or a special file where this key would be. Choose another key."},
	{tree.ErrMoving, gofakes3.ErrSlowDown, "The object is being replaced too fast to be read. Try again."},
	{tree.ErrMarkerBody, gofakes3.ErrInvalidRequest, "A key that ends in a slash is a folder in this store and holds no bytes. Leave out the slash, or the body."},
	{tree.ErrBodyLength, gofakes3.ErrIncompleteBody, "The body is shorter than its length says; nothing was stored."},
	{tree.ErrNotText, gofakes3.ErrInvalidArgument, "The values of metadata must be UTF-8."},

	{tree.ErrNoUpload, gofakes3.ErrNoSuchUpload, "There is no such upload. It may have been completed or aborted."},
	{tree.ErrNoParts, gofakes3.ErrMalformedXML, "Name the parts to complete the upload with."},
	{tree.ErrPartOrder, gofakes3.ErrInvalidPartOrder, "The parts must be in ascending order."},
	{tree.ErrPart, gofakes3.ErrInvalidPart, ""},

	{syscall.EISDIR, gofakes3.ErrInvalidRequest, "A folder took the place of this key. Choose another key."},
	{syscall.ENAMETOOLONG, gofakes3.ErrKeyTooLong, "A part of this key is longer than the file system allows."},
	{syscall.EROFS, gofakes3.ErrInvalidRequest, "This store is read-only."},
	{fs.ErrPermission, gofakes3.ErrInvalidRequest, "The permissions of the directory that this store keeps do not allow this."},
	{syscall.ENOSPC, gofakes3.ErrSlowDown, "The disk of this store is full."},
	{syscall.EDQUOT, gofakes3.ErrSlowDown, "The disk quota of this store is used up."},
}

// answer turns an error into one that gofakes3 knows. It looks at the type of
// what it gets, not inside, so nothing may be wrapped around the result; and it
// writes into it, so every answer is a value of its own. What has none stays as
// it is: gofakes3 logs it and says InternalError.
func answer(err error) error {
	var known gofakes3.Error
	if errors.As(err, &known) {
		if e, ok := known.(*gofakes3.ErrorResponse); ok {
			return gofakes3.ErrorMessage(e.Code, e.Message)
		}
		return known
	}
	for _, a := range answers {
		if !errors.Is(err, a.is) {
			continue
		}
		var refusal *tree.Refusal
		if a.message == "" && errors.As(err, &refusal) {
			return gofakes3.ErrorMessage(a.code, refusal.Why)
		}
		return gofakes3.ErrorMessage(a.code, a.message)
	}
	return err
}

// readAnswer is answer for those who look for an object. It names what is missing.
func readAnswer(err error, bucket, key string) error {
	switch {
	case errors.Is(err, tree.ErrNoObject):
		return gofakes3.KeyNotFound(key)
	case errors.Is(err, tree.ErrNoBucket):
		return gofakes3.BucketNotFound(bucket)
	}
	return answer(err)
}
