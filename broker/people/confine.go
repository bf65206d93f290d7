package people

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

// A token that is made, changed or given another secret hands on to whoever does that
// what the token may. S4: it is never more, nor for longer, than what the caller's own
// token may.

// maker is the caller's token as the bound of another one.
type maker struct {
	keyhatch.Token
	scopes policy.Scopes
}

func makerOf(w *kernel.Work) (maker, error) {
	scopes, err := policy.ParseScopes(w.Caller.Token.Scopes)
	return maker{w.Caller.Token, scopes}, err
}

// lastEnd is when whatever the token hands on ends at the latest. Zero: no bound.
func (m maker) lastEnd() time.Time { return kernel.LastEnd(m.Token, m.scopes) }

// holds refuses a token that is not within the maker's.
func (m maker) holds(t keyhatch.Token) error {
	scopes, err := policy.ParseScopes(t.Scopes)
	if err != nil {
		return err
	}
	_, task := m.OfTask()
	_, stays := t.OfTask()
	switch end := m.lastEnd(); {
	case m.Workspace != "" && t.Workspace != m.Workspace:
		return kernel.WorkspaceNotInToken()
	case !scopes.Within(m.scopes):
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"a token's scopes must lie within those of the token that makes or changes it: ask for narrower ones").In("scopes")
	case !keyhatch.NetworksWithin(t.Networks, m.Networks):
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"a token's networks must lie within those of the token that makes or changes it: ask for narrower ones").In("networks")
	case task && !stays:
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"a token that a task's token makes or changes is a task's too: leave its annotation").In("annotations")
	case m.RequestsPerMinute > 0 && (t.RequestsPerMinute == 0 || t.RequestsPerMinute > m.RequestsPerMinute):
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"a token's request limit is at most that of the token that makes or changes it: ask for %d a minute, or less", m.RequestsPerMinute).In("requests_per_minute")
	case !end.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(end)):
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry,
			"a token made or changed with a confined token ends no later than that one, at %s: ask for an earlier end", kernel.TimeText(end)).In("expires_at")
	}
	return nil
}

// mustImpersonate refuses who may not make tokens of others: with such a token
// one can do what its user may, so one that is scoped would gain by it.
func mustImpersonate(v kernel.View) error {
	if err := v.MustInstall(); err != nil {
		return err
	}
	scopes, err := policy.ParseScopes(v.Caller.Token.Scopes)
	if err != nil {
		return err
	}
	if !scopes.All() {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			`tokens of other users take a token with the scope "all": use one`)
	}
	return nil
}

// mustHaveNewest refuses who shows a secret that was replaced: in its grace it does
// what it did, and nothing that would outlive the grace.
func mustHaveNewest(w *kernel.Work) error {
	if !w.Caller.HasToken() {
		return nil // a password that was replaced does nothing at all, nor does a session of it
	}
	own, err := w.HashedToken(w.Ctx, w.Caller.Token.ID)
	if err != nil {
		return err
	}
	if w.Caller.Lease == "" && w.Caller.Secret != own.Hash {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"this secret was replaced and works on for a grace only: make and change tokens with the newer one")
	}
	return nil
}

// checkToken holds the bounds of what a token says of itself.
func checkToken(t keyhatch.Token) error {
	if len(t.Scopes) > keyhatch.MaxScopes || len(joinScopes(t.Scopes)) > keyhatch.MaxScopesBytes {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidScope, "a token has at most %d scopes, of %d bytes together: ask for fewer",
			keyhatch.MaxScopes, keyhatch.MaxScopesBytes).In("scopes")
	}
	scopes, err := policy.ParseScopes(t.Scopes)
	if err != nil {
		return err
	}
	if scopes.BoundsS3() && t.Workspace == "" {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeWorkspaceRequired,
			"a token with s3 scopes belongs to one workspace, in which its buckets are looked up: say which").In("workspace")
	}
	if err := keyhatch.CheckText("name", t.Name); err != nil {
		return err
	}
	if err := keyhatch.CheckNetworks(t.Networks); err != nil {
		return err
	}
	if err := keyhatch.CheckRequestsPerMinute(t.RequestsPerMinute); err != nil {
		return err
	}
	return keyhatch.CheckAnnotations(t.Annotations)
}

// checkLimits holds what the installation lets users have; its admins may have more.
func (svc *Service) checkLimits(w *kernel.Work, t keyhatch.Token) error {
	if w.Installs() {
		return nil
	}
	if t.RequestsPerMinute > svc.limits.RequestsPerMinute {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLimitReached,
			"a token may make at most %d requests a minute here: ask an installation admin for more", svc.limits.RequestsPerMinute).In("requests_per_minute")
	}
	longest := svc.limits.LongestToken
	if longest == 0 {
		return nil
	}
	if last := w.Now.Add(longest); t.ExpiresAt.IsZero() || t.ExpiresAt.After(last) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit,
			"a token lives at most %d seconds here, now until %s: ask an installation admin for more", int(longest.Seconds()),
			kernel.TimeText(last)).In("expires_at")
	}
	return nil
}
