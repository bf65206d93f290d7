package keyhatch

import (
	"strings"
	"time"
)

// BrowserSession is a user whom a browser has signed in. What the browser shows is kept as a hash.
// It does what its user may, but borrows nothing: leases and keys name a token.
type BrowserSession struct {
	ID   string
	User string
	// Password is the id of the password that it was begun with, and ends with; empty: it was
	// begun without one.
	Password string
	// Issuer is the provider at which its user has logged in; empty: at none.
	Issuer      string
	Browser     string // as it calls itself: anybody could have written that
	CreatedAt   time.Time
	CreatedFrom string // the address
	// LoggedIn is when its user has shown who it is: when it was begun, or as the provider says;
	// zero: that one does not say.
	LoggedIn     time.Time
	LastUsedAt   time.Time
	LastUsedFrom string
	// ExpiresAt moves on with its use. Both are written once a minute at most.
	ExpiresAt time.Time
}

// sessionPrefix is where the secret of a session differs from a token's, so that nobody takes
// one for the other.
const sessionPrefix = "khs_"

// NewSessionSecret makes what a browser shows: "khs_", and then like a token's.
func NewSessionSecret() Secret {
	return Secret(sessionPrefix + strings.TrimPrefix(NewTokenSecret().Reveal(), tokenPrefix))
}

// IsSessionSecret tells whether s has the shape of a session's secret and its checksum fits.
func IsSessionSecret(s string) bool {
	rest, ok := strings.CutPrefix(s, sessionPrefix)
	return ok && IsTokenSecret(tokenPrefix+rest)
}
