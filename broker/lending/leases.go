package lending

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/seal"
)

// The events of leases.
const (
	LeaseLent    keyhatch.Action = "lease.lend"
	LeaseRevoked keyhatch.Action = "lease.revoke"
)

// LeaseRequest asks for credentials.
type LeaseRequest struct {
	Workspace string // id or name; may be empty where one is implied
	Location  string // id, name, or an s3:// address inside one
	Access    keyhatch.Access
	// Prefixes narrow the lease: s3:// addresses in this or other locations of
	// the same store, or prefixes relative to Location. None: all of Location.
	Prefixes []string
	Life     time.Duration // zero: UpTo, or less where a limit is lower
	UpTo     time.Duration // zero: keyhatch.DefaultLeaseLife
	// Least accepts a lease that is shorter than Life, down to that, where a limit is lower
	// or the store has minted keys that still last so long; zero: Life.
	Least time.Duration
	// ListBucket asks that the lease also lists all of the buckets that it opens something
	// in. It does in those whose owner lets leases do that, where the s3 scopes of the
	// token reach so far.
	ListBucket bool
	// Policy is a session policy that narrows the lease further
	// (sessionpolicy.Parse); empty for none.
	Policy string
	// SessionName is what the borrower calls the lease, for the record; may be
	// empty.
	SessionName string
	// Client is what the borrower's program calls itself, by the rule for a SessionName; may be
	// empty. Where there is no SessionName, it is called user@client.
	Client string
	// Console asks for a URL where people see what the lease opens, of stores that have one.
	// One that cannot be made is an error, and then no lease is lent: it was asked for.
	Console bool
}

// ErrConsole is in the error of a lease whose console could not be had.
var ErrConsole = errors.New("console")

// Lent is a lease with what was lent.
type Lent struct {
	Lease       keyhatch.Lease
	Credentials keyhatch.Credentials
	Revocation  keyhatch.Revocation
	Console     keyhatch.Secret // URL; empty: none was asked for, or there is none
}

// Lease lends credentials that open the asked prefixes with the asked access
// and nothing else. Each prefix must be covered by one grant that reaches the
// caller, and lie within the s3 scopes of its token. The lease ends no later
// than those grants, the token, and what the locations allow; asking for longer
// is an error that names the limit.
//
// The secret is in the answer only, and the answer comes after the lease and
// its event are durable (S1).
func (svc *Service) Lease(ctx context.Context, c keyhatch.Caller, r LeaseRequest) (Lent, error) {
	if !c.HasToken() {
		return Lent{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"a lease is borrowed with a token, and ends with it: make a token first")
	}
	var l loan
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
		l, err = svc.decide(image, c, r, basis{})
		return err
	})
	if err != nil {
		return Lent{}, err
	}
	return svc.lend(ctx, c, l)
}

// Relend lends a narrower lease to who holds a lease and has shown it: the caller
// is the parent's user with the parent's token, and may do nothing more with the
// parent than this. Each prefix must lie inside one that the parent opens now, with
// no more access, and rests on the same grant; the lease ends no later than the
// parent, at once when the parent or one before it is revoked, and the parent's
// session policies narrow it too. MaxAncestors leases can come before one.
//
// The errors are those of Lease and of Identify.
func (svc *Service) Relend(ctx context.Context, parent keyhatch.Lease, r LeaseRequest) (Lent, error) {
	var c keyhatch.Caller
	var l loan
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		open, _, err := standing(parent, image, keyhatch.OriginOf(ctx), svc.k.Now())
		if err != nil {
			return err
		}
		if c, err = svc.holder(image, parent); err != nil {
			return err
		}
		c.Origin = keyhatch.OriginOf(ctx)
		on := basis{holds: &parent}
		if parent.Pair != "" {
			if on.key, err = keyBasis(image, parent.Pair, open); err != nil {
				return err
			}
		}
		l, err = svc.decide(image, c, r, on)
		return err
	})
	if err != nil {
		return Lent{}, err
	}
	return svc.lend(ctx, c, l)
}

// lend mints the credentials of a decided lease and records it. Those of our own
// endpoint that were sealed with an old key are minted once more, and so are those of a
// store of which a lease was revoked, here while they were lent again or by another process.
func (svc *Service) lend(ctx context.Context, c keyhatch.Caller, l loan) (lent Lent, err error) {
	err = svc.k.WithKeys(ctx, func() error {
		lent, err = svc.lendOnce(ctx, c, l)
		var over *vendOver
		if errors.As(err, &over) {
			svc.forget(keyhatch.Lease{Vend: over.vend})
			lent, err = svc.lendOnce(ctx, c, l)
		}
		return err
	})
	return lent, err
}

// vendOver is that a lease of the vend was revoked: nobody is lent its session any more.
type vendOver struct{ vend string }

func (v *vendOver) Error() string { return "a lease of " + v.vend + " was revoked" }

// forget has a store's session served to nobody any more.
func (svc *Service) forget(l keyhatch.Lease) {
	if ender, serves := svc.lenders[keyhatch.LendsSTS].(driver.Ender); serves && l.Vend != "" {
		ender.End(l)
	}
}

func (svc *Service) lendOnce(ctx context.Context, c keyhatch.Caller, l loan) (Lent, error) {
	vended, err := l.lender.Lend(ctx, l.request(c))
	if err != nil {
		return Lent{}, fmt.Errorf("lend from store %s: %w", l.store.Name, err)
	}
	l.lease.AccessKeyID, l.lease.Vend = vended.AccessKeyID, vended.ID
	// The keys of a URL stay here: it is the URL that ends.
	if end := kernel.Stored(vended.ExpiresAt); !l.lease.Presigned || end.Before(l.lease.ExpiresAt) {
		l.lease.ExpiresAt = end
	}
	lent := Lent{Credentials: vended.Credentials, Revocation: l.lender.Capabilities().Revocation}
	if shows, can := l.lender.(driver.Consoler); l.console && can {
		if lent.Console, err = shows.ConsoleURL(ctx, l.store, vended, l.lease.Parts[0]); err != nil {
			return Lent{}, fmt.Errorf("%w of store %s: %w", ErrConsole, l.store.Name, err)
		}
	}
	if err := svc.recordLease(ctx, c, l, vended.SessionToken); err != nil {
		return Lent{}, err
	}
	lent.Lease = l.lease
	return lent, nil
}

// request is what the lender is asked with.
func (l loan) request(c keyhatch.Caller) driver.LendRequest {
	r := l.ask
	r.Store, r.Lease, r.User = l.store, l.lease, c.User.Name
	// A lease's own name tells more of what it is for than that of the token does.
	r.Client = cmp.Or(l.client, l.lease.SessionName, c.Token.Name)
	return r
}

// recordLease makes the lease durable. What it was decided on is looked at
// again in the transaction: who lost a right in the meantime gets nothing. So is the key
// of our own session tokens, since an old one goes with the leases from before.
func (svc *Service) recordLease(ctx context.Context, c keyhatch.Caller, decided loan, token keyhatch.Secret) error {
	l, detail := decided.lease, decided.detail()
	key, sealed := seal.SessionKey(token)
	sealed = sealed && decided.store.Lends == keyhatch.LendsOwn
	return svc.k.Append(ctx, c, func(w *kernel.Work) error {
		if err := decided.stillStands(w); err != nil {
			return err
		}
		if sealed {
			if err := w.Tx.MustBePrimary(ctx, seal.SessionsKeyset, key); err != nil {
				return err
			}
		}
		if err := mayServe(w, l); err != nil {
			return err
		}
		if err := w.Tx.InsertLease(ctx, l); err != nil {
			return err
		}
		return w.Record(LeaseLent, l.Workspace, l.ID, detail)
	})
}

// mayServe refuses the session of a vend of which a lease was revoked.
func mayServe(w *kernel.Work, l keyhatch.Lease) error {
	if l.Vend == "" {
		return nil
	}
	over, err := w.VendRevoked(w.Ctx, l.Vend)
	if err == nil && over {
		err = keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the session was revoked while it was being lent: ask again").Because(&vendOver{l.Vend})
	}
	return err
}

// detail is what the record says of the lease. The policies of the leases before
// it are in theirs.
func (l loan) detail() map[string]string {
	lease, parent := l.lease, ""
	var lists []string
	for _, p := range lease.Parts {
		if p.ListsBucket && !slices.Contains(lists, p.Bucket) {
			lists = append(lists, p.Bucket)
		}
	}
	if l.parent != nil {
		parent = l.parent.ID
	}
	return kernel.Detail("pair", lease.Pair, "store", lease.Store, "access", string(lease.Access),
		"prefixes", strings.Join(lease.URLs(), " "), "grants", strings.Join(lease.Grants(), " "),
		"access_key_id", lease.AccessKeyID, "vend", lease.Vend, "expires", kernel.TimeText(lease.ExpiresAt),
		"session_name", lease.SessionName, "lists_whole", strings.Join(lists, " "), "presigned", kernel.Yes(lease.Presigned), "policy", l.policy, "parent", parent)
}

// RevokeLease ends a lease: one's own, or any of a workspace that one manages.
// Ending it again changes nothing. The session of a store lives to its end all the same:
// it is no more than lent to nobody else.
func (svc *Service) RevokeLease(ctx context.Context, c keyhatch.Caller, id string) error {
	var l keyhatch.Lease
	err := svc.k.Change(ctx, c, func(w *kernel.Work) (err error) {
		if l, err = visibleLease(w.View, id); err != nil {
			return err
		}
		if err := w.Tx.RevokeLease(ctx, l, w.Now); err != nil {
			return err
		}
		return w.Record(LeaseRevoked, l.Workspace, l.ID, kernel.Detail("user", l.User))
	})
	if err == nil {
		svc.forget(l)
	}
	return err
}

// LeaseByID returns one lease's record: one's own, or any of a workspace that
// one manages.
func (svc *Service) LeaseByID(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.Lease, error) {
	return visibleLease(svc.k.View(ctx, c), id)
}

// LeaseFilter narrows a list of leases.
type LeaseFilter struct {
	Workspace string // id or name
	Live      bool   // neither revoked nor expired
}

// Leases lists leases, newest first: the caller's own, or when a workspace is
// named that the caller manages, all of that.
func (svc *Service) Leases(ctx context.Context, c keyhatch.Caller, f LeaseFilter, p kernel.Page) (kernel.List[keyhatch.Lease], error) {
	v := svc.k.View(ctx, c)
	where := db.LeaseFilter{Workspace: c.Token.Workspace, User: c.User.ID}
	if f.Workspace != "" {
		ws, err := v.MemberWorkspace(f.Workspace)
		if err != nil {
			return kernel.List[keyhatch.Lease]{}, err
		}
		where.Workspace = ws.ID
		role, err := v.Role(ws.ID)
		if err != nil {
			return kernel.List[keyhatch.Lease]{}, err
		}
		if role.Manages() {
			where.User = ""
		}
	}
	if f.Live {
		where.LiveAt = v.Now
	}
	return kernel.Paged(p, keyhatch.LeaseID, func(l keyhatch.Lease) string { return l.ID },
		func(p kernel.Page) ([]keyhatch.Lease, error) { return v.Leases(ctx, where, p) })
}

func visibleLease(v kernel.View, id string) (keyhatch.Lease, error) {
	l, err := v.Lease(v.Ctx, id)
	if err != nil {
		return l, err
	}
	if l.User == v.Caller.User.ID && v.Within(l.Workspace) {
		return l, nil
	}
	role, err := v.Role(l.Workspace)
	if err == nil && !role.Manages() {
		err = kernel.NotFound(keyhatch.CodeLeaseNotFound)
	}
	if err != nil {
		return keyhatch.Lease{}, err
	}
	return l, nil
}

// loan is a decided lease before it is lent.
type loan struct {
	lease  keyhatch.Lease
	parent *keyhatch.Lease // nil: a token or an access key borrows
	key    *heldKey        // that it rests on; nil: on grants
	policy string          // its own session policy
	client string          // what the borrower's program calls itself
	store  keyhatch.Store
	lender driver.Lender
	ask    driver.LendRequest // what the lender is told beside the lease
	// console: people want to see what the lease opens.
	console bool
}
