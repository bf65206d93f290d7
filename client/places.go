package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// Stores lists the stores that one may see.
func (c *Client) Stores(ctx context.Context) iter.Seq2[api.Store, error] {
	return list[api.Store](ctx, c, "/stores", queryOf())
}

// Store shows a store, by its id or name.
func (c *Client) Store(ctx context.Context, store string) (s api.Store, err error) {
	err = c.call(ctx, http.MethodGet, at("stores", store), nil, nil, &s)
	return s, err
}

// CreateStore adds a store: for the workspace that the client is in, else of an
// installation admin for every workspace.
func (c *Client) CreateStore(ctx context.Context, n api.NewStore) (s api.Store, err error) {
	err = c.call(ctx, http.MethodPost, "/stores", c.here(), n, &s)
	return s, err
}

// UpdateStore changes what the change names.
func (c *Client) UpdateStore(ctx context.Context, store string, change api.StoreChange) (s api.Store, err error) {
	err = c.call(ctx, http.MethodPatch, at("stores", store), nil, change, &s)
	return s, err
}

// VerifyStore tries on the store whether it confines its sessions; the proof is in it.
func (c *Client) VerifyStore(ctx context.Context, store string, t api.StoreTrial) (s api.Store, err error) {
	err = c.call(ctx, http.MethodPost, at("stores", store, "verify"), nil, t, &s)
	return s, err
}

// AcceptStore has a store lend although it did not pass, which needs the store's name once
// more.
func (c *Client) AcceptStore(ctx context.Context, store string, a api.StoreAcceptance) (s api.Store, err error) {
	err = c.call(ctx, http.MethodPost, at("stores", store, "accept"), nil, a, &s)
	return s, err
}

// DeleteStore removes a store without buckets.
func (c *Client) DeleteStore(ctx context.Context, store string) error {
	return c.call(ctx, http.MethodDelete, at("stores", store), nil, nil, nil)
}

// Locations lists the locations that one may see in the workspace.
func (c *Client) Locations(ctx context.Context) iter.Seq2[api.Location, error] {
	return list[api.Location](ctx, c, "/locations", c.here())
}

// Location shows a location, by its id or name.
func (c *Client) Location(ctx context.Context, location string) (l api.Location, err error) {
	err = c.call(ctx, http.MethodGet, at("locations", location), c.here(), nil, &l)
	return l, err
}

// CreateLocation names a prefix of a bucket.
func (c *Client) CreateLocation(ctx context.Context, n api.NewLocation) (l api.Location, err error) {
	err = c.call(ctx, http.MethodPost, "/locations", c.here(), n, &l)
	return l, err
}

// UpdateLocation changes what the change names.
func (c *Client) UpdateLocation(ctx context.Context, location string, change api.LocationChange) (l api.Location, err error) {
	err = c.call(ctx, http.MethodPatch, at("locations", location), c.here(), change, &l)
	return l, err
}

// DeleteLocation removes a location and its grants; its objects stay.
func (c *Client) DeleteLocation(ctx context.Context, location string) error {
	return c.call(ctx, http.MethodDelete, at("locations", location), c.here(), nil, nil)
}

// Terms shows the terms of use of a location, by its id or name.
func (c *Client) Terms(ctx context.Context, location string) (t api.Terms, err error) {
	err = c.call(ctx, http.MethodGet, at("locations", location)+"/terms", c.here(), nil, &t)
	return t, err
}

// SetTerms sets the terms of use of a location; an empty text is none.
func (c *Client) SetTerms(ctx context.Context, location string, n api.NewTerms) (t api.Terms, err error) {
	err = c.call(ctx, http.MethodPut, at("locations", location)+"/terms", c.here(), n, &t)
	return t, err
}

// Acceptances lists who has accepted the terms of use that a location has.
func (c *Client) Acceptances(ctx context.Context, location string) iter.Seq2[api.Acceptance, error] {
	return list[api.Acceptance](ctx, c, at("locations", location)+"/terms/accepted", c.here())
}

// Grants lists the grants that one may see in the workspace; those on a location,
// by its id or name, when it is not empty.
func (c *Client) Grants(ctx context.Context, location string) iter.Seq2[api.Grant, error] {
	return list[api.Grant](ctx, c, "/grants", queryOf("workspace", c.workspace, "location", location))
}

// Grant shows a grant.
func (c *Client) Grant(ctx context.Context, id string) (g api.Grant, err error) {
	err = c.call(ctx, http.MethodGet, at("grants", id), nil, nil, &g)
	return g, err
}

// GiveGrant lets a user, a group or everyone read or write a location.
func (c *Client) GiveGrant(ctx context.Context, n api.NewGrant) (g api.Grant, err error) {
	err = c.call(ctx, http.MethodPost, "/grants", c.here(), n, &g)
	return g, err
}

// UpdateGrant changes what the change names; narrowing closes what rests on it.
func (c *Client) UpdateGrant(ctx context.Context, id string, change api.GrantChange) (g api.Grant, err error) {
	err = c.call(ctx, http.MethodPatch, at("grants", id), nil, change, &g)
	return g, err
}

// TakeGrant takes a grant back and closes what rests on it.
func (c *Client) TakeGrant(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, at("grants", id), nil, nil, nil)
}
