package lending

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// decide makes the lease that the caller may have, from memory alone: this is
// the hot path of the service.
func (svc *Service) decide(image *mirror.Image, c keyhatch.Caller, r LeaseRequest, on basis) (loan, error) {
	if _, err := keyhatch.ParseAccess(string(r.Access)); err != nil {
		return loan{}, err
	}
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return loan{}, err
	}
	d := decision{image: image, caller: c, scopes: scopes, request: r, basis: on, now: svc.k.Now(), grants: map[string][]keyhatch.Grant{}}
	// Before anything is resolved: all of this happens in memory that others wait
	// for.
	if len(r.Prefixes) > maxPrefixes {
		return loan{}, tooManyPrefixes(maxPrefixes)
	}
	made, err := d.narrowed()
	if err != nil {
		return loan{}, err
	}
	targets, err := d.targets()
	if err != nil {
		return loan{}, err
	}
	store, err := image.Store(targets[0].location.Store)
	if err != nil {
		return loan{}, err
	}
	if err := d.open(targets); err != nil {
		return loan{}, err
	}
	if err := allowsTask(c.Token, store, image, d.now); err != nil {
		return loan{}, err
	}
	lender, ok := svc.lenders[store.Lends]
	if !ok {
		return loan{}, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"no leases can be lent for this store: ask an installation admin")
	}
	capable := lender.Capabilities()
	d.minted = capable.Revocation != keyhatch.RevokeImmediate
	if (on.key != nil || on.holds != nil) && d.minted {
		return loan{}, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"this store's leases do not end with what they were borrowed with: they are borrowed with a token alone")
	}
	if len(targets) > capable.MaxPrefixes {
		return loan{}, tooManyPrefixes(capable.MaxPrefixes)
	}
	d.limit("the store's longest lease", d.now.Add(capable.MaxLife))
	d.limit("the token's expiry", c.Token.ExpiresAt)
	made.store, made.lender, made.key = store, lender, on.key
	lease := &made.lease
	lease.ID, lease.Workspace, lease.User, lease.Token = keyhatch.NewID(keyhatch.LeaseID, d.now), targets[0].location.Workspace, c.User.ID, c.Token.ID
	lease.Pair, lease.Store, lease.StoreName, lease.Access, lease.IssuedAt = c.Pair, store.ID, store.Name, r.Access, d.now
	for _, t := range targets {
		part, err := d.part(t)
		if err != nil {
			return loan{}, err
		}
		if !slices.Contains(lease.Parts, part) {
			lease.Parts = append(lease.Parts, part)
		}
	}
	if lease.ExpiresAt, err = d.expiry(max(capable.MinLife, svc.least)); err != nil {
		return loan{}, err
	}
	made.ask, made.console = d.ask(targets), r.Console
	made.ask.Networks = d.networks
	return made, nil
}

// ask is what the lender is told of the decision beside the lease.
func (d *decision) ask(targets []target) driver.LendRequest {
	out := driver.LendRequest{Unasked: d.request.Life == 0, Least: d.request.Least, Latest: d.end, From: d.caller.Token.Networks, Shared: true}
	if most := d.now.Add(d.request.UpTo + driver.ClocksMayBeApart); d.request.UpTo != 0 && most.Before(out.Latest) {
		out.Latest = most
	}
	for _, t := range targets {
		out.Shared = out.Shared && t.location.SharedSessions
		if key := t.location.KMSKey; key != "" && !slices.Contains(out.KMSKeys, key) {
			out.KMSKeys = append(out.KMSKeys, key)
		}
	}
	return out
}

// open refuses what is closed to everybody.
func (d *decision) open(targets []target) error {
	for _, t := range targets {
		if err := d.openBucket(t.location.Workspace, t.location.Store, t.location.Bucket); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) openBucket(workspace, store, id string) error {
	if err := kernel.AccountOpens(d.image.AccountOn(workspace, store)); err != nil {
		return err
	}
	if b, err := d.image.Bucket(id); err != nil || b.State != keyhatch.BucketConfigured {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady,
			"the store is making or removing the bucket: look at its state, and ask again")
	}
	return nil
}

// narrowed begins the lease with what narrows it beside its parts: session
// policies, and the lease that it is borrowed with.
func (d *decision) narrowed() (loan, error) {
	l := loan{lease: keyhatch.Lease{SessionName: d.request.SessionName}}
	if d.request.SessionName != "" {
		if err := keyhatch.CheckSessionName(d.request.SessionName); err != nil {
			return l, err
		}
	}
	if client := d.request.Client; client != "" {
		if err := keyhatch.CheckSessionName(client); err != nil {
			return l, err
		}
		l.client, l.lease.SessionName = client, cmp.Or(d.request.SessionName, keyhatch.SessionOf{User: d.caller.User.Name, Client: client}.LeaseName())
	}
	if parent := d.holds; parent != nil {
		if len(parent.Ancestors) >= keyhatch.MaxAncestors {
			return l, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
				"this lease comes after %d others, and no more can follow: ask with one before it, or with a token", keyhatch.MaxAncestors)
		}
		l.parent = parent
		l.lease.Ancestors = append(slices.Clone(parent.Ancestors), parent.ID)
		l.lease.Policies = slices.Clone(parent.Policies)
		d.limit("the lease that you ask with", parent.ExpiresAt)
	}
	if d.request.Policy != "" {
		p, err := sessionpolicy.Parse(d.request.Policy)
		if err != nil {
			return l, err
		}
		l.policy = p.String()
		l.lease.Policies = append(l.lease.Policies, l.policy)
	}
	return l, nil
}

// maxPrefixes bounds what is looked at for one lease; a lender may take fewer.
const maxPrefixes = 100

func tooManyPrefixes(most int) error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPrefix,
		"a lease of this store has at most %d prefixes: ask for fewer, or for two leases", most).In("prefixes")
}

// basis is what a caller asks with who has shown no token.
type basis struct {
	holds *keyhatch.Lease // a lease; nil: a token or an access key asks
	key   *heldKey        // an access key, or that which the lease rests on
}

// decision is a lease being decided.
type decision struct {
	image   *mirror.Image
	caller  keyhatch.Caller
	scopes  policy.Scopes
	request LeaseRequest
	basis
	now      time.Time
	minted   bool                             // by the store, which confines it for good
	grants   map[string][]keyhatch.Grant      // what reaches the caller, by location
	networks map[keyhatch.Part][]netip.Prefix // from which a part is open, where it is not from everywhere

	// The earliest end, and what sets it.
	end     time.Time
	endedBy string
}

// part finds the grant that one prefix rests on.
func (d *decision) part(t target) (keyhatch.Part, error) {
	if d.key != nil {
		return d.partOfKey(t)
	}
	url := keyhatch.S3URL{Bucket: t.location.BucketName, Prefix: t.prefix}
	if !d.scopes.AllowsS3(d.request.Access, url) {
		return keyhatch.Part{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeNotGranted,
			"the token's s3 scopes do not reach so far: ask for what they name, or use another token")
	}
	if t.location.Locked && d.request.Access == keyhatch.Write {
		return keyhatch.Part{}, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationLocked,
			"location %s is locked: it can be read, and written again once its owner unlocks it", t.location.Name)
	}
	if d.holds != nil {
		part, err := d.partOfHeld(t, url)
		if err == nil {
			err = kernel.Conditions(d.image, d.caller, t.location, "the location")
			d.confine(part, t.location)
		}
		return part, err
	}
	grants := d.grantsOn(t.location.ID)
	g, ok := policy.BestGrant(grants, d.request.Access, t.prefix, d.now)
	if !ok {
		return keyhatch.Part{}, d.notGranted(t, grants)
	}
	if err := kernel.Conditions(d.image, d.caller, t.location, "location "+t.location.Name); err != nil {
		return keyhatch.Part{}, err
	}
	d.limit("grant "+g.ID, g.ExpiresAt)
	d.limit("the longest lease of location "+t.location.Name, d.now.Add(t.location.MaxLease))
	part := keyhatch.Part{Bucket: t.location.BucketName, Prefix: t.prefix, Location: t.location.ID, Grant: g.ID}
	part.ListsBucket = d.request.ListBucket && d.listsBucket(t.location)
	d.confine(part, t.location)
	return part, nil
}

// listsBucket tells whether a lease may list all of the location's bucket. A session of the
// store's cannot be told of which names it is for certain networks.
func (d *decision) listsBucket(l keyhatch.Location) bool {
	b, err := d.image.Bucket(l.Bucket)
	if d.minted && confinesBeside(d.image.LocationsIn(l.Bucket), l) {
		return false
	}
	return err == nil && b.ListsWhole(d.now) && d.scopes.AllowsS3(keyhatch.Read, keyhatch.S3URL{Bucket: l.BucketName})
}

// partOfHeld narrows a part of the lease that the caller asks with.
func (d *decision) partOfHeld(t target, url keyhatch.S3URL) (keyhatch.Part, error) {
	for _, p := range d.holds.Parts {
		inside := keyhatch.Part{Bucket: url.Bucket, Prefix: url.Prefix, Location: t.location.ID, Grant: p.Grant}
		is, err := partOf(*d.holds, inside, d.request.Access, d.image, d.now)
		if err != nil {
			return keyhatch.Part{}, err
		}
		if is {
			d.limit("the longest lease of location "+t.location.Name, d.now.Add(t.location.MaxLease))
			return inside, nil
		}
	}
	return keyhatch.Part{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted,
		"the lease that you ask with does not open all of that with %s access; it was lent for %s on %s", d.request.Access,
		d.holds.Access, strings.Join(d.holds.URLs(), " "))
}

// notGranted tells a caller what it has instead of what it asked for.
func (d *decision) notGranted(t target, grants []keyhatch.Grant) error {
	nearest, ok := policy.NearestGrant(grants, d.request.Access, t.prefix, d.now)
	if !ok {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted,
			"no grant gives you %s access to location %s: ask its owner for one, or give one if you are", d.request.Access, t.location.Name)
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted,
		"no grant gives you %s access to all of that; the nearest one is %s: %s on %s", d.request.Access,
		nearest.ID, nearest.Access, nearest.URL())
}

// limit notes a time that the lease must not outlive; zero is none.
func (d *decision) limit(what string, end time.Time) {
	if !end.IsZero() && (d.end.IsZero() || end.Before(d.end)) {
		d.end, d.endedBy = end, what
	}
}

// expiry is when the lease ends: when it was asked to, or by default as late as
// the limits let it. Nothing asked is ever shortened (S15), but by who says so.
func (d *decision) expiry(least time.Duration) (time.Time, error) {
	left, life, accepted := d.end.Sub(d.now), d.request.Life, d.request.Least
	switch {
	case life != 0 && life < least:
		return time.Time{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidDuration,
			"a lease lasts at least %d seconds", int(least.Seconds())).In("duration_seconds")
	case accepted < 0 || life != 0 && accepted > life:
		return time.Time{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidDuration,
			"the shortest lease that you accept is no longer than the one that you ask for").In("min_duration_seconds")
	case life == 0:
		life = min(max(cmp.Or(d.request.UpTo, keyhatch.DefaultLeaseLife), accepted), left)
	case accepted != 0:
		life = min(life, left.Truncate(time.Second))
	}
	least = max(least, accepted)
	if life > left || life < least {
		return time.Time{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit,
			"a lease of at least %d seconds can last at most %d now: the limit is %s",
			int(least.Seconds()), max(0, int(left.Seconds())), d.endedBy).In("duration_seconds")
	}
	return d.now.Add(life), nil
}

// inField names the input at fault of an error that has none.
func inField(err error, field string) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Field == "" {
		e.In(field)
	}
	return err
}
