package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KEK is a key-encryption key: it wraps the data keys and nothing else.
type KEK struct {
	ID   string
	aead tink.AEAD
}

// NewKEK is a key-encryption key that lies elsewhere, as in a key management
// service. What its errors say is shown to the operator.
func NewKEK(id string, wraps tink.AEAD) KEK { return KEK{ID: id, aead: wraps} }

const (
	keyTag   = "keyhatch-kek-1" // the format's version
	kekBytes = 32               // XChaCha20-Poly1305
)

// NewKeyLine makes a key-encryption key, as the line that a key file or an
// environment variable holds.
func NewKeyLine() keyhatch.Secret {
	id := fmt.Sprintf("kek_%x", randomBytes(4))
	return keyhatch.Secret(keyTag + " " + id + " " + base64.StdEncoding.EncodeToString(randomBytes(kekBytes)))
}

// TakeKeyVariable reads a key-encryption key from an environment variable, which
// holds the line of a key file, and takes the variable away: what this process
// starts must not inherit the key.
func TakeKeyVariable(name string) (KEK, error) {
	text, found := os.LookupEnv(name)
	if !found || strings.TrimSpace(text) == "" {
		return KEK{}, fmt.Errorf("the environment variable %s, which is to hold the key-encryption key, is missing; without it no secret can be opened", name)
	}
	if err := os.Unsetenv(name); err != nil {
		return KEK{}, fmt.Errorf("the environment variable %s: %w", name, err)
	}
	kek, err := parseKey(text)
	if err != nil {
		return KEK{}, fmt.Errorf("the environment variable %s does not hold a key to use: %w", name, err)
	}
	return kek, nil
}

// parseKey reads the text of a key file. Its errors repeat nothing of it.
func parseKey(text string) (KEK, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3 || fields[0] != keyTag {
			return KEK{}, errors.New("its line does not have the form of one")
		}
		raw, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil || len(raw) != kekBytes {
			return KEK{}, errors.New("its key is damaged")
		}
		for _, g := range guessable {
			if g.is(raw) {
				return KEK{}, fmt.Errorf("its key is %s: anybody can guess it; make one with `keyhatch keys generate`", g.what)
			}
		}
		return newKEK(fields[1], raw)
	}
	return KEK{}, errors.New("it holds no key")
}

// guessable are keys that somebody typed. Of random ones not one in 10^13 is like
// that.
var guessable = []struct {
	what string
	is   func(raw []byte) bool
}{
	{"the same byte again and again", func(raw []byte) bool { return steps(raw) && raw[0] == raw[1] }},
	{"a row of numbers", steps},
	{"text", func(raw []byte) bool {
		return !slices.ContainsFunc(raw, func(b byte) bool { return b < ' ' || b > '~' })
	}},
	{"a few bytes again and again", func(raw []byte) bool {
		different := slices.Clone(raw)
		slices.Sort(different)
		return len(slices.Compact(different)) <= kekBytes/4
	}},
}

// steps tells whether each byte is as far from the one before it.
func steps(raw []byte) bool {
	for i := 2; i < len(raw); i++ {
		if raw[i]-raw[i-1] != raw[1]-raw[0] {
			return false
		}
	}
	return true
}

func newKEK(id string, raw []byte) (KEK, error) {
	a, err := subtle.NewXChaCha20Poly1305(raw)
	if err != nil {
		return KEK{}, err
	}
	return KEK{ID: id, aead: a}, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
