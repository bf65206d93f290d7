package places_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestWhoseKeys: a store says whose access keys work on it, and where they are kept.
func TestWhoseKeys(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	held := credential(t, c)
	c.Reach = func(_ context.Context, host string) error {
		if host == "10.0.0.1" {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidEndpoint, "not there")
		}
		return nil
	}
	c.Broker = c.With(nil)
	for what, s := range map[string]struct {
		store places.NewStore
		keys  keyhatch.KeysOf
		at    string
		field string
	}{
		"nothing said":       {places.NewStore{}, keyhatch.KeysOwn, "", ""},
		"iam":                {places.NewStore{Keys: keyhatch.KeysIAM}, keyhatch.KeysIAM, "", ""},
		"iam elsewhere":      {places.NewStore{Keys: keyhatch.KeysIAM, KeysEndpoint: "HTTPS://IAM.example:443/"}, keyhatch.KeysIAM, "https://iam.example", ""},
		"rgw":                {places.NewStore{Keys: keyhatch.KeysRGW, KeysEndpoint: "https://admin.example"}, keyhatch.KeysRGW, "https://admin.example", ""},
		"none":               {places.NewStore{Keys: keyhatch.KeysNone}, keyhatch.KeysNone, "", ""},
		"of-nobody":          {places.NewStore{Keys: "theirs"}, "", "", "keys"},
		"own and kept":       {places.NewStore{KeysEndpoint: "https://iam.example"}, "", "", "keys_endpoint"},
		"none and kept":      {places.NewStore{Keys: keyhatch.KeysNone, KeysEndpoint: "https://iam.example"}, "", "", "keys_endpoint"},
		"where none may ask": {places.NewStore{Keys: keyhatch.KeysIAM, KeysEndpoint: "https://10.0.0.1"}, "", "", "keys_endpoint"},
	} {
		n := s.store
		n.Name, n.Kind, n.Endpoint, n.Credential = strings.ReplaceAll(what, " ", "-"), keyhatch.S3Store, "https://s3.example", held
		made, err := c.Broker.Places.CreateStore(ctx, c.Admin, n)
		if s.field != "" {
			wantFail(t, what, err, keyhatch.Invalid, codeOf(err), s.field)
		} else if err != nil || made.Keys != s.keys || made.KeysEndpoint != s.at {
			t.Errorf("%s: it has keys of %q at %q, %v", what, made.Keys, made.KeysEndpoint, err)
		}
	}
	_, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{Name: "folder", Kind: keyhatch.DirectoryStore, Path: c.Root + "/f", Keys: keyhatch.KeysIAM})
	wantFail(t, "a folder", err, keyhatch.Invalid, keyhatch.CodeInvalidRequest, "keys")
}

// TestStoreOfALeavingKey: while something is to be done at a store, the store is not
// deleted, and keeps what acts for us there: else a key would be there for ever.
func TestStoreOfALeavingKey(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	held := credential(t, c)
	made, err := c.Broker.Credentials.Create(ctx, c.Admin, credentials.NewCredential{Name: "other", Authority: keyhatch.AWSKeys("AKIAOTHER", "secret")})
	if err != nil {
		t.Fatal(err)
	}
	other := made.ID
	s, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{Name: "theirs", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: held, Keys: keyhatch.KeysIAM})
	if err != nil {
		t.Fatal(err)
	}
	job := keyhatch.Job{ID: "job_1", Kind: "some", Subject: "objkey", Detail: s.ID, CreatedAt: c.Admin.User.CreatedAt}
	if err := c.DB.Write(ctx, func(tx *db.Tx) error { return tx.AskJob(ctx, job) }); err != nil {
		t.Fatal(err)
	}
	if err := c.Broker.Places.DeleteStore(ctx, c.Admin, "theirs"); codeOf(err) != keyhatch.CodeInUse {
		t.Errorf("deleting: %v", err)
	}
	if _, err := c.Broker.Places.UpdateStore(ctx, c.Admin, "theirs", places.StoreChange{Credential: &other}); codeOf(err) != keyhatch.CodeInUse {
		t.Errorf("another credential: %v", err)
	}
	if _, err := c.Broker.Places.UpdateStore(ctx, c.Admin, "theirs", places.StoreChange{Credential: &held}); err != nil {
		t.Errorf("the same credential: %v", err)
	}
	err = c.DB.Write(ctx, func(tx *db.Tx) error {
		claimed, err := tx.ClaimJobs(ctx, db.JobClaim{Kinds: []keyhatch.JobKind{"some"}, Now: c.Admin.User.CreatedAt.AddDate(1, 0, 0), Until: c.Admin.User.CreatedAt.AddDate(2, 0, 0), Limit: 1})
		if err != nil || len(claimed) != 1 {
			t.Errorf("claimed are %v", claimed)
			return err
		}
		return tx.FinishJob(ctx, claimed[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Broker.Places.UpdateStore(ctx, c.Admin, "theirs", places.StoreChange{Credential: &other}); err != nil {
		t.Errorf("another credential, afterwards: %v", err)
	}
	if err := c.Broker.Places.DeleteStore(ctx, c.Admin, "theirs"); err != nil {
		t.Errorf("deleting, afterwards: %v", err)
	}
}

func codeOf(err error) keyhatch.Code {
	var e *keyhatch.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}
