package issuers_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

// now is when all tests are that have no clock of their own.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// pairs are keys to sign with, made once: RSA takes its time.
var pairs = sync.OnceValue(func() map[string]crypto.Signer {
	out := map[string]crypto.Signer{}
	for name, bits := range map[string]int{"rsa": 2048, "short": 1024} {
		out[name], _ = rsa.GenerateKey(rand.Reader, bits)
	}
	for name, curve := range map[string]elliptic.Curve{"p224": elliptic.P224(), "p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		out[name], _ = ecdsa.GenerateKey(curve, rand.Reader)
	}
	for _, name := range []string{"ed", "other"} {
		_, out[name], _ = ed25519.GenerateKey(rand.Reader)
	}
	return out
})

func public(name string) crypto.PublicKey { return pairs()[name].Public() }

// pemOf is a public key as a PEM file has it.
func pemOf(t testing.TB, k crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// setOf is a JWK set.
func setOf(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type object = map[string]any

// good are claims that the rules of good let through.
func goodClaims() object {
	return object{
		"iss": "https://issuer.test", "aud": "keyhatch", "sub": "repo:acme", "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(), "jti": "j-1",
	}
}

// but is an object with other members; nil takes one away.
func but(o object, changed object) object {
	o = maps.Clone(o)
	for name, value := range changed {
		if o[name] = value; value == nil {
			delete(o, name)
		}
	}
	return o
}

// sign makes a signed token with a header that says what it likes.
func sign(t testing.TB, k crypto.Signer, header object, claims any) keyhatch.Secret {
	t.Helper()
	return keyhatch.Secret(signText(t, k, header["alg"].(string), encoded(t, header), encoded(t, claims)))
}

// signText signs parts that are encoded already.
func signText(t testing.TB, k crypto.Signer, algorithm, header, body string) string {
	t.Helper()
	whole := header + "." + body
	var signature []byte
	var err error
	switch k := k.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, []byte(whole))
	case *ecdsa.PrivateKey:
		h := hashOf(algorithm)
		r, s, e := ecdsa.Sign(rand.Reader, k, digest(h, whole))
		size := (k.Curve.Params().BitSize + 7) / 8
		signature, err = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), e
	case *rsa.PrivateKey:
		h := hashOf(algorithm)
		if algorithm[0] == 'P' {
			signature, err = rsa.SignPSS(rand.Reader, k, h, digest(h, whole), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, k, h, digest(h, whole))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return whole + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func hashOf(algorithm string) crypto.Hash {
	return map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[2:]]
}

func digest(h crypto.Hash, text string) []byte {
	sum := h.New()
	sum.Write([]byte(text))
	return sum.Sum(nil)
}

// encoded is a part of a token: of a text as it is, of anything else as JSON.
func encoded(t testing.TB, v any) string {
	t.Helper()
	text, is := v.(string)
	if !is {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// rules are those of an issuer with local keys.
func rules(keys ...[]byte) issuers.Issuer {
	return issuers.Issuer{
		URL: "https://issuer.test", Keys: keys, Audience: issuers.Audience{Values: []string{"keyhatch"}},
		Subject: issuers.Subject{Users: map[string]string{"repo:acme": "ann"}}, Workspaces: []string{"lab"}, Scopes: []keyhatch.Scope{"leases"},
	}
}

func jsonOf(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
