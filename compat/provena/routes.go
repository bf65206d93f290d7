package provena

import (
	"net/http"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/policy"
)

// The roles that signed tokens have to have. They open no dataset: grants do.
const (
	reads    = "entity-registry-read"
	writes   = "entity-registry-write"
	oversees = "entity-registry-admin"
)

// route is a line of the table.
type route struct {
	method string
	path   string
	open   bool     // to who shows no token
	roles  []string // that a signed token has to have, all of them
	noun   string   // of the native API, whose scopes open it; empty: every token does
	lends  bool     // a token with s3 scopes alone may ask it
	run    func(*Door, *call) (any, error)
}

// routes are those of the wire.
var routes = []route{
	{method: "GET", path: "/", open: true, run: (*Door).health},
	{method: "GET", path: "/check-access/check-general-access", run: (*Door).checkAccess},
	{method: "GET", path: "/check-access/check-read-access", roles: []string{reads}, run: (*Door).checkAccess},
	{method: "GET", path: "/check-access/check-write-access", roles: []string{reads, writes}, run: (*Door).checkAccess},
	{method: "GET", path: "/check-access/check-admin-access", roles: []string{oversees}, run: (*Door).checkAccess},
	{method: "POST", path: "/registry/credentials/generate-read-access-credentials", roles: []string{reads}, noun: "leases", lends: true, run: (*Door).readCredentials},
	{method: "POST", path: "/registry/credentials/generate-write-access-credentials", roles: []string{reads, writes}, noun: "leases", lends: true, run: (*Door).writeCredentials},
	{method: "GET", path: "/registry/items/fetch-dataset", roles: []string{reads}, noun: "locations", run: (*Door).fetchDataset},
	{method: "POST", path: "/registry/items/generate-presigned-url", roles: []string{reads}, noun: "leases", lends: true, run: (*Door).presign},
}

// asked is the route as scopes see it.
func (t route) asked() policy.Route {
	return policy.Route{
		Method: t.method, Path: t.path, Noun: t.noun, Reads: t.method == http.MethodGet, Lending: t.lends, Always: t.noun == "",
	}
}

// find tells what a request asks. A method that a path has not, and a path that there is
// not, are told to anybody.
func find(r *http.Request) (route, error) {
	var there []string
	for _, t := range routes {
		if t.path != r.URL.Path {
			continue
		}
		if t.method == r.Method {
			return t, nil
		}
		there = append(there, t.method)
	}
	if len(there) == 0 {
		return route{}, &refusal{status: http.StatusNotFound, detail: "Not Found"}
	}
	slices.Sort(there)
	return route{}, &refusal{status: http.StatusMethodNotAllowed, detail: "Method Not Allowed", allow: strings.Join(there, ", ")}
}
