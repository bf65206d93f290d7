package oauth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
)

// The events of clients, consents and signing keys.
const (
	ClientCreated keyhatch.Action = "oauth_client.create"
	ClientDeleted keyhatch.Action = "oauth_client.delete"
	Consented     keyhatch.Action = "consent.give"
	Ended                         = people.ConsentEnded
	Refreshed     keyhatch.Action = "consent.refresh"
	DeviceRefused keyhatch.Action = "device.refuse"
	KeyMade       keyhatch.Action = "signing_key.create"
	KeyWithdrawn  keyhatch.Action = "signing_key.withdraw"
)

// Service does the use cases.
type Service struct {
	k      *kernel.Kernel
	people *people.Service
	issuer string // what signed texts say who has signed them; empty: none can be signed

	failures *kernel.Meter // what was shown and is nothing, by address
	starts   *kernel.Meter // devices, by address
	guesses  *kernel.Meter // codes of devices, by user
	polls    *polls

	refreshes *kernel.Meter // by consent

	lifeElsewhere time.Duration // of a consent that was given in a session of a provider
	mostOfClient  int
}

// How often a minute (S12).
const (
	failuresOfAddress  = 60
	startsOfAddress    = 30
	guessesOfUser      = 10
	refreshesOfConsent = 30
	mostCounted        = 100_000
)

// How long what people let programs do who have logged in at a provider lasts: what the configuration
// says, else LifeElsewhere.
const (
	LifeElsewhere     = 30 * 24 * time.Hour
	MinLifeElsewhere  = time.Hour
	MostLifeElsewhere = 365 * 24 * time.Hour
)

// New makes the service. The issuer is the public URL of the server, without which nothing is
// signed. lifeElsewhere is as LifeElsewhere, which it is where it is zero.
func New(k *kernel.Kernel, p *people.Service, issuer string, lifeElsewhere time.Duration) *Service {
	return &Service{
		k: k, people: p, issuer: issuer,
		failures: kernel.NewMeter(mostCounted), starts: kernel.NewMeter(mostCounted), guesses: kernel.NewMeter(mostCounted), polls: newPolls(),
		refreshes: kernel.NewMeter(mostCounted), lifeElsewhere: cmp.Or(lifeElsewhere, LifeElsewhere), mostOfClient: mostOfClient,
	}
}

// Refusal is what a client is told in the words of OAuth 2. It is one of the kinds too.
//
// Source: RFC 6749, sections 4.1.2.1 and 5.2; RFC 8628, section 3.5.
type Refusal struct {
	Code    string
	Message string
	Kind    keyhatch.Kind
}

func (r Refusal) Error() string { return r.Code + ": " + r.Message }

// Unwrap makes errors.Is find the kind.
func (r Refusal) Unwrap() error { return r.Kind }

// The refusals. What of a code, a device or a refresh token is wrong is not told apart (S6).
var (
	ErrClient = Refusal{
		"invalid_client", "there is no such client, or that is not how it proves itself: send client_id, and of a confidential client its secret, of a public one none",
		keyhatch.Unauthenticated,
	}
	ErrRedirect  = Refusal{"invalid_request", "send as redirect_uri one of the client's addresses, to the letter: its registration lists them", keyhatch.Invalid}
	ErrGrant     = Refusal{"invalid_grant", "this is good for nothing any more: it was used, ended or mistyped, is too old, or was given to somebody else; begin again", keyhatch.Invalid}
	ErrFlow      = Refusal{"unauthorized_client", "the client is not registered for this flow: ask an installation admin", keyhatch.Forbidden}
	ErrScope     = Refusal{"invalid_scope", "the client may not ask for that scope: ask for fewer, or for none, which is all that it may", keyhatch.Invalid}
	ErrChallenge = Refusal{
		"invalid_request", "a code takes PKCE: send code_challenge, 43 characters of base64url, and code_challenge_method=S256",
		keyhatch.Invalid,
	}
	ErrLogin     = Refusal{"login_required", "the user has to log in first, or once more: send it here without prompt=none", keyhatch.Unauthenticated}
	ErrPending   = Refusal{"authorization_pending", "nobody has typed the code yet: ask again after the interval", keyhatch.Conflict}
	ErrSlowDown  = Refusal{"slow_down", "that was too early: wait five seconds longer each time from now on", keyhatch.TooMany}
	ErrDenied    = Refusal{"access_denied", "the user has said no: do not ask again until the user begins it", keyhatch.Forbidden}
	ErrExpired   = Refusal{"expired_token", "nobody has typed the code in time: begin again", keyhatch.Invalid}
	errNotPerson = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "only who has logged in consents, and no token does: log in on the page /login")
)

// failed counts a failure against the address that it came from.
func (svc *Service) failed(ctx context.Context, err error) error {
	if _, tooMany := svc.failures.Take(kernel.Sender(keyhatch.OriginOf(ctx).Address), failuresOfAddress, svc.k.Now()); tooMany != nil {
		return tooMany
	}
	return err
}

// grantFailed is what becomes of a failure to use something: what is not there counts against
// the address, and is told like all else that works no more.
func (svc *Service) grantFailed(ctx context.Context, err error) error {
	if errors.Is(err, keyhatch.NotFound) || errors.Is(err, ErrGrant) {
		return svc.failed(ctx, ErrGrant)
	}
	return err
}

// mustBePerson refuses who has shown a token or a key: what it would consent to could be more
// than it may itself (S4).
func mustBePerson(c keyhatch.Caller) error {
	if c.User.ID == "" || c.Token.ID != "" || c.Pair != "" || c.Lease != "" {
		return errNotPerson
	}
	return nil
}

// Prune removes what nothing can come of any more, and replaces a signing key in its time.
func (svc *Service) Prune(ctx context.Context) error {
	now := svc.k.Now()
	return errors.Join(
		svc.rotateOld(ctx),
		svc.k.DB.WriteSteps(ctx, func(tx *db.Tx) (bool, error) { return tx.PruneOAuth(ctx, now) }),
		svc.k.DB.Write(ctx, func(tx *db.Tx) error { return tx.PruneSigningKeys(ctx, now.Add(-keptOver)) }),
	)
}
