package outbound

import (
	"fmt"
	"net/netip"
	"slices"

	"code.dny.dev/ssrf"
)

// metadata are the addresses at which clouds tell a machine about itself, and hand
// out the keys that it acts with, to whoever connects from it. A network that is
// allowed, as 169.254.0.0/16 or fd00::/8 may be, must not bring them along; and
// one lies among public addresses.
//
// Source: the clouds' documentation of their instance metadata.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, Google, Azure, and most others
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("169.254.170.2"),   // AWS, of containers
	netip.MustParseAddr("169.254.170.23"),  // AWS, of pods
	netip.MustParseAddr("fd00:ec2::23"),    // AWS, of pods
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("168.63.129.16"),   // Azure, its agent's
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("169.254.0.23"),    // Tencent
	netip.MustParseAddr("169.254.42.42"),   // Scaleway
	netip.MustParseAddr("fd00:42::42"),     // Scaleway
}

// notMetadata refuses an address of a metadata service, in whatever spelling, and
// all the link-local ones of IPv4, where most are: unless it was named alone.
func (d *Dialer) notMetadata(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	switch {
	case slices.Contains(d.named, netip.PrefixFrom(a, a.BitLen())):
		return nil
	case a.Is4() && a.IsLinkLocalUnicast(), slices.ContainsFunc(spellings(a), func(a netip.Addr) bool { return slices.Contains(metadata, a) }):
		return fmt.Errorf("%w: %s is where clouds keep a machine's metadata", ssrf.ErrProhibitedIP, a)
	}
	return nil
}

// spellings are an address and, of one of IPv6, the IPv4 addresses that a gateway
// may read in it: at its end, where NAT64 and its older relatives have it under
// any prefix of 96 bits, and where 6to4 and the local prefix of NAT64 have it.
//
// Source: RFC 6052 §2.2, RFC 8215, RFC 3056 §2.
func spellings(a netip.Addr) []netip.Addr {
	if a.Is4() {
		return []netip.Addr{a}
	}
	b := a.As16()
	return []netip.Addr{
		a,
		netip.AddrFrom4([4]byte(b[12:])),
		netip.AddrFrom4([4]byte(b[2:6])),
		netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}),
	}
}
