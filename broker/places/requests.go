package places

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// ObjectRequestFilter narrows a list of object requests; empty fields do not.
type ObjectRequestFilter struct {
	Workspace string // id or name; may be empty where one is implied
	Location  string // id, name, or an s3:// address inside one
	User      string // id or name
	Access    keyhatch.Access
	Since     time.Time
	Until     time.Time
}

// ObjectRequests lists who did what at our S3 endpoint inside a location, or
// tried to, newest first. Its owner and the workspace's admins only.
func (svc *Service) ObjectRequests(ctx context.Context, c keyhatch.Caller, f ObjectRequestFilter, p kernel.Page) (kernel.List[ObjectRequest], error) {
	none := kernel.List[ObjectRequest]{}
	v := svc.k.View(ctx, c)
	l, prefix, err := ruledPrefix(v, f.Workspace, f.Location)
	if err != nil {
		return none, err
	}
	where := db.ObjectRequestFilter{Store: l.Store, Bucket: l.BucketName, Prefix: prefix, Access: f.Access}
	if f.Access != "" {
		if _, err := keyhatch.ParseAccess(string(f.Access)); err != nil {
			return none, err
		}
	}
	if f.User != "" {
		u, err := v.NameableUser(f.User)
		if err != nil {
			return none, err
		}
		where.User = u.ID
	}
	bucket, err := v.Bucket(ctx, l.Bucket)
	if err != nil {
		return none, err
	}
	// What was done before the bucket was this workspace's is another's affair.
	where.From = keyhatch.FirstID(keyhatch.ObjectRequestID, later(f.Since, bucket.CreatedAt))
	if !f.Until.IsZero() {
		where.Before = keyhatch.FirstID(keyhatch.ObjectRequestID, f.Until)
	}
	return kernel.Paged(p, keyhatch.ObjectRequestID, func(r ObjectRequest) string { return r.ID },
		func(p kernel.Page) ([]ObjectRequest, error) { return named(v, where, p) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ObjectRequest is one with the name that its user has now, empty when it is
// gone.
type ObjectRequest struct {
	keyhatch.ObjectRequest
	UserName string
}

func named(v kernel.View, where db.ObjectRequestFilter, p kernel.Page) ([]ObjectRequest, error) {
	requests, err := v.ObjectRequests(v.Ctx, where, p)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	out := make([]ObjectRequest, len(requests))
	for i, r := range requests {
		if _, known := names[r.User]; !known {
			u, err := v.User(v.Ctx, r.User)
			if err != nil && !errors.Is(err, keyhatch.NotFound) {
				return nil, err
			}
			names[r.User] = u.Name
		}
		out[i] = ObjectRequest{r, names[r.User]}
	}
	return out, nil
}

// ruledPrefix finds a location by its id or name, or by an s3:// address inside
// it, and refuses who does not decide over it.
func ruledPrefix(v kernel.View, workspace, ref string) (keyhatch.Location, keyhatch.Prefix, error) {
	if !strings.HasPrefix(ref, "s3://") {
		l, err := RuledLocation(v, workspace, ref)
		return l, l.Prefix, err
	}
	url, err := keyhatch.ParseS3URL(ref)
	if err != nil {
		return keyhatch.Location{}, "", err
	}
	ws, err := v.WorkspaceFor(workspace)
	if err != nil {
		return keyhatch.Location{}, "", asMissing(err)
	}
	bucket, err := v.BucketByName(v.Ctx, ws.ID, url.Bucket)
	if err != nil {
		return keyhatch.Location{}, "", asMissing(err)
	}
	inBucket, err := v.LocationsOfBucket(v.Ctx, bucket.ID)
	if err != nil {
		return keyhatch.Location{}, "", err
	}
	for _, l := range inBucket {
		if l.Prefix.Covers(url.Prefix) {
			l, err := RuledLocation(v, ws.ID, l.ID)
			return l, url.Prefix, err
		}
	}
	return keyhatch.Location{}, "", kernel.NotFound(keyhatch.CodeLocationNotFound)
}

// asMissing is what a missing workspace or bucket is to who asked for a location
// in it.
func asMissing(err error) error {
	if errors.Is(err, keyhatch.NotFound) {
		return kernel.NotFound(keyhatch.CodeLocationNotFound)
	}
	return err
}
