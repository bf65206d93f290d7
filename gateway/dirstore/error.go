package dirstore

import (
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/rclone/gofakes3"
)

var (
	// What can stand where a key wants to be. For a reader each means that
	// there is no such object; a writer is told which it is.
	errFolder    = errors.New("a folder is there")
	errFileAbove = errors.New("a file is where a folder is needed")
	errNotFile   = errors.New("neither a file nor a folder is there")

	errMoving     = errors.New("replaced too often for a steady look")
	errMarkerBody = errors.New("a marker with a body")
	errNoUpload   = errors.New("no such upload")
	errBuckets    = errors.New("buckets are not made here")
)

// answers are the S3 answers to these and to what a file system says. Order
// matters where one error is also another.
var answers = []struct {
	is      error
	code    gofakes3.ErrorCode
	message string
}{
	{errFolder, gofakes3.ErrInvalidRequest, "There are objects below this key, so it is a folder of the directory that this store keeps; a folder and an object cannot have the same name. Choose another key."},
	{errFileAbove, gofakes3.ErrInvalidRequest, "A part of this key that ends at a slash is itself an object, and a directory cannot hold a file and a folder of the same name. Choose another key."},
	{errNotFile, gofakes3.ErrInvalidRequest, "The directory that this store keeps has a link or a special file where this key would be. Choose another key."},
	{errMoving, gofakes3.ErrSlowDown, "The object is being replaced too fast to be read. Try again."},
	{errMarkerBody, gofakes3.ErrInvalidRequest, "A key that ends in a slash is a folder in this store and holds no bytes. Leave out the slash, or the body."},
	{errNoUpload, gofakes3.ErrNoSuchUpload, "There is no such upload. It may have been completed or aborted."},
	{errBuckets, gofakes3.ErrNotImplemented, "Buckets of this store are made and removed through the API of Keyhatch."},
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
		if errors.Is(err, a.is) {
			return gofakes3.ErrorMessage(a.code, a.message)
		}
	}
	return err
}

func answerTo(err *error) { *err = answer(*err) }

// absent tells whether the error means that no object is there.
func absent(err error) bool {
	for _, is := range []error{fs.ErrNotExist, errFolder, errFileAbove, errNotFile, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.ENOTDIR} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// readAnswer is answer for those who look for an object.
func readAnswer(err error, key string) error {
	if absent(err) {
		return gofakes3.KeyNotFound(key)
	}
	return answer(err)
}

// bodyAnswer is the answer to a body that could not be read to its end. Whoever
// verifies the body may pass a gofakes3 error to choose its own.
func bodyAnswer(err error) error {
	var known gofakes3.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return answer(err)
	case errors.As(err, &tooLarge):
		return gofakes3.ErrorMessage(gofakes3.ErrEntityTooLarge, "The body is larger than is allowed.")
	}
	return gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody, "The body could not be read to its end; nothing was stored.")
}
