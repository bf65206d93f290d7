package keyhatch

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Token is an API token of a user. Its secret is shown once and kept as a hash.
type Token struct {
	ID        string
	User      string
	Name      string
	Scopes    []Scope
	Workspace string    // when set, the token works in this workspace only
	ExpiresAt time.Time // zero: until revoked
	// Networks are those from which the token works, and what is borrowed with it
	// at our own S3 endpoint; none: from everywhere.
	Networks []netip.Prefix
	// RequestsPerMinute is how often the token may ask on average, and how often
	// at once; 0: as often as the installation says.
	RequestsPerMinute int
	Annotations       map[string]string // what its user notes about it; we read taskAnnotation only
	// Since is when it was made or last narrowed; leases of an earlier time are
	// dead.
	Since       time.Time
	CreatedAt   time.Time
	CreatedFrom string    // the address
	MadeWith    string    // id of the token that it was made with, which may have ended; empty: with none
	UpdatedAt   time.Time // zero: never changed
	// LastUsedAt and LastUsedFrom tell of the last use that was noted. They are
	// written once a minute at most.
	LastUsedAt   time.Time
	LastUsedFrom string
	// RotatedAt is when it was last given another secret, zero for never. What
	// was borrowed with the secret before goes on: it is the same token.
	RotatedAt time.Time
	// GraceUntil is until when the secret before works too; zero: not at all.
	GraceUntil time.Time
	Bearer     Bearer // of a token that stands for a signed token of an issuer
	// Consent is the id of the consent that it came of, and ends with; empty: of none.
	Consent string
}

// RootUser and RootToken are those of the system root, which tools of other systems
// expect. The token's secret is the configuration's.
const (
	RootUser  = string(UserID) + "_000000000000000"
	RootToken = string(TokenID) + "_000000000000000"
)

// MaxGrace is how long after a rotation a token's old secret may work at most.
const MaxGrace = 7 * 24 * time.Hour

// CheckGrace holds the limits of a grace.
func CheckGrace(d time.Duration) error {
	if d < 0 || d > MaxGrace {
		return Fail(Invalid, CodeInvalidDuration, "a grace lasts 0 to %d seconds", int(MaxGrace.Seconds())).In("grace_seconds")
	}
	return nil
}

// Live tells whether the token has not expired at the time.
func (t Token) Live(now time.Time) bool { return t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) }

// WorksFrom tells whether the token may be used from the address. One that is not
// known is in none of the token's networks.
func (t Token) WorksFrom(a netip.Addr) bool { return InNetworks(a, t.Networks) }

// InNetworks tells whether an address is in one of the networks; none are all addresses.
func InNetworks(a netip.Addr, networks []netip.Prefix) bool {
	if len(networks) == 0 {
		return true
	}
	a = a.Unmap().WithZone("")
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// NetworksWithin tells whether every address of the networks is in one of the outer
// ones; none are all addresses.
func NetworksWithin(networks, outer []netip.Prefix) bool {
	if len(outer) == 0 {
		return true
	}
	if len(networks) == 0 {
		return false
	}
	for _, n := range networks {
		inside := false
		for _, o := range outer {
			inside = inside || o.Bits() <= n.Bits() && o.Contains(n.Addr())
		}
		if !inside {
			return false
		}
	}
	return true
}

// NetworksInCommon are those whose addresses are in both, none inside another; no networks
// are all addresses. It tells whether there are any.
func NetworksInCommon(a, b []netip.Prefix) (common []netip.Prefix, some bool) {
	if len(a) == 0 || len(b) == 0 {
		return widest(append(slices.Clone(a), b...)), true
	}
	for _, n := range a {
		for _, o := range b {
			inner := n
			if n.Bits() < o.Bits() {
				inner = o
			}
			if n.Overlaps(o) && !slices.Contains(common, inner) {
				common = append(common, inner)
			}
		}
	}
	return widest(common), len(common) > 0
}

// widest are the networks that lie in no other of them.
func widest(networks []netip.Prefix) (out []netip.Prefix) {
	for _, n := range networks {
		if !slices.ContainsFunc(networks, func(o netip.Prefix) bool { return o.Bits() < n.Bits() && o.Contains(n.Addr()) }) {
			out = append(out, n)
		}
	}
	return out
}

// NetworksText is how networks stand in the record: one a line.
func NetworksText(networks []netip.Prefix) string {
	texts := make([]string, len(networks))
	for i, n := range networks {
		texts[i] = n.String()
	}
	return strings.Join(texts, "\n")
}

// What a token can have at most.
const (
	MaxNetworks          = 100
	MaxRequestsPerMinute = 1_000_000
	MaxAnnotations       = 50
	maxAnnotationKey     = 63
)

// ParseNetwork reads a network as "10.1.0.0/16", "2001:db8::/32", or a single
// address.
func ParseNetwork(s string) (netip.Prefix, error) {
	fail := Fail(Invalid, CodeInvalidNetwork,
		`a network is written as "10.1.0.0/16", "2001:db8::/32" or a single address, without any bits behind its length`).In("networks")
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(s)
	if err != nil || n != n.Masked() || n.Addr().Is4In6() {
		return netip.Prefix{}, fail
	}
	return n, nil
}

// CheckNetworks bounds the networks of a token, or of a location.
func CheckNetworks(networks []netip.Prefix) error {
	if len(networks) > MaxNetworks {
		return Fail(Invalid, CodeInvalidNetwork, "there are at most %d networks", MaxNetworks).In("networks")
	}
	return nil
}

// CheckRequestsPerMinute bounds a token's request limit; 0 is the installation's.
func CheckRequestsPerMinute(n int) error {
	if n < 0 || n > MaxRequestsPerMinute {
		return Fail(Invalid, CodeInvalidRequest, "a token may make 1 to %d requests a minute; 0 is as many as the installation says",
			MaxRequestsPerMinute).In("requests_per_minute")
	}
	return nil
}

// CheckAnnotations bounds what a user notes about a token: at most 50 texts, by keys
// of 1 to 63 letters, digits, '.', '_', '-' and '/'.
func CheckAnnotations(annotations map[string]string) error {
	if len(annotations) > MaxAnnotations {
		return Fail(Invalid, CodeInvalidRequest, "a token has at most %d annotations", MaxAnnotations).In("annotations")
	}
	for key, value := range annotations {
		if !isAnnotationKey(key) {
			return Fail(Invalid, CodeInvalidRequest, "an annotation's key has 1 to %d of a-z, A-Z, 0-9, '.', '_', '-' and '/'",
				maxAnnotationKey).In("annotations")
		}
		if err := CheckText("annotations", value); err != nil {
			return err
		}
	}
	return nil
}

func isAnnotationKey(key string) bool {
	if key == "" || len(key) > maxAnnotationKey {
		return false
	}
	for i := range len(key) {
		if !isBase62(key[i]) && strings.IndexByte("._-/", key[i]) < 0 {
			return false
		}
	}
	return true
}

// taskAnnotation marks the tokens of tasks: programs that run with nobody behind them,
// and may use such credentials only as were allowed in tasks. Source: TileDB's
// credentials, allowed_in_tasks.
const taskAnnotation = "task"

// OfTask tells whether the token is a task's, and the word by which it says so.
func (t Token) OfTask() (word string, yes bool) {
	word, yes = t.Annotations[taskAnnotation]
	return word, yes
}

// MakeTask makes the token a task's.
func (t *Token) MakeTask(word string) {
	annotations := maps.Clone(t.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[taskAnnotation] = word
	t.Annotations = annotations
}
