package logins

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/db"
)

// Providers talk to the providers at which people log in.
type Providers interface {
	// List are the providers, in the order in which people see them.
	List() []keyhatch.LoginProvider
	// Send is the address to which a browser is sent that logs in at the one of the name.
	Send(ctx context.Context, name string, r keyhatch.LoginRequest) (address string, err error)
	// From refuses an answer that names another issuer, with keyhatch.RefusedIssuer.
	From(ctx context.Context, name, issuer string) error
	// Redeem tells what the provider says of who has logged in: a keyhatch.LoginRefusal when that
	// does not count, and another error when it cannot be asked.
	Redeem(ctx context.Context, name string, a keyhatch.LoginAnswer) (keyhatch.LoginStatement, error)
	// Leave is where a browser is logged out of the provider of the issuer, and sent back from;
	// empty: nowhere. The provider is not asked for that.
	Leave(issuer, back string) (address string)
}

// Config is what the service works with.
type Config struct {
	Providers Providers // nil: there are none
	// NoPasswords has the pages ask for no password.
	NoPasswords bool
	// PublicURL is where browsers reach us.
	PublicURL string
	Log       *slog.Logger
}

// Service does the use cases.
type Service struct {
	k        *kernel.Kernel
	people   *people.Service
	sessions *sessions.Service
	begun    *kernel.Meter // by address
	failures *kernel.Meter // by address
	Config
}

// New makes the service.
func New(k *kernel.Kernel, p *people.Service, s *sessions.Service, c Config) *Service {
	return &Service{k: k, people: p, sessions: s, begun: kernel.NewMeter(mostCounted), failures: kernel.NewMeter(mostCounted), Config: c}
}

// The events of logins at providers.
const (
	// Linked is that somebody is a user from then on.
	Linked  keyhatch.Action = "identity.link"
	Refused keyhatch.Action = "login.refuse"
)

// The bounds of logins.
const (
	Life           = 10 * time.Minute // of one that was begun
	begunPerMinute = 60               // of one address, where many may sit
	failPerMinute  = 30               // of one address
	mostCounted    = 100_000
	mostBegun      = 10_000 // of all addresses, at a time: those that were begun first go
	chance         = 32     // bytes of what a browser holds
)

// List are the providers at which people can log in.
func (svc *Service) List() []keyhatch.LoginProvider {
	if svc.Providers == nil {
		return nil
	}
	return svc.Providers.List()
}

// Passwords tells whether the pages ask for a password.
func (svc *Service) Passwords() bool { return !svc.NoPasswords }

// What a browser is sent with is made of what it holds: who has the one, as the provider and
// whoever sees addresses have, does not have the other.
func derived(secret keyhatch.Secret, what string) string {
	sum := sha256.Sum256([]byte("login|" + what + "|" + secret.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Wanted is what a browser wants that begins a login.
type Wanted struct {
	Next string // where it is led on to
	Age  keyhatch.LoginAge
}

// Begin begins a login at the provider of the name: the browser is to hold the secret, and to be sent to
// the address. keyhatch.TooMany for an address that begins too many, keyhatch.Unavailable where the
// provider cannot be reached.
func (svc *Service) Begin(ctx context.Context, provider string, wanted Wanted) (address string, secret keyhatch.Secret, err error) {
	if !slices.ContainsFunc(svc.List(), func(p keyhatch.LoginProvider) bool { return p.Name == provider }) {
		return "", "", keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeRouteNotFound, "there is no such provider: choose one on the page /login")
	}
	now := svc.k.Now()
	if _, err := svc.begun.Take(kernel.Sender(keyhatch.OriginOf(ctx).Address), begunPerMinute, now); err != nil {
		return "", "", err
	}
	random := make([]byte, chance)
	rand.Read(random) // never fails (crypto/rand)
	secret = keyhatch.Secret(base64.RawURLEncoding.EncodeToString(random))
	address, err = svc.Providers.Send(ctx, provider, keyhatch.LoginRequest{
		Redirect: svc.redirect(provider), State: derived(secret, "state"), Nonce: derived(secret, "nonce"), Challenge: challenge(derived(secret, "verifier")), Age: wanted.Age,
	})
	if err != nil {
		return "", "", silent(err)
	}
	hash := hashOf(secret)
	next, err := svc.k.Keys.SealTicket(nextOf(hash), wanted.Next)
	if err != nil {
		return "", "", err
	}
	err = svc.k.ByItself(ctx, func(w *kernel.Work) error {
		if err := w.Tx.BeginLogin(ctx, db.BegunLogin{Hash: hash, Provider: provider, Next: next, Age: wanted.Age, ExpiresAt: w.Now.Add(Life)}); err != nil {
			return err
		}
		return w.Tx.KeepLogins(ctx, mostBegun)
	})
	return address, secret, err
}

// nextOf is what the address is sealed for to which a login leads on: a client's state and nonce are in it.
func nextOf(hash []byte) string {
	return "login|" + base64.RawURLEncoding.EncodeToString(hash)
}

func (svc *Service) redirect(provider string) string {
	return svc.PublicURL + "/login/" + provider + "/back"
}

func hashOf(secret keyhatch.Secret) []byte {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return sum[:]
}

func silent(err error) error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
		"the provider does not answer as it must: try again in a while, and tell an installation admin if that does not help; the server's log says more").Because(err)
}

// Back is what a browser brings from a provider.
type Back struct {
	Secret  keyhatch.Secret // what the browser holds
	State   string
	Issuer  string // RFC 9207; empty: it says none
	Code    keyhatch.Secret
	Error   string // of the provider, in place of a code
	Browser string // what it calls itself
}

// Came is who has come back from a provider.
type Came struct {
	Secret keyhatch.Secret // what its browser shows from then on
	Next   string          // where it is led on to; empty where that is not known, and also of who is not let in
}

// Finish signs in who comes back from a provider. It is
// keyhatch.Unauthenticated, with keyhatch.CodeLoginRefused and what to do about it, for who is
// not let in, which is on record; keyhatch.TooMany for an address that fails too often.
func (svc *Service) Finish(ctx context.Context, provider string, b Back) (came Came, err error) {
	said, begun, err := svc.ask(ctx, provider, b)
	came.Next = begun.Next
	if err == nil {
		err = svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			if w.Caller.User, err = svc.identify(w, said); err != nil {
				return err
			}
			if err := svc.follow(w, said); err != nil {
				return err
			}
			came.Secret, _, err = svc.sessions.BeginAt(w, b.Browser, said)
			return err
		})
	}
	if err != nil {
		came.Secret = ""
		return came, svc.refused(ctx, provider, said, err)
	}
	return came, nil
}

// ask takes the browser's word for nothing but its code.
func (svc *Service) ask(ctx context.Context, provider string, b Back) (said keyhatch.LoginStatement, begun db.BegunLogin, err error) {
	if subtle.ConstantTimeCompare([]byte(derived(b.Secret, "state")), []byte(b.State)) != 1 || b.Secret == "" {
		return said, begun, keyhatch.RefusedState
	}
	hash := hashOf(b.Secret)
	err = svc.k.ByItself(ctx, func(w *kernel.Work) (err error) {
		begun, err = w.Tx.EndLogin(ctx, hash, provider, w.Now)
		return err
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = keyhatch.RefusedReplay
	}
	if err != nil {
		return said, begun, err
	}
	next, err := svc.k.Keys.OpenTicket(nextOf(hash), begun.Next)
	if err != nil { // its key may be gone
		begun.Next = ""
		return said, begun, keyhatch.RefusedReplay
	}
	begun.Next = next
	err = svc.Providers.From(ctx, provider, b.Issuer)
	switch {
	case errors.Is(err, keyhatch.RefusedIssuer):
		return said, begun, err
	case err != nil:
		return said, begun, silent(err)
	case b.Error != "" || b.Code == "":
		return said, begun, keyhatch.RefusedThere
	}
	said, err = svc.Providers.Redeem(ctx, provider, keyhatch.LoginAnswer{
		Redirect: svc.redirect(provider), Code: b.Code, Verifier: keyhatch.Secret(derived(b.Secret, "verifier")), Nonce: derived(b.Secret, "nonce"),
	})
	var why keyhatch.LoginRefusal
	if err != nil && !errors.As(err, &why) {
		err = silent(err)
	}
	if err != nil {
		return said, begun, err
	}
	now := svc.k.Now()
	if said.LoggedIn.After(now) { // by its clock
		said.LoggedIn = now
	}
	if !recent(said.LoggedIn, begun, now) {
		err = keyhatch.RefusedAge
	}
	return said, begun, err
}

// recent tells whether who has logged in at the time comes of the login that was begun, as old as that may be. A provider
// that does not say when is not believed.
//
// Source: OpenID Connect Core 1.0, sections 2 (auth_time) and 3.1.2.1.
func recent(loggedIn time.Time, begun db.BegunLogin, now time.Time) bool {
	if !begun.Age.Bounded {
		return true
	}
	first := now.Add(-begun.Age.Most)
	if begun.Age.Most == 0 {
		first = begun.ExpiresAt.Add(-Life)
	}
	return !loggedIn.IsZero() && !loggedIn.Before(first.Add(-keyhatch.ProviderClock))
}

// Leave is where a browser is logged out of the provider at which its user has logged in, and sent back
// from to a path of ours; empty: nowhere.
func (svc *Service) Leave(issuer, path string) string {
	if svc.Providers == nil || issuer == "" {
		return ""
	}
	return svc.Providers.Leave(issuer, svc.PublicURL+path)
}

// EndOthers takes what logins have given at providers which the configuration does not name any more, and ends the
// sessions that were begun there.
func (svc *Service) EndOthers(ctx context.Context) error {
	all, err := svc.k.DB.LoggedIn(ctx)
	if err != nil {
		return err
	}
	for _, at := range all {
		if slices.ContainsFunc(svc.List(), func(p keyhatch.LoginProvider) bool { return p.Issuer == at.Issuer }) {
			continue
		}
		err := svc.k.ByItself(ctx, func(w *kernel.Work) error {
			u, err := w.User(ctx, at.User)
			if errors.Is(err, keyhatch.NotFound) { // removed meanwhile, with all of it
				return nil
			}
			if err != nil {
				return err
			}
			return svc.shutOut(w, u, at.Issuer)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Prune removes logins that were begun and cannot come back any more.
func (svc *Service) Prune(ctx context.Context) error {
	return svc.k.DB.WriteSteps(ctx, func(tx *db.Tx) (bool, error) { return tx.PruneLogins(ctx, svc.k.Now()) })
}
