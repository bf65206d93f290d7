package proofs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
)

// The events of proofs.
const (
	// Begun: it is about to be tried on the store, in our name.
	Begun keyhatch.Action = "store.verify"
	// Ended: how it came out.
	Ended keyhatch.Action = "store.verified"
	// Accepted: the store lends although it did not pass.
	Accepted keyhatch.Action = "store.accept"
)

// Service does the use cases.
type Service struct {
	k        *kernel.Kernel
	acting   *credentials.Service
	confiner driver.Confiner
	prober   driver.Prober
	log      *slog.Logger
	waiting  chan waiting
}

// New makes the service. confiner tries stores, and prober tells whether a role asks for
// its external id.
func New(k *kernel.Kernel, acting *credentials.Service, confiner driver.Confiner, prober driver.Prober, log *slog.Logger) *Service {
	return &Service{k, acting, confiner, prober, log, make(chan waiting, maxWaiting)}
}

const (
	// within bounds what a store is waited for; what is left is for the answer.
	within = 50 * time.Second
	// maxWaiting is for how many ends of sessions is waited at a time.
	maxWaiting = 8
)

// Ask says how a store is tried.
type Ask struct {
	// Bucket is the id or name of the one in which objects are put, below a prefix of their
	// own, and Other of another one of the store; empty: the first ones that the store has.
	Bucket, Other string
	// Wait: the end of a session is waited for, and then put into the proof. That takes a
	// quarter of an hour.
	Wait bool
}

// Verify tries on the store whether it confines its sessions, and puts on record how that
// came out. A store that fails lends nothing until it passes or is accepted. For who may
// change the store.
func (svc *Service) Verify(ctx context.Context, c keyhatch.Caller, ref string, a Ask) (keyhatch.Store, error) {
	var t driver.Trial
	err := svc.k.Change(ctx, c, func(w *kernel.Work) (err error) {
		if t, err = trial(w, ref, a); err != nil {
			return err
		}
		return w.Record(Begun, t.Store.Workspace, t.Store.ID, kernel.Detail("name", t.Store.Name, "bucket", t.Bucket, "other_bucket", t.Other, "vend", t.ID))
	})
	if err != nil {
		return keyhatch.Store{}, err
	}
	if t.As, err = svc.acting.ActingOn(ctx, t.Store); err != nil {
		return keyhatch.Store{}, err
	}
	trying, stop := context.WithTimeout(ctx, within)
	defer stop()
	checks := svc.externalID(trying, t)
	found, after := svc.confiner.Prove(trying, t)
	if ctx.Err() != nil { // nobody waits for it any more, and what was cut off proves nothing
		return keyhatch.Store{}, ctx.Err()
	}
	proof := keyhatch.Proof{At: svc.k.Now(), By: c.User.ID, Bucket: t.Bucket, With: t.As.With, Checks: append(checks, found...)}
	if after != nil && a.Wait {
		proof.Checks = append(proof.Checks, svc.await(c, t.Store.ID, proof.At, after))
	}
	return svc.keep(ctx, c, t.Store.ID, proof)
}

// trial looks up on what is tried.
func trial(w *kernel.Work, ref string, a Ask) (t driver.Trial, err error) {
	if t.Store, err = places.ManagedStore(w, ref); err != nil {
		return t, err
	}
	if t.Store.Lends != keyhatch.LendsSTS {
		return t, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			`the store lends through our own S3 endpoint, which confines every request: what is verified is a store that lends "sts"`)
	}
	all, err := w.BucketsOnStore(w.Ctx, t.Store.ID, kernel.Page{Limit: 1 << 30})
	if err != nil {
		return t, err
	}
	ready := slices.DeleteFunc(all, func(b keyhatch.Bucket) bool { return b.State != keyhatch.BucketConfigured })
	in, err := chosen(ready, a.Bucket, "bucket")
	if err != nil {
		return t, err
	}
	if in.ID == "" {
		return t, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store has no bucket here to try it in: put one on record first").In("bucket")
	}
	other, err := chosen(slices.DeleteFunc(ready, func(b keyhatch.Bucket) bool { return b.ID == in.ID }), a.Other, "other_bucket")
	if err != nil {
		return t, err
	}
	t.ID, t.Bucket, t.Other = keyhatch.NewID(keyhatch.VendID, w.Now), in.Name, other.Name
	for _, b := range []keyhatch.Bucket{in, other} {
		locations, err := w.LocationsOfBucket(w.Ctx, b.ID)
		if err != nil {
			return t, err
		}
		for _, l := range locations {
			if l.KMSKey != "" && !slices.Contains(t.KMSKeys, l.KMSKey) {
				t.KMSKeys = append(t.KMSKeys, l.KMSKey)
			}
		}
	}
	return t, nil
}

// chosen is the bucket that was named, by default the first; none when there is none.
func chosen(among []keyhatch.Bucket, ref, field string) (keyhatch.Bucket, error) {
	if ref == "" {
		return append(among, keyhatch.Bucket{})[0], nil
	}
	at := slices.IndexFunc(among, func(b keyhatch.Bucket) bool { return b.ID == ref || b.Name == ref })
	if at < 0 {
		return keyhatch.Bucket{}, keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeBucketNotFound, "the store has no such bucket that is ready").In(field)
	}
	return among[at], nil
}

// externalID tells whether a role asks for its external id: one that does not lets whoever
// knows its name act through us. An admin's word has it used all the same.
func (svc *Service) externalID(ctx context.Context, t driver.Trial) []keyhatch.Check {
	if t.As.Authority.Kind != keyhatch.RoleCredential || t.As.WebIdentity != nil {
		return nil
	}
	check := keyhatch.Check{Name: keyhatch.ExternalID, Outcome: keyhatch.Warning, Reason: "it cannot be told whether the role asks for its external id"}
	for _, c := range svc.prober.Probe(ctx, t.As.Authority, t.As.Base) {
		if c.Name == keyhatch.ExternalID && c.Outcome != keyhatch.Skipped {
			check = c
		}
	}
	if check.Outcome != keyhatch.Passed && t.As.AnyExternalID {
		check.Outcome, check.Reason = keyhatch.Skipped, "an installation admin allows the role without its external id"
	}
	return []keyhatch.Check{check}
}

// keep puts a proof on record, for a store that is what it was.
func (svc *Service) keep(ctx context.Context, c keyhatch.Caller, id string, p keyhatch.Proof) (s keyhatch.Store, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if s, err = places.ManagedStore(w, id); err != nil {
			return err
		}
		s.Proof = &p
		if err := w.Tx.UpdateStoreProof(ctx, s); err != nil {
			return err
		}
		return w.Record(Ended, s.Workspace, s.ID, kernel.Detail("name", s.Name, "outcome", string(p.Outcome()),
			"failed", named(p.Checks, keyhatch.Failed), "warnings", named(p.Checks, keyhatch.Warning)))
	})
	return s, err
}

func named(checks []keyhatch.Check, of keyhatch.Outcome) string {
	var names []string
	for _, c := range checks {
		if c.Outcome == of {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}

// Accept has a store lend although it failed, or has a weakness, until it is verified
// again: whoever borrows may then have more than was lent, up to all that the store's
// credential opens. The store's name is asked for again, so that it is no slip. For who
// may change the store.
func (svc *Service) Accept(ctx context.Context, c keyhatch.Caller, ref, name string) (s keyhatch.Store, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if s, err = places.ManagedStore(w, ref); err != nil {
			return err
		}
		switch {
		case name != s.Name:
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidName, "say the store's name again, as it is: %s", s.Name).In("name")
		case s.Proof == nil:
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreNotProven, "it was not tried yet what is to be accepted: verify the store first")
		}
		accepted := *s.Proof
		accepted.AcceptedBy, accepted.AcceptedAt = c.User.ID, w.Now
		s.Proof = &accepted
		if err := w.Tx.UpdateStoreProof(ctx, s); err != nil {
			return err
		}
		return w.Record(Accepted, s.Workspace, s.ID, kernel.Detail("name", s.Name, "outcome", string(accepted.Outcome()),
			"failed", named(accepted.Checks, keyhatch.Failed), "warnings", named(accepted.Checks, keyhatch.Warning)))
	})
	return s, err
}

// waiting is the end of a session that is waited for.
type waiting struct {
	by    keyhatch.Caller
	store string
	of    time.Time // when the proof was made
	after func(context.Context) keyhatch.Check
}

// afterExpiry is what the check of a session's end is called.
const afterExpiry = "after_expiry"

// await has the end of a session waited for, and is what the proof says until then.
func (svc *Service) await(c keyhatch.Caller, store string, of time.Time, after func(context.Context) keyhatch.Check) keyhatch.Check {
	select {
	case svc.waiting <- waiting{c, store, of, after}:
		return keyhatch.Check{Name: afterExpiry, Outcome: keyhatch.Skipped, Reason: "a session's end is waited for: look again in a quarter of an hour"}
	default:
		return keyhatch.Check{Name: afterExpiry, Outcome: keyhatch.Skipped, Reason: "too many ends of sessions are waited for: ask again later"}
	}
}

// Run waits for ends of sessions until ctx ends.
func (svc *Service) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case w := <-svc.waiting:
			all.Go(func() { svc.finish(ctx, w) })
		case <-ctx.Done():
			return
		}
	}
}

// finish waits for one, and puts what was found into the proof if that is still the one.
func (svc *Service) finish(ctx context.Context, w waiting) {
	check := w.after(ctx)
	s, err := svc.k.DB.Store(context.WithoutCancel(ctx), w.store)
	if err == nil && (s.Proof == nil || !s.Proof.At.Equal(w.of)) {
		return
	}
	if err == nil {
		proof := *s.Proof
		proof.Checks = append(slices.DeleteFunc(slices.Clone(proof.Checks), func(c keyhatch.Check) bool { return c.Name == afterExpiry }), check)
		if check.Outcome == keyhatch.Failed { // what was accepted was another finding
			proof.AcceptedBy, proof.AcceptedAt = "", time.Time{}
		}
		_, err = svc.keep(context.WithoutCancel(ctx), w.by, w.store, proof)
	}
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		svc.log.Error("what was found after the end of a session is not on record", "store", w.store, "outcome", check.Outcome, "error", err)
	}
}
