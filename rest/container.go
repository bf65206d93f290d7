package rest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/policy"
)

const containerID = "lendToContainer"

// container is where SDKs get a lease by themselves that have been given nothing but
// its address and a token: AWS_CONTAINER_CREDENTIALS_FULL_URI and
// AWS_CONTAINER_AUTHORIZATION_TOKEN. Each call lends; they ask again when what they
// have comes near its end.
func (d *Door) container(a huma.API) {
	op := huma.Operation{
		Method: http.MethodGet, Path: base + "/aws/container", OperationID: containerID, Tags: []string{"leases"},
		Summary: "Borrow S3 credentials for a location, in the way of Amazon's containers",
		Description: "For AWS_CONTAINER_CREDENTIALS_FULL_URI, with an API token as AWS_CONTAINER_AUTHORIZATION_TOKEN or in the file that " +
			"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names. SDKs take an address with http only on the loopback interface. " +
			"It takes the scopes that POST " + base + "/leases takes.",
		Security:    []map[string][]string{{"bare": {}}, {"token": {}}},
		Middlewares: huma.Middlewares{d.admitContainer(a)},
		Responses:   map[string]*huma.Response{},
	}
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.ContainerError](), true, "ContainerError")
	for _, status := range []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable, http.StatusConflict,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
		}
	}
	huma.Register(a, op, func(ctx context.Context, in *containerInput) (*body[api.ContainerCredentials], error) {
		caller, ok := ctx.Value(callerKey{}).(keyhatch.Caller)
		if !ok { // the guard did not run: refuse rather than guess
			return nil, containerRefusal(d.problem(ctx, keyhatch.Fail(keyhatch.Internal, keyhatch.CodeInternal, "no caller")))
		}
		lent, err := d.broker.Lending.Lease(ctx, caller, lending.LeaseRequest{
			Workspace: in.Workspace, Location: in.Location, Access: keyhatch.Access(in.Access), Prefixes: in.Prefixes, Life: seconds(in.life()),
		})
		if err != nil {
			return nil, containerRefusal(d.problem(ctx, err))
		}
		return answer(api.ContainerCredentials{
			AccessKeyID: lent.Credentials.AccessKeyID, SecretAccessKey: lent.Credentials.SecretAccessKey.Reveal(),
			Token: lent.Credentials.SessionToken.Reveal(), Expiration: lent.Lease.ExpiresAt.UTC().Format(time.RFC3339),
		}), nil
	})
}

type containerInput struct {
	InWorkspace
	Location        string   `query:"location" required:"true" maxLength:"1200" doc:"A location's id or name, or an s3:// address inside one" example:"s3://demo/alpha/"`
	Access          string   `query:"access" required:"true" enum:"read,write" doc:"read: get and list; write: also put, delete, multipart uploads and tagging"`
	Prefixes        []string `query:"prefixes,explode" nullable:"false" maxItems:"100" doc:"Narrow it, as in POST /api/v1/leases; once for each prefix"`
	DurationSeconds int      `query:"duration_seconds" minimum:"1" doc:"As in POST /api/v1/leases. Some SDKs ask again when 15 minutes are left: with less than 30 minutes they ask often"`
}

// life is what was asked for; a query cannot tell 0 from nothing.
func (in *containerInput) life() *int {
	if in.DurationSeconds == 0 {
		return nil
	}
	return &in.DurationSeconds
}

// Resolve refuses what would be left out, or read in one of two ways: a lease would be
// wider than its address says, as that of a pod whose prefix is a variable that is not
// set.
func (in *containerInput) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return []error{&huma.ErrorDetail{Location: "query", Message: "expected names and values that are escaped as in a URL"}}
	}
	var refused []error
	for _, name := range slices.Sorted(maps.Keys(query)) {
		where := "query." + name // which is known: other names are refused before
		switch values := query[name]; {
		case slices.Contains(values, ""):
			refused = append(refused, &huma.ErrorDetail{Location: where, Message: "expected a value: leave it out for its default"})
		case len(values) > 1 && name != "prefixes":
			refused = append(refused, &huma.ErrorDetail{Location: where, Message: "expected once"})
		}
	}
	return refused
}

// lendRoute is what a caller's scopes must allow: to lend is to lend, and a token
// that may do no more than GET may not.
var lendRoute = policy.Route{Method: http.MethodPost, Path: base + "/leases", Noun: "leases", Lending: true}

func (d *Door) admitContainer(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		caller, err := d.guard.AdmitBare(r.Context(), r.Header, lendRoute)
		auth.TellAllowance(w.Header(), caller.Allowance)
		if err == nil && r.Method != http.MethodGet { // the mux takes HEAD for GET
			ctx.SetHeader("Allow", http.MethodGet)
			err = keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeMethodNotAllowed, "this path takes GET alone")
		}
		if err != nil {
			refusal := containerRefusal(d.problem(r.Context(), err))
			ctx.SetHeader("Content-Type", "application/json")
			for name, values := range refusal.GetHeaders() {
				ctx.SetHeader(name, values[0])
			}
			ctx.SetStatus(refusal.status)
			_ = a.Marshal(ctx.BodyWriter(), "application/json", refusal) // the connection is all that can fail
			return
		}
		next(huma.WithValue(ctx, callerKey{}, caller))
	}
}

func isContainer(op *huma.Operation) bool { return op != nil && op.OperationID == containerID }

// containerRefused is a problem in the words of a container's endpoint. It has no
// content type of its own: the Go SDK reads it as application/json only.
type containerRefused struct {
	api.ContainerError
	status  int
	headers http.Header
}

func containerRefusal(p *api.Problem) *containerRefused {
	message := strings.TrimSuffix(p.Detail, "; see errors") // which have no place here but this
	for _, e := range p.Errors {
		message += "; " + e.Location + ": " + e.Message
	}
	return &containerRefused{api.ContainerError{Code: p.Code, Message: message}, p.Status, p.GetHeaders()}
}

// Error makes it an error.
func (r *containerRefused) Error() string { return r.Message }

// GetStatus returns the HTTP status.
func (r *containerRefused) GetStatus() int { return r.status }

// GetHeaders returns the headers that go with it.
func (r *containerRefused) GetHeaders() http.Header { return r.headers }
