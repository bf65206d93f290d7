package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// What the tree says no with. Anything else is what the file system said, with
// its syscall.Errno inside.
var (
	ErrNoBucket = errors.New("no bucket can have this name")
	// ErrNoObject is for those who look: whatever the reason, there is no such
	// object.
	ErrNoObject = errors.New("no such object")

	// ErrFolder, ErrFileAbove and ErrNotFile tell a writer what stands where its
	// key wants to be.
	ErrFolder    = errors.New("a folder is there")
	ErrFileAbove = disk.ErrFileAbove
	ErrNotFile   = disk.ErrNotFile

	ErrMoving     = disk.ErrMoving
	ErrMarkerBody = errors.New("a marker with a body")
	ErrBodyLength = disk.ErrBodyLength
	ErrNotText    = errors.New("a header value that is not UTF-8")

	ErrNoUpload  = errors.New("no such upload")
	ErrNoParts   = errors.New("no parts to join")
	ErrPartOrder = errors.New("the parts are not in ascending order")

	// These are the kinds of a Refusal.
	ErrKey        = errors.New("a key that cannot be the name of a file")
	ErrKeyTooLong = errors.New("a name that is too long for a file")
	ErrPart       = errors.New("a part that is not there")
)

// Refusal is an error whose reason depends on what was asked. It is its Kind to
// errors.Is.
type Refusal struct {
	Kind error  // ErrKey, ErrKeyTooLong or ErrPart
	Why  string // for whoever asked
}

func (r *Refusal) Error() string { return r.Why }

// Unwrap makes errors.Is find the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

func refuse(kind error, format string, args ...any) error {
	return &Refusal{kind, fmt.Sprintf(format, args...)}
}

// absent tells whether the error means that no object is there.
func absent(err error) bool {
	for _, is := range []error{fs.ErrNotExist, ErrFolder, ErrFileAbove, ErrNotFile, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.ENOTDIR} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// lookError is the error for those who look for an object.
func lookError(err error) error {
	if absent(err) {
		return fmt.Errorf("%w: %w", ErrNoObject, err)
	}
	return err
}
