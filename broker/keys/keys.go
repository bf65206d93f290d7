package keys

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// The actions of this package's events.
const (
	Rotated   keyhatch.Action = "keys.rotate" // a key was made and stored
	Used      keyhatch.Action = "keys.use"    // it is the primary one
	Resealed  keyhatch.Action = "keys.reseal" // some secrets were sealed anew
	Dropped   keyhatch.Action = "keys.drop"   // an old key is gone
	Rewrapped keyhatch.Action = "keys.rewrap" // the key-encryption key is another one
)

// Rotatable are the keysets that can be given new keys. The audit record's cannot:
// what it hashed must be verified for ever.
var Rotatable = []string{seal.ColumnsKeyset, seal.SessionsKeyset, seal.TokensKeyset}

// MaxKeys is how many keys a keyset can have: a token that is shown is hashed with
// every pepper, and a key management service wraps 4 KiB.
const MaxKeys = 16

// Pace is how long is waited for what. It is DefaultPace but in tests.
type Pace struct {
	// Settle is between a key being stored and being used. Memory is no older than a
	// second; the rest is for a key management service to answer.
	Settle time.Duration
	// Grace is for what was begun while a key was the primary one: a request takes a
	// minute at most.
	Grace time.Duration
	// Batch is how many secrets are sealed anew in a transaction, and Pause is
	// between two, for others who want to write.
	Batch int
	Pause time.Duration
}

// DefaultPace is what everybody uses who is no test.
var DefaultPace = Pace{Settle: 5 * time.Second, Grace: 2 * time.Minute, Batch: 100, Pause: 20 * time.Millisecond}

// Service does the use cases.
type Service struct {
	k    *kernel.Kernel
	pace Pace
	log  *slog.Logger
	wake chan struct{} // has room for one
	run  running
}

// New makes the service. It learns of other keys from memory.
func New(k *kernel.Kernel, p Pace, log *slog.Logger) *Service {
	if p == (Pace{}) {
		p = DefaultPace
	}
	svc := &Service{k: k, pace: p, log: log, wake: make(chan struct{}, 1), run: newRunning()}
	k.Mirror.OnKeysChanged(func() {
		k.Keys.MarkBehind()
		select {
		case svc.wake <- struct{}{}:
		default: // it is awake
		}
	})
	return svc
}

// Keys lists the data keys, by keyset and in the order in which they were made, for
// installation admins.
func (svc *Service) Keys(ctx context.Context, c keyhatch.Caller) ([]keyhatch.DataKey, error) {
	v := svc.k.View(ctx, c)
	if err := v.MustInstall(); err != nil {
		return nil, err
	}
	if err := svc.k.Keys.Reload(ctx); err != nil {
		return nil, err
	}
	return svc.keys(ctx, v.Reader, v.Now)
}

// WrappedBy is the id of the key-encryption key that a keyset is wrapped with.
func (svc *Service) WrappedBy(keyset string) string { return svc.k.Keys.Keyset(keyset).KEK }

// keys are the data keys that memory has, with what needs them.
func (svc *Service) keys(ctx context.Context, r db.Reader, now time.Time) (out []keyhatch.DataKey, err error) {
	recorded, err := r.DataKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range append(slices.Clone(Rotatable), seal.AuditKeyset) {
		state := keyhatch.OldKey
		for _, key := range svc.k.Keys.Keys(name) {
			k := keyhatch.DataKey{Keyset: name, ID: key.ID, State: state, CreatedAt: svc.k.Keys.Keyset(name).CreatedAt}
			if key.Primary {
				k.State, state = keyhatch.PrimaryKey, keyhatch.ComingKey
			}
			at := slices.IndexFunc(recorded, func(d db.DataKey) bool { return d.Keyset == name && d.ID == key.ID })
			if at >= 0 {
				k.CreatedAt, k.RetiredAt = recorded[at].CreatedAt, recorded[at].RetiredAt
			}
			if err := svc.need(ctx, r, &k, now); err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	return out, nil
}

// need fills in what needs a key, and until when.
func (svc *Service) need(ctx context.Context, r db.Reader, k *keyhatch.DataKey, now time.Time) (err error) {
	if k.State == keyhatch.OldKey {
		k.Until = k.RetiredAt.Add(svc.pace.Grace)
	}
	switch k.Keyset {
	case seal.ColumnsKeyset:
		k.NeededBy, err = r.CountSealedWith(ctx, seal.Prefix(k.ID))
	case seal.TokensKeyset:
		k.NeededBy, err = r.CountPeppered(ctx, k.ID, now)
	case seal.SessionsKeyset:
		if k.State != keyhatch.OldKey {
			return nil
		}
		last, err := r.LastLeaseOf(ctx, k.Until)
		if last.After(k.Until) {
			k.Until = last
		}
		return err
	}
	return err
}

// Rotate gives keysets a new key each, all that can have one when none is named. It
// returns when the keys are stored; Run does the rest, in whichever process.
func (svc *Service) Rotate(ctx context.Context, c keyhatch.Caller, names []string) ([]keyhatch.DataKey, error) {
	v := svc.k.View(ctx, c)
	if err := v.MustInstall(); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = Rotatable
	}
	if err := svc.k.Keys.Reload(ctx); err != nil {
		return nil, err
	}
	type making struct {
		seal.Replacement
		db.DataKey
		before uint32
	}
	var all []making
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if err := svc.mayRotate(name); err != nil {
			return nil, err
		}
		changed, id, err := svc.k.Keys.WithNew(name)
		if err != nil {
			return nil, unavailable(err)
		}
		all = append(all, making{changed, db.DataKey{Keyset: name, ID: id}, primary(svc.k.Keys.Keys(name))})
	}
	err := svc.k.Change(ctx, c, func(w *kernel.Work) error {
		for _, m := range all {
			if err := w.Tx.ReplaceKeyset(ctx, m.Old, m.New); err != nil {
				return err
			}
			m.CreatedAt = w.Now
			if err := w.Tx.PutDataKey(ctx, m.DataKey); err != nil {
				return err
			}
			if err := w.Record(Rotated, "", m.Keyset, kernel.Detail("key", KeyText(m.ID), "instead_of", KeyText(m.before))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return svc.Keys(ctx, c)
}

func (svc *Service) mayRotate(name string) error {
	if !slices.Contains(Rotatable, name) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
			"the keysets that can be given a new key are columns, sessions and tokens; the audit record's cannot, since it is verified with the key that it began with").In("keysets")
	}
	keys := svc.k.Keys.Keys(name)
	if !keys[len(keys)-1].Primary {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeRotationRunning,
			"the keyset %s has a new key already, which is used in some seconds: GET /api/v1/keys shows it", name)
	}
	if len(keys) >= MaxKeys {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached,
			"the keyset %s has %d keys, which is all that it can have: wait until what needs the old ones has ended, see GET /api/v1/keys", name, len(keys))
	}
	return nil
}

func unavailable(err error) error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the service cannot wrap its keys at the moment; try again").Because(err)
}

func primary(keys []seal.Key) uint32 {
	for _, k := range keys {
		if k.Primary {
			return k.ID
		}
	}
	return 0
}

// KeyText writes the id of a data key.
func KeyText(id uint32) string { return fmt.Sprintf("%08x", id) }

func number(n int) string { return strconv.Itoa(n) }
