package keyhatch

import (
	"net/netip"
	"strings"
	"time"
)

// Assertion is what an issuer says of who calls: a signed token of its (a JWT) that was
// checked, read by the rules that the configuration has for the issuer.
type Assertion struct {
	Issuer string
	// Rules stand for the issuer's rules. They are another text as soon as one of them
	// is another.
	Rules   string
	Subject string // the claim that tells the user, as it was said
	User    string // the user's name; empty with ByLogin
	ByLogin bool   // the user is the one who logs in with a browser as that Subject at that Issuer
	// Workspaces are those in which the issuer's users may be, by id or name; Workspace is
	// the one that the issuer says, empty for none.
	Workspaces []string
	Workspace  string
	Scopes     []Scope
	Networks   []netip.Prefix // none: from everywhere
	// Roles are those of the claim realm_access, as Keycloak writes them; nil: it has no
	// such claim. They open nothing: a format that knows them asks for some.
	Roles     []string
	SignedAt  time.Time // as the issuer says: its clock may be a minute ahead
	ExpiresAt time.Time
	JWTID     string // the claim jti, for the record; may be empty
	// Signed is what was signed. The same signed token can be written in several ways,
	// and has one Signed.
	Signed Secret
}

// Bearer is of a token that stands for a signed token of an issuer, and was made when
// that was first shown. It has no other secret. The zero value is that of every other
// token.
type Bearer struct {
	Issuer string
	Rules  string // Assertion.Rules at that time
	// Until is when the signed token ends by itself. Until then the token is kept, so that
	// what was revoked is not made again.
	Until time.Time
}

// LooksSigned tells whether a text has the shape of a signed token in its compact form:
// three parts with dots between, of which the last may be empty. It says nothing of
// whether it is one.
//
// Source: RFC 7515, section 7.1.
func LooksSigned(s string) bool {
	dots, last := 0, byte('.')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' && last == '.': // an empty part that is not the last
			return false
		case c == '.':
			dots++
		case !isBase62(c) && c != '-' && c != '_':
			return false
		}
		last = s[i]
	}
	return dots == 2
}

// MaxSigned bounds a signed token, in bytes.
const MaxSigned = 16 << 10

// WhatIsSigned is what of a signed token its signature is of: all before that.
func WhatIsSigned(jwt Secret) Secret {
	if end := strings.LastIndexByte(string(jwt), '.'); end >= 0 {
		return jwt[:end]
	}
	return jwt
}

// MayHoldToken tells whether a text that somebody sent could hold the secret of a token, or
// a signed one. It is neither repeated nor logged then.
func MayHoldToken(s string) bool {
	if strings.Contains(s, "kh_") || strings.Contains(s, "kh-ws_") || strings.Contains(s, sessionPrefix) {
		return true
	}
	signed := strings.Index(s, "eyJ") // {" in base64, with which all begin
	return signed >= 0 && strings.Count(s[signed:], ".") >= 2
}
