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
	"github.com/keyhatch/keyhatch/broker/logins"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/passwords"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/broker/terms"
)

// Door serves the paths.
type Door struct {
	people  *people.Service
	bearers *bearers.Service
	oauth   *oauth.Service
	guard   *auth.Guard
	cookies auth.Cookies
	log     *slog.Logger
	// Of a door that is an authorization server too.
	server    bool
	url       string
	passwords *passwords.Service
	sessions  *sessions.Service
	logins    *logins.Service
	terms     *terms.Service
}

// New makes the door.
func New(b *broker.Broker, log *slog.Logger) *Door {
	return &Door{people: b.People, bearers: b.Bearers, oauth: b.OAuth, guard: auth.NewGuard(b.People).WithBearers(b.Bearers), cookies: auth.CookiesAt(b.PublicURL), log: log}
}

// NewServer makes a door that is an authorization server too, with pages on which people sign
// in. The URL is where browsers and clients reach it, without a slash at its end, and the
// broker's PublicURL.
func NewServer(b *broker.Broker, url string, log *slog.Logger) *Door {
	d := New(b, log)
	d.server, d.url, d.passwords, d.sessions, d.logins, d.terms = true, url, b.Passwords, b.Sessions, b.Logins, b.Terms
	return d
}

type route struct {
	path    string
	methods []string
	serve   func(*Door, http.ResponseWriter, *http.Request) error
}

var (
	get     = []string{http.MethodGet}
	post    = []string{http.MethodPost}
	getPost = []string{http.MethodGet, http.MethodPost}
)

// routes are the paths, each with its methods. HEAD is none of them: what looks ends
// nothing.
var routes = []route{
	{"/oauth/introspect", post, (*Door).introspect},
	{"/oauth/revoke", post, (*Door).revoke},
	{"/logout", getPost, (*Door).logout},
}

// serverRoutes are those of an authorization server.
var serverRoutes = []route{
	{"/.well-known/oauth-authorization-server", get, (*Door).metadata},
	{"/.well-known/openid-configuration", get, (*Door).metadata},
	{"/oauth/keys", get, (*Door).keys},
	{"/oauth/token", post, (*Door).token},
	{"/oauth/device", post, (*Door).startDevice},
	{"/oauth/userinfo", getPost, (*Door).userInfo},
	// As Keycloak has them, for clients that were made for it.
	{"/auth/realms/{realm}", get, (*Door).realm},
	{"/auth/realms/{realm}/.well-known/openid-configuration", get, (*Door).metadata},
	{"/auth/realms/{realm}/protocol/openid-connect/certs", get, (*Door).keys},
	{"/auth/realms/{realm}/protocol/openid-connect/token", post, (*Door).token},
	{"/auth/realms/{realm}/protocol/openid-connect/auth/device", post, (*Door).startDevice},
	{"/auth/realms/{realm}/protocol/openid-connect/userinfo", getPost, (*Door).userInfo},
	{"/auth/realms/{realm}/protocol/openid-connect/revoke", post, (*Door).revoke},
}

// Mount adds the routes.
func (d *Door) Mount(mux *http.ServeMux) {
	all := routes
	if d.server {
		all = slices.Concat(routes, serverRoutes, pageRoutes)
	}
	for _, route := range all {
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
