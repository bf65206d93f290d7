package s3wire

import "net/http"

// Error is a refusal in S3's words. The message repeats nothing of what was sent.
// Whoever verifies a body may end it with one, to choose the answer.
type Error struct {
	Status  int
	Code    string
	Message string
}

// Refuse makes a refusal.
func Refuse(status int, code, message string) *Error { return &Error{status, code, message} }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// What is refused alike wherever it is noticed.
var (
	ErrInvalidURI     = Refuse(http.StatusBadRequest, "InvalidURI", "The path or query of the request cannot be read.")
	ErrNotImplemented = Refuse(http.StatusNotImplemented, "NotImplemented", "This endpoint does not offer the operation, or one of its parameters or headers.")
	ErrMalformedXML   = Refuse(http.StatusBadRequest, "MalformedXML", "The XML is not well-formed, or is not what the operation takes.")
)
