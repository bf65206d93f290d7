package outbound_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"code.dny.dev/ssrf"
	"github.com/keyhatch/keyhatch/outbound"
)

// TestS10_OnlyAllowedAddresses: what is not public is refused, however it is
// written, unless its network was named.
func TestS10_OnlyAllowedAddresses(t *testing.T) {
	t.Parallel()
	named := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for _, c := range []struct {
		host    string
		allowed bool
	}{
		{"127.0.0.1", false},
		{"127.1.2.3", false},
		{"localhost", false},
		{"0.0.0.0", false},
		{"::", false},
		{"::1", false},
		{"::ffff:127.0.0.1", false},
		{"::ffff:169.254.169.254", false},
		{"169.254.169.254", false}, // metadata of most clouds
		{"fd00:ec2::254", false},   // and of AWS by IPv6
		{"100.100.100.200", false}, // and of Alibaba
		{"fe80::1", false},
		{"10.0.0.1", false},
		{"172.16.0.1", false},
		{"192.168.1.1", false},
		{"64:ff9b::7f00:1", false}, // loopback through NAT64
		{"2002:7f00:1::", false},   // loopback through 6to4
		{"224.0.0.1", false},
		{"255.255.255.255", false},
		{"100.64.0.1", false}, // shared by carriers
		{"198.18.0.1", false},
		{"192.88.99.1", false},
		{"240.0.0.1", false},
		{"2001::7f00:1", false}, // Teredo
		{"2001:db8::1", false},
		{"fec0::1", false},
		{"ff02::1", false},
		{"::127.0.0.1", false},
		{"::ffff:0:127.0.0.1", false},
		{"fe80::1%lo", false},
		{"127.1", false}, // spellings that some resolvers take
		{"0x7f.0.0.1", false},
		{"0177.0.0.1", false},
		{"2130706433", false},
		{"10.2.0.1", false}, // beside what is named
		{"::ffff:10.2.0.1", false},
		{"10.1.2.3", true},
		{"::ffff:10.1.2.3", true},
		{"fd00:1::5", true},
		{"8.8.8.8", true},
		{"2606:4700::1111", true},
	} {
		err := outbound.NewDialer(named).Check(t.Context(), c.host)
		if (err == nil) != c.allowed {
			t.Errorf("%s: %v, want allowed %t", c.host, err, c.allowed)
		}
	}
	if err := outbound.NewDialer(nil).Check(t.Context(), "does-not-exist.invalid"); err == nil {
		t.Error("a name without an address is allowed")
	}
}

// TestS10_CheckedWhenDialled: a name that leads to a refused address when it is
// dialled is refused then, whatever it led to before.
func TestS10_CheckedWhenDialled(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		err := get(t.Context(), outbound.NewDialer(nil), "http://"+host+":"+port)
		if !errors.Is(err, ssrf.ErrProhibitedIP) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked != 0 {
		t.Errorf("the server was reached %d times", asked)
	}
	if err := get(t.Context(), outbound.NewDialer(loopback), server.URL); err != nil || asked != 1 {
		t.Errorf("an allowed address: %v, reached %d times", err, asked)
	}
}

// TestS10_Redirects: a transport follows no redirect, and who follows one by it is
// led to no address that is refused.
func TestS10_Redirects(t *testing.T) {
	t.Parallel()
	refused, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("there is no second address:", err)
	}
	reached := make(chan struct{}, 1)
	inner := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	inner.Listener.Close()
	inner.Listener = refused
	inner.Start()
	defer inner.Close()
	outer := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusTemporaryRedirect))
	defer outer.Close()
	d := outbound.NewDialer([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")})
	if err := get(t.Context(), d, outer.URL); err != nil {
		t.Error("the redirect itself:", err)
	}
	transport := d.Transport()
	defer transport.CloseIdleConnections()
	if _, err := (&http.Client{Transport: transport}).Get(outer.URL); !errors.Is(err, ssrf.ErrProhibitedIP) {
		t.Errorf("followed: %v", err)
	}
	if len(reached) > 0 {
		t.Error("the refused address was reached")
	}
}

// TestS10_NoProxy: a proxy of the environment would dial what we refuse.
func TestS10_NoProxy(t *testing.T) {
	if outbound.NewDialer(nil).Transport().Proxy != nil {
		t.Error("the transport takes a proxy")
	}
}

func get(ctx context.Context, d *outbound.Dialer, url string) error {
	transport := d.Transport()
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// TestS10_NoMetadata: a network that was named does not bring the metadata service
// of a cloud along, in any spelling; its very address does.
func TestS10_NoMetadata(t *testing.T) {
	t.Parallel()
	everything := prefixes("0.0.0.0/0", "::/0")
	for _, host := range []string{
		"169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.1.1", "168.63.129.16", "100.100.100.200", "192.0.0.192",
		"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
		"::ffff:169.254.169.254", "::ffff:168.63.129.16", "::169.254.169.254", "::ffff:0:169.254.169.254",
		"64:ff9b::a9fe:a9fe", "64:ff9b::168.63.129.16", "64:ff9b::169.254.170.2", "64:ff9b:1::a9fe:a9fe",
		"64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1", "2002:a83f:8110::", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%lo", "fd00:ec2::254%lo",
		"2001:4860::a9fe:a9fe", // through a NAT64 whose prefix is a network's own
	} {
		if err := outbound.NewDialer(everything).Check(t.Context(), host); !errors.Is(err, ssrf.ErrProhibitedIP) {
			t.Errorf("%s, everything being named: %v", host, err)
		}
		if !strings.Contains(host, ":") {
			host += ":80"
		} else {
			host = "[" + host + "]:80"
		}
		if err := get(t.Context(), outbound.NewDialer(everything), "http://"+strings.ReplaceAll(host, "%", "%25")); !errors.Is(err, ssrf.ErrProhibitedIP) {
			t.Errorf("%s dialled, everything being named: %v", host, err)
		}
	}
	// One lies among public addresses.
	if err := outbound.NewDialer(nil).Check(t.Context(), "168.63.129.16"); !errors.Is(err, ssrf.ErrProhibitedIP) {
		t.Errorf("nothing being named: %v", err)
	}
	alone := outbound.NewDialer(prefixes("169.254.169.254/32", "fd00:ec2::254/128"))
	for host, allowed := range map[string]bool{
		"169.254.169.254": true, "::ffff:169.254.169.254": true, "fd00:ec2::254": true,
		"169.254.170.2": false, "64:ff9b::a9fe:a9fe": false, "fd00:ec2::23": false,
	} {
		if err := alone.Check(t.Context(), host); (err == nil) != allowed {
			t.Errorf("%s, named alone: %v, want allowed %t", host, err, allowed)
		}
	}
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}
