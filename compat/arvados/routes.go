package arvados

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/policy"
)

const base = "/arvados/v1/"

// parameter is one of a method's, as the discovery document tells of it.
type parameter struct {
	name, kind, fallback, text string
}

// method is one line of the table from which both the routing and the discovery
// document are made.
type method struct {
	resource, name string
	methods        []string // the first is the documented one
	path           string   // below base; "{uuid}" stands for an id
	text           string
	parameters     []parameter
	takes          string // the name of the attributes in the body, "" for none
	answers        string // the schema
	always         bool   // whatever the token's scopes
	run            func(*Door, context.Context, *call) (any, error)
}

var (
	selected = parameter{"select", "array", "", "An array of names of attributes to return."}
	cluster  = parameter{"cluster_id", "string", "", "Empty, or the id of this cluster: there is no federation."}
	lists    = []parameter{
		{"filters", "array", "", "An array of [attribute, operator, operand]; all must hold."},
		{"where", "object", "", "An object of attributes and the value, or an array of values, that each must have."},
		{"order", "array", "", `An array of "attribute", "attribute asc" or "attribute desc".`},
		selected,
		{"distinct", "boolean", "false", "Return each set of the selected attributes' values once."},
		{"limit", "integer", "100", "How many to return, at most 1000."},
		{"offset", "integer", "0", "How many to pass over first."},
		{"count", "string", "exact", `"exact", or "none" for no items_available.`},
		cluster,
		{"bypass_federation", "boolean", "false", "For administrators; it changes nothing."},
	}
)

const (
	looks   = http.MethodGet
	creates = http.MethodPost
)

var (
	reading  = []string{http.MethodGet, http.MethodHead}
	changing = []string{http.MethodPut, http.MethodPatch}
)

const tokensPath, usersPath = "api_client_authorizations", "users"

// methods are those of the wire.
type methods []method

// wire is the table. A fixed path goes before one with an id.
func wire() methods {
	return methods{
		{
			resource: tokensPath, name: "list", methods: reading, path: tokensPath, answers: "ApiClientAuthorizationList",
			text: "List tokens: one's own, or with the system root token everybody's.", parameters: lists, run: (*Door).listTokens,
		},
		{
			resource: tokensPath, name: "create", methods: []string{creates}, path: tokensPath, takes: "api_client_authorization", answers: "ApiClientAuthorization",
			text: "Create a token. The answer alone has its secret.",
			parameters: []parameter{
				selected,
				{"ensure_unique_name", "boolean", "false", "It changes nothing: tokens have no names here."},
				cluster,
			},
			run: (*Door).createToken,
		},
		{
			resource: tokensPath, name: "current", methods: reading, path: tokensPath + "/current", answers: "ApiClientAuthorization", always: true,
			text: "Return the token that authorizes this request.", parameters: []parameter{selected}, run: (*Door).currentToken,
		},
		{
			resource: tokensPath, name: "create_system_auth", methods: []string{creates}, path: tokensPath + "/create_system_auth", answers: "ApiClientAuthorization",
			text:       "Create a token of the system user. For administrators.",
			parameters: []parameter{{"scopes", "array", `["all"]`, "What the token may do."}}, run: (*Door).createSystemAuth,
		},
		{
			resource: tokensPath, name: "get", methods: reading, path: tokensPath + "/{uuid}", answers: "ApiClientAuthorization",
			text: "Get a token.", parameters: []parameter{selected}, run: (*Door).getToken,
		},
		{
			resource: tokensPath, name: "update", methods: changing, path: tokensPath + "/{uuid}", takes: "api_client_authorization", answers: "ApiClientAuthorization",
			text: "Change a token's scopes and expiry.", parameters: []parameter{selected}, run: (*Door).updateToken,
		},
		{
			resource: tokensPath, name: "delete", methods: []string{http.MethodDelete}, path: tokensPath + "/{uuid}", answers: "ApiClientAuthorization",
			text: "End a token.", run: (*Door).deleteToken,
		},
		{
			resource: usersPath, name: "list", methods: reading, path: usersPath, answers: "UserList",
			text: "List users: oneself and those of common workspaces, or for an administrator all.", parameters: lists, run: (*Door).listUsers,
		},
		{
			resource: usersPath, name: "current", methods: reading, path: usersPath + "/current", answers: "User",
			text: "Return the user whose token authorizes this request.", parameters: []parameter{selected}, run: (*Door).currentUser,
		},
		{
			resource: usersPath, name: "get", methods: reading, path: usersPath + "/{uuid}", answers: "User",
			text: "Get a user.", parameters: []parameter{selected}, run: (*Door).getUser,
		},
	}
}

// known are all parameters that mean something or that clients send everywhere, but for
// scopes, which is an attribute too. In a JSON body beside them stand attributes.
var known = []string{
	"filters", "where", "order", "select", "distinct", "limit", "offset", "count", "cluster_id", "bypass_federation", "ensure_unique_name", "remote",
	"reader_tokens", "oauth_token", "alt", "fields", "key", "format", "prettyPrint", "_method", "_profile", attributesName,
}

// route finds the method that a request is for, and the id in its path. path is in the
// one spelling that scopes are matched on.
func (all methods) route(verb, path string) (m method, uuid string, err error) {
	rest, ok := strings.CutPrefix(path, base)
	if !ok {
		return m, "", errNoEndpoint
	}
	fixed := false
	for _, m := range all {
		fixed = fixed || m.path == rest
	}
	err = errNoEndpoint
	for _, m := range all {
		beginning, named := strings.CutSuffix(m.path, "{uuid}")
		id, below := strings.CutPrefix(rest, beginning)
		switch {
		case !named && m.path != rest, named && (fixed || !below || id == "" || strings.Contains(id, "/")):
			continue
		case !slices.Contains(m.methods, verb):
			err = errMethod
			continue
		case !named:
			id = ""
		}
		return m, id, nil
	}
	return method{}, "", err
}

// routed is the spelling of a path that is routed and that scopes are matched on:
// decoded, without the suffix .json and without a slash at its end.
func routed(path string) string {
	if path != base {
		path = strings.TrimSuffix(path, "/")
	}
	return strings.TrimSuffix(path, ".json")
}

// allowed are the calls of which a token's scopes must allow one.
func (m method) allowed(verb, path string) []policy.Route {
	verbs := []string{verb}
	if slices.Contains(changing, verb) {
		verbs = changing
	}
	var out []policy.Route
	for _, v := range verbs {
		out = append(out, policy.Route{Method: v, Path: path, Always: m.always})
	}
	return out
}
