package sigv4

import "fmt"

// Error says why a request is refused, in the words of S3's wire: Code and
// Status are those of S3's list of error codes. Message is for people, it can
// be shown to anyone: it never holds a canonical request, a string to sign, a
// signature that was expected, or a value that was sent.
type Error struct {
	Code    string
	Status  int
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

const (
	accessDenied      = "AccessDenied"
	badDigest         = "BadDigest"
	contentMismatch   = "XAmzContentSHA256Mismatch"
	headerMalformed   = "AuthorizationHeaderMalformed"
	incompleteBody    = "IncompleteBody"
	invalidArgument   = "InvalidArgument"
	invalidChunkSize  = "InvalidChunkSizeError"
	invalidDigest     = "InvalidDigest"
	invalidRequest    = "InvalidRequest"
	invalidToken      = "InvalidToken"
	invalidURI        = "InvalidURI"
	malformedTrailer  = "MalformedTrailerError"
	missingLength     = "MissingContentLength"
	queryMalformed    = "AuthorizationQueryParametersError"
	signatureMismatch = "SignatureDoesNotMatch"
	timeSkewed        = "RequestTimeTooSkewed"
)

// statuses is every code this package answers with, its HTTP status, and when.
var statuses = map[string]int{
	accessDenied:      403, // nobody signed, a header that must be signed is not, no date, a presigned request outside its time
	badDigest:         400, // Content-MD5 or x-amz-checksum-* is not that of the body
	contentMismatch:   400, // x-amz-content-sha256 is not that of the body
	headerMalformed:   400, // the Authorization header, or its scope
	incompleteBody:    400, // the body ends early, late, or breaks the chunk framing
	invalidArgument:   400, // two ways of signing at once, a value S3 does not know, an ambiguous header or query
	invalidChunkSize:  403, // a chunk under 8 KiB that is not the last
	invalidDigest:     400, // Content-MD5 is not base64 of 16 bytes
	invalidRequest:    400, // another way of signing, no payload hash, a checksum header that cannot be used
	invalidToken:      400, // a session token of absurd length
	invalidURI:        400, // a path or query that can be read in two ways
	malformedTrailer:  400, // trailers that are not as announced
	missingLength:     411, // chunks without x-amz-decoded-content-length
	queryMalformed:    400, // the X-Amz-* parameters of a presigned request, or its scope
	signatureMismatch: 403, // the signature of the request, a chunk or the trailer; also an unknown key
	timeSkewed:        403, // signed too long ago, or in the future
}

// fail makes an Error. The arguments reach the sender: names and limits of ours
// only, never what was sent.
func fail(code, format string, args ...any) *Error {
	return &Error{Code: code, Status: statuses[code], Message: fmt.Sprintf(format, args...)}
}
