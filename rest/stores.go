package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/proofs"
)

// StoreRef names a store in the path.
type StoreRef struct {
	Store string `path:"store" maxLength:"128" doc:"Id or name"`
}

func (d *Door) stores(a huma.API) {
	const noun = "stores"
	handle(d, a, call{method: http.MethodGet, path: "/stores", id: "listStores", summary: "List the stores that you may see", noun: noun}, d.listStores)
	handle(d, a, call{method: http.MethodPost, path: "/stores", id: "createStore", summary: "Add a store: of a workspace, or for every workspace", noun: noun, status: http.StatusCreated}, d.createStore)
	handle(d, a, call{method: http.MethodGet, path: "/stores/{store}", id: "getStore", summary: "Show a store", noun: noun}, d.getStore)
	handle(d, a, call{method: http.MethodPatch, path: "/stores/{store}", id: "updateStore", summary: "Change a store's name, credential, lending or console", noun: noun}, d.updateStore)
	handle(d, a, call{method: http.MethodDelete, path: "/stores/{store}", id: "deleteStore", summary: "Remove a store without buckets", noun: noun, status: http.StatusNoContent}, d.deleteStore)
	handle(d, a, call{method: http.MethodPost, path: "/stores/{store}/verify", id: "verifyStore", summary: "Try on the store whether it confines its sessions", noun: noun}, d.verifyStore)
	handle(d, a, call{method: http.MethodPost, path: "/stores/{store}/accept", id: "acceptStore", summary: "Let a store lend although it did not pass", noun: noun}, d.acceptStore)
}

func (d *Door) listStores(ctx context.Context, c keyhatch.Caller, in *OnePage) (*body[api.Page[api.Store]], error) {
	stores, err := d.broker.Places.Stores(ctx, c, in.page())
	return pageOf(stores, err, encodeStore)
}

type createStoreInput struct {
	Workspace string `query:"workspace" maxLength:"128" doc:"Id or name of the workspace that it is for. Default: of an installation admin none, which is every workspace; of others that of the token, else the only one that you are a member of"`
	Body      api.NewStore
}

func (d *Door) createStore(ctx context.Context, c keyhatch.Caller, in *createStoreInput) (*body[api.Store], error) {
	s, err := d.broker.Places.CreateStore(ctx, c, places.NewStore{
		Workspace: in.Workspace, Name: in.Body.Name, Kind: keyhatch.StoreKind(in.Body.Kind), Path: in.Body.Path,
		Endpoint: in.Body.Endpoint, Region: in.Body.Region, Credential: in.Body.Credential,
		Keys: keyhatch.KeysOf(in.Body.Keys), KeysEndpoint: in.Body.KeysEndpoint,
		Lends: keyhatch.Lending(in.Body.Lends), Console: in.Body.Console,
	})
	return one(s, err, encodeStore)
}

func (d *Door) getStore(ctx context.Context, c keyhatch.Caller, in *StoreRef) (*body[api.Store], error) {
	s, err := d.broker.Places.Store(ctx, c, in.Store)
	return one(s, err, encodeStore)
}

type updateStoreInput struct {
	StoreRef
	Body api.StoreChange
}

func (d *Door) updateStore(ctx context.Context, c keyhatch.Caller, in *updateStoreInput) (*body[api.Store], error) {
	s, err := d.broker.Places.UpdateStore(ctx, c, in.Store, places.StoreChange{
		Name: in.Body.Name, Credential: in.Body.Credential, Lends: (*keyhatch.Lending)(in.Body.Lends), Console: in.Body.Console,
	})
	return one(s, err, encodeStore)
}

func (d *Door) deleteStore(ctx context.Context, c keyhatch.Caller, in *StoreRef) (*done, error) {
	return nil, d.broker.Places.DeleteStore(ctx, c, in.Store)
}

type verifyStoreInput struct {
	StoreRef
	Body api.StoreTrial
}

func (d *Door) verifyStore(ctx context.Context, c keyhatch.Caller, in *verifyStoreInput) (*body[api.Store], error) {
	s, err := d.broker.Proofs.Verify(ctx, c, in.Store, proofs.Ask{Bucket: in.Body.Bucket, Other: in.Body.OtherBucket, Wait: in.Body.Wait})
	return one(s, err, encodeStore)
}

type acceptStoreInput struct {
	StoreRef
	Body api.StoreAcceptance
}

func (d *Door) acceptStore(ctx context.Context, c keyhatch.Caller, in *acceptStoreInput) (*body[api.Store], error) {
	var of time.Time
	if in.Body.ProofAt != nil {
		of = *in.Body.ProofAt
	}
	s, err := d.broker.Proofs.Accept(ctx, c, in.Store, in.Body.Name, of)
	return one(s, err, encodeStore)
}

func encodeProof(p *keyhatch.Proof) *api.Proof {
	if p == nil {
		return nil
	}
	v := encodeVerification(p.Checks)
	v.Outcome = string(p.Outcome())
	return &api.Proof{
		Verification: v, Networks: string(p.Networks()), At: p.At, By: p.By, Bucket: p.Bucket, AcceptedBy: p.AcceptedBy, AcceptedAt: optTime(p.AcceptedAt),
	}
}

func encodeStore(s keyhatch.Store) api.Store {
	return api.Store{
		ID: s.ID, Workspace: s.Workspace, Teamspace: s.Teamspace, OneBucket: s.OneBucket, Name: s.Name, Kind: string(s.Kind), Path: s.Path,
		Endpoint: s.Endpoint, Region: s.Region, Credential: s.Credential, Lends: string(s.Lends),
		Console: s.Console, Proof: encodeProof(s.Proof), Keys: string(s.Keys), KeysEndpoint: s.KeysEndpoint, CreatedAt: s.CreatedAt,
	}
}
