package past

import (
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
)

// subject is the location that a question is about, as its caller may ask: one
// by its id, or whichever lay at an address of a workspace.
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

// in finds the subject in the past.
func (s subject) in(state *State) (keyhatch.Location, bool) {
	if s.id == "" {
		return state.locationHolding(s.workspace, s.url)
	}
	l, ok := state.Locations[s.id]
	return l, ok
}

// errNoLocation is a location that was not there yet, or not any more.
func errNoLocation(s subject, q WhoCanRequest, state *State) error {
	if s.there != nil && !s.there.CreatedAt.After(q.At) {
		return fmt.Errorf("the audit record does not know location %s, made at %s: see keyhatch audit verify", s.id, kernel.TimeText(s.there.CreatedAt))
	}
	return keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeLocationNotFound,
		"at that time there was no such location: GET /api/v1/events?action=location.create tells when each was made").In("location")
}
