package katapult

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
	"github.com/keyhatch/keyhatch/policy"
)

// base is what all paths begin with, in capital or small letters.
const base = "/core/v1/"

// route is a line of the table.
type route struct {
	method string
	path   string // below base
	// scopes are the format's, of which any one opens the route; without any, every token
	// does. noun is ours, whose scopes open it too.
	scopes []string
	noun   string
	status int
	secret bool // is in the answer
	// tells are the failures that it has of those in ofSome: see tell.
	tells []code
	takes []arguments.Argument
	run   func(*Door, *call) (any, error)
}

// parameters are the words of paths that stand for any segment.
var parameters = []string{"organization", "object_storage_cluster", "access_key", "bucket", "api_token", "trash_object"}

// ofSome are the failures that the format has for some routes only, of those that any
// could come to.
var ofSome = []code{validationError, taskQueueingError, networkError}

// What routes of several kinds take.
var (
	organization = arguments.Argument{Name: "organization", Kind: arguments.Lookup, Required: true, Fields: []arguments.Argument{{Name: "id"}, {Name: "sub_domain"}}}
	cluster      = arguments.Argument{Name: "object_storage_cluster", Kind: arguments.Lookup, Required: true, Fields: []arguments.Argument{{Name: "region"}}}
	apiToken     = arguments.Argument{Name: "api_token", Kind: arguments.Lookup, Required: true, Fields: []arguments.Argument{{Name: "id"}}}
)

// routes are those of the wire. One with a word comes before one that has a parameter in
// its place.
var routes = []route{
	{
		method: "GET", path: "users/current", noun: "users", status: 200, run: (*Door).currentUser,
	},
	{
		method: "GET", path: "organizations", scopes: []string{"organizations:read"}, noun: "workspaces", status: 200, run: (*Door).listOrganizations,
	},
	{
		method: "GET", path: "organizations/organization", scopes: []string{"organizations:read"}, noun: "workspaces", status: 200,
		takes: []arguments.Argument{organization}, run: (*Door).getOrganization,
	},
	{
		method: "GET", path: "organizations/organization/api_tokens", scopes: []string{"api_tokens", "api_tokens:read"}, noun: "tokens", status: 200,
		takes: slices.Concat([]arguments.Argument{organization, annotationFilter}, paging), run: (*Door).listTokens,
	},
	{
		method: "POST", path: "organizations/organization/api_tokens", scopes: []string{"api_tokens"}, noun: "tokens", status: 200, secret: true, tells: []code{validationError},
		takes: []arguments.Argument{organization, tokenProperties, annotations}, run: (*Door).createToken,
	},
	{
		method: "PATCH", path: "api_tokens/api_token", scopes: []string{"api_tokens"}, noun: "tokens", status: 200, tells: []code{validationError},
		takes: []arguments.Argument{apiToken, tokenProperties, annotations}, run: (*Door).updateToken,
	},
	{
		method: "DELETE", path: "api_tokens/api_token", scopes: []string{"api_tokens"}, noun: "tokens", status: 200, tells: []code{validationError},
		takes: []arguments.Argument{apiToken}, run: (*Door).deleteToken,
	},
	{
		method: "POST", path: "api_tokens/api_token/regenerate_secret", scopes: []string{"api_tokens"}, noun: "tokens", status: 200, secret: true, tells: []code{validationError},
		takes: []arguments.Argument{apiToken}, run: (*Door).regenerateSecret,
	},

	{
		method: "GET", path: "organizations/organization/object_storage/access_keys", scopes: []string{"object_storage"}, noun: "access-keys", status: 200,
		takes: slices.Concat([]arguments.Argument{organization}, paging), run: (*Door).listAccessKeys,
	},
	{
		method: "POST", path: "organizations/organization/object_storage/object_storage_cluster", scopes: []string{"object_storage"}, noun: "store-accounts", status: 201, tells: []code{taskQueueingError, validationError},
		takes: []arguments.Argument{organization, cluster}, run: (*Door).createAccount,
	},
	{
		method: "GET", path: "organizations/organization/object_storage/object_storage_cluster", scopes: []string{"object_storage:read"}, noun: "store-accounts", status: 200,
		takes: []arguments.Argument{organization, cluster}, run: (*Door).getAccount,
	},
	{
		method: "DELETE", path: "organizations/organization/object_storage/object_storage_cluster", scopes: []string{"object_storage"}, noun: "store-accounts", status: 200, tells: []code{validationError},
		takes: []arguments.Argument{organization, cluster}, run: (*Door).deleteAccount,
	},
	{
		method: "GET", path: "trash_objects/trash_object", scopes: []string{"trash_objects:read"}, noun: "store-accounts", status: 200,
		takes: []arguments.Argument{trashLookup}, run: (*Door).getTrash,
	},
	{
		method: "DELETE", path: "trash_objects/trash_object", scopes: []string{"trash_objects:purge"}, noun: "store-accounts", status: 200,
		takes: []arguments.Argument{trashLookup}, run: (*Door).purgeTrash,
	},

	{
		method: "POST", path: "organizations/organization/object_storage/object_storage_cluster/access_keys", scopes: []string{"object_storage"}, noun: "access-keys", status: 201, tells: []code{validationError},
		takes: []arguments.Argument{organization, cluster, keyProperties}, run: (*Door).createAccessKey,
	},
	{
		method: "GET", path: "object_storage/access_keys/access_key", scopes: []string{"object_storage"}, noun: "access-keys", status: 200,
		takes: []arguments.Argument{accessKeyLookup}, run: (*Door).getAccessKey,
	},
	{
		method: "PATCH", path: "object_storage/access_keys/access_key", scopes: []string{"object_storage"}, noun: "access-keys", status: 200, tells: []code{taskQueueingError, validationError},
		takes: []arguments.Argument{accessKeyLookup, keyProperties}, run: (*Door).updateAccessKey,
	},
	{
		method: "DELETE", path: "object_storage/access_keys/access_key", scopes: []string{"object_storage"}, noun: "access-keys", status: 200, tells: []code{networkError},
		takes: []arguments.Argument{accessKeyLookup}, run: (*Door).deleteAccessKey,
	},
	{
		method: "POST", path: "object_storage/access_keys/access_key/generate_credentials", scopes: []string{"object_storage"}, noun: "access-keys", status: 200, secret: true, tells: []code{taskQueueingError},
		takes: []arguments.Argument{accessKeyLookup}, run: (*Door).generateCredentials,
	},

	{
		method: "POST", path: "organizations/organization/object_storage/object_storage_cluster/buckets", scopes: []string{"object_storage"}, noun: "buckets", status: 201, tells: []code{validationError},
		takes: []arguments.Argument{organization, cluster, newBucket}, run: (*Door).createBucket,
	},
	{
		method: "GET", path: "object_storage/object_storage_cluster/buckets/bucket", scopes: []string{"object_storage:read"}, noun: "buckets", status: 200,
		takes: []arguments.Argument{cluster, bucketLookup}, run: (*Door).getBucket,
	},
	{
		method: "PATCH", path: "object_storage/object_storage_cluster/buckets/bucket", scopes: []string{"object_storage"}, noun: "buckets", status: 200, tells: []code{validationError},
		takes: []arguments.Argument{cluster, bucketLookup, bucketChange}, run: (*Door).updateBucket,
	},
	{
		method: "DELETE", path: "object_storage/object_storage_cluster/buckets/bucket", scopes: []string{"object_storage"}, noun: "buckets", status: 200, tells: []code{networkError},
		takes: []arguments.Argument{cluster, bucketLookup}, run: (*Door).deleteBucket,
	},
	{
		method: "GET", path: "object_storage/object_storage_cluster/buckets/bucket/object", scopes: []string{"object_storage:read"}, noun: "buckets", status: 200, tells: []code{networkError},
		takes: []arguments.Argument{cluster, bucketLookup, objectPath}, run: (*Door).getObject,
	},
	{
		method: "POST", path: "object_storage/object_storage_cluster/buckets/bucket/presigned_url", scopes: []string{"object_storage"}, noun: "buckets", status: 200, secret: true, tells: []code{networkError, validationError},
		takes: []arguments.Argument{cluster, bucketLookup, objectPath, urlProperties}, run: (*Door).presignURL,
	},
	{
		method: "POST", path: "object_storage/object_storage_cluster/buckets/bucket/revoke_presigned_urls", scopes: []string{"object_storage"}, noun: "buckets", status: 200, tells: []code{networkError},
		takes: []arguments.Argument{cluster, bucketLookup}, run: (*Door).revokeURLs,
	},
}

// calls are the route as scopes see it: its own path, whatever stands for its parameters,
// since the arguments can name another thing.
func (t route) calls() []policy.Route {
	seen := policy.Route{Method: t.method, Path: base + t.path, Noun: t.noun, Reads: t.method == http.MethodGet, Always: len(t.scopes) == 0}
	out := []policy.Route{seen}
	for _, word := range t.scopes {
		seen.Noun = word
		out = append(out, seen)
	}
	return out
}

// find tells what a request asks, and which words stand for the parameters of the path.
// A question before a request of another page is about the method of that one.
func find(r *http.Request) (route, map[string]string, error) {
	segments := segmentsOf(r)
	method := r.Method
	asked := r.Header.Get("Access-Control-Request-Method")
	for _, t := range routes {
		if method == t.method || method == http.MethodOptions && (asked == "" || strings.EqualFold(asked, t.method)) {
			if words, ok := t.match(segments); ok {
				return t, words, nil
			}
		}
	}
	return route{}, nil, noRoute(method, below(r.URL.Path))
}

// below is what follows base in a path.
func below(path string) string {
	parts := strings.SplitN(path, "/", 4)
	return parts[len(parts)-1]
}

// segmentsOf takes the path apart as it was escaped, without the slashes around it. What
// names nothing, or more than one segment, is in no path.
func segmentsOf(r *http.Request) []string {
	segments := strings.Split(strings.Trim(below(r.URL.EscapedPath()), "/"), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" || plain == "." || plain == ".." || strings.ContainsAny(plain, "/\x00") {
			return nil
		}
		segments[i] = plain
	}
	return segments
}

func (t route) match(segments []string) (map[string]string, bool) {
	pattern := strings.Split(t.path, "/")
	if len(pattern) != len(segments) {
		return nil, false
	}
	words := map[string]string{}
	for i, want := range pattern {
		switch {
		case slices.Contains(parameters, want):
			words[want] = segments[i]
		case want != segments[i]:
			return nil, false
		}
	}
	return words, true
}

// spellings are those of a path in capital and small letters, of which a mux takes one
// for another's.
func spellings(path string) []string {
	out := []string{""}
	for _, letter := range path {
		var longer []string
		small, capital := strings.ToLower(string(letter)), strings.ToUpper(string(letter))
		for _, begun := range out {
			longer = append(longer, begun+small)
			if capital != small {
				longer = append(longer, begun+capital)
			}
		}
		out = longer
	}
	return out
}
