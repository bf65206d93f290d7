package places

import (
	"context"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Reach tells whether the configuration lets us connect to a host.
type Reach func(ctx context.Context, host string) error

// checkEndpoint reads the address of a store and writes it in one way.
func (svc *Service) checkEndpoint(ctx context.Context, endpoint string) (string, error) {
	invalid := keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidEndpoint,
		"an endpoint is https://host or http://host, with a port where needed and nothing behind it").In("endpoint")
	u, err := url.Parse(strings.ToLower(strings.TrimSuffix(endpoint, "/")))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || len(endpoint) > 300 {
		return "", invalid
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || u.Opaque != "" {
		return "", invalid
	}
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	if err := svc.reach(ctx, u.Hostname()); err != nil {
		return "", keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidEndpoint,
			"the endpoint's host has no address that stores may have: one in a private network must be in outbound_networks of the configuration").In("endpoint").Because(err)
	}
	return u.String(), nil
}

// checkRegion refuses what would not stand in a signature's scope.
func checkRegion(region string) error {
	for i := range len(region) {
		c := region[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "a region has letters, digits, '-' and '_'").In("region")
		}
	}
	if len(region) > 64 {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "a region has at most 64 characters").In("region")
	}
	return nil
}
