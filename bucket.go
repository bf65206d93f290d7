package keyhatch

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bucket is a bucket on a store, owned by one workspace.
type Bucket struct {
	ID        string
	Workspace string
	Store     string // its id
	Name      string // unique on the store and in the workspace
	Owner     string // user id; may make access keys for it, as the workspace's admins may. Empty: nobody else
	State     BucketState
	Label     string // what people call it; at most MaxLabelChars

	Site StaticSite

	// AllKeysRead and AllKeysWrite are about the access keys of the workspace: each
	// reads or writes its objects whose owner decides over the bucket, whatever the
	// key's own lists say.
	AllKeysRead, AllKeysWrite bool

	// PresignedSince is when the presigned URLs of its objects were revoked last: older
	// ones open nothing. Zero: never.
	PresignedSince time.Time
	// MaxPresigned is how long a presigned URL of one of its objects may work, at most
	// LongestPresigned. Zero: none is made.
	MaxPresigned time.Duration
	// ListWholeSince is since when leases that were borrowed for it may list all of the
	// bucket, and so see the names of what lies beside their prefixes. Zero: none may.
	ListWholeSince time.Time

	CreatedAt time.Time
}

// ListsWhole tells whether a lease of the time may list all of the bucket, if it was
// borrowed for that.
func (b Bucket) ListsWhole(issued time.Time) bool {
	return !b.ListWholeSince.IsZero() && !b.ListWholeSince.After(issued)
}

// BucketState tells whether a bucket is there to be used.
type BucketState string

// The states. One that is not configured opens nothing to anybody.
const (
	// BucketPending: the store is to make it, and has not been seen to have done so.
	BucketPending BucketState = "pending"
	// BucketConfigured: it is there.
	BucketConfigured BucketState = "configured"
	// BucketDeleting: the store is to remove it.
	BucketDeleting BucketState = "deleting"
)

// StaticSite is what a bucket says of a web site of its objects. It is kept for who asks;
// Keyhatch serves no sites.
type StaticSite struct {
	Serve bool
	Index string // name of the object that stands for a folder; at most MaxLabelChars
	Error string // key of the object that stands for what is not there; the same
}

// Limits of what a bucket says.
const (
	MaxLabelChars    = 255
	LongestPresigned = 24 * time.Hour
)

// CheckLabel holds the rules of texts that are kept of a bucket: at most MaxLabelChars
// characters, none of which is a control character. field is the input at fault.
func CheckLabel(field, text string) error {
	if utf8.RuneCountInString(text) > MaxLabelChars || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return Fail(Invalid, CodeInvalidRequest, "it has at most %d characters, and no control characters", MaxLabelChars).In(field)
	}
	return nil
}

// CheckMaxPresigned holds the limits of Bucket.MaxPresigned.
func CheckMaxPresigned(d time.Duration) error {
	if d < 0 || d > LongestPresigned {
		return Fail(Invalid, CodeInvalidDuration, "presigned URLs work for at most %d seconds; 0 is none at all", int(LongestPresigned.Seconds())).In("max_presigned_seconds")
	}
	return nil
}

// BucketUsage is how much is in a bucket, as it was counted last.
type BucketUsage struct {
	Objects   int64
	Bytes     int64
	CountedAt time.Time // zero: nobody has counted yet
}

// ObjectDetails is what is known of an object without opening it.
type ObjectDetails struct {
	Key string
	// Folder: it is the beginning of other keys, up to a slash. It has no size then, and
	// was not modified.
	Folder   bool
	Size     int64
	Modified time.Time
}

// BucketExists is that a store has a bucket of the name already.
func BucketExists() *Error {
	return Fail(Conflict, CodeBucketExists,
		"the store has a bucket of that name already, and nobody's is taken: choose another name, or have an installation admin register it").In("name")
}

// BucketNotEmpty is that there is something in a bucket.
func BucketNotEmpty() *Error {
	return Fail(Conflict, CodeBucketNotEmpty,
		"there is something in the bucket (objects, older versions, or unfinished uploads): remove that first")
}

// BucketGone is that a store does not have a bucket that is on record.
func BucketGone() *Error {
	return Fail(Conflict, CodeBucketNotReady, "the store does not have the bucket")
}

// CheckBucketName holds the rules that every S3 store shares: 3 to 63 of a-z,
// 0-9, "-" and ".", beginning and ending with a letter or digit, no two dots
// together.
//
// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
func CheckBucketName(name string) error {
	fail := Fail(Invalid, CodeInvalidBucketName,
		"a bucket's name has 3 to 63 characters of a-z, 0-9, '-' and '.', and begins and ends with a letter or a digit")
	if len(name) < 3 || len(name) > 63 {
		return fail
	}
	alnum := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	for i := range len(name) {
		c := name[i]
		edge := i == 0 || i == len(name)-1
		switch {
		case alnum(c):
		case c == '-' && !edge:
		case c == '.' && !edge && name[i-1] != '.':
		default:
			return fail
		}
	}
	return nil
}
