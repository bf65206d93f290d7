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

// ShownToken is a token's secret as it was shown, with what its spelling says.
type ShownToken struct {
	Secret    Secret // bare
	Token     string // id of the token that it is said to be of; empty: nothing is said
	Workspace string // id of the workspace that it is to work in; empty: nothing is said
}

const (
	foreignSpelling   = "v2/" // Arvados': v2/CLUSTER-gj3su-PAYLOAD/SECRET
	tokenInfix        = "-gj3su-"
	workspaceSpelling = "kh-ws_" // TileDB's: kh-ws_PAYLOAD-SECRET, the secret without its kh_
)

// ParseTokenSecret reads a secret in any spelling that the service accepts: as it is,
// as Arvados writes tokens, and with a workspace before it. Like IsTokenSecret it says
// nothing of whether there is such a token, and nothing of whether what stands around
// the secret fits it. The cluster is not told: Arvados' root token names another.
func ParseTokenSecret(s string) (shown ShownToken, ok bool) {
	secret := s
	if rest, foreign := strings.CutPrefix(s, foreignSpelling); foreign {
		uuid, after, _ := strings.Cut(rest, "/")
		payload, is := arvadosPayload(uuid)
		if !is {
			return ShownToken{}, false
		}
		secret, shown.Token = after, string(TokenID)+"_"+payload
	} else if rest, spelled := strings.CutPrefix(s, workspaceSpelling); spelled {
		payload, after, _ := strings.Cut(rest, "-")
		workspace := string(WorkspaceID) + "_" + payload
		if _, is := IDPayload(WorkspaceID, workspace); !is {
			return ShownToken{}, false
		}
		secret, shown.Workspace = tokenPrefix+after, workspace
	}
	if !IsTokenSecret(secret) {
		return ShownToken{}, false
	}
	shown.Secret = Secret(secret)
	return shown, true
}

// SpellWithin writes a secret with the workspace before it that it works in, as
// TileDB's clients read it; without one as it is.
func SpellWithin(secret Secret, workspace string) Secret {
	payload, ok := IDPayload(WorkspaceID, workspace)
	if !ok {
		return secret
	}
	return Secret(workspaceSpelling + payload + "-" + strings.TrimPrefix(secret.Reveal(), tokenPrefix))
}

// arvadosPayload is the part of a token's UUID that its id has too.
func arvadosPayload(uuid string) (payload string, ok bool) {
	cluster, payload, _ := strings.Cut(uuid, tokenInfix)
	if len(cluster) != clusterChars || strings.Trim(cluster, base36) != "" {
		return "", false
	}
	return IDPayload(TokenID, string(TokenID)+"_"+payload)
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
