package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/places"
)

// LocationRef names a location in the path.
type LocationRef struct {
	InWorkspace
	Location string `path:"location" maxLength:"128" doc:"Id or name"`
}

func (d *Door) locations(a huma.API) {
	const noun = "locations"
	handle(d, a, call{method: http.MethodGet, path: "/locations", id: "listLocations", summary: "List the locations that you may see", noun: noun}, d.listLocations)
	handle(d, a, call{method: http.MethodPost, path: "/locations", id: "createLocation", summary: "Name a prefix of a bucket", noun: noun, status: http.StatusCreated}, d.createLocation)
	handle(d, a, call{method: http.MethodGet, path: "/locations/{location}", id: "getLocation", summary: "Show a location", noun: noun}, d.getLocation)
	handle(d, a, call{method: http.MethodPatch, path: "/locations/{location}", id: "updateLocation", summary: "Rename, hand over, lock or unlock a location, say how far its release is, or change its longest lease", noun: noun}, d.updateLocation)
	handle(d, a, call{method: http.MethodDelete, path: "/locations/{location}", id: "deleteLocation", summary: "Remove a location and its grants; its objects stay", noun: noun, status: http.StatusNoContent}, d.deleteLocation)
}

func (d *Door) listLocations(ctx context.Context, c keyhatch.Caller, in *WorkspaceList) (*body[api.Page[api.Location]], error) {
	locations, err := d.broker.Places.Locations(ctx, c, in.Workspace, in.page())
	return pageOf(locations, err, encodeLocation)
}

type createLocationInput struct {
	InWorkspace
	Body api.NewLocation
}

func (d *Door) createLocation(ctx context.Context, c keyhatch.Caller, in *createLocationInput) (*body[api.Location], error) {
	n := places.NewLocation{
		Workspace: in.Workspace, Teamspace: in.Body.Teamspace, URL: in.Body.URL, Name: in.Body.Name, Owner: in.Body.Owner,
		MaxLease: seconds(in.Body.MaxLeaseSeconds), Default: in.Body.Default, KMSKey: in.Body.KMSKey, SharedSessions: in.Body.SharedSessions,
	}
	var err error
	if n.Networks, err = networksOf(in.Body.Networks); err != nil {
		return nil, err
	}
	l, err := d.broker.Places.CreateLocation(ctx, c, n)
	return one(l, err, encodeLocation)
}

func (d *Door) getLocation(ctx context.Context, c keyhatch.Caller, in *LocationRef) (*body[api.Location], error) {
	l, err := d.broker.Places.Location(ctx, c, in.Workspace, in.Location)
	return one(l, err, encodeLocation)
}

type updateLocationInput struct {
	LocationRef
	Body api.LocationChange
}

func (d *Door) updateLocation(ctx context.Context, c keyhatch.Caller, in *updateLocationInput) (*body[api.Location], error) {
	change := places.LocationChange{
		Name: in.Body.Name, Default: in.Body.Default, Owner: in.Body.Owner, Locked: in.Body.Locked, KMSKey: in.Body.KMSKey, SharedSessions: in.Body.SharedSessions,
	}
	if in.Body.MaxLeaseSeconds != nil {
		life := seconds(in.Body.MaxLeaseSeconds)
		change.MaxLease = &life
	}
	if in.Body.Release != nil {
		release, err := keyhatch.ParseRelease(*in.Body.Release)
		if err != nil {
			return nil, err
		}
		change.Release = &release
	}
	if in.Body.Networks != nil {
		networks, err := networksOf(*in.Body.Networks)
		if err != nil {
			return nil, err
		}
		change.Networks = &networks
	}
	l, err := d.broker.Places.UpdateLocation(ctx, c, in.Workspace, in.Location, change)
	return one(l, err, encodeLocation)
}

func (d *Door) deleteLocation(ctx context.Context, c keyhatch.Caller, in *LocationRef) (*done, error) {
	return nil, d.broker.Places.DeleteLocation(ctx, c, in.Workspace, in.Location)
}

func encodeLocation(l keyhatch.Location) api.Location {
	out := api.Location{
		ID: l.ID, Workspace: l.Workspace, Store: l.Store, Bucket: l.Bucket, Name: l.Name, URL: l.URL().String(),
		Teamspace: l.Teamspace, Default: l.Default, Owner: l.Owner, Locked: l.Locked, LockPending: l.LockPending, Release: l.Release.String(), MaxLeaseSeconds: int(l.MaxLease / time.Second),
		KMSKey: l.KMSKey, SharedSessions: l.SharedSessions, Terms: l.Terms, CreatedAt: l.CreatedAt,
	}
	for _, n := range l.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

// seconds is a number of seconds that was given, or 0 for none. What is given
// but makes no sense stays that: below zero, or longer than any limit, so that
// the core refuses it.
func seconds(n *int) time.Duration {
	const longest = 1 << 31
	switch {
	case n == nil:
		return 0
	case *n <= 0:
		return -time.Second
	}
	return time.Duration(min(*n, longest)) * time.Second
}
