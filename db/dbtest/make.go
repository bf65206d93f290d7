package dbtest

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// Each of these makes a noun with every field set that is not yet stored.

func (s *suite) newTeamspace(ws string) keyhatch.Teamspace {
	id := s.ID(keyhatch.TeamspaceID)
	return keyhatch.Teamspace{
		ID: id, Workspace: ws, Name: "g-" + id, Visibility: keyhatch.Private, CreatedBy: "user_gone", CreatedAt: s.Now(),
	}
}

func (s *suite) newToken(user, ws string) db.HashedToken {
	id := s.ID(keyhatch.TokenID)
	hash := ("\x00\xff" + id + strings.Repeat("=", 32))[:32]
	return db.HashedToken{
		Token: keyhatch.Token{
			ID: id, User: user, Name: "t", Scopes: []keyhatch.Scope{"leases:read", "s3:read s3://abc/d/"}, Workspace: ws,
			ExpiresAt: s.Now(), Since: s.Now(), CreatedAt: s.Now(), CreatedFrom: "192.0.2.1",
			Networks:          []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")},
			RequestsPerMinute: 7, Annotations: map[string]string{"what/for": "é \"x\""}, MadeWith: "tok_gone",
		},
		Hash: keyhatch.TokenHash{Pepper: 1<<32 - 1, Hash: hash},
	}
}

func (s *suite) newStore() keyhatch.Store {
	id := s.ID(keyhatch.StoreID)
	return keyhatch.Store{
		ID: id, Name: "s-" + id, Kind: keyhatch.DirectoryStore, Path: "/srv/é", Lends: keyhatch.LendsOwn, CreatedAt: s.Now(),
	}
}

func (s *suite) newS3Store(credential string) keyhatch.Store {
	v := s.newStore()
	v.Kind, v.Path, v.Endpoint, v.Region, v.Credential = keyhatch.S3Store, "", "https://s3.example:9000", "eu-1", credential
	return v
}

// newCredential is one of the installation, or of a workspace.
func (s *suite) newCredential(workspace string) db.SealedCredential {
	id := s.ID(keyhatch.CredentialID)
	return db.SealedCredential{
		Credential: keyhatch.Credential{
			ID: id, Workspace: workspace, Name: "c-" + id, Provider: keyhatch.AWS, Kind: keyhatch.KeysCredential,
			Principal: "AKIA" + id, CreatedAt: s.Now(), UpdatedAt: s.Now(),
		},
		Sealed: []byte("\x00\xff" + id),
	}
}

func (s *suite) newBucket(ws, store string) keyhatch.Bucket {
	id := s.ID(keyhatch.BucketID)
	payload, _ := keyhatch.IDPayload(keyhatch.BucketID, id)
	return keyhatch.Bucket{ID: id, Workspace: ws, Store: store, Name: "b-" + payload, CreatedAt: s.Now()}
}

func (s *suite) newLocation(b keyhatch.Bucket, owner string) keyhatch.Location {
	id := s.ID(keyhatch.LocationID)
	return keyhatch.Location{
		ID: id, Workspace: b.Workspace, Store: b.Store, Bucket: b.ID, BucketName: b.Name, Prefix: keyhatch.Prefix("p-" + id + "/é/"),
		Name: "l-" + id, Owner: owner, Locked: true, WritableSince: s.Now(), MaxLease: 17*time.Minute + 5*time.Microsecond,
		KMSKey: "arn:aws:kms:é", SharedSessions: true, Terms: "version", NetworksSince: s.Now(),
		Networks:  []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")},
		CreatedAt: s.Now(),
	}
}

func (s *suite) newGrant(l keyhatch.Location, to keyhatch.Subject) keyhatch.Grant {
	return keyhatch.Grant{
		ID: s.ID(keyhatch.GrantID), Workspace: l.Workspace, Location: l.ID, Bucket: l.BucketName, Prefix: l.Prefix + "in/",
		Subject: to, Access: keyhatch.Write, ExpiresAt: s.Now().Add(time.Hour), Since: s.Now(),
		CreatedBy: l.Owner, CreatedAt: s.Now(),
	}
}

func (s *suite) newLease(workspace, user string) keyhatch.Lease {
	id := s.ID(keyhatch.LeaseID)
	return keyhatch.Lease{
		ID: id, Workspace: workspace, User: user, Token: "tok", Store: "store", StoreName: "disk", AccessKeyID: "KHLE" + id,
		Vend: "vend_1", Access: keyhatch.Read, Parts: []keyhatch.Part{{Bucket: "abc", Prefix: "é \"x\"/", Location: "loc", Grant: "grant"}, {Bucket: "abc"}},
		SessionName: "job-7", Pair: "KHAKEXAMPLEEXAMPLE22", Presigned: true, Policies: []string{`{"Version":"é"}`}, Ancestors: []string{"lease_1", "lease_2"},
		IssuedAt: s.Now(), ExpiresAt: s.Now().Add(time.Hour),
	}
}

// world is one of each noun, stored.
type world struct {
	user     keyhatch.User
	ws       keyhatch.Workspace
	group    keyhatch.Group
	token    db.HashedToken
	store    keyhatch.Store
	bucket   keyhatch.Bucket
	location keyhatch.Location
	grant    keyhatch.Grant // to the user
	toGroup  keyhatch.Grant
}

// world stores one of each noun: the user is a member of the workspace and of
// the group, and owns the location.
func (s *suite) world() world {
	s.T.Helper()
	var w world
	w.user, w.ws, w.store = s.NewUser(), s.NewWorkspace(), s.newStore()
	w.group, w.bucket = s.NewGroup(w.ws.ID), s.newBucket(w.ws.ID, w.store.ID)
	w.token, w.location = s.newToken(w.user.ID, w.ws.ID), s.newLocation(w.bucket, w.user.ID)
	w.grant = s.newGrant(w.location, keyhatch.Subject{Kind: keyhatch.SubjectUser, ID: w.user.ID})
	w.toGroup = s.newGrant(w.location, keyhatch.Subject{Kind: keyhatch.SubjectGroup, ID: w.group.ID})
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertUser(ctx, w.user) },
			func() error { return tx.InsertWorkspace(ctx, w.ws) },
			func() error { return tx.InsertStore(ctx, w.store) },
			func() error { return tx.InsertGroup(ctx, w.group) },
			func() error { return tx.InsertBucket(ctx, w.bucket) },
			func() error { return tx.InsertToken(ctx, w.token) },
			func() error { return tx.InsertLocation(ctx, w.location) },
			func() error { return tx.InsertGrant(ctx, w.grant) },
			func() error { return tx.InsertGrant(ctx, w.toGroup) },
			func() error {
				return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ws.ID, User: w.user.ID, Role: keyhatch.AdminRole, Since: s.Now()})
			},
			func() error {
				return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: w.group.ID, User: w.user.ID, Since: s.Now()})
			},
		)
	})
	return w
}
