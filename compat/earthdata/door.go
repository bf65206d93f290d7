package earthdata

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/passwords"
	"github.com/keyhatch/keyhatch/broker/terms"
)

// Config is what the door is told of the installation.
type Config struct {
	// URL is where clients reach the door, without a slash at its end; empty: it is not known.
	URL string
	// Pages is where the pages for people are, without a slash at its end; empty: there are none.
	Pages string
	// Login: people log in at this server, which needs the URL.
	Login bool
	// Elsewhere is where people log in instead, whatever Login says; nil: they do not. It needs
	// the URL too.
	Elsewhere *Elsewhere
	// Workspace and Location are what is read where all that a caller may read is more than one
	// lease can say; empty: that is an error.
	Workspace, Location string
	Version             string // of the program
}

// Door serves the wire.
type Door struct {
	Config
	lending   *lending.Service
	oauth     *oauth.Service
	passwords *passwords.Service
	terms     *terms.Service
	guard     *auth.Guard
	cookies   auth.Cookies
	log       *slog.Logger
}

// New makes the door.
func New(b *broker.Broker, c Config, log *slog.Logger) *Door {
	if c.URL == "" {
		c.Login, c.Elsewhere = false, nil
	}
	if c.Elsewhere != nil { // the passwords are for there
		c.Login = false
	}
	d := &Door{Config: c, lending: b.Lending, oauth: b.OAuth, passwords: b.Passwords, terms: b.Terms, guard: auth.NewGuard(b.People).WithBearers(b.Bearers), cookies: auth.CookiesAt(b.PublicURL), log: log}
	if c.Login {
		d.guard = d.guard.WithPasswords(b.Passwords)
	}
	return d
}

type route struct {
	method string
	path   string
	serve  func(*Door, http.ResponseWriter, *http.Request) error
}

// routes are those of a distribution's API, with which keys are got.
var routes = []route{
	{http.MethodGet, "/s3credentials", (*Door).credentials},
	{http.MethodGet, "/s3credentialsREADME", (*Door).readme},
	{http.MethodGet, "/locate", (*Door).locate},
	{http.MethodGet, "/version", (*Door).version},
}

// loginRoutes are those of Earthdata Login, beside what idp has.
var loginRoutes = []route{
	{http.MethodPost, "/api/users/find_or_create_token", (*Door).findOrCreateToken},
	{http.MethodPost, "/api/users/token", (*Door).createToken},
	{http.MethodGet, "/api/users/tokens", (*Door).tokens},
	{http.MethodPost, "/api/users/revoke_token", (*Door).revokeToken},
	{http.MethodGet, "/api/users/{uid}", (*Door).user},
	{http.MethodPost, "/oauth/tokens/user", (*Door).userOfToken},
	{http.MethodGet, "/.well-known/edl_ops_jwks.json", (*Door).keys},
}

// Mount adds the routes.
func (d *Door) Mount(mux *http.ServeMux) {
	all := slices.Clone(routes)
	if d.login() != nil {
		all = append(all, route{http.MethodGet, keyhatch.KeysRedirect, (*Door).comeBack})
	}
	if d.Elsewhere != nil {
		all = append(all, route{http.MethodGet, termsPath, (*Door).termsOfUse}, route{http.MethodPost, acceptPath, (*Door).accept})
	}
	if d.Login {
		all = append(all, loginRoutes...)
	}
	for _, t := range all {
		mux.HandleFunc(t.path, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Cache-Control", "no-store") // S14
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Access-Control-Allow-Origin", "*") // without what a browser shows by itself
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", t.method+", OPTIONS")
				h.Set("Access-Control-Allow-Headers", "Authorization, App-Name, EDL-Client-Id, EDL-Client-Name, EDL-Token")
				w.WriteHeader(http.StatusNoContent)
				return
			}
			err := error(errMethod)
			if r.Method == t.method {
				err = t.serve(d, w, r)
			} else {
				h.Set("Allow", t.method+", OPTIONS")
			}
			if err != nil {
				d.refuse(w, r, err)
			}
		})
	}
}

func (d *Door) send(w http.ResponseWriter, r *http.Request, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
	return nil
}

// looksLikeBrowser tells whether a person may be there to log in, as the Thin Egress App does.
func looksLikeBrowser(r *http.Request) bool { return strings.HasPrefix(r.UserAgent(), "Mozilla") }
