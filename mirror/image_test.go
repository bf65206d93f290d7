package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/emptydb"
)

// contents are an image's rows and indexes, to compare.
func contents(i *Image) map[string]any {
	return map[string]any{
		"users": i.users.rows, "workspaces": i.workspaces.rows, "members": i.members.rows, "circleMembers": i.circleMembers.rows,
		"tokens": i.tokens.rows, "credentials": i.credentials.rows, "stores": i.stores.rows, "accounts": i.accounts.rows, "accountOn": i.accountOn, "buckets": i.buckets.rows, "locations": i.locations.rows,
		"grants": i.grants.rows, "accepted": i.accepted.rows, "revoked": i.revoked,
		"tokenByHash": i.tokenByHash, "workspaceByName": i.workspaceByName, "workspacesOf": i.workspacesOf,
		"bucketByName": i.bucketByName, "locationByName": i.locationByName, "locationAt": i.locationAt, "grantsOn": i.grantsOn,
	}
}

// wantLikeNew compares memory that has caught up with memory that is loaded
// anew.
func wantLikeNew(t *testing.T, m *Mirror, d *db.DB, when string) {
	t.Helper()
	if err := m.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(load(t, d).image), contents(m.image), allFields); diff != "" {
		t.Fatalf("%s, memory is not what a new load gives (-new +memory):\n%s", when, diff)
	}
}

var allFields = cmp.Options{cmp.AllowUnexported(nameIn{}, prefixIn{}), cmpopts.EquateEmpty()}

func create(t *testing.T) (d *db.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keyhatch.db")
	d, err := emptydb.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

func load(t *testing.T, d *db.DB) *Mirror {
	t.Helper()
	m, err := Load(t.Context(), d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestS7_MemoryIsLikeANewLoad: after any sequence of changes, taken in at any
// moments, memory holds what a new process would load: no row and no index
// entry more or less.
func TestS7_MemoryIsLikeANewLoad(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := random{Rand: rand.New(rand.NewPCG(seed, 0))}
	d, _ := create(t)
	m := load(t, d)
	left := map[string]bool{} // what has not happened yet
	for name := range r.changes(stock{}) {
		left[name] = true
	}
	var known stock // of a few steps ago: some of it may be gone
	for step := 0; step < 120 || len(left) > 0; step++ {
		if step == 10_000 {
			t.Fatalf("these never happened: %v", left)
		}
		if step%6 == 0 {
			known = take(t, d.Reader)
		}
		all := r.changes(known)
		names := slices.Sorted(maps.Keys(all))
		name := pick(r, names)
		for strings.HasPrefix(name, "delete") && r.IntN(4) > 0 { // rarer, or nothing is ever there
			name = pick(r, names)
		}
		if step > 40 && r.yes() && len(left) > 0 {
			name = pick(r, slices.Sorted(maps.Keys(left)))
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error { return all[name](t.Context(), tx) })
		if err != nil && !errors.Is(err, keyhatch.Conflict) && !errors.Is(err, keyhatch.NotFound) {
			t.Fatalf("%s: %v", name, err)
		}
		if err == nil {
			delete(left, name)
		}
		if r.IntN(8) == 0 {
			wantLikeNew(t, m, d, fmt.Sprintf("after step %d", step))
		}
	}
	wantLikeNew(t, m, d, "at the end")
}

// random draws changes. Names come from so few that they change hands.
type random struct{ *rand.Rand }

func (r random) name() string { return fmt.Sprintf("n%d", r.IntN(12)) }

func (r random) yes() bool { return r.IntN(2) == 0 }

func pick[T any](r random, from []T) (v T) {
	if len(from) > 0 {
		v = from[r.IntN(len(from))]
	}
	return v
}

// errNothing: there is nothing to change.
var errNothing = keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeLeaseNotFound, "there is no lease")

type change = func(context.Context, *db.Tx) error

// stock is what is there to change.
type stock struct {
	users       []keyhatch.User
	workspaces  []keyhatch.Workspace
	members     []keyhatch.WorkspaceMember
	groups      []keyhatch.Group
	teamspaces  []keyhatch.Teamspace
	inCircles   []keyhatch.CircleMember
	tokens      []db.HashedToken
	credentials []db.SealedCredential
	stores      []keyhatch.Store
	buckets     []keyhatch.Bucket
	locations   []keyhatch.Location
	grants      []keyhatch.Grant
	leases      []keyhatch.Lease
}

func take(t *testing.T, r db.Reader) (s stock) {
	ctx := t.Context()
	var errs [12]error
	s.users, errs[0] = r.Users(ctx, "", "", db.Everything)
	s.workspaces, errs[1] = r.Workspaces(ctx, "", db.Everything)
	s.members, errs[2] = r.AllWorkspaceMembers(ctx)
	s.inCircles, errs[3] = r.AllCircleMembers(ctx)
	s.tokens, errs[4] = r.AllTokens(ctx)
	s.stores, errs[5] = r.Stores(ctx, "", "", db.Everything)
	s.buckets, errs[6] = r.Buckets(ctx, "", db.Everything)
	s.locations, errs[7] = r.AllLocations(ctx)
	s.grants, errs[8] = r.AllGrants(ctx)
	s.leases, errs[9] = r.Leases(ctx, db.LeaseFilter{}, db.Everything)
	s.credentials, errs[11] = r.AllCredentials(ctx)
	for _, ws := range s.workspaces {
		groups, err := r.Groups(ctx, ws.ID, db.Everything)
		s.groups, errs[10] = append(s.groups, groups...), errors.Join(errs[10], err)
		teamspaces, err := r.Teamspaces(ctx, ws.ID, "", db.Everything)
		s.teamspaces, errs[10] = append(s.teamspaces, teamspaces...), errors.Join(errs[10], err)
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return s
}

// changes are all that can be done to what is there.
func (r random) changes(s stock) map[string]change {
	now := time.Now().UTC().Truncate(time.Microsecond)
	id := func(kind keyhatch.IDKind) string { return keyhatch.NewID(kind, now) }
	user, ws, member, group, teamspace := pick(r, s.users), pick(r, s.workspaces), pick(r, s.members), pick(r, s.groups), pick(r, s.teamspaces)
	store, bucket, location, grant := pick(r, s.stores), pick(r, s.buckets), pick(r, s.locations), pick(r, s.grants)
	lease, inCircle, token, credential := pick(r, s.leases), pick(r, s.inCircles), pick(r, s.tokens), pick(r, s.credentials)
	subject := pick(r, []keyhatch.Subject{
		{Kind: keyhatch.SubjectEveryone},
		{Kind: keyhatch.SubjectUser, ID: user.ID},
		{Kind: keyhatch.SubjectGroup, ID: group.ID},
		{Kind: keyhatch.SubjectTeamspace, ID: teamspace.ID},
	})
	return map[string]change{
		"new user": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertUser(ctx, keyhatch.User{ID: id(keyhatch.UserID), Name: r.name(), Active: true, ActiveSince: now, CreatedAt: now})
		},
		"change user": func(ctx context.Context, tx *db.Tx) error {
			user.Name, user.Admin, user.Active, user.ActiveSince = r.name(), r.yes(), r.yes(), now
			return tx.UpdateUser(ctx, user)
		},
		"delete user": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, user.ID) },
		"new workspace": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertWorkspace(ctx, keyhatch.Workspace{ID: id(keyhatch.WorkspaceID), Name: r.name(), CreatedAt: now})
		},
		"rename workspace": func(ctx context.Context, tx *db.Tx) error { return tx.RenameWorkspace(ctx, ws.ID, r.name()) },
		"delete workspace": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteWorkspace(ctx, ws.ID) },
		"put member": func(ctx context.Context, tx *db.Tx) error {
			return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{
				Workspace: ws.ID, User: user.ID, Role: pick(r, []keyhatch.Role{keyhatch.OwnerRole, keyhatch.MemberRole}), Since: now,
			})
		},
		"remove member": func(ctx context.Context, tx *db.Tx) error {
			return tx.DeleteWorkspaceMember(ctx, member.Workspace, member.User)
		},
		"new group": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertGroup(ctx, keyhatch.Group{ID: id(keyhatch.GroupID), Workspace: ws.ID, Name: r.name(), CreatedAt: now})
		},
		"delete group": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteGroup(ctx, group) },
		"put in group": func(ctx context.Context, tx *db.Tx) error {
			return tx.PutCircleMember(ctx, group.Workspace, keyhatch.CircleMember{Circle: group.ID, User: user.ID, Since: now})
		},
		"new teamspace": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertTeamspace(ctx, keyhatch.Teamspace{ID: id(keyhatch.TeamspaceID), Workspace: ws.ID, Name: r.name(), Visibility: keyhatch.Public, CreatedAt: now})
		},
		"delete teamspace": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteTeamspace(ctx, teamspace) },
		"put in teamspace": func(ctx context.Context, tx *db.Tx) error {
			role := pick(r, []keyhatch.Role{keyhatch.OwnerRole, keyhatch.ViewerRole})
			return tx.PutCircleMember(ctx, teamspace.Workspace, keyhatch.CircleMember{Circle: teamspace.ID, User: user.ID, Role: role, Since: now})
		},
		"take out of a circle": func(ctx context.Context, tx *db.Tx) error {
			return tx.DeleteCircleMember(ctx, ws.ID, inCircle.Circle, inCircle.User)
		},
		"new token": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertToken(ctx, db.HashedToken{
				Token: keyhatch.Token{ID: id(keyhatch.TokenID), User: user.ID, Workspace: ws.ID, Scopes: []keyhatch.Scope{"all"}, Since: now, CreatedAt: now},
				Hash:  keyhatch.TokenHash{Pepper: 7, Hash: id(keyhatch.TokenID)},
			})
		},
		"rotate token": func(ctx context.Context, tx *db.Tx) error {
			token.Old, token.GraceUntil = keyhatch.TokenHash{}, time.Time{}
			if r.yes() {
				token.Old, token.GraceUntil = token.Hash, now.Add(time.Hour)
			}
			token.Hash.Hash, token.RotatedAt = id(keyhatch.TokenID), now
			return tx.RotateToken(ctx, token)
		},
		"revoke token": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteToken(ctx, token.Token) },
		"new store": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertStore(ctx, keyhatch.Store{ID: id(keyhatch.StoreID), Name: r.name(), CreatedAt: now})
		},
		"rename store": func(ctx context.Context, tx *db.Tx) error { store.Name = r.name(); return tx.UpdateStore(ctx, store) },
		"new credential": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertCredential(ctx, db.SealedCredential{
				Credential: keyhatch.Credential{ID: id(keyhatch.CredentialID), Name: r.name(), CreatedAt: now, UpdatedAt: now}, Sealed: []byte("sealed"),
			})
		},
		"change credential": func(ctx context.Context, tx *db.Tx) error {
			credential.Name, credential.Sealed = r.name(), []byte(r.name())
			return tx.UpdateCredential(ctx, credential)
		},
		"delete credential": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteCredential(ctx, credential.Credential) },
		"delete store":      func(ctx context.Context, tx *db.Tx) error { return tx.DeleteStore(ctx, store) },
		"new bucket": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertBucket(ctx, keyhatch.Bucket{ID: id(keyhatch.BucketID), Workspace: ws.ID, Store: store.ID, Name: r.name(), CreatedAt: now})
		},
		"delete bucket": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteBucket(ctx, bucket) },
		"new location": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertLocation(ctx, keyhatch.Location{
				ID: id(keyhatch.LocationID), Workspace: bucket.Workspace, Bucket: bucket.ID, Prefix: keyhatch.Prefix(r.name() + "/"), Name: r.name(),
				Owner: user.ID, WritableSince: now, MaxLease: time.Hour, CreatedAt: now,
			})
		},
		"change location": func(ctx context.Context, tx *db.Tx) error {
			location.Name, location.Owner, location.Locked, location.WritableSince = r.name(), user.ID, r.yes(), now
			return tx.UpdateLocation(ctx, location)
		},
		"delete location": func(ctx context.Context, tx *db.Tx) error { _, err := tx.DeleteLocation(ctx, location); return err },
		"accept terms": func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.InsertAcceptance(ctx, keyhatch.Acceptance{Location: location.ID, Workspace: location.Workspace, User: user.ID, Version: r.name(), At: now})
			return err
		},
		"give grant": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertGrant(ctx, keyhatch.Grant{
				ID: id(keyhatch.GrantID), Workspace: location.Workspace, Location: location.ID, Prefix: location.Prefix, Subject: subject,
				Access: keyhatch.Write, Since: now, CreatedBy: user.ID, CreatedAt: now,
			})
		},
		"change grant": func(ctx context.Context, tx *db.Tx) error {
			grant.Access, grant.ExpiresAt, grant.Since = keyhatch.Read, now.Add(time.Hour), now
			return tx.UpdateGrant(ctx, grant)
		},
		"take grant": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteGrant(ctx, grant) },
		"lend": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertLease(ctx, keyhatch.Lease{ID: id(keyhatch.LeaseID), AccessKeyID: id(keyhatch.LeaseID), IssuedAt: now, ExpiresAt: now.Add(time.Hour)})
		},
		"revoke lease": func(ctx context.Context, tx *db.Tx) error {
			if lease.ID == "" {
				return errNothing
			}
			return tx.RevokeLease(ctx, lease, now)
		},
		"prune feed": func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.PruneChanges(ctx, now)
			return err
		},
	}
}
