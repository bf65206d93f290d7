package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

const (
	password = "of paper and glue, and some string"
	back     = "https://app.example.org/back"
	verifier = "a-verifier-that-is-long-enough-for-the-rule-0123456789"
)

// world is a core in which ann has logged in with her password. web is a confidential client
// with the flow code, app a public one with both flows whose access tokens are signed.
type world struct {
	*coretest.Core
	t      *testing.T
	ann    keyhatch.Caller
	web    oauth.Proof
	app    oauth.Proof
	signer keyhatch.OAuthClient
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t}
	w.PublicURL = "https://keyhatch.example.org"
	w.Restart(t)
	w.ann = w.person("ann")
	made, secret := w.client(webClient())
	w.web = oauth.Proof{Client: made.Name, Secret: secret}
	w.signer, _ = w.client(appClient())
	w.app = oauth.Proof{Client: w.signer.Name}
	return w
}

func webClient() keyhatch.OAuthClient {
	return keyhatch.OAuthClient{
		Name: "web", Title: "A web site", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{back}, Confidential: true,
		Scopes: []keyhatch.Scope{"tokens", "leases"}, AccessLife: time.Hour, RefreshLife: 30 * 24 * time.Hour,
	}
}

func appClient() keyhatch.OAuthClient {
	return keyhatch.OAuthClient{
		Name: "app", Title: "A program", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow, keyhatch.DeviceFlow}, Redirects: []string{"http://127.0.0.1/back"},
		Signed: true, Scopes: []keyhatch.Scope{"all"}, AccessLife: time.Hour, RefreshLife: 24 * time.Hour,
	}
}

// person makes a user and logs it in.
func (w *world) person(name string) keyhatch.Caller {
	w.t.Helper()
	token := w.User(w.t, name)
	if err := w.Broker.Passwords.SetPassword(w.t.Context(), token, token.User.ID, "", password); err != nil {
		w.t.Fatal(err)
	}
	c, err := w.Broker.Passwords.Authenticate(w.t.Context(), name, password)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) client(n keyhatch.OAuthClient) (keyhatch.OAuthClient, keyhatch.Secret) {
	w.t.Helper()
	made, secret, err := w.Broker.OAuth.CreateClient(w.t.Context(), w.Admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return made, secret
}

// asks is what a client asks for, changed.
func asks(client, redirect string, change func(*oauth.Request)) oauth.Request {
	sum := sha256.Sum256([]byte(verifier))
	r := oauth.Request{Client: client, Redirect: redirect, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), Method: "S256"}
	if change != nil {
		change(&r)
	}
	return r
}

// code is one that ann has let web have.
func (w *world) code(change func(*oauth.Request)) keyhatch.Secret {
	w.t.Helper()
	code, err := w.Broker.OAuth.Allow(w.t.Context(), w.ann, asks("web", back, change))
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// webID is web's id, by which we know it and nobody else does.
func (w *world) webID() string {
	w.t.Helper()
	c, err := w.DB.OAuthClient(w.t.Context(), "web")
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

func redemption(code keyhatch.Secret) oauth.Redemption {
	return oauth.Redemption{Code: code, Redirect: back, Verifier: verifier}
}

// redeemed is what web gets for a new code.
func (w *world) redeemed(change func(*oauth.Request)) oauth.Issued {
	w.t.Helper()
	out, err := w.Broker.OAuth.Redeem(w.t.Context(), w.web, redemption(w.code(change)))
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// works tells whether an access token opens anything, in either form.
func (w *world) works(access keyhatch.Secret) bool {
	w.t.Helper()
	authenticate := w.Broker.People.Authenticate
	if keyhatch.LooksSigned(access.Reveal()) {
		authenticate = func(ctx ctx, s keyhatch.Secret) (keyhatch.Caller, error) {
			return w.Broker.Bearers.Authenticate(ctx, s, "")
		}
	}
	_, err := authenticate(w.t.Context(), access)
	if err != nil && !errors.Is(err, keyhatch.Unauthenticated) {
		w.t.Errorf("it is not known whether it works: %v", err)
	}
	return err == nil
}

// events counts what is on record.
func (w *world) events(a keyhatch.Action) int {
	w.t.Helper()
	l, err := w.Broker.Record.Events(w.t.Context(), w.Admin, record.EventFilter{Action: a}, kernel.Page{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(l.Items)
}

// refused checks which refusal it is.
func refused(t *testing.T, what string, err error, want oauth.Refusal) {
	t.Helper()
	var got oauth.Refusal
	if !errors.As(err, &got) || got != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// only drops the answer of a use case.
func only[T any](_ T, err error) error { return err }

// from is a context of a request from an address.
func from(t *testing.T, address string) ctx {
	return keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr(address)})
}
