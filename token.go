package keyhatch

import (
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"
	"time"
)

// Token is an API token of a user. Its secret is shown once and kept as a hash.
type Token struct {
	ID        string
	User      string
	Name      string
	Scopes    []Scope
	Workspace string    // when set, the token works in this workspace only
	ExpiresAt time.Time // zero: until revoked
	// Since is when it was made or last narrowed; leases of an earlier time are
	// dead.
	Since       time.Time
	CreatedAt   time.Time
	CreatedFrom string // the address
	// RotatedAt is when it was last given another secret, zero for never. What
	// was borrowed with the secret before goes on: it is the same token.
	RotatedAt time.Time
	// GraceUntil is until when the secret before works too; zero: not at all.
	GraceUntil time.Time
}

// MaxGrace is how long after a rotation a token's old secret may work at most.
const MaxGrace = 7 * 24 * time.Hour

// CheckGrace holds the limits of a grace.
func CheckGrace(d time.Duration) error {
	if d < 0 || d > MaxGrace {
		return Fail(Invalid, CodeInvalidDuration, "a grace lasts 0 to %d seconds", int(MaxGrace.Seconds())).In("grace_seconds")
	}
	return nil
}

// Live tells whether the token has not expired at the time.
func (t Token) Live(now time.Time) bool { return t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) }

// The shape of a token secret: a fixed beginning, 256 random bits, a checksum.
const (
	tokenPrefix     = "kh_"
	tokenBodyChars  = 43 // 62^43 > 2^256
	tokenCheckChars = 6  // 62^6 > 2^32
)

// NewTokenSecret makes a token secret: "kh_", 43 base62 characters that carry
// 256 random bits, and 6 base62 characters of their CRC-32 (IEEE), so that a
// typing error or a look-alike is told without a look-up.
func NewTokenSecret() Secret {
	var random [32]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	body := toBase62(new(big.Int).SetBytes(random[:]), tokenBodyChars)
	return Secret(tokenPrefix + body + tokenCheck(body))
}

// IsTokenSecret tells whether s has the shape of a token secret and its
// checksum fits. It says nothing of whether such a token exists.
func IsTokenSecret(s string) bool {
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(rest) != tokenBodyChars+tokenCheckChars {
		return false
	}
	for i := range len(rest) {
		if !isBase62(rest[i]) {
			return false
		}
	}
	return tokenCheck(rest[:tokenBodyChars]) == rest[tokenBodyChars:]
}

func tokenCheck(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return toBase62(new(big.Int).SetUint64(uint64(sum)), tokenCheckChars)
}

func toBase62(n *big.Int, width int) string {
	digits := n.Text(62)
	return strings.Repeat("0", width-len(digits)) + digits
}

func isBase62(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
