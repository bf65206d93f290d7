package classify

import (
	"net/http"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// ErrVersionKept refuses a write of a single version.
var ErrVersionKept = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "A single version is read, never written or removed, through this endpoint.")

var (
	errBucketName   = s3wire.Refuse(http.StatusBadRequest, "InvalidBucketName", "The bucket's name is not valid.")
	errKey          = s3wire.Refuse(http.StatusBadRequest, "InvalidArgument", "The key is not valid here: it holds an empty, '.' or '..' segment, a NUL, or more than 1024 bytes.")
	errRanges       = s3wire.Refuse(http.StatusNotImplemented, "NotImplemented", "One request reads one range.")
	errCondition    = s3wire.Refuse(http.StatusNotImplemented, "NotImplemented", "The operation does not know a condition of the request: an object is made with If-Match or If-None-Match: *, and deleted with If-Match.")
	errTime         = s3wire.Refuse(http.StatusBadRequest, "InvalidArgument", "A time in a condition of the request is none: it is written as in Sat, 01 Jan 2000 00:00:00 GMT.")
	errSources      = s3wire.Refuse(http.StatusBadRequest, "InvalidArgument", "A copy has one source.")
	errACL          = s3wire.Refuse(http.StatusForbidden, "AccessDenied", "Access is given by grants, never by ACLs: only x-amz-acl: private is accepted, and it has no effect.")
	errStorageClass = s3wire.Refuse(http.StatusBadRequest, "InvalidStorageClass", "The only storage class is STANDARD.")
)
