package providers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

// reason is why an ID token that was refused was, for people: what it says is looked at without
// believing it. When the provider's keys could not be fetched, that is the error.
func (p *provider) reason(raw string, refused error) error {
	var unreachable *url.Error
	var network net.Error
	if errors.As(refused, &unreachable) || errors.As(refused, &network) {
		return refused
	}
	parts := strings.Split(raw, ".")
	header, body := part(parts, 0), part(parts, 1)
	audience, _ := issuers.Texts(body, "aud")
	var expired *oidc.TokenExpiredError
	why := keyhatch.RefusedSignature
	switch {
	case len(parts) != 3 || header == nil || body == nil:
		why = keyhatch.RefusedAnswer
	case !slices.Contains(algorithms, header.text("alg")):
		why = keyhatch.RefusedAlgorithm
	case strings.Contains(refused.Error(), "signature"):
	case body.text("iss") != p.Issuer:
		why = keyhatch.RefusedIssuer
	case !slices.Contains(audience, p.ClientID):
		why = keyhatch.RefusedAudience
	case errors.As(refused, &expired):
		why = keyhatch.RefusedExpired
	default:
		why = keyhatch.RefusedAnswer
	}
	return fmt.Errorf("%w: %w", why, refused)
}

// part is one of the JSON objects of a signed token; nil: it is none.
func part(parts []string, n int) (m members) {
	if n >= len(parts) {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil || json.Unmarshal(text, &m) != nil {
		return nil
	}
	return m
}
