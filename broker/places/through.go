package places

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// What a setting is reached through: its credential, the bucket, and the store that is
// made for that one.

// ofPath says that it was the path that was refused, when it was the address.
func ofPath(err error) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && (e.Field == "" && e.Kind == keyhatch.Invalid || e.Field == "url") {
		of := *e
		return of.In("path")
	}
	return err
}

// credentialField is what a setting calls its credential.
const credentialField = "credentials_name"

// ofCredential says that it was the credential that was refused, when it was not there,
// or of no use.
func ofCredential(err error) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && (e.Code == keyhatch.CodeCredentialNotFound || e.Field == "credential" || e.Field == "endpoint") {
		of := *e
		return of.In(credentialField)
	}
	return err
}

// settingCredential finds the credential of a setting, which those name who may change
// it: in the place, or for a teamspace in the workspace.
func settingCredential(v kernel.View, in kernel.Place, ref string) (db.SealedCredential, error) {
	if ref == "" {
		return db.SealedCredential{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidCredential, "say which credential opens it").In(credentialField)
	}
	c, err := v.ManagedCredential(in.Workspace, in.Teamspace, ref)
	if errors.Is(err, keyhatch.NotFound) && in.Teamspace != "" {
		c, err = v.ManagedCredential(in.Workspace, "", ref)
	}
	if err == nil && (c.Workspace != in.Workspace || c.Teamspace != "" && c.Teamspace != in.Teamspace) {
		err = kernel.NotFound(keyhatch.CodeCredentialNotFound)
	}
	return c, ofCredential(err)
}

// actingOn is settingCredential for what a store acts for already: the name of the
// credential that it acts through means that one, also where the teamspace has another
// of that name.
func actingOn(v kernel.View, in kernel.Place, s keyhatch.Store, ref string) (db.SealedCredential, error) {
	if s.Credential != "" && (s.Teamspace == "" || s.Teamspace == in.Teamspace) {
		now, err := v.SealedCredential(v.Ctx, s.Credential)
		if err != nil || ref == now.Name {
			return now, err
		}
	}
	return settingCredential(v, in, ref)
}

// reachedThrough is the store that the credential of a new setting opens, if its bucket
// is not on record; else none. It is asked before the transaction: names are looked up.
func (svc *Service) reachedThrough(ctx context.Context, c keyhatch.Caller, n NewSetting, bucket string) (s keyhatch.Store, err error) {
	v := svc.k.View(ctx, c)
	in, err := locationPlace(v, n.Workspace, n.Teamspace)
	if err != nil {
		return s, err
	}
	if _, err := v.BucketByName(ctx, in.Workspace, bucket); !errors.Is(err, keyhatch.NotFound) {
		return s, err
	}
	credential, err := settingCredential(v, in, n.Credential)
	if err != nil {
		return s, err
	}
	s = storeThrough(credential)
	if _, err = svc.k.CheckEndpoint(ctx, s.Endpoint); err != nil {
		return keyhatch.Store{}, ofCredential(err)
	}
	return s, nil
}

// storeThrough is the store that a credential opens. Its endpoint was spelled in the one
// way when the credential got it.
func storeThrough(c db.SealedCredential) keyhatch.Store {
	s := keyhatch.Store{
		Workspace: c.Workspace, Teamspace: c.Teamspace, Kind: keyhatch.S3Store, Lends: keyhatch.LendsOwn, Keys: keyhatch.KeysOwn,
		Endpoint: c.Endpoint, Region: defaultRegion, Credential: c.ID, OneBucket: true,
	}
	if s.Endpoint == "" {
		s.Endpoint = "https://s3." + defaultRegion + ".amazonaws.com"
	}
	if region := keyhatch.AWSRegion(s.Endpoint); region != "" {
		s.Region = region
	}
	return s
}

// bucketThrough finds the workspace's bucket, which has to be reached through the
// credential, or puts it on record with the store that was looked at, for it alone: opened
// is that one, if it did.
func bucketThrough(w *kernel.Work, in kernel.Place, name, ref string, looked keyhatch.Store) (bucket keyhatch.Bucket, opened keyhatch.Store, err error) {
	bucket, err = w.BucketByName(w.Ctx, in.Workspace, name)
	if errors.Is(err, keyhatch.NotFound) {
		return newBucketThrough(w, in, name, ref, looked)
	}
	if err != nil {
		return bucket, opened, err
	}
	s, err := w.Store(w.Ctx, bucket.Store)
	if err != nil {
		return bucket, opened, err
	}
	credential, err := actingOn(w.View, in, s, ref)
	if err == nil && credential.ID != s.Credential {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken,
			"the bucket is on record already, with another credential: all storage settings of a bucket share its").In(credentialField)
	}
	return bucket, opened, err
}

func newBucketThrough(w *kernel.Work, in kernel.Place, name, ref string, looked keyhatch.Store) (bucket keyhatch.Bucket, opened keyhatch.Store, err error) {
	credential, err := settingCredential(w.View, in, ref)
	if err != nil {
		return bucket, opened, err
	}
	if opened = storeThrough(credential); opened != looked {
		return bucket, opened, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStandingChanged,
			"the credential, or what is on record of the bucket, was changed meanwhile: look, and ask again")
	}
	opened.ID, opened.CreatedAt = keyhatch.NewID(keyhatch.StoreID, w.Now), w.Now
	if opened.Name, err = forOneBucket(w, opened); err != nil {
		return bucket, opened, err
	}
	if err := actFor(w, &opened, credential.ID); err != nil {
		return bucket, opened, ofCredential(err)
	}
	if err := insertStore(w, opened); err != nil {
		return bucket, opened, err
	}
	bucket = keyhatch.Bucket{
		ID: keyhatch.NewID(keyhatch.BucketID, w.Now), Workspace: opened.Workspace, Store: opened.ID, Name: name, Owner: w.Caller.User.ID,
		State: keyhatch.BucketConfigured, MaxPresigned: keyhatch.LongestPresigned, CreatedAt: w.Now,
	}
	return bucket, opened, ofBucket(InsertBucket(w, opened, bucket))
}

// ofBucket says that it was the path that was refused, when it was the bucket's name.
func ofBucket(err error) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Field == "name" {
		of := *e
		return of.In("path")
	}
	return err
}

// forOneBucket is the name of a store that is made for a bucket. A long name of the
// workspace is cut, so that it is one that a store may have.
func forOneBucket(w *kernel.Work, s keyhatch.Store) (string, error) {
	ws, err := w.Workspace(w.Ctx, s.Workspace)
	payload, _ := keyhatch.IDPayload(keyhatch.StoreID, s.ID)
	end := ".of-" + payload
	return ws.Name[:min(len(ws.Name), keyhatch.MaxNameBytes-len(end))] + end, err
}

// forgetBucket takes the bucket of a location that has gone off the record, when it has
// no other, no access keys, and its store was made for it. From who may not remove those
// it stays, and goes with the next location there.
func forgetBucket(w *kernel.Work, l keyhatch.Location) error {
	role, err := w.Role(l.Workspace)
	if err != nil || !role.Manages() || w.MustNotBeTask() != nil {
		return err
	}
	s, err := w.Store(w.Ctx, l.Store)
	if err != nil || !s.OneBucket {
		return err
	}
	left, err := w.LocationsOfBucket(w.Ctx, l.Bucket)
	if err != nil || len(left) > 0 {
		return err
	}
	if keys, err := w.HasAccessKeys(w.Ctx, s.ID); err != nil || keys {
		return err
	}
	bucket, err := w.Bucket(w.Ctx, l.Bucket)
	if err != nil {
		return err
	}
	if err := DropBucket(w, bucket, ""); err != nil {
		return err
	}
	return deleteStore(w, s)
}

// reachWith gives the store of a location another credential, for the same endpoint: its
// objects stay where they are. What others are reached through too is changed there.
func reachWith(w *kernel.Work, l keyhatch.Location, ref string) error {
	s, err := ManagedStore(w, l.Store)
	if err != nil {
		return err
	}
	credential, err := actingOn(w.View, kernel.Place{Workspace: l.Workspace, Teamspace: l.Teamspace}, s, ref)
	switch {
	case err != nil:
		return err
	case credential.ID == s.Credential:
		return nil
	case !s.OneBucket:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the store was not made for this bucket alone, and its credential is changed there: keyhatch store update").In(credentialField)
	case credential.Teamspace != s.Teamspace:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"who may change the credential stays: one of a teamspace takes the place of one of that teamspace, and one of the workspace of one of the workspace").In(credentialField)
	case credential.Endpoint != s.Endpoint && (credential.Endpoint != "" || keyhatch.AWSRegion(s.Endpoint) == ""):
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the credential is of another store than the objects are on: make another storage setting").In(credentialField)
	}
	if err := actFor(w, &s, credential.ID); err != nil {
		return ofCredential(err)
	}
	return storeStore(w, s)
}
