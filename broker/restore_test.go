package broker_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dump"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// vouching is an issuer that vouches for users.
type vouching map[keyhatch.Secret]keyhatch.Assertion

func (v vouching) Verify(_ context.Context, jwt keyhatch.Secret, _ time.Time) (keyhatch.Assertion, error) {
	if a, ok := v[jwt]; ok {
		return a, nil
	}
	return keyhatch.Assertion{}, keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "no")
}

func (vouching) Rules() map[string]string { return map[string]string{"https://issuer.test": "r"} }

func (v vouching) sign(jwt keyhatch.Secret, user string, at time.Time) keyhatch.Secret {
	v[jwt] = keyhatch.Assertion{
		Issuer: "https://issuer.test", Subject: user, User: user, Workspaces: []string{"lab"}, Scopes: []keyhatch.Scope{"all"}, Rules: "r",
		SignedAt: at, ExpiresAt: at.Add(24 * time.Hour), JWTID: jwt.Reveal(), Signed: jwt,
	}
	return jwt
}

// restoredFrom puts a core back from a backup, in another folder, with a system root token.
func restoredFrom(t *testing.T, c *coretest.Core, backup []byte, admin string, root keyhatch.Secret) (*coretest.Core, broker.Restored) {
	t.Helper()
	folder, key := t.TempDir(), "keyhatch.key"
	path := filepath.Join(folder, filepath.Base(c.Path))
	text, err := os.ReadFile(filepath.Join(filepath.Dir(c.Path), key))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, key), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var done broker.Restored
	err = db.Restore(t.Context(), path, db.Restoring{
		Dump: bytes.NewReader(backup),
		Key:  func(context.Context, db.Reader) (audit.MAC, error) { return c.Keys.AuditMAC, nil },
		Then: func(tx *db.Tx, s dump.Summary) (err error) {
			done, err = broker.Restore(t.Context(), tx, c.Keys, admin, root, s.TakenAt)
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return coretest.Open(t, path, done.Secret, keys.Pace{}), done
}

// TestS7_RevokedAfterTheBackup: what was revoked, disabled, replaced or narrowed since the
// backup does not work after the restore, neither before its user is let in again nor after. Nothing
// else of the backup does either, since nobody can tell which is which.
func TestS7_RevokedAfterTheBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := coretest.New(t)
	issuer := vouching{}
	c.Issuers = issuer
	c.Restart(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lab := c.Workspace(t, "lab")
	ann := c.User(t, "ann")
	c.Member(t, lab, ann, keyhatch.AdminRole)
	location := c.Location(t, lab, "s3://lab-data/a/")
	c.Grant(t, location, ann, keyhatch.Write)

	// What ann has at the time of the backup.
	const password = "plum orbit candle seventeen"
	must(c.Broker.Passwords.SetPassword(ctx, ann, ann.User.ID, "", password))
	token, secret, err := c.Broker.People.CreateToken(ctx, ann, people.NewToken{Name: "revoked"})
	must(err)
	_, other, err := c.Broker.People.CreateToken(ctx, ann, people.NewToken{Name: "not revoked"})
	must(err)
	user, err := c.Broker.Passwords.Login(ctx, "ann", password)
	must(err)
	browser, err := c.Broker.Passwords.Authenticate(ctx, "ann", password)
	must(err)
	cookie, session, err := c.Broker.Sessions.Begin(ctx, browser, "a browser")
	must(err)
	early := issuer.sign("shown.before.backup", "ann", time.Now())
	_, err = c.Broker.Bearers.Authenticate(ctx, early, "")
	must(err)
	late := issuer.sign("shown.after.backup", "ann", time.Now())
	lease, err := c.Broker.Lending.Lease(ctx, ann, lending.LeaseRequest{Location: location.ID, Access: keyhatch.Write})
	must(err)
	key, err := c.Broker.AccessKeys.Create(ctx, ann, accesskeys.NewKey{Workspace: lab.ID, Store: c.Store.Name, Name: "k", Rights: accesskeys.Rights{WriteAll: true}})
	must(err)
	key, pair, err := c.Broker.AccessKeys.Issue(ctx, ann, "", key.ID, 0)
	must(err)
	must(c.DB.Write(ctx, func(tx *db.Tx) error {
		return tx.InsertConsent(ctx, keyhatch.Consent{
			ID: keyhatch.NewID(keyhatch.ConsentID, time.Now()), Client: "oauthclient_1", User: user.ID, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		})
	}))

	var backup bytes.Buffer
	_, err = c.DB.Dump(ctx, &backup, nil)
	must(err)

	// All of it ends, and so does what came since: also of a user who is in no backup, and
	// the token that the configuration has got.
	c.Member(t, lab, c.User(t, "zed"), keyhatch.MemberRole)
	zeds := issuer.sign("of.another.zed", "zed", time.Now())
	must(only(c.Broker.Bearers.Authenticate(ctx, zeds, "")))
	revokedRoot := keyhatch.NewTokenSecret()
	must(broker.SetRoot(ctx, c.DB, c.Keys, revokedRoot))
	since, err := c.Broker.Lending.Lease(ctx, ann, lending.LeaseRequest{Location: location.ID, Access: keyhatch.Write})
	must(err)
	_, err = c.Broker.Bearers.Authenticate(ctx, late, "")
	must(err)
	must(c.Broker.Bearers.End(ctx, early))
	must(c.Broker.Bearers.End(ctx, late))
	must(c.Broker.People.RevokeToken(ctx, ann, token.ID))
	must(c.Broker.Sessions.Revoke(ctx, ann, session.ID))
	must(c.Broker.AccessKeys.Delete(ctx, ann, "", key.ID))
	must(c.Broker.Passwords.SetPassword(ctx, ann, ann.User.ID, password, "violet tractor under bridges"))
	no := false
	_, err = c.Broker.People.UpdateUser(ctx, c.Admin, "ann", people.UserChange{Active: &no})
	must(err)

	r, done := restoredFrom(t, c, backup.Bytes(), "rescue", revokedRoot)
	r.Issuers = issuer
	r.Restart(t)
	if done.Ended["tokens"] < 3 || done.Ended["users"] != 2 || done.Ended["consents"] != 1 {
		t.Errorf("ended: %v", done.Ended)
	}
	r.Member(t, lab, r.User(t, "zed"), keyhatch.MemberRole)
	if err := broker.SetRoot(ctx, r.DB, r.Keys, revokedRoot); !errors.Is(err, broker.ErrRootEnded) {
		t.Errorf("the system root token of the configuration: %v", err)
	}
	for _, when := range []string{"at once", "when ann was let in again"} {
		for what, err := range map[string]error{
			"a revoked token":         only(r.Broker.People.Authenticate(ctx, secret)),
			"a token":                 only(r.Broker.People.Authenticate(ctx, other)),
			"an admin's token":        only(r.Broker.People.Authenticate(ctx, c.AdminSecret)),
			"a password":              only(r.Broker.Passwords.Login(ctx, "ann", password)),
			"a session":               only(r.Broker.Sessions.Of(ctx, cookie)),
			"a signed token":          only(r.Broker.Bearers.Authenticate(ctx, early, "")),
			"one that was shown late": only(r.Broker.Bearers.Authenticate(ctx, late, "")),
			"one of an earlier user":  only(r.Broker.Bearers.Authenticate(ctx, zeds, "")),
			"the system root token":   only(r.Broker.People.Authenticate(ctx, revokedRoot)),
			"a lease":                 standing(ctx, r, lease),
			"one lent since":          standing(ctx, r, since),
			"an access key": func() error {
				_, _, err := r.Broker.AccessKeys.Open(ctx, pair.AccessKeyID)
				return err
			}(),
		} {
			if err == nil {
				t.Errorf("%s: %s works", when, what)
			}
		}
		yes := true
		_, err := r.Broker.People.UpdateUser(ctx, r.Admin, "ann", people.UserChange{Active: &yes})
		must(err)
	}
	consents, err := r.DB.Consents(ctx, "", "", db.Everything)
	must(err)
	if len(consents) > 0 {
		t.Errorf("consents: %v", consents)
	}

	// Who was let in again works on, with what is given now, and the record tells of it.
	again := r.Token(t, r.Admin, people.NewToken{User: user.ID})
	_, err = r.Broker.Lending.Lease(ctx, again, lending.LeaseRequest{Location: location.ID, Access: keyhatch.Write})
	must(err)
	issuer.sign("signed.after.restore", "ann", time.Now().Add(time.Hour))
	_, err = r.Broker.Bearers.Authenticate(ctx, "signed.after.restore", "")
	must(err)
	must(only(r.Broker.Bearers.Authenticate(ctx, issuer.sign("of.this.zed", "zed", time.Now().Add(time.Hour)), "")))
	report, err := broker.VerifyAudit(ctx, r.DB, r.Keys)
	must(err)
	if len(report.Findings) > 0 {
		t.Errorf("the record: %v", report.Findings)
	}
	for at, want := range map[time.Time]string{done.At.Add(-time.Microsecond): "ann", done.At: "rescue"} {
		found, err := r.Broker.Past.WhoCan(ctx, r.Admin, past.WhoCanRequest{Workspace: lab.ID, Location: location.ID, Access: keyhatch.Write, At: at})
		must(err)
		if ways := found.Ways; len(found.Doubts) > 0 || (want == "ann") != (len(ways) > 0 && ways[len(ways)-1].User.Name == "ann") || want == "rescue" && len(found.Keys) > 0 {
			t.Errorf("who could at %s: %+v", at, found)
		}
	}
}

func standing(ctx context.Context, c *coretest.Core, l lending.Lent) error {
	session, err := c.Broker.Lending.OpenSession(l.Credentials.AccessKeyID, l.Credentials.SessionToken.Reveal())
	if err != nil {
		return err
	}
	_, _, err = c.Broker.Lending.Standing(ctx, session.Lease)
	return err
}
