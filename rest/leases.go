package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/lending"
)

// LeaseRef names a lease in the path.
type LeaseRef struct {
	Lease string `path:"lease" maxLength:"64" doc:"Id"`
}

func (d *Door) leases(a huma.API) {
	const noun = "leases"
	handle(d, a, call{method: http.MethodGet, path: "/leases", id: "listLeases", summary: "List your leases, newest first; those of a workspace for its admins", noun: noun}, d.listLeases)
	handle(d, a, call{method: http.MethodPost, path: "/leases", id: "createLease", summary: "Borrow S3 credentials for a location", noun: noun, lending: true, status: http.StatusCreated}, d.createLease)
	handle(d, a, call{method: http.MethodGet, path: "/leases/{lease}", id: "getLease", summary: "Show a lease, without its secret", noun: noun}, d.getLease)
	handle(d, a, call{method: http.MethodDelete, path: "/leases/{lease}", id: "revokeLease", summary: "End a lease at once", noun: noun, status: http.StatusNoContent}, d.revokeLease)
}

type listLeasesInput struct {
	OnePage
	Workspace string `query:"workspace" maxLength:"128" doc:"Id or name. For its admins: everybody's leases there"`
	Live      bool   `query:"live" doc:"Only those that are neither revoked nor expired"`
}

func (d *Door) listLeases(ctx context.Context, c keyhatch.Caller, in *listLeasesInput) (*body[api.Page[api.Lease]], error) {
	leases, err := d.broker.Lending.Leases(ctx, c, lending.LeaseFilter{Workspace: in.Workspace, Live: in.Live}, in.page())
	return pageOf(leases, err, encodeLease)
}

type createLeaseInput struct {
	InWorkspace
	Body api.LeaseRequest
}

func (d *Door) createLease(ctx context.Context, c keyhatch.Caller, in *createLeaseInput) (*body[api.Lent], error) {
	lent, err := d.broker.Lending.Lease(ctx, c, lending.LeaseRequest{
		Workspace: in.Workspace, Location: in.Body.Location, Access: keyhatch.Access(in.Body.Access),
		Prefixes: in.Body.Prefixes, Life: seconds(in.Body.DurationSeconds), Policy: in.Body.Policy, SessionName: in.Body.SessionName,
		Least: seconds(in.Body.MinDuration), Console: in.Body.Console,
	})
	return one(lent, err, encodeLent)
}

func (d *Door) getLease(ctx context.Context, c keyhatch.Caller, in *LeaseRef) (*body[api.Lease], error) {
	l, err := d.broker.Lending.LeaseByID(ctx, c, in.Lease)
	return one(l, err, encodeLease)
}

func (d *Door) revokeLease(ctx context.Context, c keyhatch.Caller, in *LeaseRef) (*done, error) {
	return nil, d.broker.Lending.RevokeLease(ctx, c, in.Lease)
}

func encodeLease(l keyhatch.Lease) api.Lease {
	return api.Lease{
		ID: l.ID, Workspace: l.Workspace, User: l.User, Token: l.Token, Pair: l.Pair, Store: l.StoreName, AccessKeyID: l.AccessKeyID,
		Vend: l.Vend, Revocation: string(l.Revocation()), Access: string(l.Access), Prefixes: l.URLs(), Grants: l.Grants(),
		SessionName: l.SessionName, Policies: l.Policies, Ancestors: l.Ancestors, IssuedAt: l.IssuedAt, ExpiresAt: l.ExpiresAt, RevokedAt: optTime(l.RevokedAt),
	}
}

func encodeLent(l lending.Lent) api.Lent {
	return api.Lent{
		ID: l.Lease.ID, AccessKeyID: l.Credentials.AccessKeyID, SecretAccessKey: l.Credentials.SecretAccessKey.Reveal(),
		SessionToken: l.Credentials.SessionToken.Reveal(), ExpiresAt: l.Lease.ExpiresAt, Endpoint: l.Credentials.Endpoint,
		Region: l.Credentials.Region, Workspace: l.Lease.Workspace, Store: l.Lease.StoreName, Access: string(l.Lease.Access), Prefixes: l.Lease.URLs(),
		Grants: l.Lease.Grants(), Revocation: string(l.Revocation), ConsoleURL: l.Console.Reveal(),
	}
}
