package buckets

import (
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
)

// Public is a bucket that a grant lets everyone read who is signed in. The grant is what
// makes it so; nothing else says that it is.

// makePublic gives everyone that grant, if it is to, on the location over all of a bucket,
// which is made when there is none.
func (svc *Service) makePublic(w *kernel.Work, bk keyhatch.Bucket, grant bool) error {
	l, err := svc.whole(w, bk)
	if err != nil || !grant {
		return err
	}
	if err := mayHandOn(w.View, keyhatch.Read, bk); err != nil {
		return err
	}
	_, err = places.Give(w, l, places.NewGrant{Subject: keyhatch.SubjectEveryone, Access: keyhatch.Read})
	return err
}

// whole finds the location over all of a bucket, over which the caller decides, or makes it.
func (svc *Service) whole(w *kernel.Work, bk keyhatch.Bucket) (keyhatch.Location, error) {
	l, found, err := w.OverlappingLocation(w.Ctx, bk.ID, "")
	switch {
	case err != nil:
		return l, err
	case found && l.Prefix == "":
		return places.RuledLocation(w.View, bk.Workspace, l.ID)
	case found:
		return l, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLocationsOverlap,
			"the bucket is divided into locations: give everyone a grant on each").In("public_read")
	}
	if err := w.MustManage(bk.Workspace, keyhatch.CodeBucketNotFound); err != nil {
		return l, err
	}
	name, err := freeName(w, bk)
	if err != nil {
		return l, err
	}
	return svc.places.InsertLocation(w, kernel.Place{Workspace: bk.Workspace}, bk, "", places.NewLocation{Name: name, Owner: bk.Owner})
}

// freeName is the bucket's name, or one that begins with it where a location has that.
func freeName(w *kernel.Work, bk keyhatch.Bucket) (string, error) {
	name := bk.Name
	for n := 2; ; n++ {
		_, err := w.LocationByName(w.Ctx, bk.Workspace, name)
		if errors.Is(err, keyhatch.NotFound) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		if n > 100 { // somebody has them all: the id is nobody's name
			return bk.Name + "-" + bk.ID, nil
		}
		name = fmt.Sprintf("%s-%d", bk.Name, n)
	}
}

// takePublic takes back what makes a bucket public.
func takePublic(w *kernel.Work, bk keyhatch.Bucket) error {
	all, err := w.LocationsOfBucket(w.Ctx, bk.ID)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Prefix != "" {
			continue
		}
		if _, err := places.RuledLocation(w.View, bk.Workspace, l.ID); err != nil {
			return err
		}
		grants, err := w.GrantsOn(w.Ctx, l.ID)
		if err != nil {
			return err
		}
		for _, g := range grants {
			if g.Subject.Kind != keyhatch.SubjectEveryone || g.Prefix != "" {
				continue
			}
			if err := places.Take(w, g); err != nil {
				return err
			}
		}
	}
	return nil
}
