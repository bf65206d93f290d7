package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
)

// AccessKeyRef names an access key in the path.
type AccessKeyRef struct {
	InWorkspace
	Key string `path:"key" maxLength:"128" doc:"Id or name"`
}

func (d *Door) accessKeys(a huma.API) {
	const noun = "access-keys"
	handle(d, a, call{method: http.MethodGet, path: "/access-keys", id: "listAccessKeys", summary: "List the access keys of a workspace that you may see", noun: noun}, d.listAccessKeys)
	handle(d, a, call{method: http.MethodPost, path: "/access-keys", id: "createAccessKey", summary: "Make a long-lived S3 key, with rights on buckets", noun: noun, status: http.StatusCreated}, d.createAccessKey)
	handle(d, a, call{method: http.MethodGet, path: "/access-keys/{key}", id: "getAccessKey", summary: "Show an access key", noun: noun}, d.getAccessKey)
	handle(d, a, call{method: http.MethodPatch, path: "/access-keys/{key}", id: "updateAccessKey", summary: "Rename an access key, or change its rights or its end", noun: noun}, d.updateAccessKey)
	handle(d, a, call{method: http.MethodPost, path: "/access-keys/{key}/issue", id: "issueAccessKey", summary: "Issue a pair for an access key, instead of the one before", noun: noun}, d.issueAccessKey)
	handle(d, a, call{method: http.MethodDelete, path: "/access-keys/{key}", id: "deleteAccessKey", summary: "Remove an access key; its pairs end at once", noun: noun, status: http.StatusNoContent}, d.deleteAccessKey)
}

type listAccessKeysInput struct {
	WorkspaceList
	Store string `query:"store" maxLength:"128" doc:"Those of this one, by id or name"`
}

func (d *Door) listAccessKeys(ctx context.Context, c keyhatch.Caller, in *listAccessKeysInput) (*body[api.Page[api.AccessKey]], error) {
	keys, err := d.broker.AccessKeys.Keys(ctx, c, accesskeys.Filter{Workspace: in.Workspace, Store: in.Store}, in.page())
	return pageOf(keys, err, encodeAccessKey)
}

type createAccessKeyInput struct {
	InWorkspace
	Body api.NewAccessKey
}

func (d *Door) createAccessKey(ctx context.Context, c keyhatch.Caller, in *createAccessKeyInput) (*body[api.AccessKey], error) {
	k, err := d.broker.AccessKeys.Create(ctx, c, accesskeys.NewKey{
		Workspace: in.Workspace, Store: in.Body.Store, Name: in.Body.Name, Rights: accesskeys.Rights(in.Body.Rights), ExpiresAt: timeOf(in.Body.ExpiresAt),
	})
	return one(k, err, encodeAccessKey)
}

func (d *Door) getAccessKey(ctx context.Context, c keyhatch.Caller, in *AccessKeyRef) (*body[api.AccessKey], error) {
	k, err := d.broker.AccessKeys.Key(ctx, c, in.Workspace, in.Key)
	return one(k, err, encodeAccessKey)
}

type updateAccessKeyInput struct {
	AccessKeyRef
	Body api.AccessKeyChange
}

func (d *Door) updateAccessKey(ctx context.Context, c keyhatch.Caller, in *updateAccessKeyInput) (*body[api.AccessKey], error) {
	change := accesskeys.Change{Name: in.Body.Name}
	if in.Body.Rights != nil {
		rights := accesskeys.Rights(*in.Body.Rights)
		change.Rights = &rights
	}
	var err error
	if change.ExpiresAt, err = endOf(in.Body.ExpiresAt, in.Body.NeverExpires); err != nil {
		return nil, err
	}
	k, err := d.broker.AccessKeys.Update(ctx, c, in.Workspace, in.Key, change)
	return one(k, err, encodeAccessKey)
}

type issueAccessKeyInput struct {
	AccessKeyRef
	Body api.IssueRequest
}

func (d *Door) issueAccessKey(ctx context.Context, c keyhatch.Caller, in *issueAccessKeyInput) (*body[api.IssuedKey], error) {
	grace := time.Duration(0)
	if in.Body.GraceSeconds != nil && *in.Body.GraceSeconds != 0 {
		grace = seconds(in.Body.GraceSeconds)
	}
	k, made, err := d.broker.AccessKeys.Issue(ctx, c, in.Workspace, in.Key, grace)
	if err != nil {
		return nil, err
	}
	return answer(api.IssuedKey{
		AccessKey: encodeAccessKey(k), AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey.Reveal(), Endpoint: made.Endpoint, Region: made.Region,
	}), nil
}

func (d *Door) deleteAccessKey(ctx context.Context, c keyhatch.Caller, in *AccessKeyRef) (*done, error) {
	return nil, d.broker.AccessKeys.Delete(ctx, c, in.Workspace, in.Key)
}

func encodeAccessKey(k keyhatch.AccessKey) api.AccessKey {
	out := api.AccessKey{
		ID: k.ID, Workspace: k.Workspace, Store: k.Store, Name: k.Name, Owner: k.Owner, Rights: api.KeyRights(k.Rights), State: string(k.State), Reason: k.Reason, Attempts: k.Attempts, LastError: k.LastError,
		Pairs: []api.IssuedPair{}, CreatedAt: k.CreatedAt, ExpiresAt: optTime(k.ExpiresAt), LastUsedAt: optTime(k.LastUsedAt),
	}
	for _, n := range k.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	for _, p := range k.Pairs {
		out.Pairs = append(out.Pairs, api.IssuedPair{AccessKeyID: p.AccessKeyID, IssuedAt: p.IssuedAt, EndsAt: optTime(p.EndsAt)})
	}
	return out
}
