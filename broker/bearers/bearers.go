package bearers

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// Issuers check signed tokens.
type Issuers interface {
	// Verify tells what a signed token says at the time, keyhatch.Unauthenticated when it
	// is not one of a trusted issuer, or not good.
	Verify(ctx context.Context, jwt keyhatch.Secret, now time.Time) (keyhatch.Assertion, error)
	// Rules are the trusted issuers, with what stands for the rules of each.
	Rules() map[string]string
}

// Service does the use case.
type Service struct {
	k       *kernel.Kernel
	people  *people.Service
	issuers Issuers       // nil: nobody is trusted
	lines   *kernel.Meter // of refusals in the log, by issuer
	log     *slog.Logger
}

// New makes the service.
func New(k *kernel.Kernel, p *people.Service, issuers Issuers, log *slog.Logger) *Service {
	return &Service{k: k, people: p, issuers: issuers, lines: kernel.NewMeter(math.MaxInt), log: log}
}

// Authenticate tells whose signed token it is, and counts the request against the limit that
// all signed tokens of its issuer for that user share. Where the token may be used in several
// workspaces and does not say in which, workspace does, by id or name;
// keyhatch.Invalid when nothing does. It is keyhatch.Unauthenticated in all other cases in which
// People.Authenticate would be: nothing tells why, but the log. From an address that has failed
// too often it is keyhatch.TooMany for every one that was not let in before.
func (svc *Service) Authenticate(ctx context.Context, jwt keyhatch.Secret, workspace string) (keyhatch.Caller, error) {
	ours, err := svc.people.HasIssued(ctx, jwt)
	switch {
	case err != nil:
		return keyhatch.Caller{}, err
	case ours: // a token like any other, of which its row tells everything
		return svc.people.Authenticate(ctx, jwt)
	}
	now := svc.k.Now()
	s, err := svc.open(ctx, jwt, workspace, now)
	s.caller.Origin, s.caller.Roles = keyhatch.OriginOf(ctx), s.Roles
	c, err := svc.people.Admit(s.caller, now, err)
	switch {
	case err == nil && s.nowhere != nil:
		return keyhatch.Caller{Allowance: c.Allowance}, s.nowhere
	case err != nil || s.kept:
		return c, err
	}
	return svc.keep(ctx, c, s)
}

// shown is a signed token that was shown.
type shown struct {
	keyhatch.Assertion
	caller keyhatch.Caller
	token  keyhatch.Token // as it is kept, or is to be
	kept   bool
	// nowhere is why it is not known in which workspace it is used, for who shows it.
	nowhere error
}

// secret is what is hashed in place of a token's secret; none of those looks like it.
func (s shown) secret() keyhatch.Secret { return "jwt " + s.Signed }

// open checks a signed token, and finds or begins the token that stands for it.
func (svc *Service) open(ctx context.Context, jwt keyhatch.Secret, workspace string, now time.Time) (s shown, err error) {
	if svc.issuers == nil {
		return s, kernel.TokenInvalid()
	}
	over, err := svc.trial(ctx, jwt, now)
	if err != nil {
		return s, err
	}
	s.Assertion, err = svc.issuers.Verify(ctx, jwt, now)
	over()
	if err != nil {
		return s, kernel.TokenInvalid()
	}
	if err := svc.find(ctx, &s, now); err != nil {
		return s, svc.refused(ctx, s, err)
	}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error { return s.place(image, workspace) })
	return s, svc.refused(ctx, s, err)
}

// reason is why somebody whose signed token is good is not let in. It is for the log.
type reason string

func (r reason) Error() string { return string(r) }

// linesAMinute bounds what is logged of refusals for each issuer: who has a signed token can show
// it as often as it likes.
const linesAMinute = 10

func (svc *Service) refused(ctx context.Context, s shown, err error) error {
	var why reason
	if !errors.As(err, &why) {
		return err
	}
	if _, err := svc.lines.Take(s.Issuer, linesAMinute, svc.k.Now()); err != nil {
		return kernel.TokenInvalid()
	}
	svc.log.WarnContext(ctx, "a signed token was refused", "issuer", s.Issuer, "reason", why, "request_id", keyhatch.OriginOf(ctx).RequestID)
	return kernel.TokenInvalid()
}

// trial is before a signature is checked. From an address that has failed too often only
// what was let in before is looked at: who makes up signed tokens makes no work, and others
// behind the address work on.
func (svc *Service) trial(ctx context.Context, jwt keyhatch.Secret, now time.Time) (over func(), err error) {
	if len(jwt) > keyhatch.MaxSigned {
		return nil, kernel.TokenInvalid()
	}
	before := shown{Assertion: keyhatch.Assertion{Signed: keyhatch.WhatIsSigned(jwt)}}
	switch err := svc.lookUp(ctx, &before, now); {
	case err == nil && before.token.Live(now):
		return func() {}, nil
	case err == nil || errors.Is(err, keyhatch.NotFound):
		return svc.people.Trial(keyhatch.OriginOf(ctx), now)
	default:
		return nil, err
	}
}

// find looks up the token that stands for it, or begins one.
func (svc *Service) find(ctx context.Context, s *shown, now time.Time) error {
	switch err := svc.lookUp(ctx, s, now); {
	case errors.Is(err, keyhatch.NotFound):
		return svc.begin(ctx, s, now)
	case err != nil:
		return err
	}
	s.kept = true
	return s.stillGood(s.token, now)
}

// lookUp looks up the token that stands for it, in memory: keyhatch.NotFound when there is none.
func (svc *Service) lookUp(ctx context.Context, s *shown, now time.Time) error {
	return svc.k.FindToken(ctx, s.secret(), func(hashes []keyhatch.TokenHash) error {
		return svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
			for _, s.caller.Secret = range hashes {
				if s.token, err = image.TokenByHash(s.caller.Secret, now); err == nil {
					return nil
				}
			}
			return err
		})
	})
}

// stillGood refuses what was revoked, or was accepted by rules that are others now.
func (s shown) stillGood(t keyhatch.Token, now time.Time) error {
	switch {
	case !t.Live(now):
		return reason("it was revoked")
	case t.Bearer.Issuer != s.Issuer || t.Bearer.Rules != s.Rules:
		return reason("it was accepted by other rules")
	}
	return nil
}

// begin makes the token of one that was not shown before.
func (svc *Service) begin(ctx context.Context, s *shown, now time.Time) (err error) {
	if err := svc.ofNobodyBefore(ctx, s); err != nil {
		return err
	}
	s.caller.User, err = svc.userOf(ctx, s)
	if errors.Is(err, keyhatch.NotFound) {
		return reason("there is no such user")
	}
	if err != nil {
		return err
	}
	s.token = keyhatch.Token{
		ID: keyhatch.NewID(keyhatch.TokenID, now), User: s.caller.User.ID, Name: s.Subject, Scopes: s.Scopes, Networks: s.Networks,
		ExpiresAt: kernel.Stored(s.ExpiresAt), Since: now, CreatedAt: now, CreatedFrom: keyhatch.OriginOf(ctx).AddressText(),
		Bearer: keyhatch.Bearer{Issuer: s.Issuer, Rules: s.Rules, Until: kernel.Stored(s.ExpiresAt)},
	}
	return svc.k.Mirror.View(ctx, func(image *mirror.Image) error { return s.confine(image) })
}

// userOf finds the user that it is of: keyhatch.NotFound when there is none.
func (svc *Service) userOf(ctx context.Context, s *shown) (keyhatch.User, error) {
	if !s.ByLogin {
		return svc.k.DB.UserByName(ctx, s.User)
	}
	i, err := svc.k.DB.Identity(ctx, s.Issuer, s.Subject)
	if err == nil && !s.SignedAt.After(i.CreatedAt.Add(-ahead)) {
		err = reason("it was signed before its subject was this user")
	}
	if err == nil && i.User == "" {
		err = reason("its user was removed")
	}
	if err != nil {
		return keyhatch.User{}, err
	}
	return svc.k.DB.User(ctx, i.User)
}

// ofNobodyBefore refuses what was signed of another user who had the name before.
func (svc *Service) ofNobodyBefore(ctx context.Context, s *shown) error {
	hashes, err := svc.k.Keys.HashesOfToken(s.secret())
	if err != nil {
		return err
	}
	ended, err := svc.k.DB.BearerEnded(ctx, hashes)
	if err != nil {
		return err
	}
	until, err := svc.k.DB.FormerName(ctx, s.User)
	if err == nil && (ended || !until.IsZero() && !s.SignedAt.After(until.Add(ahead))) {
		err = reason("it was signed of another user, who had the name before")
	}
	return err
}

// ahead is how far an issuer's clock may be ahead.
const ahead = time.Minute

// confine gives a new token its workspace: the one that the issuer says, or the only one
// that there is. Without it, who asks has to say.
func (s *shown) confine(image *mirror.Image) error {
	may := s.permitted(image)
	switch {
	case s.Workspace != "":
		said, err := image.Workspace(s.Workspace)
		if err != nil || !slices.Contains(may, said.ID) {
			return reason("its workspace is none of the issuer's workspaces")
		}
		s.token.Workspace = said.ID
	case len(s.Workspaces) == 1 && len(may) == 1:
		s.token.Workspace = may[0]
	case len(may) == 0:
		return reason("there is none of the issuer's workspaces")
	}
	scopes, err := policy.ParseScopes(s.token.Scopes)
	if err == nil && scopes.BoundsS3() && s.token.Workspace == "" {
		err = reason("it has s3 scopes and does not say in which workspace")
	}
	return err
}

// permitted are the ids of the workspaces in which the issuer's users may be.
func (s shown) permitted(image *mirror.Image) (ids []string) {
	for _, name := range s.Workspaces {
		if w, err := image.Workspace(name); err == nil {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// place makes the Caller: the user, if it is active and belongs to the workspace.
func (s *shown) place(image *mirror.Image, asked string) error {
	user, err := image.User(s.token.User)
	if errors.Is(err, keyhatch.NotFound) || err == nil && !user.Active {
		return reason("its user is not active")
	}
	if err != nil {
		return err
	}
	s.caller.User, s.caller.Token = user, s.token
	if s.token.Workspace == "" {
		w, err := image.Workspace(asked)
		switch {
		case asked == "":
			s.nowhere = kernel.WorkspaceRequired()
			return nil
		case err != nil || !slices.Contains(s.permitted(image), w.ID):
			s.nowhere = kernel.WorkspaceNotInToken() // there or not
			return nil
		}
		s.caller.Confine(w.ID)
	}
	if !kernel.Belongs(image, s.caller.Token.Workspace, user) {
		return reason("its user is not in the workspace")
	}
	return nil
}
