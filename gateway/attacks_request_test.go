package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// request is what goes out on the wire, byte for byte. It is signed correctly
// unless it says otherwise, with a signer written from the documentation and not
// from package sigv4: a refusal of what nobody signed would prove nothing. Its
// texts may hold {names} of what the arena knows, such as {upload}.
type request struct {
	method, target string
	by             string  // whose keys; empty: those of "writer"
	host           string  // empty: the endpoint's address
	fields, loose  []field // signed, and not
	body           string
	bodiless       bool   // no Content-Length either
	payload        string // x-amz-content-sha256; empty: the hash of the body
	chunks         []string
	trailer        string // "name:value", after the chunks
	extra          string // behind the body, and within its length

	region, service string
	ago             time.Duration
	presigned       time.Duration // for how long; 0: signed in the header
	unsigned        bool

	edits   []string // old, new, old, new: made after signing
	raw     string   // instead of all of the above
	cut     int      // bytes at the end that are never sent
	abrupt  bool     // what is cut off is so below TLS, whose end nobody says
	patient bool     // keeps the connection, to see what else is answered on it
	asked   string   // the name that TLS asks for; empty: "localhost"
	stalls  bool     // what is cut off is waited for: the connection stays
	drips   bool     // what is cut off comes, a letter now and then
	reaches bool     // the store behind is asked; about any other attack it must not be
}

type field struct{ name, value string }

func get(target string) request  { return request{method: "GET", target: target, bodiless: true} }
func head(target string) request { return request{method: "HEAD", target: target, bodiless: true} }
func del(target string) request  { return request{method: "DELETE", target: target, bodiless: true} }

func put(target, body string) request {
	return request{method: "PUT", target: target, body: body}
}

func post(target, body string) request {
	return request{method: "POST", target: target, body: body}
}

// call is a request of any method, with no body when that is empty.
func call(method, target, body string) request {
	return request{method: method, target: target, body: body, bodiless: body == ""}
}

// copied is a copy of an object.
func copied(source, target string) request {
	return put(target, "").with("X-Amz-Copy-Source", source)
}

// raw is exactly these bytes, with line ends as HTTP wants them.
func raw(lines ...string) request {
	return request{raw: strings.Join(lines, "\r\n")}
}

func (r request) as(who string) request           { r.by = who; return r }
func (r request) at(host string) request          { r.host = host; return r }
func (r request) old(d time.Duration) request     { r.ago = d; return r }
func (r request) hashed(payload string) request   { r.payload = payload; return r }
func (r request) anonymous() request              { r.unsigned = true; return r }
func (r request) presign(d time.Duration) request { r.presigned = d; return r }
func (r request) short(by int) request            { r.cut = by; return r }
func (r request) snapped(by int) request          { r.cut, r.abrupt = by, true; return r }
func (r request) asking(name string) request      { r.asked = name; return r }
func (r request) behind(text string) request      { r.extra = text; return r }
func (r request) kept() request                   { r.patient = true; return r }
func (r request) stalled(by int) request          { r.cut, r.stalls = by, true; return r }
func (r request) dripping(by int) request         { r.cut, r.drips = by, true; return r }
func (r request) forwarded() request              { r.reaches = true; return r }

// with adds a header that is signed, withUnsigned one that is not.
func (r request) with(name, value string) request {
	r.fields = append(slices.Clip(r.fields), field{name, value})
	return r
}

func (r request) withUnsigned(name, value string) request {
	r.loose = append(slices.Clip(r.loose), field{name, value})
	return r
}

func (r request) scoped(region, service string) request {
	r.region, r.service = region, service
	return r
}

// edit changes the first such bytes after signing.
func (r request) edit(old, replacement string) request {
	r.edits = append(slices.Clip(r.edits), old, replacement)
	return r
}

// chunked sends the body in aws-chunks.
func (r request) chunked(payload, trailer string, chunks ...string) request {
	r.payload, r.trailer, r.chunks = payload, trailer, chunks
	r = r.with("X-Amz-Decoded-Content-Length", strconv.Itoa(len(strings.Join(chunks, ""))))
	if trailer != "" {
		name, _, _ := strings.Cut(trailer, ":")
		r = r.with("X-Amz-Trailer", name)
	}
	return r
}

// decoded says another length of the body that is in chunks.
func (r request) decoded(length string) request {
	r.fields = slices.Clone(r.fields)
	for i := range r.fields {
		if r.fields[i].name == "X-Amz-Decoded-Content-Length" {
			r.fields[i].value = length
		}
	}
	return r
}

// keys are an access key as it is lent.
type keys struct{ id, secret, token string }

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = signedChunks + "-TRAILER"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// wire is the request as bytes that are sent at once, and its signature.
func (r request) wire(t *testing.T, k keys, host string, known *strings.Replacer) (text, signature string) {
	t.Helper()
	text, signature = r.uncut(t, k, host, known)
	return text[:len(text)-r.cut], signature
}

// uncut is the request as bytes, all of them.
func (r request) uncut(t *testing.T, k keys, host string, known *strings.Replacer) (text, signature string) {
	t.Helper()
	if r.raw != "" {
		return known.Replace(r.raw), ""
	}
	target, body := known.Replace(r.target), known.Replace(r.body)
	if r.host != "" {
		host = r.host
	}
	s := signer{keys: k, at: time.Now().UTC().Add(-r.ago), region: r.region, service: r.service}
	if s.region == "" {
		s.region, s.service = region, "s3"
	}
	payload := r.payload
	switch {
	case payload == "" && r.presigned != 0:
		payload = unsignedPayload
	case payload == "":
		payload = hexSHA256(body)
	}
	fields := []field{{"Host", host}}
	if r.presigned == 0 {
		fields = append(fields, field{"X-Amz-Content-Sha256", payload})
		if !r.unsigned {
			fields = append(fields, field{"X-Amz-Date", s.at.Format(isoTime)})
		}
		if k.token != "" && !r.unsigned {
			fields = append(fields, field{"X-Amz-Security-Token", k.token})
		}
	}
	for _, f := range r.fields {
		fields = append(fields, field{f.name, known.Replace(f.value)})
	}
	switch {
	case r.unsigned:
	case r.presigned != 0:
		target, signature = s.presign(r.method, target, fields, payload, r.presigned)
	default:
		var names string
		signature, names = s.sign(r.method, target, fields, payload)
		fields = append(fields, field{"Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", k.id, s.scope(), names, signature)})
	}
	if r.chunks != nil {
		body = s.chunked(payload, signature, r.trailer, r.chunks)
	}
	body += known.Replace(r.extra)
	if !r.bodiless {
		fields = append(fields, field{"Content-Length", strconv.Itoa(len(body))})
	}
	if !r.patient {
		fields = append(fields, field{"Connection", "close"})
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\n", r.method, target)
	for _, f := range append(fields, r.loose...) {
		fmt.Fprintf(&out, "%s: %s\r\n", f.name, known.Replace(f.value))
	}
	text = out.String() + "\r\n" + body
	for i := 0; i < len(r.edits); i += 2 {
		old, replacement := known.Replace(r.edits[i]), known.Replace(r.edits[i+1])
		if !strings.Contains(text, old) {
			t.Fatalf("%q, which is to be changed, is not in the request:\n%s", old, text)
		}
		text = strings.Replace(text, old, replacement, 1)
	}
	return text, signature
}

const isoTime = "20060102T150405Z"

// signer is AWS Signature Version 4.
type signer struct {
	keys
	at              time.Time
	region, service string
}

func (s signer) scope() string {
	return s.at.Format("20060102") + "/" + s.region + "/" + s.service + "/aws4_request"
}

func (s signer) sign(method, target string, fields []field, payload string) (signature, names string) {
	path, query, _ := strings.Cut(target, "?")
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	var lines []string
	var signed []string
	for _, f := range fields {
		name := strings.ToLower(f.name)
		signed = append(signed, name)
		lines = append(lines, name+":"+strings.Join(strings.FieldsFunc(f.value, func(c rune) bool { return c == ' ' }), " ")+"\n")
	}
	names = strings.Join(signed, ";")
	canonical := strings.Join([]string{method, canonicalPath(path), canonicalQuery(query), strings.Join(lines, ""), names, payload}, "\n")
	return s.mac("AWS4-HMAC-SHA256\n" + s.at.Format(isoTime) + "\n" + s.scope() + "\n" + hexSHA256(canonical)), names
}

func (s signer) presign(method, target string, fields []field, payload string, expires time.Duration) (signed, signature string) {
	var names []string
	for _, f := range fields {
		names = append(names, strings.ToLower(f.name))
	}
	slices.Sort(names)
	joint := "&"
	if !strings.Contains(target, "?") {
		joint = "?"
	}
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {s.id + "/" + s.scope()}, "X-Amz-Date": {s.at.Format(isoTime)},
		"X-Amz-Expires": {strconv.Itoa(int(expires.Seconds()))}, "X-Amz-SignedHeaders": {strings.Join(names, ";")},
	}
	if s.token != "" {
		q.Set("X-Amz-Security-Token", s.token)
	}
	target += joint + q.Encode()
	signature, _ = s.sign(method, target, fields, payload)
	return target + "&X-Amz-Signature=" + signature, signature
}

// chunked is a body in aws-chunks.
func (s signer) chunked(payload, seed, trailer string, chunks []string) string {
	stamp := s.at.Format(isoTime) + "\n" + s.scope() + "\n"
	var out strings.Builder
	for _, chunk := range append(slices.Clip(chunks), "") {
		fmt.Fprintf(&out, "%x", len(chunk))
		if payload != unsignedTrailer {
			seed = s.mac("AWS4-HMAC-SHA256-PAYLOAD\n" + stamp + seed + "\n" + hexSHA256("") + "\n" + hexSHA256(chunk))
			out.WriteString(";chunk-signature=" + seed)
		}
		out.WriteString("\r\n" + chunk)
		if chunk != "" {
			out.WriteString("\r\n")
		}
	}
	if trailer != "" {
		out.WriteString(trailer + "\r\n")
		if payload == signedTrailer {
			out.WriteString("x-amz-trailer-signature:" + s.mac("AWS4-HMAC-SHA256-TRAILER\n"+stamp+seed+"\n"+hexSHA256(trailer+"\n")) + "\r\n")
		}
	}
	return out.String() + "\r\n"
}

func (s signer) mac(text string) string {
	key := []byte("AWS4" + s.secret)
	for part := range strings.SplitSeq(s.scope(), "/") {
		key = hmacSHA256(key, part)
	}
	return hex.EncodeToString(hmacSHA256(key, text))
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// canonicalPath is what an S3 client signs of a path: every segment decoded once
// and encoded in AWS's way. What cannot be decoded is signed as it is.
func canonicalPath(path string) string {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return strings.ReplaceAll(awsEncoded(decoded), "%2F", "/")
}

func canonicalQuery(query string) string {
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if pair != "" && err1 == nil && err2 == nil && name != "X-Amz-Signature" {
			pairs = append(pairs, awsEncoded(name)+"="+awsEncoded(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// awsEncoded is s in AWS's URI encoding, which is Go's but for the space.
func awsEncoded(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
