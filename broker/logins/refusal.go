package logins

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// refusals are what people are told, each with what to do next. Who has logged in there may know
// about itself; nothing is said of others.
var refusals = map[keyhatch.LoginRefusal]string{
	keyhatch.RefusedState:     "this browser has not begun that login, or has begun another one since, or cookies are off: log in again from this page",
	keyhatch.RefusedReplay:    "that login has come back before, or took longer than ten minutes: log in again",
	keyhatch.RefusedIssuer:    "another provider has answered than the one that was asked: log in again, and tell an installation admin if it is so each time",
	keyhatch.RefusedThere:     "the provider has not logged you in: try it again there, or ask whoever runs it",
	keyhatch.RefusedCode:      "the provider has taken back what it sent: log in again; an installation admin checks client_id and client_secret if it is so each time",
	keyhatch.RefusedAnswer:    "the provider's answer cannot be read: tell an installation admin, whose log says more",
	keyhatch.RefusedAlgorithm: "the provider signs in a way that is not accepted: ask an installation admin to have it sign with RS256 or ES256",
	keyhatch.RefusedSignature: "the provider's answer is signed with no key that it publishes: log in again, and tell an installation admin if it is so each time",
	keyhatch.RefusedAudience:  "the provider's answer is meant for another program: ask an installation admin to check client_id",
	keyhatch.RefusedExpired:   "the provider's answer had expired when it came: log in again; if it is so each time, an installation admin checks the clocks of both servers",
	keyhatch.RefusedNonce:     "the provider's answer belongs to another login: log in again",
	keyhatch.RefusedAge:       "the program wants you to have logged in just now, and the provider does not say that you have: log out there and log in again; if it is so each time, an installation admin has the provider put auth_time into the ID token",
	keyhatch.RefusedStranger:  "the provider knows you, but you may not log in here with that account: ask an installation admin, who decides which ones may",
	keyhatch.RefusedNameless:  "the provider calls you nothing that can be a user's name here: ask an installation admin to name you in the configuration",
	keyhatch.RefusedNameTaken: "what the provider calls you is somebody's name here already: if that is you, ask an installation admin to say so in the configuration",
	keyhatch.RefusedUnknown:   "the configuration says that you are a user who is not there: ask an installation admin to make that user",
	keyhatch.RefusedDisabled:  "your user was disabled: ask an installation admin to activate it",
	keyhatch.RefusedRemoved:   "your user was removed: ask an installation admin, who can say in the configuration which user you are now",
}

// refused records a refusal, and says it so that people can act on it. Other failures pass.
func (svc *Service) refused(ctx context.Context, provider string, said keyhatch.LoginStatement, err error) error {
	var why keyhatch.LoginRefusal
	if !errors.As(err, &why) {
		return err
	}
	if _, err := svc.failures.Take(kernel.Sender(keyhatch.OriginOf(ctx).Address), failPerMinute, svc.k.Now()); err != nil {
		return err
	}
	svc.Log.WarnContext(ctx, "a login at a provider was refused", "provider", provider, "reason", string(why), "cause", err,
		"request_id", keyhatch.OriginOf(ctx).RequestID)
	// Who has begun nothing, or makes up that he has, writes no record: he could do so for ever.
	if why != keyhatch.RefusedState && why != keyhatch.RefusedReplay {
		kept := svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			if why == keyhatch.RefusedStranger {
				if err := svc.disown(w, said); err != nil {
					return err
				}
			}
			return w.Record(Refused, "", provider, kernel.Detail("reason", string(why), "issuer", said.Issuer, "subject", said.Subject))
		})
		if kept != nil {
			return kept
		}
	}
	return keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeLoginRefused, "%s", refusals[why]).Because(err)
}

// disown shuts out who was let in before and is not any more. Who has never been here loses nothing.
func (svc *Service) disown(w *kernel.Work, said keyhatch.LoginStatement) error {
	known, err := w.Identity(w.Ctx, said.Issuer, said.Subject)
	if errors.Is(err, keyhatch.NotFound) || err == nil && known.User == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if w.Caller.User, err = w.User(w.Ctx, known.User); err != nil {
		return err
	}
	return svc.shutOut(w, w.Caller.User, said.Issuer)
}
