package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
)

// chunkSigner makes aws-chunked bodies, written from the documentation and not
// from the package under test.
type chunkSigner struct {
	id   identity
	seed string // the request's signature; empty: the chunks are not signed
}

func (s chunkSigner) hmac(text string) string {
	key := []byte("AWS4" + s.id.secret)
	for _, part := range append(strings.Split(s.scope(), "/"), text) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func (s chunkSigner) scope() string {
	return fmt.Sprintf("%s/%s/%s/aws4_request", s.id.at.Format("20060102"), s.id.region, s.id.service)
}

// encode returns the pieces of the body: one for each chunk, one for the chunk
// of no bytes, then, with a trailer "name:value", one for it and (signed) one
// for its signature, and the end of the frame.
func (s chunkSigner) encode(trailer string, contents ...string) []string {
	var pieces []string
	previous := s.seed
	for _, content := range append(contents, "") {
		header := strconv.FormatInt(int64(len(content)), 16)
		if s.seed != "" {
			previous = s.hmac(strings.Join([]string{
				"AWS4-HMAC-SHA256-PAYLOAD", s.id.at.Format("20060102T150405Z"), s.scope(), previous,
				hashHex(nil), hashHex([]byte(content)),
			}, "\n"))
			header += ";chunk-signature=" + previous
		}
		piece := header + "\r\n" + content
		if content != "" {
			piece += "\r\n"
		}
		pieces = append(pieces, piece)
	}
	if trailer != "" {
		pieces = append(pieces, trailer+"\r\n")
		if s.seed != "" {
			previous = s.hmac(strings.Join([]string{
				"AWS4-HMAC-SHA256-TRAILER", s.id.at.Format("20060102T150405Z"), s.scope(), previous,
				hashHex([]byte(trailer + "\n")),
			}, "\n"))
			pieces = append(pieces, "x-amz-trailer-signature:"+previous+"\r\n")
		}
	}
	return append(pieces, "\r\n")
}

func seedOf(r *http.Request) string {
	_, seed, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return seed
}

func base64Sum(h hash.Hash, content string) string {
	h.Write([]byte(content))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
