package arvados

import (
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// What anybody may read: the discovery document, which clients are made from when they
// start, and the configuration.

const (
	discoveryPath = "/discovery/v1/apis/arvados/v1/rest"
	configPath    = base + "config"
	revision      = "20250402"
	// maxBody is the server's bound of a body.
	maxBody = 1 << 20
)

// public finds what answers without a token.
func (d *Door) public(path string) (func(http.ResponseWriter, *http.Request) (any, error), bool) {
	switch path {
	case discoveryPath:
		return d.discovery, true
	case configPath:
		return d.config, true
	}
	return nil, false
}

// cached says that an answer is the same for a day.
func cached(w http.ResponseWriter, r *http.Request, methods ...string) error {
	for _, m := range append(methods, http.MethodGet, http.MethodHead) {
		if r.Method == m {
			w.Header().Set("Cache-Control", "max-age=86400, public")
			return nil
		}
	}
	w.Header().Set("Allow", "GET, HEAD")
	return errMethod
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]_-]{1,255}$`)

// root is where the client has reached us. Clients send their token to what this says,
// so it is https but where nothing can be read on the way.
func root(r *http.Request) (string, error) {
	if !plainHost.MatchString(r.Host) {
		return "", malformed("The header Host cannot be read")
	}
	if r.TLS == nil && loopback(r.Host) {
		return "http://" + r.Host + "/", nil
	}
	return "https://" + r.Host + "/", nil
}

func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return keyhatch.IsLoopback(strings.Trim(host, "[]"))
}

func (d *Door) discovery(w http.ResponseWriter, r *http.Request) (any, error) {
	at, err := root(r)
	if err != nil {
		return nil, err
	}
	if err := cached(w, r, http.MethodPost); err != nil {
		return nil, err
	}
	return object{
		member("kind", "discovery#restDescription"),
		member("discoveryVersion", "v1"),
		member("id", "arvados:v1"),
		member("name", "arvados"),
		member("version", "v1"),
		member("revision", revision),
		member("source_version", "keyhatch"),
		member("generatedAt", "2025-04-02T00:00:00Z"), // of the revision: what changes would not be cached
		member("title", "Keyhatch's Arvados API"),
		member("description", "The API tokens of Keyhatch, in the format of Arvados."),
		member("documentationLink", "https://github.com/keyhatch/keyhatch/blob/main/docs/arvados.md"),
		member("protocol", "rest"),
		member("baseUrl", at+strings.TrimPrefix(base, "/")),
		member("basePath", base),
		member("rootUrl", at),
		member("servicePath", strings.TrimPrefix(base, "/")),
		member("batchPath", "batch"),
		member("uuidPrefix", d.cluster),
		member("maxRequestSize", maxBody),
		member("maxItemsPerResponse", listing.MaxLimit),
		member("defaultCollectionReplication", 1),
		member("blobSignatureTtl", 0),
		member("parameters", object{
			member("alt", describe("string", "Data format for the response.", member("default", "json"), member("enum", []string{"json"}), member("location", "query"))),
			member("fields", describe("string", "Not honoured: select is.", member("location", "query"))),
			member("key", describe("string", "Not honoured.", member("location", "query"))),
			member("oauth_token", describe("string", "A token; the header Authorization is the better place.", member("location", "query"))),
		}),
		member("auth", object{member("oauth2", object{member("scopes", object{
			member(scopeAll, object{member("description", "View and manage objects")}),
			member(scopeRead, object{member("description", "View objects")}),
		})})}),
		member("schemas", schemas()),
		member("resources", d.methods.resources()),
	}, nil
}

const scopeAll, scopeRead = "https://api.arvados.org/auth/arvados", "https://api.arvados.org/auth/arvados.readonly"

// object is written with its members in their order.
type object = listing.Object

func member(name string, value any) listing.Field { return listing.Field{Name: name, Value: value} }

func describe(kind, text string, more ...listing.Field) object {
	return append(object{member("type", kind), member("description", text)}, more...)
}

// schemas are the resources' attributes, from their tables of columns.
func schemas() (out object) {
	d, c := &Door{}, &call{}
	for _, r := range []struct {
		class, kind, infix string
		attributes         object
	}{
		{d.tokens().Class, tokenKind, tokenInfix, properties(d.tokens())},
		{d.users(c).Class, userKind, userInfix, properties(d.users(c))},
	} {
		out = append(out,
			member(r.class, object{member("id", r.class), member("type", "object"), member("uuidPrefix", r.infix), member("properties", r.attributes)}),
			member(r.class+"List", object{member("id", r.class+"List"), member("type", "object"), member("properties", object{
				member("kind", describe("string", "Always "+r.kind+"List.", member("default", r.kind+"List"))),
				member("etag", describe("string", "Empty.")),
				member("items", describe("array", "What was found.", member("items", object{member("$ref", r.class)}))),
			})}))
	}
	return out
}

func properties[T any](r listing.Resource[T]) object {
	out := object{member("etag", object{member("type", "string")})}
	for _, c := range r.Columns {
		kind := c.Type()
		if c.Name == "user_id" || c.Name == "api_client_id" {
			kind = "integer"
		}
		out = append(out, member(c.Name, object{member("type", kind)}))
	}
	return out
}

// resources are the methods, from their table.
func (all methods) resources() (out object) {
	for _, name := range []string{tokensPath, usersPath} {
		var list object
		for _, m := range all {
			if m.resource == name {
				list = append(list, member(m.name, m.describe()))
			}
		}
		out = append(out, member(name, object{member("methods", list)}))
	}
	get := object{
		member("id", "arvados.configs.get"),
		member("path", "config"),
		member("httpMethod", looks),
		member("description", "Get this cluster's public configuration settings."),
		member("parameters", object{}),
		member("parameterOrder", []string{}),
		member("response", object{}),
		member("scopes", []string{scopeAll, scopeRead}),
	}
	return append(out, member("configs", object{member("methods", object{member("get", get)})}))
}

func (m method) describe() object {
	parameters, order := object{}, []string{}
	if strings.HasSuffix(m.path, "{uuid}") {
		parameters = append(parameters, member("uuid", describe("string", "The id.", member("required", true), member("location", "path"))))
		order = append(order, "uuid")
	}
	for _, p := range m.parameters {
		more := []listing.Field{member("required", false), member("location", "query")}
		if p.fallback != "" {
			more = append(more, member("default", p.fallback))
		}
		parameters = append(parameters, member(p.name, describe(p.kind, p.text, more...)))
	}
	out := object{
		member("id", "arvados."+m.resource+"."+m.name),
		member("path", m.path),
		member("httpMethod", m.methods[0]),
		member("description", m.text),
		member("parameters", parameters),
		member("parameterOrder", order),
		member("response", object{member("$ref", m.answers)}),
	}
	if m.takes != "" {
		out = append(out, member("request", object{member("required", true), member("properties", object{member(m.takes, object{member("$ref", m.answers)})})}))
	}
	scopes := []string{scopeAll}
	if m.methods[0] == looks {
		scopes = append(scopes, scopeRead)
	}
	return append(out, member("scopes", scopes))
}

// config is what clients ask of a cluster's configuration: nothing of ours is in it but
// what everybody may know.
func (d *Door) config(w http.ResponseWriter, r *http.Request) (any, error) {
	at, err := root(r)
	if err != nil {
		return nil, err
	}
	if err := cached(w, r); err != nil {
		return nil, err
	}
	return object{
		member("ClusterID", d.cluster),
		member("API", object{
			member("MaxItemsPerResponse", listing.MaxLimit),
			member("MaxRequestSize", maxBody),
			member("MaxTokenLifetime", d.people.LongestToken().String()),
		}),
		member("Login", object{}),
		member("RemoteClusters", object{}),
		member("Services", object{member("Controller", object{member("ExternalURL", at)})}),
		member("StorageClasses", object{member("default", object{member("Default", true)})}),
	}, nil
}
