package dbtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testUsers(t *testing.T, s *suite) {
	exercise(s, noun[keyhatch.User]{
		missing: keyhatch.CodeUserNotFound, change: db.UserChanged,
		id:    func(u keyhatch.User) string { return u.ID },
		fresh: s.NewUser,
		insert: func(ctx context.Context, tx *db.Tx, u keyhatch.User) error {
			return tx.InsertUser(ctx, u)
		},
		get:    func(ctx context.Context, r db.Reader, id string) (keyhatch.User, error) { return r.User(ctx, id) },
		update: func(ctx context.Context, tx *db.Tx, u keyhatch.User) error { return tx.UpdateUser(ctx, u) },
		changed: func(u keyhatch.User) keyhatch.User {
			u.Name, u.FullName, u.Email, u.Admin, u.Active, u.ActiveSince = "other-"+u.ID, "", "c@d.example", false, false, s.Now()
			return u
		},
		remove:   func(ctx context.Context, tx *db.Tx, u keyhatch.User) error { return tx.DeleteUser(ctx, u.ID) },
		namesake: []func(old, fresh keyhatch.User) keyhatch.User{func(old, u keyhatch.User) keyhatch.User { u.Name = old.Name; return u }},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.User, error) {
			return r.Users(ctx, "", "", p)
		},
	})
	u, idle := s.NewUser(), s.NewUser()
	idle.Active = false
	before := ground.OK[int](t)(s.ActiveAdmins(s.Ctx()))
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertUser(ctx, u) }, func() error { return tx.InsertUser(ctx, idle) })
	})
	if diff := cmp.Diff(u, ground.OK[keyhatch.User](t)(s.UserByName(s.Ctx(), u.Name))); diff != "" {
		t.Error(diff)
	}
	_, err := s.UserByName(s.Ctx(), "nobody")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
	if now := ground.OK[int](t)(s.ActiveAdmins(s.Ctx())); now != before+1 {
		t.Errorf("an active and an inactive admin more make %d active admins of %d", now, before)
	}
}

func testWorkspaces(t *testing.T, s *suite) {
	exercise(s, noun[keyhatch.Workspace]{
		missing: keyhatch.CodeWorkspaceNotFound, change: db.WorkspaceChanged,
		id:    func(w keyhatch.Workspace) string { return w.ID },
		fresh: s.NewWorkspace,
		insert: func(ctx context.Context, tx *db.Tx, w keyhatch.Workspace) error {
			return tx.InsertWorkspace(ctx, w)
		},
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.Workspace, error) {
			return r.Workspace(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, w keyhatch.Workspace) error {
			return tx.RenameWorkspace(ctx, w.ID, w.Name)
		},
		changed: func(w keyhatch.Workspace) keyhatch.Workspace { w.Name = "other-" + w.ID; return w },
		remove:  func(ctx context.Context, tx *db.Tx, w keyhatch.Workspace) error { return tx.DeleteWorkspace(ctx, w.ID) },
		namesake: []func(old, fresh keyhatch.Workspace) keyhatch.Workspace{
			func(old, w keyhatch.Workspace) keyhatch.Workspace { w.Name = old.Name; return w },
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Workspace, error) {
			return r.Workspaces(ctx, "", p)
		},
	})
	w := s.world()
	if diff := cmp.Diff(w.ws, ground.OK[keyhatch.Workspace](t)(s.WorkspaceByName(s.Ctx(), w.ws.Name))); diff != "" {
		t.Error(diff)
	}
	_, err := s.WorkspaceByName(s.Ctx(), "nowhere")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeWorkspaceNotFound)
}

func testGroups(t *testing.T, s *suite) {
	w := s.world()
	exercise(s, noun[keyhatch.Group]{
		missing: keyhatch.CodeGroupNotFound,
		id:      func(g keyhatch.Group) string { return g.ID },
		fresh:   func() keyhatch.Group { return s.NewGroup(w.ws.ID) },
		insert:  func(ctx context.Context, tx *db.Tx, g keyhatch.Group) error { return tx.InsertGroup(ctx, g) },
		get:     func(ctx context.Context, r db.Reader, id string) (keyhatch.Group, error) { return r.Group(ctx, id) },
		update:  func(ctx context.Context, tx *db.Tx, g keyhatch.Group) error { return tx.RenameGroup(ctx, g.ID, g.Name) },
		changed: func(g keyhatch.Group) keyhatch.Group { g.Name = "other-" + g.ID; return g },
		remove:  func(ctx context.Context, tx *db.Tx, g keyhatch.Group) error { return tx.DeleteGroup(ctx, g) },
		namesake: []func(old, fresh keyhatch.Group) keyhatch.Group{
			func(old, g keyhatch.Group) keyhatch.Group { g.Name = old.Name; return g },
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Group, error) {
			return r.Groups(ctx, w.ws.ID, p)
		},
	})
	elsewhere := s.NewWorkspace()
	same := s.NewGroup(elsewhere.ID)
	same.Name = w.group.Name
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertWorkspace(ctx, elsewhere) }, func() error { return tx.InsertGroup(ctx, same) })
	})
	if diff := cmp.Diff(same, ground.OK[keyhatch.Group](t)(s.GroupByName(s.Ctx(), elsewhere.ID, same.Name))); diff != "" {
		t.Errorf("the same name in another workspace:\n%s", diff)
	}
	if got := ground.OK[[]keyhatch.Group](t)(s.Groups(s.Ctx(), elsewhere.ID, db.Everything)); len(got) != 1 {
		t.Errorf("the other workspace lists %d groups", len(got))
	}
	_, err := s.GroupByName(s.Ctx(), elsewhere.ID, "none")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeGroupNotFound)
}

func testTokens(t *testing.T, s *suite) {
	w := s.world()
	exercise(s, noun[db.HashedToken]{
		missing: keyhatch.CodeTokenNotFound, change: db.TokenChanged,
		id:     func(k db.HashedToken) string { return k.ID },
		fresh:  func() db.HashedToken { return s.newToken(w.user.ID, w.ws.ID) },
		insert: func(ctx context.Context, tx *db.Tx, k db.HashedToken) error { return tx.InsertToken(ctx, k) },
		get: func(ctx context.Context, r db.Reader, id string) (db.HashedToken, error) {
			return r.HashedToken(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, k db.HashedToken) error { return tx.RotateToken(ctx, k) },
		changed: func(k db.HashedToken) db.HashedToken {
			k.Old, k.Hash = k.Hash, s.newToken("", "").Hash
			k.RotatedAt, k.GraceUntil = s.Now(), s.Now()
			return k
		},
		remove:   func(ctx context.Context, tx *db.Tx, k db.HashedToken) error { return tx.DeleteToken(ctx, k.Token) },
		namesake: []func(old, fresh db.HashedToken) db.HashedToken{func(old, k db.HashedToken) db.HashedToken { k.Hash = old.Hash; return k }},
		list: func(ctx context.Context, r db.Reader, p db.Page) (out []db.HashedToken, err error) {
			tokens, err := r.Tokens(ctx, w.user.ID, w.ws.ID, p)
			for _, k := range tokens {
				out = append(out, db.HashedToken{Token: k})
			}
			return out, err
		},
	})
	testOldSecrets(t, s, w)
	testTokenChanges(t, s, w)
	testTokensMadeWith(t, s, w)
	testExpiredTokens(t, s)
	plain, other := s.newToken(w.user.ID, ""), s.NewUser()
	plain.ExpiresAt, plain.CreatedFrom, plain.Name = time.Time{}, "", ""
	plain.Networks, plain.RequestsPerMinute, plain.Annotations, plain.MadeWith = nil, 0, nil, ""
	theirs := s.newToken(other.ID, "")
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertUser(ctx, other) },
			func() error { return tx.InsertToken(ctx, plain) }, func() error { return tx.InsertToken(ctx, theirs) })
	})
	if diff := cmp.Diff(plain.Token, ground.OK[keyhatch.Token](t)(s.Token(s.Ctx(), plain.ID)), networks); diff != "" {
		t.Errorf("a token without workspace and expiry (-want +got):\n%s", diff)
	}
	for _, want := range []struct {
		user, workspace string
		count           int
	}{{other.ID, "", 1}, {other.ID, w.ws.ID, 0}, {"", "", len(ground.OK[[]db.HashedToken](t)(s.AllTokens(s.Ctx())))}} {
		if got := ground.OK[[]keyhatch.Token](t)(s.Tokens(s.Ctx(), want.user, want.workspace, db.Everything)); len(got) != want.count {
			t.Errorf("Tokens(%q, %q) lists %d, want %d", want.user, want.workspace, len(got), want.count)
		}
	}
	testBearers(t, s)
}

// testOldSecrets: a rotation without a grace forgets the secret of an earlier
// one, and two hashes open a token only while they both should.
func testOldSecrets(t *testing.T, s *suite, w world) {
	k := s.newToken(w.user.ID, "")
	first := k.Hash
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertToken(ctx, k) })
	k.Old, k.Hash, k.RotatedAt, k.GraceUntil = first, s.newToken("", "").Hash, s.Now(), s.Now()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.RotateToken(ctx, k) })
	got := ground.OK[db.HashedToken](t)(s.HashedToken(s.Ctx(), k.ID))
	for _, c := range []struct {
		hash keyhatch.TokenHash
		at   time.Time
		want bool
	}{
		{first, k.GraceUntil.Add(-time.Microsecond), true},
		{first, k.GraceUntil, false},
		{k.Hash, k.GraceUntil, true},
		{keyhatch.TokenHash{}, k.GraceUntil.Add(-time.Microsecond), false},
	} {
		if got.Opens(c.hash, c.at) != c.want {
			t.Errorf("the hash of pepper %d opens it at %v: %v", c.hash.Pepper, c.at, !c.want)
		}
	}
	k.Old, k.Hash, k.GraceUntil = keyhatch.TokenHash{}, s.newToken("", "").Hash, time.Time{}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.RotateToken(ctx, k) })
	if diff := cmp.Diff(k, ground.OK[db.HashedToken](t)(s.HashedToken(s.Ctx(), k.ID)), networks); diff != "" {
		t.Errorf("rotated without a grace (-want +got):\n%s", diff)
	}
}

func testLeases(t *testing.T, s *suite) {
	exercise(s, noun[keyhatch.Lease]{
		missing: keyhatch.CodeLeaseNotFound,
		id:      func(l keyhatch.Lease) string { return l.ID },
		fresh:   func() keyhatch.Lease { return s.newLease("ws", "user") },
		insert:  func(ctx context.Context, tx *db.Tx, l keyhatch.Lease) error { return tx.InsertLease(ctx, l) },
		get:     func(ctx context.Context, r db.Reader, id string) (keyhatch.Lease, error) { return r.Lease(ctx, id) },
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Lease, error) {
			return r.Leases(ctx, db.LeaseFilter{Workspace: "ws"}, p)
		},
		newestFirst: true,
	})
	one, other := s.newLease("ws", "user"), s.newLease("ws", "user")
	one.AccessKeyID, other.AccessKeyID = "ASIASAME", "ASIASAME"
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertLease(ctx, one) }, func() error { return tx.InsertLease(ctx, other) })
	})
	for _, own := range []*keyhatch.Lease{&one, &other} {
		*own = s.newLease("ws4", "user")
		own.AccessKeyID, own.Vend = "KHLESAME", ""
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertLease(ctx, one) })
	if err := s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.InsertLease(ctx, other) }); err == nil {
		t.Error("two leases of our own endpoint have one access key id")
	}
	mine, theirs, gone := s.newLease("ws2", "ann"), s.newLease("ws2", "bob"), s.newLease("ws2", "ann")
	gone.Vend = "vend_of_two"
	at, again := s.Now(), s.Now()
	var fed int64
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		return ground.FirstError(func() error { return tx.InsertLease(ctx, mine) }, func() error { return tx.InsertLease(ctx, theirs) },
			func() error { return tx.InsertLease(ctx, gone) },
			func() error { fed, err = tx.LastChange(ctx); return err },
			func() error { return tx.RevokeLease(ctx, gone, at) }, func() error { return tx.RevokeLease(ctx, gone, again) })
	})
	if got := ground.OK[keyhatch.Lease](t)(s.Lease(s.Ctx(), gone.ID)); !got.RevokedAt.Equal(at) {
		t.Errorf("revoked at %v, and once more at %v: kept is %v", at, again, got.RevokedAt)
	}
	fedLines := ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), fed))
	if len(fedLines) == 0 || fedLines[0].Kind != db.LeaseRevoked || fedLines[0].ID != gone.ID {
		t.Errorf("the revocation fed %v", fedLines)
	}
	for vend, want := range map[string]bool{"vend_of_two": true, mine.Vend: false, "": false, "vend_none": false} {
		if got := ground.OK[bool](t)(s.VendRevoked(s.Ctx(), vend)); got != want {
			t.Errorf("vend %q was revoked: %t", vend, got)
		}
	}
	live := mine.ExpiresAt.Add(-time.Microsecond)
	for _, want := range []struct {
		what   string
		filter db.LeaseFilter
		ids    []string
	}{
		{"workspace", db.LeaseFilter{Workspace: "ws2"}, []string{gone.ID, theirs.ID, mine.ID}},
		{"user", db.LeaseFilter{User: "ann"}, []string{gone.ID, mine.ID}},
		{"live", db.LeaseFilter{Workspace: "ws2", LiveAt: live}, []string{theirs.ID, mine.ID}},
		{"live when one has just expired", db.LeaseFilter{Workspace: "ws2", LiveAt: mine.ExpiresAt}, []string{theirs.ID}},
	} {
		var got []string
		for _, l := range ground.OK[[]keyhatch.Lease](t)(s.Leases(s.Ctx(), want.filter, db.Everything)) {
			got = append(got, l.ID)
		}
		if diff := cmp.Diff(want.ids, got); diff != "" {
			t.Errorf("leases by %s:\n%s", want.what, diff)
		}
	}
	if got := ground.OK[[]keyhatch.Lease](t)(s.RevokedLeases(s.Ctx(), live)); len(got) != 1 || got[0].ID != gone.ID {
		t.Errorf("revoked leases: %v", got)
	}
	if got := ground.OK[[]keyhatch.Lease](t)(s.RevokedLeases(s.Ctx(), gone.ExpiresAt)); len(got) != 0 {
		t.Errorf("an expired lease still counts as revoked: %v", got)
	}
}

// testURLsOfStore tells presigned URLs that sessions of a store have signed from all other
// leases there.
func testURLsOfStore(t *testing.T, s *suite) {
	ids := func(at time.Time) (ids []string) {
		for _, l := range ground.OK[[]keyhatch.Lease](t)(s.URLsOfStore(s.Ctx(), "urls", at)) {
			ids = append(ids, l.ID)
		}
		return ids
	}
	var signed keyhatch.Lease
	for _, change := range []func(*keyhatch.Lease){
		func(*keyhatch.Lease) {},
		func(l *keyhatch.Lease) { l.Vend = "" },
		func(l *keyhatch.Lease) { l.Presigned = false },
		func(l *keyhatch.Lease) { l.Store = "other" },
		func(l *keyhatch.Lease) { l.ExpiresAt = l.IssuedAt.Add(time.Minute) },
	} {
		l := s.newLease("ws5", "ann")
		l.Store = "urls"
		if change(&l); signed.ID == "" {
			signed = l
		}
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertLease(ctx, l) })
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.RevokeLease(ctx, signed, s.Now()) }) // which the store does not learn
	if got := ids(signed.ExpiresAt.Add(-time.Microsecond)); len(got) != 1 || got[0] != signed.ID {
		t.Errorf("URLs of the store: %q, want %q", got, signed.ID)
	}
	if got := ids(signed.ExpiresAt); len(got) != 0 {
		t.Errorf("when it has ended there are still %q", got)
	}
}

// testLeasesBorrowedWith revokes a lease that others were borrowed with.
func testLeasesBorrowedWith(t *testing.T, s *suite) {
	root, child, grandchild, other := s.newLease("ws3", "cy"), s.newLease("ws3", "cy"), s.newLease("ws3", "cy"), s.newLease("ws3", "cy")
	root.Ancestors, child.Ancestors, grandchild.Ancestors = nil, []string{root.ID}, []string{root.ID, child.ID}
	over := s.newLease("ws3", "cy")
	over.Ancestors, over.ExpiresAt = []string{root.ID}, over.IssuedAt.Add(time.Microsecond)
	all := []keyhatch.Lease{root, child, grandchild, other, over}
	want := map[string]string{root.ID: "second", child.ID: "first", grandchild.ID: "first"}
	at := map[string]time.Time{"first": s.Now(), "second": s.Now(), "": {}}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, l := range all {
			if err := tx.InsertLease(ctx, l); err != nil {
				return err
			}
		}
		return ground.FirstError(func() error { return tx.RevokeLease(ctx, child, at["first"]) }, func() error { return tx.RevokeLease(ctx, root, at["second"]) })
	})
	for i, l := range all {
		if got := ground.OK[keyhatch.Lease](t)(s.Lease(s.Ctx(), l.ID)); !got.RevokedAt.Equal(at[want[l.ID]]) {
			t.Errorf("lease %d was revoked at %v, want %v", i, got.RevokedAt, at[want[l.ID]])
		}
	}
}
