package sts

import (
	"encoding/xml"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// Door serves the wire.
type Door struct {
	lending  *lending.Service
	guard    *auth.Guard
	endpoint sigv4.Endpoint
	log      *slog.Logger
}

// New makes the door. Clients may sign for any of the regions.
func New(b *broker.Broker, regions []string, log *slog.Logger) *Door {
	return &Door{lending: b.Lending, guard: auth.NewGuard(b.People), endpoint: sigv4.Endpoint{Service: "sts", Regions: regions}, log: log}
}

// path is where the door is. Some clients add a slash.
const path = "/sts"

// Mount adds the one route.
func (d *Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc(path, d.serve)
	mux.HandleFunc(path+"/{$}", d.serve)
}

// action is one line of the table.
type action struct {
	required   []string
	parameters []string // all of them
	signed     bool     // with a lease
	run        func(*Door, *http.Request, form, keyhatch.Lease) (result, error)
}

var actions = map[string]action{
	"AssumeRoleWithWebIdentity": {
		required:   []string{"RoleArn", "RoleSessionName", "WebIdentityToken"},
		parameters: []string{"RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds", "Policy"},
		run:        (*Door).assumeRoleWithWebIdentity,
	},
	"AssumeRole": {
		required:   []string{"RoleArn", "RoleSessionName"},
		parameters: []string{"RoleArn", "RoleSessionName", "DurationSeconds", "Policy"},
		signed:     true, run: (*Door).assumeRole,
	},
	"GetCallerIdentity": {signed: true, run: (*Door).getCallerIdentity},
}

const apiVersion = "2011-06-15"

// lendingRoute is the call of the native API that assuming a role is the same as:
// who may make the one may do the other.
var lendingRoute = policy.Route{Method: http.MethodPost, Path: "/api/v1/leases", Noun: "leases", Lending: true}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	name, answer, err := d.do(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	answer.XMLName = xml.Name{Space: namespace, Local: name + "Result"}
	out := response{XMLName: xml.Name{Space: namespace, Local: name + "Response"}, Result: answer}
	out.Metadata.RequestID = keyhatch.OriginOf(r.Context()).RequestID
	d.send(w, r, http.StatusOK, out)
}

func (d *Door) do(w http.ResponseWriter, r *http.Request) (name string, _ result, err error) {
	f, body, err := readForm(w, r)
	if err != nil {
		return "", result{}, err
	}
	name = f["Action"]
	a, known := actions[name]
	switch {
	case name == "":
		return "", result{}, errNoAction
	case !known || f["Version"] != apiVersion:
		return "", result{}, errAction
	}
	var lease keyhatch.Lease
	if a.signed {
		if lease, err = d.authenticate(r, f, body); err != nil {
			return "", result{}, err
		}
	}
	if err := f.check(a); err != nil {
		return "", result{}, err
	}
	out, err := a.run(d, r, f, lease)
	return name, out, err
}

// authenticate finds the lease that signed. An unknown one answers like a wrong
// signature; whether it still stands is told to those alone who know its secret.
func (d *Door) authenticate(r *http.Request, f form, body []byte) (keyhatch.Lease, error) {
	if _, inQuery := f["X-Amz-Signature"]; !inQuery && r.Header.Get("Authorization") == "" {
		return keyhatch.Lease{}, errNotSigned
	}
	claim, err := sigv4.ParseBody(r, body)
	if err != nil {
		return keyhatch.Lease{}, err
	}
	session, err := d.lending.OpenSession(claim.AccessKeyID, claim.SessionToken)
	if errors.Is(err, keyhatch.Unauthenticated) {
		return keyhatch.Lease{}, mismatch(claim.Refuse(d.endpoint, time.Now()))
	}
	if err != nil {
		return keyhatch.Lease{}, err
	}
	if _, err := claim.Verify(session.SecretKey.Reveal(), d.endpoint, time.Now()); err != nil {
		return keyhatch.Lease{}, mismatch(err)
	}
	return session.Lease, nil
}

func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := asSTS(err)
	id := keyhatch.OriginOf(r.Context()).RequestID
	var out errorResponse
	out.Error.Type, out.Error.Code, out.Error.Message, out.RequestID = "Sender", e.code, e.message, id
	if e.status >= http.StatusInternalServerError {
		out.Error.Type = "Receiver"
		d.log.ErrorContext(r.Context(), "request failed", "request_id", id, "error", err)
	}
	switch e.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "GET, POST")
	}
	d.send(w, r, e.status, out)
}

func (d *Door) send(w http.ResponseWriter, r *http.Request, status int, v any) {
	text, err := xml.Marshal(v)
	if err != nil { // our own types always encode
		status, text = http.StatusInternalServerError, nil
		d.log.ErrorContext(r.Context(), "answer not encoded", "error", err)
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}
