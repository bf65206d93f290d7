package sessions

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Service does the use cases.
type Service struct {
	k        *kernel.Kernel
	failures *kernel.Meter // by address
	log      *slog.Logger
}

// New makes the service. The log is told of what went wrong without harm.
func New(k *kernel.Kernel, log *slog.Logger) *Service {
	return &Service{k: k, failures: kernel.NewMeter(mostCounted), log: log}
}

// The events of sessions.
const (
	Begun keyhatch.Action = "session.begin"
	Ended keyhatch.Action = "session.end"
)

// The bounds of sessions.
const (
	Idle    = 8 * time.Hour      // then one that is not used has ended
	Longest = 7 * 24 * time.Hour // then one has ended, however it is used
	// LongestAt is that of one that was begun at a provider, which says who is in what at each
	// login.
	LongestAt = 24 * time.Hour
	most      = 100         // of one user at a time: those that were not used for the longest go
	notedAt   = time.Minute // how often a use is written at most

	failuresPerMinute = 60 // of one address
	mostCounted       = 100_000
	maxBrowser        = 200 // bytes of what a browser calls itself
)

// Begin signs in a caller that has shown its password (Passwords.Authenticate), and returns what
// its browser shows from then on. That is new each time: what a browser showed before is
// nobody's. browser is what it calls itself.
func (svc *Service) Begin(ctx context.Context, c keyhatch.Caller, browser string) (secret keyhatch.Secret, s keyhatch.BrowserSession, err error) {
	if c.Password == "" {
		return "", s, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "a session begins with a password: send yours")
	}
	err = svc.k.Append(ctx, c, func(w *kernel.Work) error {
		secret, s, err = svc.BeginAt(w, browser, keyhatch.LoginStatement{LoggedIn: w.Now})
		return err
	})
	if err != nil {
		return "", keyhatch.BrowserSession{}, err
	}
	return secret, s, nil
}

// BeginAt signs in the caller of the work, who has logged in at a provider as that one says. Whether
// it is let in was decided before.
func (svc *Service) BeginAt(w *kernel.Work, browser string, said keyhatch.LoginStatement) (secret keyhatch.Secret, s keyhatch.BrowserSession, err error) {
	secret = keyhatch.NewSessionSecret()
	hash, err := svc.k.Keys.HashToken(secret)
	if err != nil {
		return "", s, err
	}
	from := w.Caller.Origin.AddressText()
	s = keyhatch.BrowserSession{
		ID: keyhatch.NewID(keyhatch.SessionID, w.Now), User: w.Caller.User.ID, Password: w.Caller.Password, Issuer: said.Issuer, Browser: calls(browser),
		CreatedAt: w.Now, CreatedFrom: from, LoggedIn: said.LoggedIn, LastUsedAt: w.Now, LastUsedFrom: from, ExpiresAt: w.Now.Add(Idle),
	}
	if err := w.Tx.InsertSession(w.Ctx, s, hash); err != nil {
		return "", s, err
	}
	stale, err := w.StalestSessions(w.Ctx, s.User, most)
	if err != nil {
		return "", s, err
	}
	for _, old := range stale {
		if err := end(w, old); err != nil {
			return "", s, err
		}
	}
	return secret, s, w.Record(Begun, "", s.ID, kernel.Detail("user", s.User, "name", w.Caller.User.Name, "browser", s.Browser, "issuer", said.Issuer, "subject", said.Subject))
}

// Of tells who is signed in: keyhatch.Unauthenticated when nobody is, or not any more, in the
// same words; keyhatch.TooMany for an address that has shown too much that signs nobody in, and for a
// user who asks too much. The session lives on by it.
func (svc *Service) Of(ctx context.Context, secret keyhatch.Secret) (keyhatch.Caller, error) {
	now, origin := svc.k.Now(), keyhatch.OriginOf(ctx)
	s, err := svc.find(ctx, secret, now)
	if errors.Is(err, keyhatch.NotFound) {
		_, tooMany := svc.failures.Take(kernel.Sender(origin.Address), failuresPerMinute, now)
		err = cmp.Or(tooMany, kernel.SessionInvalid())
	}
	if err != nil {
		return keyhatch.Caller{}, err
	}
	u, err := svc.k.DB.User(ctx, s.User)
	if errors.Is(err, keyhatch.NotFound) {
		err = kernel.SessionInvalid()
	}
	if err != nil {
		return keyhatch.Caller{}, err
	}
	c := keyhatch.Caller{User: u, Token: keyhatch.PasswordToken(u.ID), Session: s.ID, Origin: origin}
	if c.Allowance, err = svc.k.CountRequestOf(u.ID, now); err != nil {
		return keyhatch.Caller{Allowance: c.Allowance}, err
	}
	svc.used(ctx, s, origin, now)
	return c, nil
}

// End ends the session that a browser shows: who holds it may. What signs nobody in is not
// told apart.
func (svc *Service) End(ctx context.Context, secret keyhatch.Secret) error {
	s, err := svc.find(ctx, secret, svc.k.Now())
	if err == nil {
		err = svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			w.Caller.User.ID, w.Caller.Session = s.User, s.ID
			return end(w, s)
		})
	}
	if errors.Is(err, keyhatch.NotFound) {
		return nil
	}
	return err
}

// IssuerOf is the issuer of the provider at which who is signed in has logged in; empty: at none, or
// nobody is signed in.
func (svc *Service) IssuerOf(ctx context.Context, secret keyhatch.Secret) (string, error) {
	s, err := svc.find(ctx, secret, svc.k.Now())
	if errors.Is(err, keyhatch.NotFound) {
		return "", nil
	}
	return s.Issuer, err
}

func (svc *Service) find(ctx context.Context, secret keyhatch.Secret, now time.Time) (s keyhatch.BrowserSession, err error) {
	if !keyhatch.IsSessionSecret(secret.Reveal()) {
		return s, kernel.NotFound(keyhatch.CodeSessionNotFound)
	}
	err = svc.k.FindToken(ctx, secret, func(hashes []keyhatch.TokenHash) error {
		s, err = svc.k.DB.SessionByHash(ctx, hashes, now)
		return err
	})
	return s, err
}

// used moves the end of a session on. When that cannot be written it ends earlier, which
// is no reason to send its user away.
func (svc *Service) used(ctx context.Context, s keyhatch.BrowserSession, from keyhatch.Origin, now time.Time) {
	if now.Before(s.LastUsedAt.Add(notedAt)) {
		return
	}
	s.LastUsedAt, s.LastUsedFrom, s.ExpiresAt = now, from.AddressText(), now.Add(Idle)
	longest := Longest
	if s.Issuer != "" {
		longest = LongestAt
	}
	if last := s.CreatedAt.Add(longest); s.ExpiresAt.After(last) {
		s.ExpiresAt = last
	}
	err := svc.k.DB.Write(ctx, func(tx *db.Tx) error { return tx.SessionUsed(ctx, s) })
	if err != nil && ctx.Err() == nil {
		svc.log.WarnContext(ctx, "the use of a session could not be written; it ends earlier", "session", s.ID, "error", err)
	}
}

// calls is what a browser calls itself, of ASCII and cut: people read it in lists.
func calls(browser string) string {
	clean := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, browser)
	return strings.TrimSpace(clean[:min(len(clean), maxBrowser)])
}

func end(w *kernel.Work, s keyhatch.BrowserSession) error {
	if err := w.Tx.DeleteSession(w.Ctx, s.ID); err != nil {
		return err
	}
	return w.Record(Ended, "", s.ID, kernel.Detail("user", s.User))
}

// EndAt ends the sessions that the user has begun at the provider of the issuer. Whether that is to be
// was decided before.
func (svc *Service) EndAt(w *kernel.Work, user, issuer string) error {
	all, err := w.Sessions(w.Ctx, user, w.Now, db.Everything)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Issuer != issuer {
			continue
		}
		if err := end(w, s); err != nil {
			return err
		}
	}
	return nil
}

// Prune removes sessions that have expired.
func (svc *Service) Prune(ctx context.Context) error {
	return svc.k.DB.WriteSteps(ctx, func(tx *db.Tx) (bool, error) { return tx.PruneSessions(ctx, svc.k.Now()) })
}
