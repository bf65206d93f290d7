package keyhatch

import "strings"

// OAuthSecret says what a secret of the authorization server is for. It begins with that, so
// that nobody takes one for another, or for a token.
type OAuthSecret string

// The secrets.
const (
	AuthorizationCode OAuthSecret = "khc_"
	DeviceCode        OAuthSecret = "khd_"
	RefreshToken      OAuthSecret = "khn_"
	ClientSecret      OAuthSecret = "khp_" // a program's
)

// New makes a secret, which goes on like a token's.
func (o OAuthSecret) New() Secret {
	return Secret(string(o) + strings.TrimPrefix(NewTokenSecret().Reveal(), tokenPrefix))
}

// Is tells whether s has the shape of such a secret and its checksum fits.
func (o OAuthSecret) Is(s Secret) bool {
	rest, ok := strings.CutPrefix(s.Reveal(), string(o))
	return ok && IsTokenSecret(tokenPrefix+rest)
}
