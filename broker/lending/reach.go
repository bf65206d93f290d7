package lending

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// Reach is what a caller could borrow of a place.
type Reach struct {
	Location keyhatch.Location
	Prefix   keyhatch.Prefix // in the bucket: the location's own or one inside it
	// Read and Write are whether one grant gives the access to all of the prefix, within
	// the s3 scopes of the caller's token. Whether the location is locked is not looked at.
	Read, Write bool
	// Decides: the caller gives grants on the location.
	Decides bool
}

// Reach finds the location that ref names by its id, its name, or an s3:// address inside
// it, and tells what the caller could borrow there. A location that the caller may not
// see is not found. workspace is as in a LeaseRequest.
func (svc *Service) Reach(ctx context.Context, c keyhatch.Caller, workspace, ref string) (out Reach, err error) {
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return out, err
	}
	d := decision{
		caller: c, scopes: scopes, now: svc.k.Now(), grants: map[string][]keyhatch.Grant{},
		request: LeaseRequest{Workspace: workspace, Location: ref},
	}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		d.image = image
		in, err := d.workspace()
		if err != nil {
			return err
		}
		t, err := d.target(in, ref, "location")
		if err != nil {
			return err
		}
		out = Reach{
			Location: t.location, Prefix: t.prefix, Read: d.reaches(t, keyhatch.Read), Write: d.reaches(t, keyhatch.Write),
			Decides: c.User.Admin || t.location.Owner == c.User.ID || image.Role(t.location.Workspace, c.User.ID).Manages(),
		}
		return nil
	})
	return out, err
}

// reaches tells whether one grant covers all of the target, and the token's scopes do.
func (d *decision) reaches(t target, access keyhatch.Access) bool {
	_, granted := policy.BestGrant(d.grantsOn(t.location.ID), access, t.prefix, d.now)
	return granted && d.scopes.AllowsS3(access, keyhatch.S3URL{Bucket: t.location.BucketName, Prefix: t.prefix})
}
