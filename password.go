package keyhatch

// The length of passwords. A password is all that stands before what its user may, so it
// has at least 15 characters; longer ones than 64 must be possible.
//
// Source: NIST SP 800-63B-4, section 3.1.1.2.
const (
	MinPasswordChars = 15
	MaxPasswordBytes = 256
)
