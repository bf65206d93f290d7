package issuers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/keyhatch/keyhatch"
)

// Verifier checks signed tokens.
type Verifier struct {
	issuers map[string]*trusted
	room    chan struct{} // for those that are checked at a time
	log     *slog.Logger
}

// trusted is an issuer with its keys.
type trusted struct {
	Issuer
	rules  string
	lines  *rate.Limiter // of refusals, in the log
	keys   []key         // of the configuration
	remote *remote       // nil: the keys are those of the configuration
}

// linesAMinute bounds what is logged of the refused tokens of one issuer: who has one can
// show it as often as it likes.
const linesAMinute = 10

// MaxIssuers bounds how many issuers there are.
const MaxIssuers = 100

// New makes a Verifier of the issuers, with the transport by which keys are fetched. The error
// names the issuer and the rule of it that is missing or wrong.
func New(list []Issuer, transport http.RoundTripper, log *slog.Logger) (*Verifier, error) {
	if len(list) > MaxIssuers {
		return nil, fmt.Errorf("issuers: there are more than %d", MaxIssuers)
	}
	v := &Verifier{issuers: map[string]*trusted{}, room: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), log: log}
	for n, i := range list {
		fail := func(err error) (*Verifier, error) { return nil, fmt.Errorf("issuers[%d] (%s): %w", n, i.URL, err) }
		i.complete()
		switch {
		case i.URL == "":
			return fail(errors.New("issuer is missing: it is what its tokens have as iss"))
		case v.issuers[i.URL] != nil:
			return fail(errors.New("there are two of it: put its rules into one"))
		}
		if err := i.check(); err != nil {
			return fail(err)
		}
		t, err := trust(i, transport, log)
		if err != nil {
			return fail(err)
		}
		v.issuers[i.URL] = t
	}
	return v, nil
}

func trust(i Issuer, transport http.RoundTripper, log *slog.Logger) (*trusted, error) {
	rules, err := i.rules()
	if err != nil {
		return nil, err
	}
	t := &trusted{Issuer: i, rules: rules, lines: rate.NewLimiter(rate.Limit(linesAMinute)/60, linesAMinute)}
	if len(i.Keys) == 0 {
		t.remote = newRemote(i.URL, i.KeysURL, transport, log)
		return t, nil
	}
	for _, text := range i.Keys {
		keys, err := readKeys(text)
		if err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		t.keys = append(t.keys, keys...)
	}
	if len(t.keys) == 0 || len(t.keys) > maxKeys {
		return nil, fmt.Errorf("keys: there must be 1 to %d", maxKeys)
	}
	for _, name := range i.Algorithms {
		if n := len(matching(withoutID(t.keys), "", name)); n > maxTried {
			return nil, fmt.Errorf("keys: %d without an id are for %s, of which at most %d are tried: give them as JWK with a kid", n, name, maxTried)
		}
	}
	for _, k := range t.keys {
		if !slices.ContainsFunc(i.Algorithms, func(a string) bool { return k.takes("", a) }) {
			return nil, errors.New("keys: none of algorithms takes one of them")
		}
	}
	return t, nil
}

// Rules are the issuers that there are, with what stands for the rules of each.
func (v *Verifier) Rules() map[string]string {
	out := map[string]string{}
	for url, i := range v.issuers {
		out[url] = i.rules
	}
	return out
}

// Tell logs whom is trusted with what.
func (v *Verifier) Tell(ctx context.Context) {
	for url, i := range v.issuers {
		keys := "fetched"
		if i.remote == nil {
			keys = fmt.Sprintf("%d of the configuration", len(i.keys))
		}
		v.log.InfoContext(ctx, "signed tokens are accepted", "issuer", url, "keys", keys, "algorithms", strings.Join(i.Algorithms, " "),
			"audience", strings.Join(i.Audience.Values, " "), "workspaces", strings.Join(i.Workspaces, " "), "longest", i.Longest)
	}
}

// Fetch fetches the keys of all issuers that are fetched, so that what is wrong there is in
// the log before anybody comes.
func (v *Verifier) Fetch(ctx context.Context) {
	for _, i := range v.issuers {
		if i.remote != nil {
			i.remote.refresh(ctx)
		}
	}
}

// Reach fetches the keys of each issuer that are fetched, and tells which cannot be.
func (v *Verifier) Reach(ctx context.Context) map[string]error {
	out := map[string]error{}
	for url, i := range v.issuers {
		if i.remote == nil {
			continue
		}
		ctx, stop := context.WithTimeout(ctx, fetchTimeout)
		_, out[url] = i.remote.fetch(ctx)
		stop()
	}
	return out
}

// Verify checks a signed token and tells what it says by its issuer's rules. Whatever is
// wrong with it, the error is keyhatch.Unauthenticated and says nothing of it; a reason
// that its issuer has signed is logged, so that whoever configures an issuer finds it.
func (v *Verifier) Verify(ctx context.Context, jwt keyhatch.Secret, now time.Time) (keyhatch.Assertion, error) {
	s, err := parts(jwt.Reveal())
	if err != nil {
		return keyhatch.Assertion{}, refused(err)
	}
	named, err := s.claims.text("iss")
	if err != nil {
		return keyhatch.Assertion{}, refused(err)
	}
	i := v.issuers[named]
	switch {
	case i == nil:
		return keyhatch.Assertion{}, refused(errors.New("its issuer is none of the configuration's"))
	case !slices.Contains(i.Algorithms, s.algorithm):
		return keyhatch.Assertion{}, refused(errors.New("its algorithm is none of the issuer's"))
	}
	if err := v.signed(ctx, s, i); err != nil {
		return keyhatch.Assertion{}, refused(err)
	}
	a, err := i.read(s, now)
	if err != nil {
		if i.lines.AllowN(now, 1) {
			v.log.WarnContext(ctx, "a signed token was refused", "issuer", i.URL, "reason", err, "request_id", keyhatch.OriginOf(ctx).RequestID)
		}
		return keyhatch.Assertion{}, refused(err)
	}
	return a, nil
}

func refused(cause error) error {
	return keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "the signed token is not valid: get a new one from its issuer").Because(cause)
}

// signed checks the signature. So many are checked at a time; the others wait.
func (v *Verifier) signed(ctx context.Context, s signed, i *trusted) error {
	keys := matching(i.keys, s.kid, s.algorithm)
	if i.remote != nil {
		keys = i.remote.find(ctx, s.kid, s.algorithm)
	}
	switch {
	case len(keys) == 0:
		return errors.New("no key of its issuer could have signed it")
	case len(keys) > maxTried:
		return fmt.Errorf("more than %d keys could have signed it: it does not name one of them", maxTried)
	}
	select {
	case v.room <- struct{}{}:
		defer func() { <-v.room }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !s.signedBy(keys) {
		return errors.New("its signature is wrong")
	}
	return nil
}

// read tells what a token says whose signature is right.
func (i *trusted) read(s signed, now time.Time) (a keyhatch.Assertion, err error) {
	if err := s.claims.isFor(i.Audience); err != nil {
		return a, err
	}
	if _, bound := s.claims["cnf"]; bound { // who shows it would have to prove more
		return a, errors.New("it is bound to a key of its holder, which cannot be shown here")
	}
	a = keyhatch.Assertion{
		Issuer: i.URL, Rules: i.rules, Workspaces: i.Workspaces, Networks: i.Networks, Signed: s.whatIsSigned, Roles: s.claims.roles(),
	}
	if a.SignedAt, a.ExpiresAt, err = s.claims.lifetime(i.Longest, now); err != nil {
		return a, err
	}
	for name, field := range map[string]*string{i.Subject.Claim: &a.Subject, i.WorkspaceClaim: &a.Workspace} {
		if *field, err = s.claims.text(name); err != nil {
			return a, err
		}
	}
	if a.JWTID, err = s.claims.text("jti"); err != nil {
		return a, err
	}
	if a.Subject == "" {
		return a, fmt.Errorf("it has no %s", i.Subject.Claim)
	}
	if _, said := s.claims[i.WorkspaceClaim]; said && a.Workspace == "" {
		return a, fmt.Errorf("its %s is empty", i.WorkspaceClaim)
	}
	if a.ByLogin = i.Subject.Logins; !a.ByLogin {
		if a.User, err = i.Subject.User(a.Subject); err != nil {
			return a, err
		}
	}
	a.Scopes, err = s.claims.scopes(&i.Issuer)
	return a, err
}
