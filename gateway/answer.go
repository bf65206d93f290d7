package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/xml"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// answer notes what was answered, and holds a store's refusals back until it is
// known why: they leave in our words, with our request id.
type answer struct {
	http.ResponseWriter
	id     string // of the request
	begun  time.Time
	status int
	code   string // of an error
	bytes  int64
	// refusal is the text of a store's refusal, nil while it has not refused.
	refusal *bytes.Buffer
	// checksum is that of the body, once it was verified, for the answer to
	// repeat.
	checksum func() (name, value string)
	control  *http.ResponseController
	body     *timedBody // of the request, nil for none
	// standing ends the transfer with its lease.
	standing *standing
	sending  bool // the store's answer is on its way
	// connection is what the request came on, nil where the server does not tell.
	connection net.Conn
	patience   time.Duration // how long a transfer may make no progress at all
}

// WithConnection is http.Server's ConnContext: with it, an answer that nobody takes is
// thrown away when its lease ends.
func WithConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

type connectionKey struct{}

func newAnswer(w http.ResponseWriter, r *http.Request, patience time.Duration) *answer {
	a := &answer{
		ResponseWriter: w, id: keyhatch.OriginOf(r.Context()).RequestID, begun: time.Now(), patience: patience,
		control: http.NewResponseController(w), standing: &standing{over: true, ask: func() error { return nil }},
	}
	a.connection, _ = r.Context().Value(connectionKey{}).(net.Conn)
	a.standing.interrupt = a.interrupt
	if r.ContentLength != 0 {
		a.body = &timedBody{ReadCloser: r.Body, answer: a}
		r.Body = a.body
	}
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		// There is no body to wait for, but botocore takes the next answer on the
		// connection for a broken one when this word does not come.
		w.WriteHeader(http.StatusContinue)
	}
	return a
}

// maxRefusal bounds what is kept of a refusal.
const maxRefusal = 64 << 10

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status = status
	if status >= http.StatusBadRequest {
		a.refusal = &bytes.Buffer{}
		return
	}
	a.standing.unless(func() { a.sending = true })
	if a.standing.failure() != nil { // why is told instead, and nothing of the answer
		a.refusal = &bytes.Buffer{}
		clear(a.Header())
		return
	}
	a.sendHeader()
}

// interrupt ends the waiting for the client: for what it sends, or for it to take
// what it is sent.
func (a *answer) interrupt() {
	past := time.Unix(1, 0)
	if a.sending && a.connection != nil {
		// At once: when a write fails, net/http closes the connection by itself, and
		// what is on its way in it would arrive.
		reset(a.connection)
	} else if a.sending {
		_ = a.control.SetWriteDeadline(past)
	} else if a.body != nil && !a.body.ended {
		_ = a.control.SetReadDeadline(past)
	}
}

func (a *answer) sendHeader() {
	h := a.Header()
	h.Set("X-Amz-Request-Id", a.id)
	h.Set("X-Content-Type-Options", "nosniff")
	if a.refusal == nil {
		a.writeWithin(a.patience)
	}
	if a.checksum != nil {
		if name, value := a.checksum(); name != "" {
			h.Set(name, value)
		}
	}
	a.ResponseWriter.WriteHeader(a.status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.refusal != nil {
		if err := a.standing.failure(); err != nil {
			return 0, err // an object can be long
		}
		a.refusal.Write(p[:min(len(p), maxRefusal-a.refusal.Len())])
		return len(p), nil
	}
	a.writeWithin(a.patience)
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// ReadFrom lets the server send a file's bytes without copying them.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.WriteHeader(http.StatusOK)
	if a.refusal != nil {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	whole, ok := r.(*io.LimitedReader) // as a range of a file comes
	if !ok {
		whole = &io.LimitedReader{R: r, N: math.MaxInt64}
	}
	var sent int64
	for whole.N > 0 {
		a.writeWithin(a.patience)
		part := &io.LimitedReader{R: whole.R, N: min(whole.N, stride)}
		n, err := io.Copy(a.ResponseWriter, part)
		whole.N -= n
		sent += n
		a.bytes += n
		if err != nil || n < stride {
			return sent, err
		}
		if sent%askEvery == 0 { // a long download ends with its lease, too
			if err := a.standing.check(); err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// stride is how much is sent of an object at a time: what has to pass within the
// patience for a transfer, 4 KiB a second, to count as one.
const stride = 256 << 10

// askEvery is how much is sent of an object before it is asked again whether its
// lease stands.
const askEvery = 8 << 20

// writeWithin gives what is written next a while. Not every connection has
// deadlines: one of a test has none.
func (a *answer) writeWithin(d time.Duration) {
	if !a.sending { // a refusal is sent in any case
		_ = a.control.SetWriteDeadline(time.Now().Add(d))
		return
	}
	a.standing.unless(func() { _ = a.control.SetWriteDeadline(time.Now().Add(d)) })
}

// timedBody is a body whose sender may not stand still. Its deadline ends with
// it: what reads the connection then, the server, would take its passing for the
// sender's leaving, while a store thinks.
type timedBody struct {
	io.ReadCloser
	answer *answer
	// whole is until when all of it must have come; zero: it may be slow.
	whole time.Time
	ended bool // nobody reads any more
}

func (b *timedBody) Read(p []byte) (int, error) {
	until := time.Now().Add(b.answer.patience)
	if !b.whole.IsZero() && b.whole.Before(until) {
		until = b.whole
	}
	b.answer.standing.unless(func() { _ = b.answer.control.SetReadDeadline(until) })
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.answer.standing.unless(func() {
			b.ended = true
			_ = b.answer.control.SetReadDeadline(time.Time{})
		})
	}
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish sends what a store has refused. cause is what is known better than by
// the store: why the body broke off.
func (a *answer) finish(cause error) error {
	if a.refusal == nil {
		return nil
	}
	if cause != nil {
		return cause
	}
	return refusalOf(a.status, a.refusal.Bytes())
}

// refusalOf reads a store's refusal. What is a fault of the store is told as one
// of ours.
func refusalOf(status int, document []byte) error {
	if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable && status != http.StatusNotImplemented {
		return errInternal
	}
	var text struct{ Code, Message string }
	if err := xml.Unmarshal(document, &text); err != nil {
		text.Code = "" // to a HEAD there is none
	}
	if text.Message == "" { // some clients cannot do without
		text.Message = http.StatusText(status)
	}
	return s3wire.Refuse(status, text.Code, text.Message)
}

// refuse answers with an error, unless an answer is on its way already.
func (a *answer) refuse(r *http.Request, e *s3wire.Error) {
	if a.status != 0 && a.refusal == nil {
		return
	}
	a.status, a.code = e.Status, e.Code
	h, within := a.Header(), a.patience
	if e.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	if r.ContentLength != 0 {
		// A body that was not read in full cannot be told from the next request,
		// and nobody has to wait for it.
		h.Set("Connection", "close")
		_ = a.control.SetReadDeadline(time.Now().Add(refusedFor))
		within = refusedFor
	}
	a.writeWithin(within)
	a.sendXML(r, errorBody{Code: e.Code, Message: e.Message, RequestID: a.id})
}

// refusedFor is how long a refused request's connection stays, for its sender to
// read the answer.
const refusedFor = 5 * time.Second

// errorBody is S3's.
type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	RequestID string `xml:"RequestId"`
}

// sendXML ends the answer with a.status and a document.
func (a *answer) sendXML(r *http.Request, v any) {
	body, err := xml.Marshal(v)
	if err != nil { // our own types always encode
		a.status = http.StatusInternalServerError
	}
	body = append([]byte(xml.Header), body...)
	a.Header().Set("Content-Type", "application/xml")
	a.Header().Del("Content-Length") // a store's refusal may have set one
	a.sendHeader()
	if r.Method != http.MethodHead {
		n, _ := a.ResponseWriter.Write(body) // the connection is all that can fail here
		a.bytes += int64(n)
	}
}

// sever ends a connection with all that is still on its way in it: a connection that
// is just closed sends what the system has taken already, which may be megabytes.
func (a *answer) sever() {
	conn, _, err := a.control.Hijack()
	if err != nil {
		return // the server closes it
	}
	reset(conn)
}

func reset(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if plain, ok := conn.(*net.TCPConn); ok {
		_ = plain.SetLinger(0)
	}
	_ = conn.Close()
}
