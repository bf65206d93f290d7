package proofs

import (
	"context"
	"log/slog"
	"slices"
	"strings"
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
	places   chan struct{} // one for each end of a session that is waited for
}

// New makes the service. confiner tries stores, and prober tells whether a role asks for
// its external id.
func New(k *kernel.Kernel, acting *credentials.Service, confiner driver.Confiner, prober driver.Prober, log *slog.Logger) *Service {
	return &Service{k, acting, confiner, prober, log, make(chan waiting, maxWaiting), make(chan struct{}, maxWaiting)}
}

// within bounds what a store is waited for; what is left is for the answer.
const within = 50 * time.Second

// Ask says how a store is tried.
type Ask struct {
	// Bucket is the id or name of the one in which objects are put, below a prefix of their
	// own, and Other of another one of the store; empty: the first ones that the store has.
	// Where they are of several workspaces Bucket must be said, and Other is by default one
	// of the same workspace.
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
	found, later := svc.confiner.Prove(trying, t)
	if ctx.Err() != nil { // nobody waits for it any more, and what was cut off proves nothing
		return keyhatch.Store{}, ctx.Err()
	}
	proof := keyhatch.Proof{At: svc.k.Now(), By: c.User.ID, Bucket: t.Bucket, With: t.As.With, Checks: append(checks, found...)}
	if later == nil || !a.Wait {
		return svc.keep(ctx, c, t.Store.ID, proof)
	}
	return svc.keepAndWait(ctx, c, t.Store.ID, proof, later)
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
	if a.Bucket == "" && slices.ContainsFunc(ready, func(b keyhatch.Bucket) bool { return b.Workspace != ready[0].Workspace }) {
		return t, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, "the store's buckets are of several workspaces: say in which one objects may be put for a while").In("bucket")
	}
	in, err := chosen(ready, a.Bucket, "bucket")
	if err != nil {
		return t, err
	}
	if in.ID == "" {
		return t, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store has no bucket here to try it in: put one on record first").In("bucket")
	}
	other, err := chosen(slices.DeleteFunc(ready, func(b keyhatch.Bucket) bool {
		return b.ID == in.ID || a.Other == "" && b.Workspace != in.Workspace
	}), a.Other, "other_bucket")
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
		return stored(w, s, Ended)
	})
	return s, err
}

// stored writes a store's proof, with the event of what became of it.
func stored(w *kernel.Work, s keyhatch.Store, what keyhatch.Action) error {
	if err := w.Tx.UpdateStoreProof(w.Ctx, s); err != nil {
		return err
	}
	return w.Record(what, s.Workspace, s.ID, kernel.Detail("name", s.Name, "outcome", string(s.Proof.Outcome()),
		"failed", named(s.Proof.Checks, keyhatch.Failed), "warnings", named(s.Proof.Checks, keyhatch.Warning)))
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
// credential opens. The store's name is asked for again, so that it is no slip, and of is
// when the proof was made that was looked at; zero: whichever there is. For who may
// change the store.
func (svc *Service) Accept(ctx context.Context, c keyhatch.Caller, ref, name string, of time.Time) (s keyhatch.Store, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if s, err = places.ManagedStore(w, ref); err != nil {
			return err
		}
		if name != s.Name {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidName, "say the store's name again, as it is: %s", s.Name).In("name")
		}
		if err := acceptable(s.Proof, of); err != nil {
			return err
		}
		accepted := *s.Proof
		accepted.AcceptedBy, accepted.AcceptedAt = c.User.ID, w.Now
		s.Proof = &accepted
		return stored(w, s, Accepted)
	})
	return s, err
}

// acceptable refuses to accept what nobody can know: what was not tried, was not looked
// at, or was tried with a session that does not work; and what needs no acceptance.
func acceptable(p *keyhatch.Proof, of time.Time) error {
	refuse := func(why string) *keyhatch.Error {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreNotProven, "%s", why)
	}
	switch {
	case p == nil:
		return refuse("it was not tried yet what is to be accepted: verify the store first")
	case !of.IsZero() && !of.Equal(p.At):
		return refuse("something else was found meanwhile: look at it (keyhatch store show), and accept that").In("proof_at")
	case p.Outcome() == keyhatch.Passed && slices.Contains([]keyhatch.Outcome{keyhatch.Passed, keyhatch.Skipped}, p.Networks()):
		return refuse("the store passed: there is nothing to accept")
	case !slices.ContainsFunc(p.Checks, func(c keyhatch.Check) bool { return c.Name == driver.WorksStill && c.Outcome == keyhatch.Passed }):
		return refuse("it was not tried with a session that works, so nobody knows what would be accepted: mend what failed, and verify the store again")
	}
	return nil
}
