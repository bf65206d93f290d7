package places

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// ObjectRequestFilter narrows a list of object requests; empty fields do not.
type ObjectRequestFilter struct {
	Workspace string // id or name; may be empty where one is implied
	Location  string // id or name
	User      string // id or name
	Access    keyhatch.Access
	Since     time.Time
	Until     time.Time
}

// ObjectRequests lists who did what at our S3 endpoint inside a location, or
// tried to, newest first. Its owner and the workspace's admins only.
func (svc *Service) ObjectRequests(ctx context.Context, c keyhatch.Caller, f ObjectRequestFilter, p kernel.Page) (kernel.List[keyhatch.ObjectRequest], error) {
	none := kernel.List[keyhatch.ObjectRequest]{}
	v := svc.k.View(ctx, c)
	l, err := ruledLocation(v, f.Workspace, f.Location)
	if err != nil {
		return none, err
	}
	where := db.ObjectRequestFilter{Store: l.Store, Bucket: l.BucketName, Prefix: l.Prefix, Access: f.Access}
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
	if !f.Since.IsZero() {
		where.From = keyhatch.FirstID(keyhatch.ObjectRequestID, f.Since)
	}
	if !f.Until.IsZero() {
		where.Before = keyhatch.FirstID(keyhatch.ObjectRequestID, f.Until)
	}
	return kernel.Paged(p, keyhatch.ObjectRequestID, func(r keyhatch.ObjectRequest) string { return r.ID },
		func(p kernel.Page) ([]keyhatch.ObjectRequest, error) { return v.ObjectRequests(ctx, where, p) })
}
