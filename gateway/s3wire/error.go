package s3wire

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
