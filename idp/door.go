package idp

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/bearers"
	"github.com/keyhatch/keyhatch/broker/people"
)

// Door serves the paths.
type Door struct {
	people  *people.Service
	bearers *bearers.Service
	guard   *auth.Guard
	log     *slog.Logger
}

// New makes the door.
func New(b *broker.Broker, log *slog.Logger) *Door {
	return &Door{people: b.People, bearers: b.Bearers, guard: auth.NewGuard(b.People), log: log}
}

// routes are the paths, each with its methods. HEAD is none of them: what looks ends
// nothing.
var routes = []struct {
	path    string
	methods []string
	serve   func(*Door, http.ResponseWriter, *http.Request) error
}{
	{"/oauth/introspect", []string{http.MethodPost}, (*Door).introspect},
	{"/oauth/revoke", []string{http.MethodPost}, (*Door).revoke},
	{"/logout", []string{http.MethodGet, http.MethodPost}, (*Door).logout},
}

// Mount adds the routes.
func (d *Door) Mount(mux *http.ServeMux) {
	for _, route := range routes {
		mux.HandleFunc(route.path, func(w http.ResponseWriter, r *http.Request) {
			// Nothing here is for a cache, nor for who is asked next (S14).
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Referrer-Policy", "no-referrer")
			err := error(errMethod)
			if slices.Contains(route.methods, r.Method) {
				err = route.serve(d, w, r)
			} else {
				w.Header().Set("Allow", strings.Join(route.methods, ", "))
			}
			if err != nil {
				d.writeError(w, r, err)
			}
		})
	}
}

func (d *Door) writeError(w http.ResponseWriter, r *http.Request, err error) {
	f := failureOf(err)
	if f.status >= http.StatusInternalServerError {
		d.log.ErrorContext(r.Context(), "request failed", "request_id", keyhatch.OriginOf(r.Context()).RequestID, "error", err)
	}
	for name, value := range f.headers() {
		w.Header().Set(name, value)
	}
	d.writeJSON(w, r, f.status, f)
}

func (d *Door) writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}
