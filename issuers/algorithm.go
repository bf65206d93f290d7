package issuers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
)

// algorithms are those that can be allowed, each with the keys that it takes: what signs
// with one key and is checked with the other. None and those with a shared secret are not
// among them. A key is of one algorithm's kind, so that no token can have a public key taken for
// a secret, or one curve's for another's.
//
// Source: RFC 7518, section 3.1; RFC 8037; RFC 8725, sections 2.1 and 3.2.
var algorithms = map[string]func(crypto.PublicKey) bool{
	"RS256": isRSA, "RS384": isRSA, "RS512": isRSA,
	"PS256": isRSA, "PS384": isRSA, "PS512": isRSA,
	"ES256": onCurve(elliptic.P256()), "ES384": onCurve(elliptic.P384()), "ES512": onCurve(elliptic.P521()),
	"EdDSA": func(k crypto.PublicKey) bool { _, is := k.(ed25519.PublicKey); return is },
}

// The bounds of an RSA key: shorter ones are forged, and longer ones cost more than a
// request may.
const (
	minRSABits  = 2048
	maxRSABits  = 8192
	maxExponent = 1<<31 - 1
)

func isRSA(k crypto.PublicKey) bool {
	key, is := k.(*rsa.PublicKey)
	return is && key.N.BitLen() >= minRSABits && key.N.BitLen() <= maxRSABits && key.E >= 3 && key.E <= maxExponent
}

func onCurve(curve elliptic.Curve) func(crypto.PublicKey) bool {
	return func(k crypto.PublicKey) bool {
		key, is := k.(*ecdsa.PublicKey)
		return is && key.Curve == curve
	}
}
