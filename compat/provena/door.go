package provena

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
)

// Door serves the wire.
type Door struct {
	people  *people.Service
	buckets *buckets.Service
	lending *lending.Service
	guard   *auth.Guard
	log     *slog.Logger
}

// New makes the door.
func New(b *broker.Broker, log *slog.Logger) *Door {
	return &Door{people: b.People, buckets: b.Buckets, lending: b.Lending, guard: auth.NewGuard(b.People).WithBearers(b.Bearers), log: log}
}

// Mount adds the door's paths. It takes all of /registry/ and /check-access/, so that what
// there is not under them answers in this format too; and the root, alone.
func (d *Door) Mount(mux *http.ServeMux) {
	for _, path := range []string{"/{$}", "/registry/", "/check-access/"} {
		mux.HandleFunc(path, d.serve)
	}
}

// call is a request that is being answered.
type call struct {
	ctx       context.Context
	caller    keyhatch.Caller
	workspace string // that the request names; may be empty
	query     url.Values
	body      body
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions { // before a request of another page
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		return
	}
	answer, err := d.do(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	d.send(w, r, http.StatusOK, answer)
}

// maxBody bounds what is read of a request.
const maxBody = 1 << 20

// do walks the request's way.
func (d *Door) do(w http.ResponseWriter, r *http.Request) (answer any, err error) {
	t, err := find(r)
	if err != nil {
		return nil, err
	}
	c := &call{ctx: r.Context(), workspace: auth.AskedWorkspace(r), query: r.URL.Query(), body: body{kind: r.Header.Get("Content-Type")}}
	if t.open {
		return t.run(d, c)
	}
	c.caller, err = d.admit(r, t, c.workspace)
	auth.TellAllowance(w.Header(), c.caller.Allowance)
	if err != nil {
		return nil, err
	}
	if t.method == http.MethodPost {
		if c.body.text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			return nil, unread(err)
		}
	}
	return t.run(d, c)
}

func unread(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return &refusal{status: http.StatusRequestEntityTooLarge, detail: "The body has at most 1 MiB."}
	}
	return &refusal{status: http.StatusBadRequest, detail: "There was an error parsing the body"}
}

// admit tells who calls the route: who shows a token as Bearer, in one header.
func (d *Door) admit(r *http.Request, t route, workspace string) (keyhatch.Caller, error) {
	shown := r.Header.Values("Authorization")
	if len(shown) == 0 {
		return keyhatch.Caller{}, notAuthenticated
	}
	scheme, token, _ := strings.Cut(shown[0], " ")
	switch {
	case !strings.EqualFold(scheme, "bearer"):
		return keyhatch.Caller{}, notAuthenticated
	case len(shown) > 1: // who stands between might have looked at the other one
		return keyhatch.Caller{}, notValid
	}
	c, err := d.guard.AdmitToken(auth.InWorkspace(r.Context(), workspace), keyhatch.Secret(strings.TrimSpace(token)), t.asked())
	if err != nil {
		return c, during(asking, err)
	}
	return c, t.allows(c)
}

// allows holds a caller to the roles of the route. They are for signed tokens: one of
// Keyhatch's own has scopes instead.
func (t route) allows(c keyhatch.Caller) error {
	if c.Token.Bearer.Issuer == "" {
		if slices.Contains(t.roles, oversees) && !c.User.Admin {
			return roleMissing
		}
		return nil
	}
	if c.Roles == nil {
		return noRoles
	}
	for _, role := range t.roles {
		if !slices.Contains(c.Roles, role) {
			return roleMissing
		}
	}
	return nil
}

func (d *Door) send(w http.ResponseWriter, r *http.Request, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil { // our own answers always encode
		status, text = http.StatusInternalServerError, []byte("{}")
		d.log.ErrorContext(r.Context(), "answer not encoded", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}
