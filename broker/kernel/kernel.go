package kernel

import (
	"cmp"
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/seal"
)

// Kernel is what all use cases share.
type Kernel struct {
	DB     *db.DB
	Mirror *mirror.Mirror
	Keys   *seal.Keyring
	// RequestsPerMinute is the request limit of a token that has none of its own.
	RequestsPerMinute int
	// Reach tells which hosts may be connected to.
	Reach Reach

	requests *Meter       // by token
	last     atomic.Int64 // microseconds: the newest time that Now has told
}

// New makes a kernel.
func New(d *db.DB, m *mirror.Mirror, keys *seal.Keyring, reach Reach, requestsPerMinute int) *Kernel {
	return &Kernel{DB: d, Mirror: m, Keys: keys, Reach: reach, RequestsPerMinute: requestsPerMinute, requests: NewMeter(math.MaxInt)}
}

// View is a use case that looks: who asks, when, and what it can read.
type View struct {
	db.Reader
	Ctx    context.Context
	Caller keyhatch.Caller
	Now    time.Time
}

// Work is a use case that changes something.
type Work struct {
	View
	Tx       *db.Tx
	recorded int
}

// View begins a use case that looks.
func (k *Kernel) View(ctx context.Context, c keyhatch.Caller) View {
	keyhatch.NoteAsker(ctx, c.User.ID)
	return View{Reader: k.DB.Reader, Ctx: ctx, Caller: c, Now: k.Now()}
}

// Change runs a use case that changes something that memory knows of. When it
// returns nil, the change and its event are durable and this process's memory
// has taken them in.
func (k *Kernel) Change(ctx context.Context, c keyhatch.Caller, act func(*Work) error) error {
	return k.taken(ctx, k.Append(ctx, c, act))
}

// ChangeUnasked is Change for what nobody need be known for. The work's caller has an
// origin and nothing else; act may say who it turns out to be, for the event.
func (k *Kernel) ChangeUnasked(ctx context.Context, act func(*Work) error) error {
	c := keyhatch.Caller{Origin: keyhatch.OriginOf(ctx)}
	return k.taken(ctx, k.write(ctx, c, act))
}

// taken lets memory take in a change that was made.
func (k *Kernel) taken(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	// When memory cannot catch up it is stale and refuses to be used; the
	// change stands nevertheless.
	if err := k.Mirror.CatchUp(context.WithoutCancel(ctx)); err != nil {
		return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeOutcomeUnknown,
			"the change was made, but the service cannot tell yet whether it holds everywhere; look before you repeat it").Because(err)
	}
	return nil
}

// Append is Change for what memory does not know of, such as a new lease.
//
// The use case runs in a transaction. The caller's user and token are read again
// in it: who was disabled or revoked since the request was authenticated, or whose
// secret was replaced, changes nothing any more. It must record an event of each thing
// that changes, so one at least.
func (k *Kernel) Append(ctx context.Context, c keyhatch.Caller, act func(*Work) error) error {
	return k.write(ctx, c, func(w *Work) error {
		if err := w.callerStands(); err != nil {
			return err
		}
		return act(w)
	})
}

// ByItself is Change for what the service does without being asked: nobody is its
// caller. act records what must be known of it, which may be nothing.
func (k *Kernel) ByItself(ctx context.Context, act func(*Work) error) error {
	return k.taken(ctx, k.DB.Write(ctx, func(tx *db.Tx) error {
		return act(&Work{View: View{Reader: tx.Reader, Ctx: ctx, Now: k.Now()}, Tx: tx})
	}))
}

// Said is what of an error everybody may read.
func Said(err error) string {
	var e *keyhatch.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "an internal error: the server's log says more"
}

func (k *Kernel) write(ctx context.Context, c keyhatch.Caller, act func(*Work) error) error {
	keyhatch.NoteAsker(ctx, c.User.ID)
	return k.WithKeys(ctx, func() error {
		return k.DB.Write(ctx, func(tx *db.Tx) error {
			w := &Work{View: View{Reader: tx.Reader, Ctx: ctx, Caller: c, Now: k.Now()}, Tx: tx}
			if err := act(w); err != nil {
				return err
			}
			if w.recorded == 0 {
				return errors.New("a use case recorded no event")
			}
			return nil
		})
	})
}

// WithKeys does what stores something that is sealed or hashed. When that was refused
// because it was made with a key that is not in use any more, the keysets are read and
// it is done once more: it has to seal or hash anew. It is keyhatch.Unavailable when they
// cannot be read.
func (k *Kernel) WithKeys(ctx context.Context, do func() error) error {
	err := do()
	if !errors.Is(err, db.ErrOtherKeys) {
		return err
	}
	k.Keys.MarkBehind()
	if err := k.Keys.CatchUp(ctx); err != nil {
		return err
	}
	return do()
}

// Stands is View for a use case that tells its caller something before it changes
// anything: the caller's standing is looked at again, as Append does.
func (k *Kernel) Stands(ctx context.Context, c keyhatch.Caller) (View, error) {
	w := Work{View: k.View(ctx, c)}
	err := w.callerStands()
	return w.View, err
}

func (w *Work) callerStands() error {
	user, err := w.User(w.Ctx, w.Caller.User.ID)
	if errors.Is(err, keyhatch.NotFound) || err == nil && !user.Active {
		switch {
		case w.Caller.Password != "":
			return LoginFailed()
		case w.Caller.Session != "":
			return SessionInvalid()
		}
		return TokenInvalid()
	}
	if err != nil {
		return err
	}
	token, err := w.standingToken()
	if err != nil {
		return err
	}
	w.Caller.User, w.Caller.Token = user, token
	if within := w.Caller.Within; within != "" && !w.Caller.Confine(within) {
		return TokenInvalid()
	}
	return nil
}

func (w *Work) standingToken() (keyhatch.Token, error) {
	switch {
	case w.Caller.Password != "":
		return w.passwordToken()
	case w.Caller.Session != "":
		return w.sessionToken()
	case w.Caller.Pair != "":
		return w.keyToken()
	}
	token, err := w.HashedToken(w.Ctx, w.Caller.Token.ID)
	if errors.Is(err, keyhatch.NotFound) || err == nil && !(token.Live(w.Now) && w.shown(token) && token.WorksFrom(w.Caller.Origin.Address)) {
		err = TokenInvalid()
	}
	if err != nil {
		return keyhatch.Token{}, err
	}
	return token.Token, nil
}

// passwordToken refuses a password that is no longer the one of its user.
func (w *Work) passwordToken() (keyhatch.Token, error) {
	have, err := w.Password(w.Ctx, w.Caller.User.ID)
	if errors.Is(err, keyhatch.NotFound) || err == nil && have.ID != w.Caller.Password {
		err = LoginFailed()
	}
	if err != nil {
		return keyhatch.Token{}, err
	}
	return keyhatch.PasswordToken(w.Caller.User.ID), nil
}

// sessionToken refuses a session that has ended.
func (w *Work) sessionToken() (keyhatch.Token, error) {
	s, err := w.Session(w.Ctx, w.Caller.Session, w.Now)
	if errors.Is(err, keyhatch.NotFound) || err == nil && s.User != w.Caller.User.ID {
		err = SessionInvalid()
	}
	if err != nil {
		return keyhatch.Token{}, err
	}
	return keyhatch.PasswordToken(w.Caller.User.ID), nil
}

// keyToken refuses a pair that no longer works, and a key that is another's now.
func (w *Work) keyToken() (keyhatch.Token, error) {
	key, err := w.AccessKeyOfPair(w.Ctx, w.Caller.Pair)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return keyhatch.Token{}, err
	}
	_, works := key.Pair(w.Caller.Pair, w.Now)
	if err != nil || !works || !key.Live(w.Now) || key.Owner != w.Caller.User.ID || !keyhatch.InNetworks(w.Caller.Origin.Address, key.Networks) {
		return keyhatch.Token{}, TokenInvalid()
	}
	return keyhatch.KeyToken(key), nil
}

// shown tells whether the caller has shown what still opens the token. Whether a
// lease does is for who lends on it to tell.
func (w *Work) shown(t db.HashedToken) bool {
	return w.Caller.Lease != "" || t.Opens(w.Caller.Secret, w.Now)
}

// TokenInvalid is what every token that does not work is told, so that nobody
// learns whether it once did (S6).
func TokenInvalid() error {
	return keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid,
		"the token is not valid: it may be mistyped, expired, revoked, or not for use from here; ask for a new one")
}

// LoginFailed is what everybody is told whose name and password let nobody in: nobody
// learns whether there is such a user, and whether it has a password (S6).
func LoginFailed() error {
	return keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeLoginFailed,
		"the name and the password let nobody in: check both; an installation admin can make a secret with which another password is set")
}

// SessionInvalid is what everybody is told whom a cookie does not sign in.
func SessionInvalid() error {
	return keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeSessionInvalid, "you are not signed in, or not any more: sign in again")
}

// Record writes the use case's event. It names the token that was used, or the session.
func (w *Work) Record(action keyhatch.Action, workspace, target string, detail map[string]string) error {
	w.recorded++
	return w.Tx.Record(w.Ctx, keyhatch.Event{
		ID: keyhatch.NewID(keyhatch.EventID, w.Now), At: w.Now, Workspace: workspace,
		User: w.Caller.User.ID, Token: cmp.Or(w.Caller.Token.ID, w.Caller.Session),
		Address: w.Caller.Origin.AddressText(), RequestID: w.Caller.Origin.RequestID,
		Action: action, Target: target, Detail: detail,
	})
}

// Detail makes the facts of an event from names and values in turn; those
// without a value are left out.
func Detail(pairs ...string) map[string]string {
	d := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			d[pairs[i]] = pairs[i+1]
		}
	}
	return d
}

// Yes is a fact that is left out when it is not so.
func Yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// FindToken looks for the token of a secret, by the hashes that it may be kept under.
// When there is none, and another process has made a pepper that this one did not
// know, it looks again.
func (k *Kernel) FindToken(ctx context.Context, secret keyhatch.Secret, find func([]keyhatch.TokenHash) error) error {
	look := func() error {
		hashes, err := k.Keys.HashesOfToken(secret)
		if err != nil {
			return err
		}
		return find(hashes)
	}
	err := look()
	if !errors.Is(err, keyhatch.NotFound) || !k.Keys.Behind() {
		return err
	}
	if err := k.Keys.CatchUp(ctx); err != nil {
		return err
	}
	return look()
}
