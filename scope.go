package keyhatch

import (
	"slices"
	"strings"
	"unicode"
)

// Scope is one thing that a token may do. A token may do what any of its scopes
// allows; see package policy for what is within what.
//
//	all                         everything its user may
//	GET /api/v1/leases          this method and path
//	GET /api/v1/leases/         this method and every path below
//	leases                      every call of the native API on this noun
//	leases:read                 those that only look
//	s3:read s3://demo/alpha/    leases and keys for reading inside the prefix
//	s3:write s3://demo/alpha/   the same for writing
//	object_storage:read         a word of Katapult's API, for its calls: see KatapultScopes
//
// The s3 scopes of a token bound every lease and key that it asks for; a token
// with no other scopes may only borrow leases and look at itself.
type Scope string

// ScopeAll allows everything that the token's user may.
const ScopeAll Scope = "all"

// ScopeNouns are the words that can stand as a scope, alone or with ":read".
var ScopeNouns = []string{
	"users", "groups", "workspaces", "teamspaces", "tokens", "credentials", "stores", "store-accounts", "buckets",
	"locations", "grants", "leases", "access-keys", "events", "keys", "sessions", "oauth-clients", "consents", "signing-keys",
}

// KatapultScopes are the words that open calls in the format of Katapult. Each stands for
// itself: "object_storage" does not open what "object_storage:read" opens, as there.
//
// Source: Katapult's Core API, scopes.
var KatapultScopes = []string{
	"api_tokens", "api_tokens:read", "object_storage", "object_storage:read", "organizations:read", "tasks:read",
	"trash_objects:purge", "trash_objects:read", "trash_objects:restore",
}

// KatapultPrefix stands before such a word where OAuth 2 is spoken. A scope is kept as it
// was written, and means the same with and without it.
const KatapultPrefix = "api.katapult.io/core/v1/"

// MaxScopes and MaxScopesBytes bound the scopes of one token.
const (
	MaxScopes      = 100
	MaxScopesBytes = 8 << 10
)

const maxScopeBytes = 2048

var scopeMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// ScopeKind tells the forms of a scope apart.
type ScopeKind int

// The forms, in the order of the table above.
const (
	AllScope ScopeKind = iota
	RouteScope
	NounScope
	S3Scope
)

// ParsedScope is a scope taken apart.
type ParsedScope struct {
	Kind ScopeKind

	Method, Path string // of a RouteScope; a Path that ends in "/" is a beginning

	Noun     string // of a NounScope: a noun of ours, or a whole word of Katapult's without prefix
	ReadOnly bool

	Access Access // of an S3Scope
	URL    S3URL
}

// ParseScope reads a scope in any of its forms.
func ParseScope(s string) (ParsedScope, error) {
	invalid := Fail(Invalid, CodeInvalidScope,
		`a scope is "all", "METHOD /path", a noun such as "leases" or "leases:read", a word of Katapult such as "object_storage", or "s3:read s3://bucket/prefix/"`).In("scopes")
	if len(s) > maxScopeBytes {
		return ParsedScope{}, invalid
	}
	if s == string(ScopeAll) {
		return ParsedScope{Kind: AllScope}, nil
	}
	word, rest, spaced := strings.Cut(s, " ")
	if !spaced {
		if bare := strings.TrimPrefix(word, KatapultPrefix); slices.Contains(KatapultScopes, bare) {
			return ParsedScope{Kind: NounScope, Noun: bare}, nil
		}
		noun, readOnly := strings.CutSuffix(word, ":read")
		if !slices.Contains(ScopeNouns, noun) {
			return ParsedScope{}, invalid
		}
		return ParsedScope{Kind: NounScope, Noun: noun, ReadOnly: readOnly}, nil
	}
	if level, ok := strings.CutPrefix(word, "s3:"); ok {
		access, err := ParseAccess(level)
		if err != nil {
			return ParsedScope{}, invalid
		}
		url, err := ParseS3URL(rest)
		if err != nil {
			return ParsedScope{}, invalid.Because(err)
		}
		return ParsedScope{Kind: S3Scope, Access: access, URL: url}, nil
	}
	if !slices.Contains(scopeMethods, word) || !plainPath(rest) {
		return ParsedScope{}, invalid
	}
	return ParsedScope{Kind: RouteScope, Method: word, Path: rest}, nil
}

// plainPath tells whether p is an absolute path in the one spelling that a
// routed request has: no escapes, no empty or dot segments, no query.
func plainPath(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, `%?#\ `) || strings.ContainsFunc(p, unicode.IsControl) {
		return false
	}
	return p == "/" || checkSegments(p[1:]) == nil
}
