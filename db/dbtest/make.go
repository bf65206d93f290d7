package dbtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// clock gives times a millisecond apart, so that ids sort in the order of their
// making, with microseconds that a table must keep.
type clock struct{ ticks int }

func (c *clock) next() time.Time {
	c.ticks++
	return time.Date(2031, 2, 3, 4, 5, 6, 789_123_000, time.UTC).Add(time.Duration(c.ticks) * time.Millisecond)
}

func (s *suite) id(kind keyhatch.IDKind) string { return keyhatch.NewID(kind, s.now.next()) }

// Each of these makes a noun with every field set that is not yet stored.

func (s *suite) newUser() keyhatch.User {
	id := s.id(keyhatch.UserID)
	return keyhatch.User{
		ID: id, Name: "u-" + id, FullName: "Ünïcode 'quoted' \"Name\"", Email: "a@b.example", Admin: true, Active: true,
		ActiveSince: s.now.next(), CreatedAt: s.now.next(),
	}
}

func (s *suite) newWorkspace() keyhatch.Workspace {
	id := s.id(keyhatch.WorkspaceID)
	return keyhatch.Workspace{ID: id, Name: "w-" + id, CreatedAt: s.now.next()}
}

func (s *suite) newGroup(ws string) keyhatch.Group {
	id := s.id(keyhatch.GroupID)
	return keyhatch.Group{ID: id, Workspace: ws, Name: "g-" + id, CreatedAt: s.now.next()}
}

func (s *suite) newTeamspace(ws string) keyhatch.Teamspace {
	id := s.id(keyhatch.TeamspaceID)
	return keyhatch.Teamspace{
		ID: id, Workspace: ws, Name: "g-" + id, Visibility: keyhatch.Private, CreatedBy: "user_gone", CreatedAt: s.now.next(),
	}
}

func (s *suite) newToken(user, ws string) db.HashedToken {
	id := s.id(keyhatch.TokenID)
	hash := strings.Repeat(string([]byte{0, byte(s.now.ticks >> 8), byte(s.now.ticks), 0xff}), 8)
	return db.HashedToken{
		Token: keyhatch.Token{
			ID: id, User: user, Name: "t", Scopes: []keyhatch.Scope{"leases:read", "s3:read s3://abc/d/"}, Workspace: ws,
			ExpiresAt: s.now.next(), Since: s.now.next(), CreatedAt: s.now.next(), CreatedFrom: "192.0.2.1",
		},
		Hash: keyhatch.TokenHash{Pepper: 1<<32 - 1, Hash: hash},
	}
}

func (s *suite) newStore() keyhatch.Store {
	id := s.id(keyhatch.StoreID)
	return keyhatch.Store{
		ID: id, Name: "s-" + id, Kind: keyhatch.DirectoryStore, Path: "/srv/é", Lends: keyhatch.LendsOwn, CreatedAt: s.now.next(),
	}
}

func (s *suite) newS3Store(credential string) keyhatch.Store {
	v := s.newStore()
	v.Kind, v.Path, v.Endpoint, v.Region, v.Credential = keyhatch.S3Store, "", "https://s3.example:9000", "eu-1", credential
	return v
}

// newCredential is one of the installation, or of a workspace.
func (s *suite) newCredential(workspace string) db.SealedCredential {
	id := s.id(keyhatch.CredentialID)
	return db.SealedCredential{
		Credential: keyhatch.Credential{
			ID: id, Workspace: workspace, Name: "c-" + id, Provider: keyhatch.AWS, Kind: keyhatch.KeysCredential,
			AccessKeyID: "AKIA" + id, CreatedAt: s.now.next(), UpdatedAt: s.now.next(),
		},
		Sealed: []byte("\x00\xff" + id),
	}
}

func (s *suite) newBucket(ws, store string) keyhatch.Bucket {
	id := s.id(keyhatch.BucketID)
	payload, _ := keyhatch.IDPayload(keyhatch.BucketID, id)
	return keyhatch.Bucket{ID: id, Workspace: ws, Store: store, Name: "b-" + payload, CreatedAt: s.now.next()}
}

func (s *suite) newLocation(b keyhatch.Bucket, owner string) keyhatch.Location {
	id := s.id(keyhatch.LocationID)
	return keyhatch.Location{
		ID: id, Workspace: b.Workspace, Store: b.Store, Bucket: b.ID, BucketName: b.Name, Prefix: keyhatch.Prefix("p-" + id + "/é/"),
		Name: "l-" + id, Owner: owner, Locked: true, WritableSince: s.now.next(), MaxLease: 17*time.Minute + 5*time.Microsecond,
		CreatedAt: s.now.next(),
	}
}

func (s *suite) newGrant(l keyhatch.Location, to keyhatch.Subject) keyhatch.Grant {
	return keyhatch.Grant{
		ID: s.id(keyhatch.GrantID), Workspace: l.Workspace, Location: l.ID, Bucket: l.BucketName, Prefix: l.Prefix + "in/",
		Subject: to, Access: keyhatch.Write, ExpiresAt: s.now.next().Add(time.Hour), Since: s.now.next(),
		CreatedBy: l.Owner, CreatedAt: s.now.next(),
	}
}

func (s *suite) newLease(workspace, user string) keyhatch.Lease {
	id := s.id(keyhatch.LeaseID)
	return keyhatch.Lease{
		ID: id, Workspace: workspace, User: user, Token: "tok", Store: "store", StoreName: "disk", AccessKeyID: "KHLE" + id,
		Access: keyhatch.Read, Parts: []keyhatch.Part{{Bucket: "abc", Prefix: "é \"x\"/", Location: "loc", Grant: "grant"}, {Bucket: "abc"}},
		SessionName: "job-7", Policies: []string{`{"Version":"é"}`}, Ancestors: []string{"lease_1", "lease_2"},
		IssuedAt: s.now.next(), ExpiresAt: s.now.next().Add(time.Hour),
	}
}

func (s *suite) newEvent() keyhatch.Event {
	return keyhatch.Event{
		ID: s.id(keyhatch.EventID), At: s.now.next(), Workspace: "ws", User: "user", Token: "tok", Address: "2001:db8::1", RequestID: "r",
		Action: "thing.do", Target: "target", Detail: map[string]string{"a": "1", "é": "\"2\""},
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
	s.t.Helper()
	var w world
	w.user, w.ws, w.store = s.newUser(), s.newWorkspace(), s.newStore()
	w.group, w.bucket = s.newGroup(w.ws.ID), s.newBucket(w.ws.ID, w.store.ID)
	w.token, w.location = s.newToken(w.user.ID, w.ws.ID), s.newLocation(w.bucket, w.user.ID)
	w.grant = s.newGrant(w.location, keyhatch.Subject{Kind: keyhatch.SubjectUser, ID: w.user.ID})
	w.toGroup = s.newGrant(w.location, keyhatch.Subject{Kind: keyhatch.SubjectGroup, ID: w.group.ID})
	s.write(func(ctx context.Context, tx *db.Tx) error {
		return firstError(
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
				return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ws.ID, User: w.user.ID, Role: keyhatch.AdminRole, Since: s.now.next()})
			},
			func() error {
				return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: w.group.ID, User: w.user.ID, Since: s.now.next()})
			},
		)
	})
	return w
}

func firstError(steps ...func() error) error {
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}
