package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Dialer connects to the addresses that are allowed.
type Dialer struct {
	guard  *ssrf.Guardian
	named  []netip.Prefix
	dialer *net.Dialer
}

// NewDialer makes a dialer to public addresses and to those in the networks, but
// to no metadata service unless its address is a network of its own.
func NewDialer(networks []netip.Prefix) *Dialer {
	var v4, v6 []netip.Prefix
	for _, n := range networks {
		if n.Addr().Is4() {
			v4 = append(v4, n)
		} else {
			v6 = append(v6, n)
		}
	}
	guard := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	d := &Dialer{guard: guard, named: networks}
	d.dialer = &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive, Control: d.control}
	return d
}

// control decides about a connection before it is made.
func (d *Dialer) control(network, address string, c syscall.RawConn) error {
	if err := d.guard.Safe(network, address, c); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return d.notMetadata(to.Addr())
}

// How long a connection may take to come about.
const (
	dialTimeout = 5 * time.Second
	tlsTimeout  = 5 * time.Second
	keepAlive   = 15 * time.Second
)

// continueTimeout is how long a server is waited for that was asked for its word
// before the body, and may not know that it was. None would send the body at once.
const continueTimeout = time.Second

// maxHeader bounds the header of an answer, which is held in memory. S3 has 8 KiB of
// metadata at most.
const maxHeader = 64 << 10

// Check tells whether a host, a name or an address, has an address that is
// allowed now.
func (d *Dialer) Check(ctx context.Context, host string) error {
	ctx, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	refused := errors.New("the host has no address")
	for _, a := range addresses {
		if refused = d.guard.SafeAddr(a.Unmap()); refused == nil {
			refused = d.notMetadata(a)
		}
		if refused == nil {
			return nil
		}
	}
	return refused
}

// Transport makes a transport that connects by the dialer and changes nothing of
// what passes through.
func (d *Dialer) Transport() *http.Transport {
	return &http.Transport{
		DialContext:            d.dialer.DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        30 * time.Second,
	}
}
