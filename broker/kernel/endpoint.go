package kernel

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Reach tells whether the configuration lets us connect to a host.
type Reach func(ctx context.Context, host string) error

// CheckEndpoint reads the address of a store and writes it in one way. It looks names
// up, so it is asked outside a transaction, and only for who may set one (S10).
func (k *Kernel) CheckEndpoint(ctx context.Context, endpoint string) (string, error) {
	u, ok := parseEndpoint(endpoint)
	if !ok {
		return "", keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidEndpoint,
			"an endpoint is https://host or http://host, with a port where needed and nothing behind it").In("endpoint")
	}
	if err := k.Reach(ctx, u.Hostname()); err != nil {
		return "", keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidEndpoint,
			"the endpoint's host has no address that stores may have: one in a private network must be in outbound_networks of the configuration").In("endpoint").Because(err)
	}
	return u.String(), nil
}

// parseEndpoint reads an address in its one spelling: what is equal has to look
// equal, or one bucket could be put on record twice, with two sets of rights.
func parseEndpoint(text string) (*url.URL, bool) {
	u, err := url.Parse(strings.ToLower(strings.TrimSuffix(text, "/")))
	if err != nil || len(text) > 300 || u.Scheme != "http" && u.Scheme != "https" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return nil, false
	}
	host, ok := oneHost(u.Hostname())
	if !ok {
		return nil, false
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), ports[u.Scheme]), 10, 16)
	if err != nil || port == 0 {
		return nil, false
	}
	u.Host = host
	if text := strconv.FormatUint(port, 10); text != ports[u.Scheme] {
		u.Host += ":" + text
	}
	return u, true
}

// ports are those that go without saying.
var ports = map[string]string{"http": "80", "https": "443"}

// oneHost is a host as an address has it, in its one spelling: an IP address, or
// a name of ASCII, as DNS knows it, without the dot at its end. What only some
// resolvers take for an IP address, such as 127.1, is neither.
func oneHost(host string) (string, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip = ip.Unmap(); ip.Is6() {
			return "[" + ip.String() + "]", ip.Zone() == ""
		}
		return ip.String(), true
	}
	host = strings.TrimSuffix(host, ".")
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", false
	}
	var last string
	for last = range strings.SplitSeq(host, ".") {
		if last == "" {
			return "", false
		}
	}
	return host, strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}
