package issuers

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/keyhatch/keyhatch"
)

// signed is a signed token in parts, of which nothing is checked yet.
type signed struct {
	text           string
	algorithm, kid string
	claims         claims
	whatIsSigned   keyhatch.Secret // header and claims, in their one spelling
}

// parts reads a signed token. It has one spelling: alphabet, padding and last bits are
// those of the format, and no member of its objects comes twice.
//
// Source: RFC 7515, sections 3.1 and 4; RFC 8725, section 3.11.
func parts(text string) (signed, error) {
	if len(text) > keyhatch.MaxSigned {
		return signed{}, errors.New("it is longer than 16 KiB")
	}
	three := strings.SplitN(text, ".", 4)
	if len(three) != 3 {
		return signed{}, errors.New("it has not three parts")
	}
	var decoded [3][]byte
	for i, part := range three {
		var err error
		if decoded[i], err = strict.DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return signed{}, errors.New("it is not in base64url")
		}
	}
	var header, body claims
	if json.Unmarshal(decoded[0], &header) != nil || json.Unmarshal(decoded[1], &body) != nil || header == nil || body == nil {
		return signed{}, errors.New("it does not hold JSON objects")
	}
	s := signed{text: text, claims: body, whatIsSigned: keyhatch.WhatIsSigned(keyhatch.Secret(text))}
	for _, member := range []string{"crit", "b64"} { // what it calls critical is not understood here
		if _, has := header[member]; has {
			return signed{}, errors.New("its header holds " + member)
		}
	}
	var typ string
	for name, field := range map[string]*string{"alg": &s.algorithm, "kid": &s.kid, "typ": &typ} {
		var err error
		if *field, err = header.text(name); err != nil {
			return signed{}, err
		}
	}
	if !slices.Contains(kinds, strings.ToLower(strings.TrimPrefix(strings.ToLower(typ), "application/"))) {
		return signed{}, errors.New("it is a token for another purpose: its header's typ is neither JWT nor at+jwt")
	}
	return s, nil
}

var strict = base64.RawURLEncoding.Strict()

// kinds are what typ can be: signed tokens of other kinds, such as those of logouts and of
// events, are for other purposes, whoever has signed them.
var kinds = []string{"", "jwt", "at+jwt"}

// maxTried is how many keys are tried at most. Who calls chooses whether its token names one.
const maxTried = 4

// signedBy tells whether one of the keys has signed the token.
func (s signed) signedBy(keys []key) bool {
	jws, err := jose.ParseSignedCompact(s.text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm)})
	if err != nil {
		return false
	}
	return slices.ContainsFunc(keys, func(k key) bool {
		_, err := jws.Verify(k.public)
		return err == nil
	})
}
