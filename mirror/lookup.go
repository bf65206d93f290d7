package mirror

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

func get[V any](t table[V], id string, missing keyhatch.Code) (V, error) {
	v, ok := t.rows[id]
	if !ok {
		return v, keyhatch.NotFoundError(missing)
	}
	return v, nil
}

// User returns the user of the id.
func (i *Image) User(id string) (keyhatch.User, error) {
	return get(i.users, id, keyhatch.CodeUserNotFound)
}

// Token returns the token of the id.
func (i *Image) Token(id string) (keyhatch.Token, error) {
	t, err := get(i.tokens, id, keyhatch.CodeTokenNotFound)
	return t.Token, err
}

// TokenByHash returns the token of which a secret that works at the time has the
// hash.
func (i *Image) TokenByHash(h keyhatch.TokenHash, now time.Time) (keyhatch.Token, error) {
	t, err := get(i.tokens, i.tokenByHash[h], keyhatch.CodeTokenNotFound)
	if err == nil && !t.Opens(h, now) {
		err = keyhatch.NotFoundError(keyhatch.CodeTokenNotFound)
	}
	if err != nil {
		return keyhatch.Token{}, err
	}
	return t.Token, nil
}

// Workspace returns the workspace of the id or the name.
func (i *Image) Workspace(idOrName string) (keyhatch.Workspace, error) {
	if id, ok := i.workspaceByName[idOrName]; ok {
		idOrName = id
	}
	return get(i.workspaces, idOrName, keyhatch.CodeWorkspaceNotFound)
}

// WorkspacesOf returns the ids of the workspaces that the user is a member of.
func (i *Image) WorkspacesOf(user string) []string {
	var out []string
	for id := range i.workspacesOf[user] {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Role returns the user's role in the workspace, NoRole for none.
func (i *Image) Role(workspace, user string) keyhatch.Role {
	return i.members.rows[workspace+db.PairSeparator+user].Role
}

// CircleMember returns a user's membership of a group or a teamspace.
func (i *Image) CircleMember(circle, user string) (keyhatch.CircleMember, error) {
	return get(i.circleMembers, circle+db.PairSeparator+user, keyhatch.CodeMemberNotFound)
}

// Credential returns the credential of the id with its secret, sealed.
func (i *Image) Credential(id string) (db.SealedCredential, error) {
	return get(i.credentials, id, keyhatch.CodeCredentialNotFound)
}

// BaseCredential returns the base of the place with its secret, sealed.
func (i *Image) BaseCredential(in db.Place) (db.SealedCredential, error) {
	return i.Credential(i.baseOf[in])
}

// Store returns the store of the id.
func (i *Image) Store(id string) (keyhatch.Store, error) {
	return get(i.stores, id, keyhatch.CodeStoreNotFound)
}

// Location returns the location of the id.
func (i *Image) Location(id string) (keyhatch.Location, error) {
	return get(i.locations, id, keyhatch.CodeLocationNotFound)
}

// LocationByName returns the location of the name in the workspace.
func (i *Image) LocationByName(workspace, name string) (keyhatch.Location, error) {
	return i.Location(i.locationByName[nameIn{workspace, name}])
}

// LocationHolding returns the location of the workspace that holds everything
// under the URL.
func (i *Image) LocationHolding(workspace string, url keyhatch.S3URL) (keyhatch.Location, error) {
	return i.LocationAround(i.bucketByName[nameIn{workspace, url.Bucket}], url.Prefix)
}

// LocationsIn returns the locations in a bucket.
func (i *Image) LocationsIn(bucket string) []keyhatch.Location {
	var out []keyhatch.Location
	for id := range i.locationsIn[bucket] {
		out = append(out, i.locations.rows[id])
	}
	return out
}

// BucketsOn returns the buckets of the workspace on the store that are open.
func (i *Image) BucketsOn(workspace, store string) []keyhatch.Bucket {
	if !i.AccountOn(workspace, store).Opens() {
		return nil
	}
	var out []keyhatch.Bucket
	for id := range i.bucketsOn[nameIn{workspace, store}] {
		if b := i.buckets.rows[id]; b.State == keyhatch.BucketConfigured {
			out = append(out, b)
		}
	}
	return out
}

// BucketsNamed are those of BucketsOn that have these names.
func (i *Image) BucketsNamed(workspace, store string, names []string) []keyhatch.Bucket {
	if !i.AccountOn(workspace, store).Opens() {
		return nil
	}
	var out []keyhatch.Bucket
	for n, name := range names {
		b, is := i.buckets.rows[i.bucketByName[nameIn{workspace, name}]]
		if is && b.Store == store && b.State == keyhatch.BucketConfigured && !slices.Contains(names[:n], name) {
			out = append(out, b)
		}
	}
	return out
}

// AccountOn returns the state of the workspace's account on the store, empty for none.
func (i *Image) AccountOn(workspace, store string) keyhatch.AccountState {
	return i.accounts.rows[i.accountOn[nameIn{workspace, store}]].State
}

// BucketByName returns the bucket of the name in the workspace.
func (i *Image) BucketByName(workspace, name string) (keyhatch.Bucket, error) {
	return i.Bucket(i.bucketByName[nameIn{workspace, name}])
}

// WorkspaceMember returns a user's membership of the workspace.
func (i *Image) WorkspaceMember(workspace, user string) (keyhatch.WorkspaceMember, error) {
	return get(i.members, workspace+db.PairSeparator+user, keyhatch.CodeMemberNotFound)
}

// Bucket returns the bucket of the id.
func (i *Image) Bucket(id string) (keyhatch.Bucket, error) {
	return get(i.buckets, id, keyhatch.CodeBucketNotFound)
}

// BucketOpen tells whether the bucket can be used: it is there, and so is the account that
// it rests on.
func (i *Image) BucketOpen(id string) (bool, error) {
	b := i.buckets.rows[id]
	return b.State == keyhatch.BucketConfigured && i.AccountOn(b.Workspace, b.Store).Opens(), nil
}

// AccessKeys returns all access keys, in no order.
func (i *Image) AccessKeys() iter.Seq[keyhatch.AccessKey] { return maps.Values(i.accessKeys.rows) }

// AccessKeysIn yields the ids of a workspace's access keys, in no order.
func (i *Image) AccessKeysIn(workspace string) iter.Seq[string] {
	return maps.Keys(i.keysIn[workspace])
}

// AccessKeysOf yields the ids of an owner's access keys, in no order.
func (i *Image) AccessKeysOf(owner string) iter.Seq[string] { return maps.Keys(i.keysOf[owner]) }

// AccessKey returns the access key of the id.
func (i *Image) AccessKey(id string) (keyhatch.AccessKey, error) {
	return get(i.accessKeys, id, keyhatch.CodeAccessKeyNotFound)
}

// Pair returns the pair of the access key id, with its secret, sealed.
func (i *Image) Pair(accessKeyID string) (db.SealedPair, error) {
	return get(i.pairs, accessKeyID, keyhatch.CodeAccessKeyNotFound)
}

// AccessKeyOfPair returns the access key of which the pair is, ended or not.
func (i *Image) AccessKeyOfPair(accessKeyID string) (keyhatch.AccessKey, error) {
	pair, err := i.Pair(accessKeyID)
	if err != nil {
		return keyhatch.AccessKey{}, err
	}
	return i.AccessKey(pair.Key)
}

// HasAccepted tells whether the user has accepted that version of a location's terms.
func (i *Image) HasAccepted(location, user, version string) bool {
	return slices.ContainsFunc(i.accepted.rows[location+db.PairSeparator+user], func(a keyhatch.Acceptance) bool { return a.Version == version })
}

// LocationAround returns the location that holds everything below a prefix of a bucket.
func (i *Image) LocationAround(bucket string, prefix keyhatch.Prefix) (keyhatch.Location, error) {
	for _, p := range prefix.Ancestors() {
		if id, ok := i.locationAt[prefixIn{bucket, p}]; ok {
			return i.Location(id)
		}
	}
	return i.Location("")
}

// Grant returns the grant of the id.
func (i *Image) Grant(id string) (keyhatch.Grant, error) {
	return get(i.grants, id, keyhatch.CodeGrantNotFound)
}

// GrantsReaching returns the grants on the location that name the user, a group
// or teamspace of its, or everyone; live or not.
func (i *Image) GrantsReaching(location, user string) []keyhatch.Grant {
	var out []keyhatch.Grant
	for id := range i.grantsOn[location] {
		if g := i.grants.rows[id]; i.reaches(g.Subject, user) {
			out = append(out, g)
		}
	}
	return out
}

// GrantsTo returns the grants that name the user, a group or teamspace of its, or everyone, on
// whatever location; live or not, in no order.
func (i *Image) GrantsTo(user string) []keyhatch.Grant {
	subjects := []keyhatch.Subject{{Kind: keyhatch.SubjectEveryone}, {Kind: keyhatch.SubjectUser, ID: user}}
	for circle := range i.circlesOf[user] {
		subjects = append(subjects, keyhatch.Subject{Kind: keyhatch.SubjectGroup, ID: circle}, keyhatch.Subject{Kind: keyhatch.SubjectTeamspace, ID: circle})
	}
	var out []keyhatch.Grant
	for _, s := range subjects {
		for id := range i.grantsTo[s] {
			out = append(out, i.grants.rows[id])
		}
	}
	return out
}

func (i *Image) reaches(s keyhatch.Subject, user string) bool {
	switch s.Kind {
	case keyhatch.SubjectEveryone:
		return true
	case keyhatch.SubjectUser:
		return s.ID == user
	case keyhatch.SubjectGroup, keyhatch.SubjectTeamspace:
		_, err := i.CircleMember(s.ID, user)
		return err == nil
	}
	return false
}

// LeaseRevoked tells whether the lease was revoked before its time.
func (i *Image) LeaseRevoked(id string) (bool, error) {
	_, ok := i.revoked[id]
	return ok, nil
}
