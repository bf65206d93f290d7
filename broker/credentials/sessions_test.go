package credentials_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestWebIdentityIsTheServers: who may name roles that are assumed with the server's own
// token could be any of them: it is an installation admin's word, of one role.
func TestWebIdentityIsTheServers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	web := keyhatch.Sessions{WebIdentity: true}
	make := func(c keyhatch.Caller, a keyhatch.Authority) error {
		_, err := b.service().Create(ctx, c, credentials.NewCredential{In: credentials.In{Workspace: "lab"}, Name: "web", Authority: a, Sessions: web})
		return err
	}
	b.wantCode("the server has none", make(b.Admin, role("word")), keyhatch.CodeInvalidCredential)
	b.WebIdentity = func(context.Context) (keyhatch.Secret, error) { return "token", nil }
	b.Restart(t)
	b.wantCode("a workspace's admin", make(b.labs, role("word")), keyhatch.CodeNotPermitted)
	b.wantCode("of keys", make(b.Admin, keys), keyhatch.CodeInvalidCredential)
	b.must(make(b.Admin, role("word")))
	in := credentials.In{Workspace: "lab"}
	held, err := b.service().Credential(ctx, b.labs, in, "web")
	b.must(err)
	if !held.Sessions.WebIdentity {
		t.Fatal("it is not set")
	}
	// Who manages the credential may change what else is said, and not whom it acts as.
	longer := keyhatch.Sessions{WebIdentity: true, Longest: 2 * time.Hour}
	_, err = b.service().Update(ctx, b.labs, in, "web", credentials.Change{Sessions: &longer})
	b.must(err)
	other := role("word")
	other.Principal = "arn:aws:iam::123456789012:role/other"
	changed, err := b.service().Update(ctx, b.labs, in, "web", credentials.Change{Authority: &other})
	b.must(err)
	if changed.Sessions.WebIdentity {
		t.Error("another role is assumed with the server's token, and nobody allowed that")
	}
	_, err = b.service().Update(ctx, b.labs, in, "web", credentials.Change{Authority: &other, Sessions: &longer})
	b.wantCode("set again with another role", err, keyhatch.CodeNotPermitted)
}

// TestWebIdentityIsGone: a role that is assumed with the server's web identity is assumed
// with nothing else, when the server has none any more.
func TestWebIdentityIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.WebIdentity = func(context.Context) (keyhatch.Secret, error) { return "token", nil }
	b.Restart(t)
	_, err := b.service().Create(ctx, b.Admin, credentials.NewCredential{
		In: credentials.In{Workspace: "lab"}, Name: "web", Authority: role("word"), Sessions: keyhatch.Sessions{WebIdentity: true},
	})
	b.must(err)
	store, err := b.Broker.Places.CreateStore(ctx, b.labs, places.NewStore{
		Name: "lab.up", Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Credential: "web", Keys: keyhatch.KeysNone, Lends: keyhatch.LendsSTS,
	})
	b.must(err)
	as, err := b.service().ActingOn(ctx, store)
	b.must(err)
	if as.WebIdentity == nil {
		t.Error("it is assumed without the token")
	}
	b.WebIdentity = nil
	b.Restart(t)
	_, err = b.service().ActingOn(ctx, store)
	b.wantCode("the server has no web identity any more", err, keyhatch.CodeStoreUnsupported)
}

// TestWebIdentityIsShownTo: to whom the server shows its token is on record, and so is how
// long sessions last, in seconds.
func TestWebIdentityIsShownTo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.WebIdentity = func(context.Context) (keyhatch.Secret, error) { return "token", nil }
	b.Restart(t)
	a, in := role("word"), credentials.In{Workspace: "lab"}
	a.Endpoint = "https://store.example.com"
	_, err := b.service().Create(ctx, b.labs, credentials.NewCredential{In: in, Name: "web", Authority: a})
	b.must(err)
	_, err = b.service().Update(ctx, b.Admin, in, "web", credentials.Change{Sessions: &keyhatch.Sessions{WebIdentity: true, Longest: 2 * time.Hour}})
	b.must(err)
	events, err := b.Broker.Record.Events(ctx, b.Admin, record.EventFilter{Action: credentials.Updated}, kernel.Page{Limit: 1})
	b.must(err)
	want := `{"longest_seconds":7200,"web_identity":true}`
	if d := events.Items[0].Detail; d["endpoint"] != a.Endpoint || d["sessions"] != want {
		t.Errorf("on record is %v", d)
	}
}

// TestSourceIdentityOfFederation: a federation token has none, and nobody is left to think
// that it does.
func TestSourceIdentityOfFederation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	with := keyhatch.Sessions{SourceIdentity: true}
	_, err := b.service().Create(t.Context(), b.labs, credentials.NewCredential{Name: "aws", Authority: keys, Sessions: with})
	b.wantCode("keys of AWS", err, keyhatch.CodeInvalidCredential)
	ofStore := keys
	ofStore.Endpoint = "https://store.example.com"
	_, err = b.service().Create(t.Context(), b.labs, credentials.NewCredential{Name: "store", Authority: ofStore, Sessions: with})
	b.must(err)
}

// TestActingOnStores: what mints sessions is the store's credential with its settings, and a
// role comes with the base of its place. Keys alone do what else is done on a store.
func TestActingOnStores(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	b.created(b.labs, "base", keys, credentials.Marks{Base: &yes})
	settings := keyhatch.Sessions{Longest: 2 * time.Hour, Name: "kh-{user}", Tags: map[string]string{"team": "lab"}, SourceIdentity: true}
	_, err := b.service().Create(ctx, b.labs, credentials.NewCredential{Name: "role", Authority: role("word"), Sessions: settings})
	b.must(err)
	n := places.NewStore{Name: "lab.up", Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Credential: "role", Lends: keyhatch.LendsSTS}
	_, err = b.Broker.Places.CreateStore(ctx, b.labs, n)
	b.wantCode("a role, where access keys work too", err, keyhatch.CodeStoreUnsupported)
	n.Keys, n.Lends = keyhatch.KeysNone, keyhatch.LendsOwn
	_, err = b.Broker.Places.CreateStore(ctx, b.labs, n)
	b.wantCode("a role, where our own endpoint lends", err, keyhatch.CodeStoreUnsupported)
	n.Lends = keyhatch.LendsSTS
	store, err := b.Broker.Places.CreateStore(ctx, b.labs, n)
	b.must(err)
	as, err := b.service().ActingOn(ctx, store)
	b.must(err)
	if as.Authority.Principal != role("").Principal || as.Authority.Secret != "word" || as.Base == nil || as.Base.Principal != "AKIAEXAMPLE" || as.Base.Secret != "secret" || as.WebIdentity != nil {
		t.Errorf("acting as %+v", as)
	}
	said := keyhatch.Sessions{Longest: as.Longest, Name: as.SessionName, Tags: as.Tags, SourceIdentity: as.SourceIdentity}
	if diff := cmp.Diff(settings, said); diff != "" {
		t.Error(diff)
	}
	if pair, err := b.service().KeysOf(ctx, store); !errors.Is(err, keyhatch.Conflict) || pair != (keyhatch.KeyPair{}) {
		t.Errorf("the role's words are handed out as keys: %+v, %v", pair, err)
	}
	own := keyhatch.LendsOwn
	_, err = b.Broker.Places.UpdateStore(ctx, b.labs, "lab.up", places.StoreChange{Lends: &own})
	b.wantCode("our own endpoint, with a role", err, keyhatch.CodeStoreUnsupported)
	// Each change of what acts is another version, so that nothing minted before is served.
	versions := map[string]bool{as.Version: true}
	for _, tc := range []struct {
		what   string
		change func() error
	}{
		{"settings", func() error {
			_, err := b.service().Update(ctx, b.labs, credentials.In{}, "role", credentials.Change{Sessions: &keyhatch.Sessions{}})
			return err
		}},
		{"the base", func() error {
			other := keyhatch.AWSKeys("AKIAOTHER", "secret")
			_, err := b.service().Update(ctx, b.labs, credentials.In{}, "base", credentials.Change{Authority: &other})
			return err
		}},
		{"the role", func() error {
			other := role("other")
			_, err := b.service().Update(ctx, b.labs, credentials.In{}, "role", credentials.Change{Authority: &other})
			return err
		}},
		{"no base", func() error {
			no := false
			_, err := b.service().Update(ctx, b.labs, credentials.In{}, "base", credentials.Change{Marks: credentials.Marks{Base: &no}})
			return err
		}},
	} {
		b.must(tc.change())
		as, err := b.service().ActingOn(ctx, store)
		b.must(err)
		if versions[as.Version] {
			t.Errorf("%s changed, and the version did not", tc.what)
		}
		versions[as.Version] = true
	}
}
