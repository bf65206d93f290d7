package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
)

// spellings are the forms in which a secret could lie somewhere.
func spellings(secret string) []string {
	quoted, _ := json.Marshal(secret)
	return []string{
		secret,
		hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.RawURLEncoding.EncodeToString([]byte(secret)),
		url.QueryEscape(secret),
		string(quoted),
	}
}
