package arvados

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// attributes are what a client says of a token; nil is what it does not say.
type attributes struct {
	scopes  *[]keyhatch.Scope
	expires *time.Time // zero: never
	owner   string     // a uuid
	uuid    string
}

// ignored are attributes that mean nothing when they are written: ours are real.
var ignored = map[string]bool{
	"kind": true, "etag": true, "href": true, "created_at": true, "modified_at": true, "modified_by_user_uuid": true, "modified_by_client_uuid": true,
	"created_by_ip_address": true, "last_used_at": true, "last_used_by_ip_address": true,
}

// weighty are attributes that must not be missed.
var weighty = []string{"scopes", "expires_at", "owner_uuid"}

const attributesName = "api_client_authorization"

// attributes reads them from the parameter of their name, or from a JSON body that does
// not have it. Beside it they must not be: they would be missed, and the token would be
// one for everything.
func (p *parameters) attributes() (out attributes, err error) {
	wrapped, brackets := p.places(attributesName)
	if wrapped > 1 || brackets {
		return out, errStray
	}
	for _, name := range weighty {
		places, brackets := p.places(name)
		_, inBody := p.body[name]
		if brackets || places > 1 || places == 1 && (wrapped > 0 || !inBody) {
			return out, errStray
		}
	}
	given := map[string]any{}
	switch v := p.values[attributesName].(type) {
	case nil:
		if wrapped == 0 {
			for name, v := range p.body {
				if !slices.Contains(known, name) {
					given[name] = v
				}
			}
		}
	case map[string]any:
		given = v
	default:
		return out, listing.Argument("Invalid value for %s parameter: it must be an object", attributesName)
	}
	for name, v := range given {
		if err := out.set(name, v); err != nil {
			return out, err
		}
	}
	return out, nil
}

var errStray = listing.Argument("Attributes belong into the %s parameter, once, as an object", attributesName)

// systemScopes reads what create_system_auth takes, which is scopes and nothing else: what
// is said of the token in any other way would be missed.
func (p *parameters) systemScopes() ([]keyhatch.Scope, error) {
	for _, name := range []string{attributesName, "expires_at", "owner_uuid"} {
		if places, brackets := p.places(name); places > 0 || brackets {
			return nil, listing.Argument("create_system_auth takes the scopes parameter, and no attributes")
		}
	}
	places, brackets := p.places("scopes")
	switch {
	case places > 1 || brackets:
		return nil, listing.Argument("Invalid value for scopes parameter: it must be there once, as an array")
	case p.values["scopes"] == nil: // left away, or empty, which is the same in this format
		return []keyhatch.Scope{keyhatch.ScopeAll}, nil
	}
	return parseScopes(p.values["scopes"])
}

// places tells in how many of the query, the form and the JSON body there is a parameter,
// and whether in any with brackets behind its name: Rails reads those, and we do not.
func (p *parameters) places(name string) (n int, brackets bool) {
	for _, names := range []iter.Seq[string]{maps.Keys(p.query), maps.Keys(p.form), maps.Keys(p.body)} {
		for given := range names {
			if given == name {
				n++
			}
			brackets = brackets || strings.HasPrefix(given, name+"[")
		}
	}
	return n, brackets
}

// set reads one attribute.
func (a *attributes) set(name string, v any) error {
	text, isText := v.(string)
	switch name {
	case "scopes":
		if v == nil {
			return nil
		}
		scopes, err := parseScopes(v)
		a.scopes = &scopes
		return err
	case "expires_at":
		if v == nil {
			a.expires = &time.Time{}
			return nil
		}
		at, ok := listing.ParseTime(text)
		if !isText || !ok {
			return listing.Argument("Invalid value for expires_at attribute: it must be a time such as 2030-01-31T12:00:00Z")
		}
		if at.IsZero() { // the zero time itself is long past, and not never
			at = time.Unix(0, 0)
		}
		a.expires = &at
		return nil
	case "owner_uuid", "uuid":
		if v != nil && !isText {
			return listing.Argument("Invalid value for %s attribute", name)
		}
		if name == "uuid" {
			a.uuid = text
		} else {
			a.owner = text
		}
		return nil
	case "api_token":
		if v != nil {
			return listing.Argument("The api_token attribute cannot be chosen: the answer has a new one")
		}
		return nil
	case "user_id", "api_client_id": // null in our answers
		if v == nil {
			return nil
		}
	}
	if ignored[name] {
		return nil
	}
	return &wireError{status: 422, message: "#<ActiveModel::UnknownAttributeError: unknown attribute " + listing.Quoted(name) + " for ApiClientAuthorization.>"}
}

// parseScopes reads strings, and the pairs ["GET", "/path"] of the older documentation.
func parseScopes(v any) ([]keyhatch.Scope, error) {
	items, ok := v.([]any)
	if !ok || len(items) > keyhatch.MaxScopes {
		return nil, listing.Argument("Invalid value for scopes attribute: it must be an array of at most %d strings", keyhatch.MaxScopes)
	}
	out := make([]keyhatch.Scope, len(items))
	for i, item := range items {
		if pair, ok := listing.Texts(item); ok && len(pair) == 2 {
			item = strings.Join(pair, " ")
		}
		text, ok := item.(string)
		if !ok {
			return nil, listing.Argument("Invalid value for scopes attribute: a scope is a string such as \"all\" or \"GET /arvados/v1/users\"")
		}
		out[i] = keyhatch.Scope(text)
	}
	return out, nil
}
