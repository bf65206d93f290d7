package keyhatch

import "strings"

// The length of passwords. A password is all that stands before what its user may, so it
// has at least 15 characters; longer ones than 64 must be possible.
//
// Source: NIST SP 800-63B-4, section 3.1.1.2.
const (
	MinPasswordChars = 15
	MaxPasswordBytes = 256
)

// resetPrefix is where a reset secret differs from a token's, so that nobody takes one
// for the other.
const resetPrefix = "khr_"

// NewResetSecret makes the secret of a password reset: "khr_", and then like a token's.
func NewResetSecret() Secret {
	return Secret(resetPrefix + strings.TrimPrefix(NewTokenSecret().Reveal(), tokenPrefix))
}

// IsResetSecret tells whether s has the shape of a reset secret and its checksum fits.
func IsResetSecret(s string) bool {
	rest, ok := strings.CutPrefix(s, resetPrefix)
	return ok && IsTokenSecret(tokenPrefix+rest)
}
