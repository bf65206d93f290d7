package dbtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testOAuthClients(t *testing.T, s *suite) {
	exercise(s, noun[db.HashedClient]{
		missing: keyhatch.CodeClientNotFound,
		id:      func(c db.HashedClient) string { return c.ID },
		fresh: func() db.HashedClient {
			id := keyhatch.NewID(keyhatch.OAuthClientID, s.Now())
			return db.HashedClient{Hash: s.newToken("", "").Hash, OAuthClient: keyhatch.OAuthClient{
				ID: id, Name: "name-" + id, Title: "Ünïcode", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{"https://a.example/b?c=d"}, Confidential: true,
				Trusted: true, Signed: true, Earthdata: true, Scopes: []keyhatch.Scope{"tokens", "GET /api/v1/users"}, AccessLife: time.Hour, RefreshLife: 90 * time.Second, CreatedAt: s.Now(),
			}}
		},
		insert: func(ctx context.Context, tx *db.Tx, c db.HashedClient) error { return tx.InsertOAuthClient(ctx, c) },
		get: func(ctx context.Context, r db.Reader, id string) (db.HashedClient, error) {
			return r.OAuthClient(ctx, id)
		},
		remove:   func(ctx context.Context, tx *db.Tx, c db.HashedClient) error { return tx.DeleteOAuthClient(ctx, c.ID) },
		namesake: []func(old, fresh db.HashedClient) db.HashedClient{func(old, c db.HashedClient) db.HashedClient { c.Name = old.Name; return c }},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]db.HashedClient, error) {
			return r.OAuthClients(ctx, p)
		},
	})
}

// testEarthdataTokens: what a token says is found by its user, the newest first, and goes with the
// token; the key that signed it stays as long.
func testEarthdataTokens(t *testing.T, s *suite) {
	u, other := s.NewUser(), s.NewUser()
	key := db.SigningKey{ID: s.ID(keyhatch.SigningKeyID), Sealed: []byte{0, 1}, Public: "p", CreatedAt: s.Now()}
	unused := key
	unused.ID = s.ID(keyhatch.SigningKeyID)
	says := func() db.EarthdataToken {
		return db.EarthdataToken{HashedToken: s.newToken(u.ID, ""), Key: key.ID, UID: "ünï", Issued: s.Now(), Until: s.Now().Add(time.Hour)}
	}
	first, second := says(), says()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertUser(ctx, u) },
			func() error { return tx.InsertUser(ctx, other) },
			func() error { return tx.InsertSigningKey(ctx, key) },
			func() error { return tx.InsertSigningKey(ctx, unused) },
			func() error { return tx.InsertToken(ctx, first.HashedToken) },
			func() error { return tx.InsertToken(ctx, second.HashedToken) },
			func() error { return tx.InsertEarthdataToken(ctx, first) },
			func() error { return tx.InsertEarthdataToken(ctx, second) },
		)
	})
	have := func(user string, want ...db.EarthdataToken) {
		t.Helper()
		got, err := s.EarthdataTokens(s.Ctx(), user)
		if diff := cmp.Diff(want, got, networks); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	keys := func(want int) {
		t.Helper()
		if got, err := s.SigningKeys(s.Ctx()); err != nil || len(got) != want {
			t.Errorf("%d keys, want %d, %v", len(got), want, err)
		}
	}
	have(u.ID, second, first)
	have(other.ID)
	prune := func(ctx context.Context, tx *db.Tx) error { return tx.PruneSigningKeys(ctx, s.Now().Add(time.Hour)) }
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.RetireSigningKeys(ctx, s.Now()) })
	s.Do(prune)
	keys(1)
	if got, err := s.SignedTokens(s.Ctx()); err != nil || !slices.ContainsFunc(got, func(k keyhatch.Token) bool { return k.ID == first.ID }) {
		t.Errorf("its signed tokens are %d, %v", len(got), err)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteEarthdataToken(ctx, second.ID) })
	have(u.ID, first)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteToken(ctx, first.Token) })
	have(u.ID)
	s.Do(prune)
	keys(0)
}

// testConsents: a code, a refresh token and a device work once, and go with their consent, which
// goes with its user and in its time.
func testConsents(t *testing.T, s *suite) {
	u := s.NewUser()
	consent := func(life time.Duration) keyhatch.Consent {
		return keyhatch.Consent{
			ID: keyhatch.NewID(keyhatch.ConsentID, s.Now()), Client: "client_1", User: u.ID, Scopes: []keyhatch.Scope{"all"}, OpenID: true, Nonce: "n",
			LoggedIn: s.Now(), CreatedAt: s.Now(), ExpiresAt: s.Now().Add(life), Issuer: "https://" + u.ID + ".example", EndsAt: s.Now().Add(2 * life),
		}
	}
	long, short := consent(time.Hour), consent(time.Minute)
	hash := func() keyhatch.TokenHash { return keyhatch.TokenHash{Pepper: 78, Hash: s.newToken("", "").Hash.Hash} }
	code := db.AuthorizationCode{Consent: long.ID, Hash: hash(), Redirect: "https://a.example/", Challenge: "c", ExpiresAt: s.Now().Add(time.Minute)}
	refresh := db.Refresh{ID: keyhatch.NewID(keyhatch.RefreshID, s.Now()), Consent: long.ID, Hash: hash(), ExpiresAt: s.Now().Add(time.Hour)}
	device := db.Device{
		ID: keyhatch.NewID(keyhatch.DeviceID, s.Now()), Client: "client_1", Hash: hash(), Code: "BCDFGHJK", Scopes: []keyhatch.Scope{"all"}, OpenID: true,
		Address: "192.0.2.1", CreatedAt: s.Now(), ExpiresAt: s.Now().Add(time.Hour),
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertUser(ctx, u) },
			func() error { return tx.InsertConsent(ctx, long) },
			func() error { return tx.InsertConsent(ctx, short) },
			func() error { return tx.InsertAuthorizationCode(ctx, code) },
			func() error { return tx.InsertRefresh(ctx, refresh) },
			func() error { return tx.InsertDevice(ctx, device) },
		)
	})
	if n, err := s.CountPeppered(s.Ctx(), 78, s.Now()); err != nil || n != 3 {
		t.Errorf("%d hashes rest on the pepper, %v", n, err)
	}
	other := hash()
	same := func(what string, want, got any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	for _, used := range []bool{false, true} {
		if used {
			code.UsedAt, refresh.UsedAt, device.Consent = s.Now(), s.Now(), long.ID
			use := func(ctx context.Context, tx *db.Tx) error {
				return ground.FirstError(
					func() error { return tx.UseAuthorizationCode(ctx, long.ID, code.UsedAt) },
					func() error { return tx.UseRefresh(ctx, refresh.ID, refresh.UsedAt) },
					func() error { return tx.DecideDevice(ctx, device) },
				)
			}
			s.Do(use)
			ground.WantFail(t, "used twice", s.Try(use), keyhatch.NotFound, keyhatch.CodeConsentNotFound)
			refused := device
			refused.Consent, refused.Refused = "", true
			ground.WantFail(t, "decided twice", s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.DecideDevice(ctx, refused) }), keyhatch.NotFound, keyhatch.CodeDeviceNotFound)
		}
		c, err := s.AuthorizationCodeByHash(s.Ctx(), []keyhatch.TokenHash{other, code.Hash})
		same("code", code, c, err)
		f, err := s.RefreshByHash(s.Ctx(), []keyhatch.TokenHash{other, refresh.Hash})
		same("refresh token", refresh, f, err)
		d, err := s.DeviceByHash(s.Ctx(), []keyhatch.TokenHash{other, device.Hash})
		same("device", device, d, err)
		d, err = s.DeviceByCode(s.Ctx(), device.Code)
		same("device by its code", device, d, err)
	}
	logged, err := s.LoggedIn(s.Ctx())
	if err != nil || !slices.Contains(logged, db.LoggedIn{User: u.ID, Issuer: long.Issuer}) {
		t.Errorf("%+v, %v: the user has a consent of a login elsewhere", logged, err)
	}
	used := s.newToken(u.ID, "")
	used.Consent, used.LastUsedAt = long.ID, s.Now().Add(time.Minute)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertToken(ctx, used) })
	for _, c := range []struct {
		but    string
		others int
		want   []keyhatch.Consent
	}{{"", 1, []keyhatch.Consent{short}}, {"", 2, nil}, {short.ID, 0, []keyhatch.Consent{long}}, {short.ID, 1, nil}, {long.ID, 0, []keyhatch.Consent{short}}} {
		got, err := s.StalestConsents(s.Ctx(), u.ID, "client_1", c.but, c.others)
		same("the stalest", c.want, got, err)
		got, err = s.StalestConsents(s.Ctx(), u.ID, "client_2", c.but, 0)
		same("the stalest of another client", []keyhatch.Consent(nil), got, err)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteToken(ctx, used.Token) })
	s.pruned(func(ctx context.Context, tx *db.Tx) (bool, error) { return tx.PruneOAuth(ctx, short.ExpiresAt) })
	all, err := s.Consents(s.Ctx(), u.ID, "client_1", db.Everything)
	same("in its time", []keyhatch.Consent{long}, all, err)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, u.ID) })
	_, err = s.AuthorizationCodeByHash(s.Ctx(), []keyhatch.TokenHash{code.Hash})
	ground.WantFail(t, "a code of nobody", err, keyhatch.NotFound, keyhatch.CodeConsentNotFound)
	_, err = s.DeviceByCode(s.Ctx(), device.Code)
	ground.WantFail(t, "a device of nobody", err, keyhatch.NotFound, keyhatch.CodeDeviceNotFound)
}

// testSigningKeys: the one that signs comes first.
func testSigningKeys(t *testing.T, s *suite) {
	first := db.SigningKey{ID: keyhatch.NewID(keyhatch.SigningKeyID, s.Now()), Sealed: []byte{0, 1}, Public: "p", CreatedAt: s.Now()}
	second := first
	second.ID = keyhatch.NewID(keyhatch.SigningKeyID, s.Now())
	at := s.Now()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertSigningKey(ctx, first) },
			func() error { return tx.RetireSigningKeys(ctx, at) },
			func() error { return tx.InsertSigningKey(ctx, second) },
		)
	})
	first.RetiredAt = at
	keys, err := s.SigningKeys(s.Ctx())
	if diff := cmp.Diff([]db.SigningKey{second, first}, keys); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PruneSigningKeys(ctx, at.Add(time.Microsecond)) })
	if keys, err := s.SigningKeys(s.Ctx()); err != nil || len(keys) != 1 || keys[0].ID != second.ID {
		t.Errorf("left are %v, %v", keys, err)
	}
}
