package arvados

import (
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
	given := map[string]any{}
	v, wrapped := p.values[attributesName]
	switch v := v.(type) {
	case nil:
		if !wrapped {
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
	for _, name := range weighty {
		_, inBody := p.body[name]
		if p.query.Has(name) || p.form.Has(name) || wrapped && inBody {
			return out, listing.Argument("Attributes belong into the %s parameter", attributesName)
		}
	}
	for name, v := range given {
		if err := out.set(name, v); err != nil {
			return out, err
		}
	}
	return out, nil
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
