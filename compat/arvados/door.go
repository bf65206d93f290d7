package arvados

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// Door serves the wire.
type Door struct {
	people  *people.Service
	guard   *auth.Guard
	cluster string
	methods methods
	log     *slog.Logger
}

// New makes the door of the installation that has the cluster id.
func New(b *broker.Broker, cluster string, log *slog.Logger) *Door {
	return &Door{people: b.People, guard: auth.NewGuard(b.People), cluster: cluster, methods: wire(), log: log}
}

// Mount adds the door's paths. It takes the whole of /arvados/ and /discovery/, so that
// what there is not under them answers in this format too.
func (d *Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc("/arvados/", d.serve)
	mux.HandleFunc("/discovery/", d.serve)
}

// call is a request whose caller is known.
type call struct {
	*parameters
	caller keyhatch.Caller
	secret keyhatch.Secret // of the caller, as it was shown
	uuid   string          // in the path
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	id := requestID(r)
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("Cache-Control", "no-store")
	crossOrigin(h)
	if r.Method == http.MethodOptions {
		return // 200, and nothing
	}
	answer, err := d.do(w, r)
	if err != nil {
		d.refuse(w, r, id, err)
		return
	}
	d.send(w, r, http.StatusOK, answer)
}

// do walks the request's way: its method and path are told first, then who calls, and
// whether the token's scopes allow that method on that path; then the rest is read.
func (d *Door) do(w http.ResponseWriter, r *http.Request) (any, error) {
	path := routed(r.URL.Path)
	if public, ok := d.public(path); ok {
		return public(w, r)
	}
	p, err := readForms(r)
	if err != nil {
		return nil, err
	}
	verb, err := p.verb(r)
	if err != nil {
		return nil, err
	}
	m, uuid, err := d.methods.route(verb, path)
	if err != nil {
		w.Header().Set("Allow", strings.Join(d.methods.allowedOn(path), ", "))
		return nil, err
	}
	shown := auth.ArvadosRequest{Request: r, Query: p.query, Form: p.form}
	if slices.Contains(m.methods, looks) {
		if shown.Readers, err = p.readers(); err != nil {
			return nil, err
		}
	}
	caller, secret, err := d.guard.AdmitArvados(r.Context(), shown, m.allowed(verb, path)...)
	auth.TellAllowance(w.Header(), caller.Allowance)
	if err != nil {
		return nil, err
	}
	if err := p.read(r); err != nil {
		return nil, err
	}
	return m.run(d, r.Context(), &call{p, caller, secret, uuid})
}

// verb is the method that is meant: clients that cannot send another one, or not so long
// a query, send a POST and say what they mean.
func (p *parameters) verb(r *http.Request) (string, error) {
	meant := slices.Concat(r.Header.Values("X-Http-Method-Override"), p.query["_method"], p.form["_method"])
	if r.Method != http.MethodPost || len(meant) == 0 {
		return r.Method, nil
	}
	for i := range meant {
		meant[i] = strings.ToUpper(meant[i])
		if meant[i] != meant[0] {
			return "", malformed("The request says in two places which method it means, and not the same")
		}
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, meant[0]) {
		return "", malformed("A POST can mean GET, PUT, PATCH or DELETE")
	}
	return meant[0], nil
}

func (all methods) allowedOn(path string) (out []string) {
	for _, verb := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, _, err := all.route(verb, path); err == nil {
			out = append(out, verb)
		}
	}
	return out
}

// crossOrigin lets pages of other sites ask, with a token that they have: a browser
// sends them no cookie's answer.
func crossOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS, PROPFIND, PUT, POST, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Range, X-Http-Method-Override")
	h.Set("Access-Control-Expose-Headers", "Content-Range")
	h.Set("Access-Control-Max-Age", "86486400")
}

// maxRequestID is the format's bound of what a client calls its request.
const maxRequestID = 1024

var printable = regexp.MustCompile(`^[!-~]+$`)

// requestID is what the client calls the request, or our own id in the format's form.
// The logs have ours. What could be a token is not sent back.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) <= maxRequestID && printable.MatchString(id) && !strings.Contains(id, "kh_") && !strings.Contains(id, "kh-ws_") {
		return id
	}
	var more [2]byte
	rand.Read(more[:]) // never fails (crypto/rand)
	return fmt.Sprintf("req-%016s%s", strings.ToLower(keyhatch.OriginOf(r.Context()).RequestID), hex.EncodeToString(more[:]))
}

// refuse answers a failure, and logs what the client is not told. The error token has
// the beginning of our own request id.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	e := asWire(err)
	ours := keyhatch.OriginOf(r.Context()).RequestID
	if e.status >= http.StatusInternalServerError {
		d.log.ErrorContext(r.Context(), "request failed", "request_id", ours, "error", err)
	}
	switch e.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="keyhatch"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		auth.TellWait(w.Header(), err)
	}
	message := e.message
	if !e.bare {
		message += " (" + id + ")"
	}
	d.send(w, r, e.status, object{
		member("errors", []string{message}),
		member("error_token", fmt.Sprintf("%d+%08.8s", time.Now().Unix(), strings.ToLower(ours))),
	})
}

func (d *Door) send(w http.ResponseWriter, r *http.Request, status int, v any) {
	text, err := listing.Marshal(v)
	if err != nil { // our own answers always encode
		status, text = http.StatusInternalServerError, nil
		d.log.ErrorContext(r.Context(), "answer not encoded", "error", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}
