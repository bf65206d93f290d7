package rest

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

const base = "/api/v1"

// Door serves the native API.
type Door struct {
	broker *broker.Broker
	guard  *auth.Guard
	log    *slog.Logger
	pages  string // where the pages for people are; empty: there are none
}

// New makes the door.
func New(b *broker.Broker, log *slog.Logger) *Door {
	return &Door{broker: b, guard: auth.NewGuard(b.People).WithBearers(b.Bearers).WithSessions(b.Sessions, auth.CookiesAt(b.PublicURL)), log: log}
}

// WithPages tells the door where the pages for people are, without a slash at the end; empty:
// there are none.
func (d *Door) WithPages(url string) *Door {
	d.pages = url
	return d
}

// Mount adds the API's routes.
func (d *Door) Mount(mux *http.ServeMux) {
	d.api(mux)
	mux.HandleFunc("/api/", d.unrouted(mux))
}

// OpenAPI returns the description of the API, as it is served.
func OpenAPI() ([]byte, error) {
	d := New(&broker.Broker{}, slog.New(slog.DiscardHandler))
	return d.api(http.NewServeMux()).OpenAPI().MarshalJSON()
}

func (d *Door) api(mux *http.ServeMux) huma.API {
	useProblems()
	config := huma.DefaultConfig("Keyhatch", "1")
	config.Info.Description = "Hands out keys to object storage, and nothing more than the right key."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.OpenAPIPath = base + "/openapi"
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no $schema in answers
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token"},
		"session": {Type: "apiKey", In: "cookie", Name: "__Host-keyhatch", Description: "A browser that is signed in, on pages of this service"},
		"bare":    {Type: "apiKey", In: "header", Name: "Authorization", Description: "An API token as it is, in the way of SDKs that ask for a container's credentials"},
	}
	a := humago.New(mux, config)
	a.UseMiddleware(d.noStore)
	d.tokens(a)
	d.sessions(a)
	d.oauthClients(a)
	d.consents(a)
	d.signingKeys(a)
	d.users(a)
	d.passwords(a)
	d.workspaces(a)
	d.groups(a)
	d.teamspaces(a)
	d.credentials(a)
	d.stores(a)
	d.storeAccounts(a)
	d.buckets(a)
	d.accessKeys(a)
	d.locations(a)
	d.terms(a)
	d.whoCan(a)
	d.grants(a)
	d.leases(a)
	d.container(a)
	d.events(a)
	d.objectRequests(a)
	d.keys(a)
	return a
}

// call is one line of a noun's route table.
type call struct {
	method  string
	path    string // below /api/v1
	id      string // of the operation, in OpenAPI
	summary string
	noun    string
	lending bool // open to a token with s3 scopes alone
	status  int  // of success; 0: 200
	refuses bool // of a call that needs no token: what is sent instead can be refused
}

// handle adds a call. The guard runs before the body is read; the use case gets
// the caller.
func handle[I, O any](d *Door, a huma.API, c call, use func(context.Context, keyhatch.Caller, *I) (*O, error)) {
	op := huma.Operation{
		Method: c.method, Path: base + c.path, OperationID: c.id, Summary: c.summary, Tags: []string{c.noun},
		DefaultStatus: c.status, Security: []map[string][]string{{"token": {}}, {"session": {}}},
		Errors: []int{
			http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable,
			http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests,
			http.StatusServiceUnavailable,
		},
		Middlewares: huma.Middlewares{d.admit(a, c)},
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		caller, ok := ctx.Value(callerKey{}).(keyhatch.Caller)
		if !ok { // the guard did not run: refuse rather than guess
			return nil, d.problem(ctx, keyhatch.Fail(keyhatch.Internal, keyhatch.CodeInternal, "no caller"))
		}
		out, err := use(ctx, caller, in)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return out, nil
	})
}

// handleOpen adds a call that needs no token.
func handleOpen[I, O any](d *Door, a huma.API, c call, use func(context.Context, *I) (*O, error)) {
	op := huma.Operation{
		Method: c.method, Path: base + c.path, OperationID: c.id, Summary: c.summary, Tags: []string{c.noun}, DefaultStatus: c.status,
		Errors: []int{
			http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests,
			http.StatusServiceUnavailable,
		},
	}
	if c.refuses {
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := use(ctx, in)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return out, nil
	})
}

type callerKey struct{}

func (d *Door) admit(a huma.API, c call) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		caller, err := d.guard.AdmitRequest(auth.InWorkspace(r.Context(), auth.AskedWorkspace(r)), r, policy.Route{
			Method: r.Method, Path: r.URL.Path, Noun: c.noun,
			Reads: c.method == http.MethodGet, Lending: c.lending,
		})
		auth.TellAllowance(w.Header(), caller.Allowance)
		if err != nil {
			writeProblem(a, ctx, d.problem(r.Context(), err))
			return
		}
		next(huma.WithValue(ctx, callerKey{}, caller))
	}
}

func (d *Door) noStore(ctx huma.Context, next func(huma.Context)) {
	ctx.SetHeader("Cache-Control", "no-store")
	next(ctx)
}

// unrouted answers what no route takes: 405 where another method would do, else
// 404.
func (d *Door) unrouted(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(other); pattern != "" && pattern != "/api/" {
				allowed = append(allowed, method)
			}
		}
		err := keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeRouteNotFound,
			"there is no such call; /api/v1/openapi.json lists them all")
		if len(allowed) > 0 {
			err = keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeMethodNotAllowed,
				"this path does not take that method: use one of those in the header Allow")
		}
		d.writeError(w, r, err, allowed)
	}
}

// body is an answer that is nothing but a body.
type body[T any] struct{ Body T }

func answer[T any](v T) *body[T] { return &body[T]{v} }

// done is an answer without a body: 204.
type done struct{}

// Parts of many requests. They are exported because huma looks into embedded
// structs only when they are.

// InWorkspace is the workspace that a request is about.
type InWorkspace struct {
	Workspace string `query:"workspace" maxLength:"128" doc:"Id or name. Default: that of the token, else the only one that you are a member of"`
}

// OnePage is the part of a list that a request asks for.
type OnePage struct {
	Cursor string `query:"cursor" maxLength:"64" doc:"The next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most so many items"`
}

func (p OnePage) page() kernel.Page { return kernel.Page{After: p.Cursor, Limit: p.Limit} }

// pageOf encodes a part of a list.
func pageOf[A, B any](l kernel.List[A], err error, encode func(A) B) (*body[api.Page[B]], error) {
	if err != nil {
		return nil, err
	}
	page := api.Page[B]{Items: make([]B, len(l.Items)), Next: l.Next}
	for i, item := range l.Items {
		page.Items[i] = encode(item)
	}
	return answer(page), nil
}

// one encodes a single noun.
func one[A, B any](v A, err error, encode func(A) B) (*body[B], error) {
	if err != nil {
		return nil, err
	}
	return answer(encode(v)), nil
}

func optTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// timeOf is a time that was given, or zero for none. The zero time itself, when
// it is given, is long past, and not none.
func timeOf(t *time.Time) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case t.IsZero():
		return time.Unix(0, 0)
	}
	return *t
}
