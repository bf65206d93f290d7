package lending

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"path"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// DefaultPresigned is how long a presigned URL works when nothing is asked, or less where
// a limit is lower.
const DefaultPresigned = time.Hour

// PresignRequest asks for a URL of one object.
type PresignRequest struct {
	Workspace string // id or name; may be empty where one is implied
	Bucket    string // id or name
	Key       string
	Life      time.Duration // whole seconds; zero: UpTo, or less where a limit is lower
	UpTo      time.Duration // zero: DefaultPresigned
	// Attachment: browsers are to keep the object as a file of its name, and not show it.
	Attachment bool
}

// Presigned is a URL with which whoever has it reads one object, and the lease that it is
// signed with.
type Presigned struct {
	URL   keyhatch.Secret
	Lease keyhatch.Lease
}

// Presign makes a URL of one object, that need not be there, for who may read it: by a
// grant, or since it decides over the bucket as its owner or an admin of the workspace. The
// URL is signed with the keys of a lease that is made for it, opens the one object and is
// on record; nobody is given the keys. It ends with the lease, and when the bucket's
// presigned URLs are revoked, and works for at most as long as the bucket says, the
// location that the object is in, the grant and the token.
func (svc *Service) Presign(ctx context.Context, c keyhatch.Caller, r PresignRequest) (Presigned, error) {
	if !c.HasToken() {
		return Presigned{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"a URL is signed with a lease, which is borrowed with a token: make a token first")
	}
	if err := keyhatch.CheckKey(r.Key); err != nil {
		return Presigned{}, inField(err, "key")
	}
	if r.Life < 0 || r.Life%time.Second != 0 {
		return Presigned{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidDuration, "a presigned URL works for whole seconds").In("expiry_seconds")
	}
	var l loan
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
		l, err = svc.decideURL(image, c, r)
		return err
	})
	if err != nil {
		return Presigned{}, err
	}
	lent, err := svc.lend(ctx, c, l)
	if err != nil {
		return Presigned{}, ofURL(err)
	}
	signer := l.lender.(driver.Presigner)
	url, err := signer.Presign(ctx, lent.Credentials, l.lease.Parts[0].Bucket, r.Key, r.disposition(), l.lease.ExpiresAt.Sub(l.lease.IssuedAt))
	return Presigned{URL: keyhatch.Secret(url), Lease: lent.Lease}, err
}

// ofURL names the input of a URL where a store named that of a lease. The store's error may
// be that of others too, and stays as it is.
func ofURL(err error) error {
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Field != "duration_seconds" {
		return err
	}
	own := *failed
	return own.In("expiry_seconds").Because(err)
}

// disposition is the Content-Disposition that the URL asks for.
func (r PresignRequest) disposition() string {
	if !r.Attachment {
		return ""
	}
	return mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(r.Key)})
}

// decideURL makes the lease that a URL is signed with.
func (svc *Service) decideURL(image *mirror.Image, c keyhatch.Caller, r PresignRequest) (loan, error) {
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return loan{}, err
	}
	d := decision{
		image: image, caller: c, scopes: scopes, now: svc.k.Now(), grants: map[string][]keyhatch.Grant{},
		request: LeaseRequest{Workspace: r.Workspace, Access: keyhatch.Read, Life: r.Life, UpTo: r.UpTo},
	}
	b, part, err := d.object(r.Bucket, r.Key)
	if err != nil {
		return loan{}, err
	}
	store, err := image.Store(b.Store)
	if err != nil {
		return loan{}, err
	}
	if err := d.openBucket(b.Workspace, b.Store, b.ID); err != nil {
		return loan{}, err
	}
	if err := allowsTask(c.Token, store, image, d.now); err != nil {
		return loan{}, err
	}
	lender := svc.lenders[store.Lends]
	if _, signs := lender.(driver.Presigner); !signs {
		return loan{}, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "no URLs are signed for this store")
	}
	if b.MaxPresigned == 0 {
		return loan{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"no presigned URLs are made of this bucket: its owner and the workspace's admins can allow them")
	}
	d.limit("the bucket's longest presigned URL", d.now.Add(b.MaxPresigned))
	d.limit("the store's longest lease", d.now.Add(lender.Capabilities().MaxLife))
	d.limit("the token's expiry", c.Token.ExpiresAt)
	l := keyhatch.Lease{
		ID: keyhatch.NewID(keyhatch.LeaseID, d.now), Workspace: b.Workspace, User: c.User.ID, Token: c.Token.ID, Presigned: true,
		Store: store.ID, StoreName: store.Name, Access: keyhatch.Read, Parts: []keyhatch.Part{part}, IssuedAt: d.now,
	}
	only, err := sessionpolicy.ReadingObject(b.Name, r.Key)
	if err != nil {
		return loan{}, err
	}
	l.Policies = []string{only}
	if l.ExpiresAt, err = d.urlExpiry(); err != nil {
		return loan{}, err
	}
	ask := driver.LendRequest{Latest: d.end, From: c.Token.Networks}
	if location, err := image.LocationHolding(b.Workspace, keyhatch.S3URL{Bucket: b.Name, Prefix: part.Prefix}); err == nil {
		if location.KMSKey != "" {
			ask.KMSKeys = []string{location.KMSKey}
		}
		if err := kernel.Conditions(d.image, d.caller, location, "location "+location.Name); err != nil {
			return loan{}, err
		}
		d.confine(part, location)
		ask.Networks = d.networks
	}
	return loan{lease: l, policy: only, store: store, lender: lender, ask: ask}, nil
}

// object finds the bucket, and what reading the key in it rests on. A bucket in which the
// caller may read nothing, and that it does not decide over, is not found.
func (d *decision) object(ref, key string) (b keyhatch.Bucket, part keyhatch.Part, err error) {
	if _, isID := keyhatch.IDPayload(keyhatch.BucketID, ref); isID {
		b, err = d.image.Bucket(ref)
	} else {
		var workspace string
		if workspace, err = d.workspace(); err == nil && workspace == "" {
			err = kernel.WorkspaceRequired()
		}
		if err == nil {
			b, err = d.image.BucketByName(workspace, ref)
		}
	}
	missing := kernel.NotFound(keyhatch.CodeBucketNotFound)
	if own := d.caller.Token.Workspace; errors.Is(err, keyhatch.NotFound) || err == nil && own != "" && own != b.Workspace {
		err = missing
	}
	if err != nil {
		return b, part, err
	}
	folder := keyhatch.FolderOf(key)
	part = keyhatch.Part{Bucket: b.Name, Prefix: folder}
	url := keyhatch.S3URL{Bucket: b.Name, Prefix: folder}
	location, err := d.image.LocationHolding(b.Workspace, url)
	if err == nil {
		d.limit("the longest lease of location "+location.Name, d.now.Add(location.MaxLease))
	}
	role := d.image.Role(b.Workspace, d.caller.User.ID)
	if !d.caller.User.Admin && !policy.DecidesOver(b, d.caller.User.ID, role) {
		if location.ID == "" || !d.sees(location) {
			return b, part, missing
		}
		g, ok := policy.BestGrant(d.grantsOn(location.ID), keyhatch.Read, folder, d.now)
		if !ok {
			return b, part, d.notGranted(target{location: location, prefix: folder}, d.grantsOn(location.ID))
		}
		part.Location, part.Grant = location.ID, g.ID
		d.limit("grant "+g.ID, g.ExpiresAt)
	}
	if !d.scopes.AllowsS3(keyhatch.Read, url) {
		return b, part, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeNotGranted,
			"the token's s3 scopes do not reach so far: ask for what they name, or use another token")
	}
	return b, part, nil
}

// urlExpiry is when a URL ends. Nothing asked is ever shortened (S15).
func (d *decision) urlExpiry() (time.Time, error) {
	left := d.end.Sub(d.now).Truncate(time.Second)
	life := d.request.Life
	if life == 0 {
		life = min(cmp.Or(d.request.UpTo, DefaultPresigned), left)
	}
	if life > left || life < time.Second {
		return time.Time{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit,
			"a presigned URL of this object can work for at most %d seconds now: the limit is %s", max(0, int(left.Seconds())), d.endedBy).In("expiry_seconds")
	}
	return d.now.Add(life), nil
}
