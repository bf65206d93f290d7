package past

import (
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
)

// subject is what a question is about, as its caller may ask: a location by its id, or
// whatever lay at an address of a workspace.
type subject struct {
	id        string
	workspace string         // of an address without an id
	url       keyhatch.S3URL // without a bucket: all of the location
	// there is the location as it is now, nil when it is gone or the question is
	// about an address.
	there *keyhatch.Location
}

// asked decides by what there is now whether the caller may ask about the
// location: its owner may, and who manages its workspace. The latter may also ask
// about one that is gone, and so about whatever lay at an address.
func asked(v kernel.View, workspace, ref string) (subject, error) {
	if keyhatch.IsS3URL(ref) {
		return askedByURL(v, workspace, ref)
	}
	l, err := places.RuledLocation(v, workspace, ref)
	if err == nil {
		return subject{id: l.ID, there: &l}, nil
	}
	if _, ok := keyhatch.IDPayload(keyhatch.LocationID, ref); !ok || !errors.Is(err, keyhatch.NotFound) {
		return subject{}, err
	}
	if managed, readErr := managedOnce(v, ref); readErr != nil {
		return subject{}, readErr
	} else if !managed {
		return subject{}, err
	}
	return subject{id: ref}, nil
}

// managedOnce tells whether the location is gone and lay in a workspace that the
// caller manages.
func managedOnce(v kernel.View, location string) (bool, error) {
	gone, err := v.Events(v.Ctx, db.EventFilter{Target: location, Action: places.LocationDeleted}, kernel.Page{Limit: 1})
	if err != nil || len(gone) == 0 {
		return false, err
	}
	role, err := v.Role(gone[0].Workspace)
	return role.Manages(), err
}

func askedByURL(v kernel.View, workspace, ref string) (subject, error) {
	missing := kernel.NotFound(keyhatch.CodeLocationNotFound)
	url, err := keyhatch.ParseS3URL(ref)
	if err != nil {
		return subject{}, err
	}
	ws, err := v.WorkspaceFor(workspace)
	if errors.Is(err, keyhatch.NotFound) { // like a location in one that the caller may not see
		return subject{}, missing
	}
	if err != nil {
		return subject{}, err
	}
	role, err := v.Role(ws.ID)
	if err != nil {
		return subject{}, err
	}
	if role.Manages() {
		return subject{workspace: ws.ID, url: url}, nil
	}
	bucket, err := v.BucketByName(v.Ctx, ws.ID, url.Bucket)
	if errors.Is(err, keyhatch.NotFound) {
		return subject{}, missing
	}
	if err != nil {
		return subject{}, err
	}
	l, found, err := v.OverlappingLocation(v.Ctx, bucket.ID, url.Prefix)
	if err != nil {
		return subject{}, err
	}
	if !found || !l.Prefix.Covers(url.Prefix) {
		return subject{}, missing
	}
	l, err = places.RuledLocation(v, "", l.ID)
	return subject{id: l.ID, url: url, there: &l}, err
}

// in finds the subject in the past: the location, or for an address in none the bucket
// and the locations below.
func (s subject) in(state *State) (found place, ok bool) {
	if s.id == "" {
		found.url = s.url
		found.bucket, ok = state.bucketNamed(s.workspace, s.url.Bucket)
		found.locations = state.locationsAt(s.workspace, s.url)
		return found, ok || len(found.locations) > 0
	}
	l, ok := state.Locations[s.id]
	if found.url = s.url; found.url.Bucket == "" {
		found.url = l.URL()
	}
	found.bucket, _ = state.bucketNamed(l.Workspace, l.BucketName)
	found.locations = []keyhatch.Location{l}
	return found, ok
}

// place is what a question is about as it was then.
type place struct {
	url    keyhatch.S3URL
	bucket keyhatch.Bucket
	// locations are the one that held the address, or those that lay under it.
	locations []keyhatch.Location
}

// location is the one that held the address; zero: none.
func (p place) location() keyhatch.Location {
	if len(p.locations) == 1 && p.locations[0].Prefix.Covers(p.url.Prefix) {
		return p.locations[0]
	}
	return keyhatch.Location{}
}

// errNoLocation is a location, or a bucket, that was not there yet or not any more.
func errNoLocation(s subject, q WhoCanRequest, state *State) error {
	if s.there != nil && !s.there.CreatedAt.After(q.At) {
		return fmt.Errorf("the audit record does not know location %s, made at %s: see keyhatch audit verify", s.id, kernel.TimeText(s.there.CreatedAt))
	}
	return keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeLocationNotFound,
		"at that time there was no such location or bucket: GET /api/v1/events?action=location.create tells when each was made").In("location")
}
