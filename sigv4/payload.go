package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// Payload is how the body of a request is protected.
type Payload int

// The kinds of payload, in the order of S3's documentation.
const (
	PayloadHashed         Payload = iota + 1 // the signature covers the SHA-256 of the body
	PayloadUnsigned                          // the signature says nothing of the body
	ChunksSigned                             // aws-chunked, every chunk signed
	ChunksSignedTrailer                      // the same, with a signed checksum after the body
	ChunksUnsignedTrailer                    // aws-chunked, unsigned, with a checksum after the body
)

// payloads is the values of x-amz-content-sha256 that are not a hash.
var payloads = map[string]Payload{
	"UNSIGNED-PAYLOAD":                           PayloadUnsigned,
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD":         ChunksSigned,
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": ChunksSignedTrailer,
	"STREAMING-UNSIGNED-PAYLOAD-TRAILER":         ChunksUnsignedTrailer,
}

func (p Payload) String() string {
	if p == PayloadHashed {
		return "SHA-256"
	}
	for name, known := range payloads {
		if p == known {
			return name
		}
	}
	return "Payload(" + strconv.Itoa(int(p)) + ")"
}

// Chunked tells whether the body is framed as aws-chunked; a Body has taken the
// frame off.
func (p Payload) Chunked() bool { return p >= ChunksSigned }

// trailer tells whether a checksum follows the chunks.
func (p Payload) trailer() bool { return p >= ChunksSignedTrailer }

const contentSHA256 = "X-Amz-Content-Sha256"

// parsePayload sets the kind of payload and returns what the canonical request
// says of it. A request signed in its header must name it; a presigned one may,
// in a header or in its query, and otherwise leaves the body unsigned.
func (c *Claim) parsePayload(r *http.Request, q query) (string, error) {
	hash, given, err := payloadParam(q, c.Presigned)
	if err != nil {
		return "", err
	}
	if values := r.Header.Values(contentSHA256); len(values) > 0 {
		if given && values[0] != hash {
			return "", fail(invalidArgument, "x-amz-content-sha256 differs between header and query")
		}
		hash, given = values[0], true
	}
	switch {
	case !given && c.Presigned:
		hash = "UNSIGNED-PAYLOAD"
	case !given:
		return "", fail(invalidRequest, "the header x-amz-content-sha256 is missing")
	}
	c.Payload = payloads[hash]
	switch {
	case c.Payload.Chunked() && c.Presigned:
		return "", fail(invalidRequest, "a presigned request cannot be sent in signed or trailed chunks")
	case c.Payload != 0:
		return hash, nil
	case isHexSHA256(hash):
		c.Payload = PayloadHashed
		return hash, nil
	case strings.Contains(hash, "ECDSA"):
		return "", fail(invalidArgument, "asymmetric signatures (SigV4A) are not supported; use %s", algorithmName)
	}
	return "", fail(invalidArgument, "x-amz-content-sha256 must be a SHA-256 in lower-case hex, UNSIGNED-PAYLOAD, "+
		"or one of the STREAMING- values for %s", algorithmName)
}

// payloadParam finds x-amz-content-sha256, in any spelling, in the query of a
// presigned request.
func payloadParam(q query, presigned bool) (value string, found bool, err error) {
	if !presigned {
		return "", false, nil
	}
	for i := range q {
		if len(q[i].name) == len(contentSHA256) && strings.EqualFold(q[i].name, contentSHA256) {
			if found {
				return "", false, fail(invalidArgument, "a query parameter is given twice")
			}
			value, found = q[i].value, true
		}
	}
	return value, found, nil
}

// hashPayload is parsePayload where the body is at hand.
func (c *Claim) hashPayload(r *http.Request, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	c.Payload = PayloadHashed
	for _, named := range r.Header.Values(contentSHA256) {
		if named != hash {
			return "", fail(contentMismatch, "x-amz-content-sha256 is not the SHA-256 of the body")
		}
	}
	return hash, nil
}

// planBody reads what the headers say of the body: how long it is without its
// frame, and which checksum it has. The x-amz-* headers are single by now.
func (c *Claim) planBody(r *http.Request, q query) error {
	if err := c.body.planChecksum(r, q); err != nil {
		return err
	}
	trailer, announced := r.Header["X-Amz-Trailer"]
	if announced != c.Payload.trailer() {
		return fail(malformedTrailer, "x-amz-trailer and x-amz-content-sha256 must both announce a trailer, or neither")
	}
	if announced {
		if c.body.checksum != nil {
			return errManyChecksums()
		}
		if c.body.trailer = algorithms[strings.ToLower(strings.Trim(trailer[0], " \t"))]; c.body.trailer == nil {
			return fail(invalidRequest, "x-amz-trailer must name one x-amz-checksum-* header that is supported")
		}
	}
	if !c.Payload.Chunked() {
		return nil
	}
	length := r.Header.Get("X-Amz-Decoded-Content-Length")
	if length == "" {
		return fail(missingLength, "chunks need the header x-amz-decoded-content-length")
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || !isDigits(length, len(length)) {
		return fail(invalidArgument, "x-amz-decoded-content-length must be a number of bytes")
	}
	c.body.length = n
	return nil
}
