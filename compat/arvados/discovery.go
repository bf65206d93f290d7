package arvados

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
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
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && a.IsLoopback()
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
		{"kind", "discovery#restDescription"},
		{"discoveryVersion", "v1"},
		{"id", "arvados:v1"},
		{"name", "arvados"},
		{"version", "v1"},
		{"revision", revision},
		{"source_version", "keyhatch"},
		{"generatedAt", "2025-04-02T00:00:00Z"}, // of the revision: what changes would not be cached
		{"title", "Keyhatch's Arvados API"},
		{"description", "The API tokens of Keyhatch, in the format of Arvados."},
		{"documentationLink", "https://github.com/keyhatch/keyhatch/blob/main/docs/arvados.md"},
		{"protocol", "rest"},
		{"baseUrl", at + strings.TrimPrefix(base, "/")},
		{"basePath", base},
		{"rootUrl", at},
		{"servicePath", strings.TrimPrefix(base, "/")},
		{"batchPath", "batch"},
		{"uuidPrefix", d.cluster},
		{"maxRequestSize", maxBody},
		{"maxItemsPerResponse", maxLimit},
		{"defaultCollectionReplication", 1},
		{"blobSignatureTtl", 0},
		{"parameters", object{
			{"alt", describe("string", "Data format for the response.", field{"default", "json"}, field{"enum", []string{"json"}}, field{"location", "query"})},
			{"fields", describe("string", "Not honoured: select is.", field{"location", "query"})},
			{"key", describe("string", "Not honoured.", field{"location", "query"})},
			{"oauth_token", describe("string", "A token; the header Authorization is the better place.", field{"location", "query"})},
		}},
		{"auth", object{{"oauth2", object{{"scopes", object{
			{scopeAll, object{{"description", "View and manage objects"}}},
			{scopeRead, object{{"description", "View objects"}}},
		}}}}}},
		{"schemas", schemas()},
		{"resources", d.methods.resources()},
	}, nil
}

const scopeAll, scopeRead = "https://api.arvados.org/auth/arvados", "https://api.arvados.org/auth/arvados.readonly"

func describe(kind, text string, more ...field) object {
	return append(object{{"type", kind}, {"description", text}}, more...)
}

// schemas are the resources' attributes, from their tables of columns.
func schemas() (out object) {
	d, c := &Door{}, &call{}
	for _, r := range []struct {
		class, kind, infix string
		attributes         object
	}{
		{d.tokens().class, tokenKind, tokenInfix, properties(d.tokens())},
		{d.users(c).class, userKind, userInfix, properties(d.users(c))},
	} {
		out = append(out,
			field{r.class, object{{"id", r.class}, {"type", "object"}, {"uuidPrefix", r.infix}, {"properties", r.attributes}}},
			field{r.class + "List", object{{"id", r.class + "List"}, {"type", "object"}, {"properties", object{
				{"kind", describe("string", "Always "+r.kind+"List.", field{"default", r.kind + "List"})},
				{"etag", describe("string", "Empty.")},
				{"items", describe("array", "What was found.", field{"items", object{{"$ref", r.class}}})},
			}}}})
	}
	return out
}

// types are the schema's words for the forms of columns.
var types = map[form]string{words: "string", moment: "datetime", flag: "boolean", list: "Array", opaque: "Hash"}

func properties[T any](r resource[T]) object {
	out := object{{"etag", object{{"type", "string"}}}}
	for _, c := range r.columns {
		kind := types[c.form]
		if c.name == "user_id" || c.name == "api_client_id" {
			kind = "integer"
		}
		out = append(out, field{c.name, object{{"type", kind}}})
	}
	return out
}

// resources are the methods, from their table.
func (all methods) resources() (out object) {
	for _, name := range []string{tokensPath, usersPath} {
		var list object
		for _, m := range all {
			if m.resource == name {
				list = append(list, field{m.name, m.describe()})
			}
		}
		out = append(out, field{name, object{{"methods", list}}})
	}
	get := object{
		{"id", "arvados.configs.get"},
		{"path", "config"},
		{"httpMethod", looks},
		{"description", "Get this cluster's public configuration settings."},
		{"parameters", object{}},
		{"parameterOrder", []string{}},
		{"response", object{}},
		{"scopes", []string{scopeAll, scopeRead}},
	}
	return append(out, field{"configs", object{{"methods", object{{"get", get}}}}})
}

func (m method) describe() object {
	parameters, order := object{}, []string{}
	if strings.HasSuffix(m.path, "{uuid}") {
		parameters = append(parameters, field{"uuid", describe("string", "The id.", field{"required", true}, field{"location", "path"})})
		order = append(order, "uuid")
	}
	for _, p := range m.parameters {
		more := []field{{"required", false}, {"location", "query"}}
		if p.fallback != "" {
			more = append(more, field{"default", p.fallback})
		}
		parameters = append(parameters, field{p.name, describe(p.kind, p.text, more...)})
	}
	out := object{
		{"id", "arvados." + m.resource + "." + m.name},
		{"path", m.path},
		{"httpMethod", m.methods[0]},
		{"description", m.text},
		{"parameters", parameters},
		{"parameterOrder", order},
		{"response", object{{"$ref", m.answers}}},
	}
	if m.takes != "" {
		out = append(out, field{"request", object{{"required", true}, {"properties", object{{m.takes, object{{"$ref", m.answers}}}}}}})
	}
	scopes := []string{scopeAll}
	if m.methods[0] == looks {
		scopes = append(scopes, scopeRead)
	}
	return append(out, field{"scopes", scopes})
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
		{"ClusterID", d.cluster},
		{"API", object{
			{"MaxItemsPerResponse", maxLimit},
			{"MaxRequestSize", maxBody},
			{"MaxTokenLifetime", d.people.LongestToken().String()},
		}},
		{"Login", object{}},
		{"RemoteClusters", object{}},
		{"Services", object{{"Controller", object{{"ExternalURL", at}}}}},
		{"StorageClasses", object{{"default", object{{"Default", true}}}}},
	}, nil
}
