package keyhatch

import "net/netip"

// IsLoopback tells whether a host, without a port and without brackets, is this machine under an
// address that no other machine reaches: what is sent there needs no TLS. Of names that is
// localhost alone; none is looked up.
func IsLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
