package sts

import (
	"encoding/xml"
	"log/slog"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// Door serves the wire.
type Door struct {
	lending  *lending.Service
	keys     *accesskeys.Service
	guard    *auth.Guard
	endpoint sigv4.Endpoint
	log      *slog.Logger
}

// New makes the door. Clients may sign for any of the regions.
func New(b *broker.Broker, regions []string, log *slog.Logger) *Door {
	return &Door{
		lending: b.Lending, keys: b.AccessKeys, guard: auth.NewGuard(b.People).WithBearers(b.Bearers),
		endpoint: sigv4.Endpoint{Service: "sts", Regions: regions}, log: log,
	}
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
	signed     bool     // with the keys of a lease, or of an access key
	run        func(*Door, *http.Request, form, signer) (result, error)
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
	var by signer
	if a.signed {
		if by, err = d.authenticate(r, f, body); err != nil {
			return "", result{}, err
		}
	}
	if err := f.check(a); err != nil {
		return "", result{}, err
	}
	out, err := a.run(d, r, f, by)
	return name, out, err
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
		auth.TellWait(w.Header(), err)
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
