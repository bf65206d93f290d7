package issuers

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// key is a public key of an issuer.
type key struct {
	public    crypto.PublicKey
	id        string // kid; empty: it has none
	algorithm string // that alone; empty: every one that takes it
}

// takes tells whether a token that names this key's id and this algorithm can be signed
// with it. Where one of the two has no id, the other's does not matter.
func (k key) takes(id, algorithm string) bool {
	return (k.id == "" || id == "" || k.id == id) && (k.algorithm == "" || k.algorithm == algorithm) && algorithms[algorithm](k.public)
}

func matching(keys []key, id, algorithm string) (out []key) {
	for _, k := range keys {
		if k.takes(id, algorithm) {
			out = append(out, k)
		}
	}
	return out
}

// withoutID are the keys that could be any token's.
func withoutID(keys []key) []key {
	return slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return k.id != "" })
}

// The bounds of a set of keys.
const (
	maxKeys     = 32
	maxKeyBytes = 32 << 10
)

// usable tells whether some algorithm takes the key.
func (k key) usable() bool {
	for name, takes := range algorithms {
		if (k.algorithm == "" || k.algorithm == name) && takes(k.public) {
			return true
		}
	}
	return false
}

// readSet reads a JWK set. What is in it for another use, or of a kind that is not known
// here, is left out, as the format asks for.
//
// Source: RFC 7517, section 5.
func readSet(text []byte) ([]key, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("it is no JSON")
	}
	if set.Keys == nil {
		return nil, errors.New("it is no JWK set: it has no keys")
	}
	if len(*set.Keys) > maxKeys {
		return nil, errors.New("it has more than 32 keys")
	}
	var out []key
	for _, one := range *set.Keys {
		if k, err := readJWK(one); err == nil {
			out = append(out, k)
		}
	}
	return out, nil
}

// readJWK reads one public key.
func readJWK(text []byte) (key, error) {
	if len(text) > maxKeyBytes {
		return key{}, errors.New("it is too long for a key")
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(text); err != nil {
		return key{}, errors.New("it is no JWK of a kind that is known here")
	}
	k := key{public: jwk.Key, id: jwk.KeyID, algorithm: jwk.Algorithm}
	if jwk.Use != "" && jwk.Use != "sig" || !jwk.IsPublic() || !k.usable() {
		return key{}, errNotUsable
	}
	return k, nil
}

var errNotUsable = errors.New("it holds a key that is not public, not for signatures, or not RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519")

// readKeys reads what a file of the configuration holds: PEM blocks, a JWK or a JWK set.
// Nothing is left out there.
func readKeys(text []byte) ([]key, error) {
	if !bytes.Contains(text, []byte("-----BEGIN")) {
		var set struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := json.Unmarshal(text, &set); err != nil {
			return nil, errors.New("it holds neither PEM nor JSON")
		}
		if set.Keys == nil {
			set.Keys = []json.RawMessage{text}
		}
		var out []key
		for _, one := range set.Keys {
			k, err := readJWK(one)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
		return out, nil
	}
	var out []key
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PUBLIC KEY" {
			return nil, errors.New(`it holds a PEM block that is no "PUBLIC KEY": a private key is of its issuer alone`)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		k := key{public: public}
		if err != nil || !k.usable() {
			return nil, errNotUsable
		}
		out = append(out, k)
	}
	return out, nil
}
