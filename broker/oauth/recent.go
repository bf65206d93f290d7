package oauth

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// How long a login does that a client has asked for.
const (
	markLife = time.Hour        // since it was asked for: the page of the login may be left open
	newFor   = 10 * time.Minute // since it was made: time enough to decide
)

// Mark is a text that says when we have seen a request for which its user has to log in again: who has logged in since does,
// with it in the request. Nobody else makes one, and it is good for that request alone.
func (svc *Service) Mark(r Request) (string, error) {
	return svc.k.Keys.SealTicket(markOf(r), strconv.FormatInt(svc.k.Now().UnixMicro(), 10))
}

func markOf(r Request) string { return "request|" + r.Whole }

// seen is what a request's mark says; zero: it has none that is ours, for that request, and not too old.
func (svc *Service) seen(r Request, now time.Time) (at time.Time) {
	text, err := svc.k.Keys.OpenTicket(markOf(r), r.Mark)
	if err != nil {
		return at
	}
	micros, err := strconv.ParseInt(text, 10, 64)
	if at = time.UnixMicro(micros).UTC(); err != nil || now.Sub(at) > markLife {
		return time.Time{}
	}
	return at
}

// Recent refuses, with ErrLogin, a user who has logged in too long ago for what a client asks.
//
// Source: OpenID Connect Core 1.0, section 3.1.2.1, prompt and max_age.
func (svc *Service) Recent(ctx context.Context, c keyhatch.Caller, r Request) error {
	return svc.recent(svc.k.View(ctx, c), r)
}

func (svc *Service) recent(v kernel.View, r Request) error {
	if !r.Age.Bounded {
		return nil
	}
	s, err := session(v)
	if err != nil {
		return err
	}
	age := v.Now.Sub(s.LoggedIn)
	if !s.LoggedIn.IsZero() && r.Age.Most > 0 && age <= r.Age.Most {
		return nil
	}
	if seen := svc.seen(r, v.Now); !seen.IsZero() && s.LoggedInSince(seen) && v.Now.Sub(s.CreatedAt) <= newFor {
		return nil
	}
	return ErrLogin
}

// session is the caller's; one of now, if it shows its password with each request.
func session(v kernel.View) (keyhatch.BrowserSession, error) {
	if v.Caller.Session == "" {
		return keyhatch.BrowserSession{CreatedAt: v.Now, LoggedIn: v.Now}, nil
	}
	s, err := v.Session(v.Ctx, v.Caller.Session, v.Now)
	if errors.Is(err, keyhatch.NotFound) {
		err = kernel.SessionInvalid()
	}
	return s, err
}
