package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
	"golang.org/x/oauth2"
)

// Providers are those of the configuration.
type Providers struct {
	order []*provider
}

// provider is one with what it says of itself.
type provider struct {
	Provider
	client *http.Client

	mu      sync.Mutex
	found   discovered    // what it has said last; nothing before that
	fetched time.Time     // when it had said so
	failed  time.Time     // when it was found to be silent
	failure error         // and why
	running chan struct{} // closed when who asks it has ended; nil: nobody does
}

// discovered is what the discovery document says.
type discovered struct {
	*oidc.Provider
	verifier    *oidc.IDTokenVerifier
	endpoint    oauth2.Endpoint
	logout      string // end_session_endpoint; empty: it has none
	namesItself bool   // its answers have iss, always
}

// The bounds of what is asked of providers.
const (
	freshFor     = time.Hour // a discovery document
	timeout      = 10 * time.Second
	failedFor    = timeout   // for so long it is not asked again
	maxDocument  = 256 << 10 // bytes
	maxSubject   = 255       // OpenID Connect Core 1.0, section 2
	maxProviders = 20
)

// algorithms are those of ID tokens: none and those with a shared secret are not among them.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// New checks the rules. The transport is that by which providers are asked.
func New(list []Provider, transport http.RoundTripper) (*Providers, error) {
	all := &Providers{}
	if len(list) > maxProviders {
		return nil, fmt.Errorf("there are more than %d", maxProviders)
	}
	seen := map[string]bool{}
	for n, p := range list {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("providers[%d] (%s): %w", n, p.Name, err)
		}
		for _, unique := range []string{"name " + p.Name, "title " + p.Title, "issuer " + p.Issuer} {
			if seen[unique] {
				return nil, fmt.Errorf("providers[%d]: there is another one with the %s", n, unique)
			}
			seen[unique] = true
		}
		all.order = append(all.order, &provider{Provider: p, client: &http.Client{
			Transport: bounded{transport}, Timeout: timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
	}
	return all, nil
}

// List are the providers, in the configuration's order.
func (all *Providers) List() (out []keyhatch.LoginProvider) {
	for _, p := range all.order {
		out = append(out, keyhatch.LoginProvider{Name: p.Name, Title: p.Title, Issuer: p.Issuer})
	}
	return out
}

// Reach asks each provider what it says of itself, and tells, by name, which cannot be asked.
func (all *Providers) Reach(ctx context.Context) map[string]error {
	out := map[string]error{}
	for _, p := range all.order {
		_, err := p.ask(ctx)
		if err != nil {
			err = undiscovered(err)
		}
		out[p.Name] = err
	}
	return out
}

func (all *Providers) named(name string) (*provider, error) {
	for _, p := range all.order {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("there is no provider %q", name)
}

// Send is the address to which a browser is sent that logs in at the provider.
func (all *Providers) Send(ctx context.Context, name string, r keyhatch.LoginRequest) (string, error) {
	p, err := all.named(name)
	if err != nil {
		return "", err
	}
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	with := []oauth2.AuthCodeOption{oidc.Nonce(r.Nonce), oauth2.SetAuthURLParam("code_challenge", r.Challenge), oauth2.SetAuthURLParam("code_challenge_method", "S256")}
	if r.Age.Bounded {
		with = append(with, oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(r.Age.Most.Seconds()))))
	}
	if r.Age.Bounded && r.Age.Most == 0 { // not all know max_age
		with = append(with, oauth2.SetAuthURLParam("prompt", "login"))
	}
	return p.config(d, r.Redirect).AuthCodeURL(r.State, with...), nil
}

// From tells whether an answer that names its issuer, or none when that is empty, can be the provider's:
// another one's was mixed up with it.
//
// Source: RFC 9207, section 2.4.
func (all *Providers) From(ctx context.Context, name, issuer string) error {
	p, err := all.named(name)
	if err != nil {
		return err
	}
	d, err := p.discover(ctx)
	if err != nil {
		return err
	}
	if issuer != p.Issuer && (issuer != "" || d.namesItself) {
		return keyhatch.RefusedIssuer
	}
	return nil
}

// Redeem gives the provider its code back, and tells what it says of who has logged in. It is a
// keyhatch.LoginRefusal when the provider says nothing that counts, and another error when it
// cannot be asked.
func (all *Providers) Redeem(ctx context.Context, name string, a keyhatch.LoginAnswer) (s keyhatch.LoginStatement, err error) {
	p, err := all.named(name)
	if err != nil {
		return s, err
	}
	d, err := p.discover(ctx)
	if err != nil {
		return s, err
	}
	ctx, stop := context.WithTimeout(oidc.ClientContext(ctx, p.client), timeout)
	defer stop()
	token, err := p.config(d, a.Redirect).Exchange(ctx, a.Code.Reveal(), oauth2.VerifierOption(a.Verifier.Reveal()))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode >= http.StatusInternalServerError:
		return s, fmt.Errorf("the token endpoint answers %d", refused.Response.StatusCode)
	case errors.As(err, &refused):
		return s, fmt.Errorf("%w: the token endpoint answers %d, %.60q", keyhatch.RefusedCode, refused.Response.StatusCode, refused.ErrorCode)
	case err != nil:
		return s, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || len(raw) > keyhatch.MaxSigned {
		return s, keyhatch.RefusedAnswer
	}
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return s, p.reason(raw, err)
	}
	m := members{}
	switch err := id.Claims(&m); {
	case err != nil || id.Subject == "" || len(id.Subject) > maxSubject || m.text("sub") != id.Subject:
		return s, keyhatch.RefusedAnswer
	case id.Nonce != a.Nonce:
		return s, keyhatch.RefusedNonce
	case !p.azp(id.Audience, m):
		return s, keyhatch.RefusedAudience
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil:
		return s, keyhatch.RefusedAnswer
	}
	return p.read(m), nil
}

// azp tells whether the ID token was made for us, and not only to be read by us too.
//
// Source: OpenID Connect Core 1.0, section 3.1.3.7, steps 3 to 5.
func (p *provider) azp(audience []string, m members) bool {
	_, named := m["azp"]
	return m.text("azp") == p.ClientID || !named && len(audience) == 1
}

// Leave is the address at which a browser is logged out of the provider of the issuer, and led back
// from; empty where the provider has none, or has not said yet since the start: it is not asked for
// that, since who leaves must not wait for it.
//
// Source: OpenID Connect RP-Initiated Logout 1.0, section 2.
func (all *Providers) Leave(issuer, back string) string {
	for _, p := range all.order {
		if p.Issuer != issuer {
			continue
		}
		p.mu.Lock()
		logout := p.found.logout
		p.mu.Unlock()
		u, err := url.Parse(logout)
		if err != nil || logout == "" {
			return ""
		}
		q := u.Query()
		q.Set("client_id", p.ClientID)
		q.Set("post_logout_redirect_uri", back)
		u.RawQuery = q.Encode()
		return u.String()
	}
	return ""
}

func (p *provider) config(d discovered, redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret.Reveal(), Endpoint: d.endpoint, RedirectURL: redirect, Scopes: p.Scopes}
}

// discover tells what the provider says of itself. It is asked once an hour, by one at a time, and not
// all the time while it cannot be asked. Only who knows nothing of it waits for that: what it
// said before holds on.
func (p *provider) discover(ctx context.Context) (discovered, error) {
	p.mu.Lock()
	if p.running == nil && time.Since(p.fetched) >= freshFor && time.Since(p.failed) >= failedFor {
		p.running = make(chan struct{})
		go p.refresh(context.WithoutCancel(ctx)) // others wait for it
	}
	known, running := p.found, p.running
	p.mu.Unlock()
	if known.Provider == nil && running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return discovered{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found.Provider == nil {
		return discovered{}, undiscovered(p.failure)
	}
	return p.found, nil
}

// undiscovered is why a provider cannot be asked. The error may hold all of a page that is no document.
func undiscovered(err error) error { return fmt.Errorf("discovery: %.300s", err) }

// refresh asks the provider, whoever waits for that.
func (p *provider) refresh(ctx context.Context) {
	found, err := p.ask(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.found, p.fetched = found, time.Now()
	} else {
		p.failure, p.failed = err, time.Now()
	}
	close(p.running)
	p.running = nil
}

func (p *provider) ask(ctx context.Context) (d discovered, err error) {
	ctx, stop := context.WithTimeout(oidc.ClientContext(ctx, p.client), timeout)
	defer stop()
	if d.Provider, err = oidc.NewProvider(ctx, p.Issuer); err != nil {
		return d, err
	}
	var more struct {
		Keys        string   `json:"jwks_uri"`
		Logout      string   `json:"end_session_endpoint"`
		NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := d.Claims(&more); err != nil {
		return d, err
	}
	d.endpoint = d.Endpoint()
	d.endpoint.AuthStyle = p.style(more.Methods)
	d.logout, d.namesItself = more.Logout, more.NamesItself
	for name, address := range map[string]string{"authorization_endpoint": d.endpoint.AuthURL, "token_endpoint": d.endpoint.TokenURL, "jwks_uri": more.Keys, "end_session_endpoint": more.Logout} {
		if name == "end_session_endpoint" && address == "" {
			continue
		}
		if err := checkEndpoint(address, strings.HasPrefix(p.Issuer, "http:")); err != nil {
			return d, fmt.Errorf("%s: %w", name, err)
		}
	}
	d.verifier = d.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms})
	return d, nil
}

// checkEndpoint is issuers.CheckURL for endpoints, which may have a query.
func checkEndpoint(address string, anyHTTP bool) error {
	without, _, _ := strings.Cut(address, "?")
	return issuers.CheckURL(without, anyHTTP)
}

// style is how the provider wants us to show our secret. It is not tried out: that would send the
// code twice.
func (p *provider) style(methods []string) oauth2.AuthStyle {
	for _, m := range methods {
		if m == "client_secret_basic" && p.Secret != "" {
			return oauth2.AuthStyleInHeader
		}
	}
	if p.Secret == "" || len(methods) > 0 {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// bounded ends what is longer than any document of a provider.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		a.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(a.Body, maxDocument), a.Body}
	}
	return a, err
}
