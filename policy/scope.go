package policy

import (
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Route is a request to the API as it was routed: the path decoded, its
// parameters filled in.
type Route struct {
	Method string
	Path   string
	Noun   string // of the native API; empty on routes that no noun scope opens
	// Reads marks the calls that only look, which "noun:read" opens.
	Reads bool
	// Lending marks the few calls that a token with s3 scopes alone may make:
	// borrow a lease, look at itself.
	Lending bool
	// Always marks the calls that every token may make, whatever its scopes: in foreign
	// formats, to look at itself.
	Always bool
}

// Scopes are a token's scopes, taken apart. The zero value allows nothing.
type Scopes struct {
	routes []keyhatch.ParsedScope // all, METHOD /path, noun
	s3     []keyhatch.ParsedScope
}

// ParseScopes takes scopes apart; any that cannot be read is an error.
func ParseScopes(scopes []keyhatch.Scope) (Scopes, error) {
	var out Scopes
	for _, s := range scopes {
		p, err := keyhatch.ParseScope(string(s))
		if err != nil {
			return Scopes{}, err
		}
		if p.Kind == keyhatch.S3Scope {
			out.s3 = append(out.s3, p)
		} else {
			out.routes = append(out.routes, p)
		}
	}
	return out, nil
}

// Allows tells whether a token with these scopes may make the call.
func (s Scopes) Allows(r Route) bool {
	for _, p := range s.routes {
		if opens(p, r) {
			return true
		}
	}
	return r.Always || r.Lending && s.lendingOnly()
}

// All tells whether the scopes allow everything that the token's user may.
func (s Scopes) All() bool {
	return !s.BoundsS3() && slices.ContainsFunc(s.routes, func(p keyhatch.ParsedScope) bool { return p.Kind == keyhatch.AllScope })
}

// BoundsS3 tells whether the scopes bound leases and keys at all.
func (s Scopes) BoundsS3() bool { return len(s.s3) > 0 }

// AllowsS3 tells whether a lease or key with the access to everything under the
// URL is inside the scopes' bounds. Without s3 scopes there are none.
func (s Scopes) AllowsS3(access keyhatch.Access, url keyhatch.S3URL) bool {
	if !s.BoundsS3() {
		return true
	}
	asked := keyhatch.ParsedScope{Kind: keyhatch.S3Scope, Access: access, URL: url}
	return anyCovers(s.s3, asked)
}

// Within tells whether a token with scopes s can do nothing that one with
// scopes outer cannot:
//
//   - all is within all only;
//   - METHOD /path is within all, within itself, and within METHOD /beginning/;
//     HEAD is within GET;
//   - noun is within all and itself, noun:read also within noun;
//   - when outer has s3 scopes, s must have some too, each with no more access
//     and inside the prefix of one of outer's;
//   - scopes of s3 alone let their token borrow leases, so outer must allow that.
//
// A route and a noun are never within each other, although they may open the
// same call.
func (s Scopes) Within(outer Scopes) bool {
	for _, p := range s.routes {
		if !anyCovers(outer.routes, p) {
			return false
		}
	}
	if outer.BoundsS3() && !s.BoundsS3() {
		return false
	}
	for _, p := range s.s3 {
		if outer.BoundsS3() && !anyCovers(outer.s3, p) {
			return false
		}
	}
	return !s.lendingOnly() || outer.lendingOnly() || outer.opensNoun("leases")
}

func (s Scopes) lendingOnly() bool { return len(s.routes) == 0 && len(s.s3) > 0 }

func (s Scopes) opensNoun(noun string) bool {
	return anyCovers(s.routes, keyhatch.ParsedScope{Kind: keyhatch.NounScope, Noun: noun})
}

func anyCovers(outer []keyhatch.ParsedScope, inner keyhatch.ParsedScope) bool {
	for _, o := range outer {
		if covers(o, inner) {
			return true
		}
	}
	return false
}

func covers(outer, inner keyhatch.ParsedScope) bool {
	if outer.Kind == keyhatch.AllScope {
		return inner.Kind != keyhatch.S3Scope
	}
	if outer.Kind != inner.Kind {
		return false
	}
	switch outer.Kind {
	case keyhatch.RouteScope:
		return methodCovers(outer.Method, inner.Method) && pathCovers(outer.Path, inner.Path)
	case keyhatch.NounScope:
		return outer.Noun == inner.Noun && (!outer.ReadOnly || inner.ReadOnly)
	case keyhatch.S3Scope:
		return outer.Access.Covers(inner.Access) &&
			outer.URL.Bucket == inner.URL.Bucket && outer.URL.Prefix.Covers(inner.URL.Prefix)
	}
	return false
}

func opens(p keyhatch.ParsedScope, r Route) bool {
	switch p.Kind {
	case keyhatch.AllScope:
		return true
	case keyhatch.RouteScope:
		return methodCovers(p.Method, r.Method) && pathCovers(p.Path, r.Path)
	case keyhatch.NounScope:
		return p.Noun == r.Noun && (!p.ReadOnly || r.Reads)
	}
	return false
}

func methodCovers(outer, inner string) bool {
	return outer == inner || outer == "GET" && inner == "HEAD"
}

// pathCovers: a path that ends in a slash covers every path below it; the path
// without its slash is not below it.
func pathCovers(outer, inner string) bool {
	if strings.HasSuffix(outer, "/") {
		return strings.HasPrefix(inner, outer)
	}
	return outer == inner
}
