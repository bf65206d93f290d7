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
	// LoggedIn is when its user has last shown who it is, to whoever has asked that: the time that is called
	// auth_time in an ID token. Here that is when it was begun. A provider can have asked long before, by its
	// own clock; zero: it does not say when.
	LoggedIn     time.Time
	LastUsedAt   time.Time
	LastUsedFrom string
	// ExpiresAt moves on with its use. Both are written once a minute at most.
	ExpiresAt time.Time
}

// LoggedInSince tells whether its user has logged in at the time or later: it was begun then, and nobody has let it in
// for a login of before. What a provider says counts by its clock.
func (s BrowserSession) LoggedInSince(t time.Time) bool {
	return !s.CreatedAt.Before(t) && !s.LoggedIn.IsZero() && !s.LoggedIn.Before(t.Add(-ProviderClock))
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
