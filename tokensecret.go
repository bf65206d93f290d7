package keyhatch

import (
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"
)

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
