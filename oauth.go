package keyhatch

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// OAuthClient is a program that users let act for them: it asks our authorization server
// for tokens, and a user consents. Installation admins register it.
type OAuthClient struct {
	ID        string
	Name      string // what it calls itself on the wire, its client_id; never changed
	Title     string // what users are shown
	Flows     []OAuthFlow
	Redirects []string // where codes are sent, see CheckRedirect
	// Confidential clients keep a secret, and show it. Public ones, which run where their
	// users are, have none.
	Confidential bool
	// Trusted clients are the installation's own: users who are logged in are not asked. They
	// are confidential, but for EarthdataClient. A device is asked for in any case, since anybody can show a code.
	Trusted bool
	// Signed: access tokens are signed texts (JWTs) that others can check too. Otherwise
	// they are like every API token.
	Signed bool
	// Earthdata: it was made for Earthdata Login, is confidential, and knows no PKCE: its
	// codes do without, and its secret and the one address must do. It may ask whose token
	// it was shown, and its answers name the user by a path.
	Earthdata   bool
	Scopes      []Scope       // what its tokens may at most
	AccessLife  time.Duration // how long an access token lives
	RefreshLife time.Duration // how long it can be refreshed since it last was; zero: not at all
	CreatedAt   time.Time
}

// OAuthFlow is a way in which a client comes to tokens.
type OAuthFlow string

// The flows: a browser that is sent back with a code (RFC 6749, section 4.1), and a device
// without one (RFC 8628).
const (
	CodeFlow   OAuthFlow = "code"
	DeviceFlow OAuthFlow = "device"
)

// LoginClient is the command line's own client. It is registered nowhere.
var LoginClient = OAuthClient{
	ID: string(OAuthClientID) + "_000000000000000", Name: "keyhatch", Title: "the command line, keyhatch login", Flows: []OAuthFlow{DeviceFlow},
	Scopes: []Scope{"all"}, AccessLife: MaxAccessLife,
}

// EarthdataClient is our own door for data users' keys, to which people who have logged in
// are sent back with a code. It is registered nowhere; its one address is KeysRedirect at
// the server's public URL. Its tokens borrow what reads, and do nothing else.
var EarthdataClient = OAuthClient{
	ID: string(OAuthClientID) + "_000000000000001", Name: "s3credentials", Title: "keys to data, at /s3credentials", Flows: []OAuthFlow{CodeFlow},
	Trusted: true, Scopes: []Scope{EarthdataScope}, AccessLife: 12 * time.Hour,
}

// KeysRedirect is the path to which EarthdataClient is sent back.
const KeysRedirect = "/redirect"

// EarthdataScope is what tokens may that come of Earthdata Login's calls.
const EarthdataScope Scope = "GET /s3credentials"

// BuiltInClient returns that of the server's own clients which has the name or the id. They
// are registered nowhere.
func BuiltInClient(nameOrID string) (c OAuthClient, ok bool) {
	for _, c := range []OAuthClient{LoginClient, EarthdataClient} {
		if nameOrID == c.Name || nameOrID == c.ID {
			return c, true
		}
	}
	return OAuthClient{}, false
}

// BuiltIn tells whether the client is one of the server's own.
func (c OAuthClient) BuiltIn() bool {
	_, ok := BuiltInClient(c.ID)
	return ok
}

// How long tokens of clients live.
const (
	MinAccessLife    = time.Minute
	MaxAccessLife    = 90 * 24 * time.Hour
	MaxSignedLife    = 24 * time.Hour // others cannot know that one was revoked
	MaxRefreshLife   = 90 * 24 * time.Hour
	MaxRedirects     = 20
	MaxRedirectBytes = 1024
)

// Check holds the rules for a client that is registered.
func (c OAuthClient) Check() error {
	fail := func(field, format string, args ...any) error {
		return Fail(Invalid, CodeInvalidRequest, format, args...).In(field)
	}
	if err := CheckName(c.Name); err != nil {
		return err
	}
	if err := CheckText("title", c.Title); err != nil {
		return err
	}
	longest := MaxAccessLife
	if c.Signed {
		longest = MaxSignedLife
	}
	flow := func(f OAuthFlow) bool { return slices.Contains(c.Flows, f) }
	_, taken := BuiltInClient(c.Name)
	switch {
	case taken:
		return fail("name", "that name is the server's own: choose another one")
	case c.Earthdata && !(c.Confidential && flow(CodeFlow) && len(c.Flows) == 1 && len(c.Redirects) == 1):
		return fail("earthdata", "a client that was made for Earthdata Login is confidential, has the flow code alone, and one address to which codes are sent: that is all that protects its codes")
	case len(c.Flows) == 0 || slices.ContainsFunc(c.Flows, func(f OAuthFlow) bool { return f != CodeFlow && f != DeviceFlow }):
		return fail("flows", "a client has one of the flows code and device, or both")
	case flow(CodeFlow) != (len(c.Redirects) > 0):
		return fail("redirects", "a client with the flow code has addresses to which codes are sent, and no other client has any")
	case len(c.Redirects) > MaxRedirects:
		return fail("redirects", "a client has at most %d addresses to which codes are sent", MaxRedirects)
	case c.Trusted && !c.Confidential:
		return fail("trusted", "users are asked about a client that has no secret, since anybody can say that it is that one: make it confidential, or not trusted")
	case len(c.Scopes) == 0:
		return fail("scopes", "say what the client's tokens may: it is one scope at least")
	case c.AccessLife < MinAccessLife || c.AccessLife > longest:
		return fail("access_seconds", "an access token lives %d to %d seconds", int(MinAccessLife.Seconds()), int(longest.Seconds()))
	case c.RefreshLife != 0 && (c.RefreshLife < c.AccessLife || c.RefreshLife > MaxRefreshLife):
		return fail("refresh_seconds", "a client's tokens can be refreshed for as long as one lives at least, and %d seconds at most; 0 is not at all", int(MaxRefreshLife.Seconds()))
	}
	for _, r := range c.Redirects {
		if err := CheckRedirect(r); err != nil {
			return err
		}
	}
	return nil
}

// CheckRedirect holds the rule for an address to which codes are sent: https, or a scheme of
// the client's own that has a dot in it, or http on the machine itself; without a fragment
// and a user, and in the characters that a URL has.
//
// Source: RFC 8252, section 7; RFC 9700, section 2.1.
func CheckRedirect(text string) error {
	fail := Fail(Invalid, CodeInvalidRequest,
		"codes are sent to an https URL, to http://127.0.0.1, http://[::1] or http://localhost, or to a scheme of the client's own with a dot in it (org.example.app:/back): whole, without a user, a fragment and any wildcard").In("redirects")
	u, err := url.Parse(text)
	if err != nil || len(text) > MaxRedirectBytes || u.User != nil || strings.ContainsFunc(text, notOfURL) || strings.Contains(text, "#") {
		return fail
	}
	ok := false
	switch u.Scheme {
	case "https":
		ok = u.Hostname() != "" && u.Opaque == ""
	case "http":
		ok = IsLoopback(u.Hostname())
	default:
		ok = strings.Contains(u.Scheme, ".") && u.Host == ""
	}
	if !ok {
		return fail
	}
	return nil
}

// notOfURL tells of what stands in no URL, of the backslash, which browsers take for a slash,
// and of the star, which would look like a wildcard.
func notOfURL(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\\\"<>^`{|}*", c) }

// SendsTo tells whether a code may be sent to the address: it is one of the client's, to the
// letter. Only of an address of the machine itself, as http://127.0.0.1/back, the port may be
// any, since programs take whatever is free.
//
// Source: RFC 8252, section 7.3; RFC 9700, section 4.1.3.
func (c OAuthClient) SendsTo(address string) bool {
	return slices.ContainsFunc(c.Redirects, func(registered string) bool {
		return registered == address || withoutPort(address) != "" && withoutPort(address) == withoutPort(registered)
	})
}

// withoutPort is an address of the machine itself without its port; empty for any other
// address, and for one that is not written as plainly as it can be.
func withoutPort(address string) string {
	u, err := url.Parse(address)
	if err != nil || CheckRedirect(address) != nil || u.Scheme != "http" || !IsLoopback(u.Hostname()) || u.Hostname() == "localhost" || u.String() != address {
		return ""
	}
	u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	return u.String()
}

// Consent is what a user has let a client do: all tokens that came of it end with it.
type Consent struct {
	ID        string
	Client    string // its id
	User      string
	Scopes    []Scope
	OpenID    bool      // the client is told who the user is (OpenID Connect)
	Nonce     string    // that the client has asked with
	LoggedIn  time.Time // when the user showed who it is; zero: a provider has not said
	Issuer    string    // the provider at which the user had logged in; empty: at none
	CreatedAt time.Time
	ExpiresAt time.Time // when nothing can come of it any more; moved on when it is refreshed
	EndsAt    time.Time // whatever comes of it ends then; zero: it has no such end
}

// Within is the time, or the end of the consent if that is earlier.
func (c Consent) Within(t time.Time) time.Time {
	if !c.EndsAt.IsZero() && c.EndsAt.Before(t) {
		return c.EndsAt
	}
	return t
}

// Lasts tells whether the consent has not come to its end at the time.
func (c Consent) Lasts(now time.Time) bool { return c.EndsAt.IsZero() || now.Before(c.EndsAt) }
