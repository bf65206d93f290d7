package credentials_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// bench is a core with two workspaces, each with an admin of its own.
type bench struct {
	*coretest.Core
	t           *testing.T
	lab, shop   keyhatch.Workspace
	labs, shops keyhatch.Caller
}

func newBench(t *testing.T) *bench {
	b := &bench{Core: coretest.New(t), t: t}
	b.lab, b.shop = b.Workspace(t, "lab"), b.Workspace(t, "shop")
	b.labs, b.shops = b.User(t, "ann"), b.User(t, "bob")
	b.Member(t, b.lab, b.labs, keyhatch.AdminRole)
	b.Member(t, b.shop, b.shops, keyhatch.AdminRole)
	return b
}

func (b *bench) service() *credentials.Service { return b.Broker.Credentials }

func (b *bench) create(c keyhatch.Caller, name string, a keyhatch.Authority, m credentials.Marks) (keyhatch.Credential, error) {
	made, err := b.service().Create(b.t.Context(), c, credentials.NewCredential{Name: name, Authority: a, Marks: m})
	return made.Credential, err
}

func (b *bench) created(c keyhatch.Caller, name string, a keyhatch.Authority, m credentials.Marks) keyhatch.Credential {
	b.t.Helper()
	made, err := b.create(c, name, a, m)
	b.must(err)
	return made
}

func (b *bench) seen(c keyhatch.Caller, ref string) keyhatch.Credential {
	b.t.Helper()
	found, err := b.service().Credential(b.t.Context(), c, credentials.In{}, ref)
	b.must(err)
	return found
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) wantCode(what string, err error, code keyhatch.Code) {
	b.t.Helper()
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Code != code {
		b.t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func role(externalID string) keyhatch.Authority {
	return keyhatch.Authority{
		Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/demo", Secret: keyhatch.Secret(externalID),
	}
}

var (
	keys     = keyhatch.AWSKeys("AKIAEXAMPLE", "secret")
	yes      = true
	defaults = credentials.Marks{Default: &yes}
)

// TestOneDefault: a provider has one default in a place. It passes on, and places and
// providers do not disturb each other.
func TestOneDefault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gcp := keys
	gcp.Provider = keyhatch.GCP
	first, other := b.created(b.labs, "first", keys, defaults), b.created(b.shops, "first", keys, defaults)
	google := b.created(b.labs, "google", gcp, defaults)
	second := b.created(b.labs, "second", keys, defaults)
	if b.seen(b.labs, first.ID).Default || !b.seen(b.labs, second.ID).Default {
		t.Error("the first is still the default, or the second is none")
	}
	changed, err := b.service().Update(t.Context(), b.labs, credentials.In{}, first.ID, credentials.Change{Marks: defaults})
	b.must(err)
	if !changed.Default || b.seen(b.labs, second.ID).Default {
		t.Error("made the default again, the first is none, or the second still is")
	}
	if !b.seen(b.shops, other.ID).Default || !b.seen(b.labs, google.ID).Default {
		t.Error("another workspace's or provider's default changed")
	}
	// A default that becomes one of another provider is that one's.
	_, err = b.service().Update(t.Context(), b.labs, credentials.In{}, first.ID, credentials.Change{Authority: &gcp})
	b.must(err)
	if b.seen(b.labs, google.ID).Default || !b.seen(b.labs, first.ID).Default {
		t.Error("of two defaults of a provider, the one before it stays")
	}
}

// TestBase: one credential of AWS in a place is what its roles are assumed through,
// and in a teamspace without one its workspace's is.
func TestBase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked := &asks{}
	b.Prober = asked
	b.Restart(t)
	ctx := t.Context()
	space, err := b.Broker.People.CreateTeamspace(ctx, b.labs, people.NewTeamspace{Name: "survey"})
	b.must(err)
	verify := func(what string, in credentials.In, want string) {
		t.Helper()
		_, err := b.service().Verify(ctx, b.labs, in, role("word"))
		b.must(err)
		if asked.base != want {
			t.Errorf("%s: through %q, want %q", what, asked.base, want)
		}
	}
	verify("none", credentials.In{}, "")
	b.created(b.labs, "first", keyhatch.AWSKeys("AKIAFIRST", "secret"), credentials.Marks{Base: &yes})
	verify("the workspace's", credentials.In{}, "AKIAFIRST secret")
	verify("the workspace's, in a teamspace", credentials.In{Teamspace: space.ID}, "AKIAFIRST secret")
	b.created(b.labs, "second", keyhatch.AWSKeys("AKIASECOND", "secret2"), credentials.Marks{Base: &yes})
	verify("another", credentials.In{}, "AKIASECOND secret2")
	_, err = b.service().Create(ctx, b.labs, credentials.NewCredential{
		In: credentials.In{Teamspace: space.ID}, Name: "own", Authority: keyhatch.AWSKeys("AKIAOWN", "secret3"), Marks: credentials.Marks{Base: &yes},
	})
	b.must(err)
	verify("the teamspace's own", credentials.In{Teamspace: space.ID}, "AKIAOWN secret3")
	_, err = b.service().Verify(ctx, b.labs, credentials.In{}, keys)
	b.must(err)
	if asked.base != "" {
		t.Errorf("keys are used through %q", asked.base)
	}
	azure := keyhatch.Authority{Provider: keyhatch.Azure, Kind: keyhatch.KeysCredential, Principal: "demo", Secret: "c2VjcmV0"}
	_, err = b.create(b.labs, "azure", azure, credentials.Marks{Base: &yes})
	b.wantCode("a base of Azure", err, keyhatch.CodeInvalidCredential)
}

// asks notes through what it was asked to look, and finds what it is told to.
type asks struct {
	base  string
	found []keyhatch.Check
}

func (a *asks) Probe(_ context.Context, _ keyhatch.Authority, base *keyhatch.Authority) []keyhatch.Check {
	a.base = ""
	if base != nil {
		a.base = base.Principal + " " + base.Secret.Reveal()
	}
	return a.found
}

// TestRoleBelongsToOneWorkspace: nobody has us act as a role with an external id
// that is another workspace's (the confused deputy), until that one gives it up.
func TestRoleBelongsToOneWorkspace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	held := b.created(b.labs, "demo", role("word"), credentials.Marks{})
	b.created(b.labs, "demo-too", role("word"), credentials.Marks{})
	b.created(b.shops, "own-word", role("another"), credentials.Marks{})
	taken := func(what string) {
		t.Helper()
		_, err := b.create(b.shops, "stolen", role("word"), credentials.Marks{})
		b.wantCode(what, err, keyhatch.CodeRoleTaken)
	}
	taken("created")
	stolen := role("word")
	_, err := b.service().Update(ctx, b.shops, credentials.In{}, "own-word", credentials.Change{Authority: &stolen})
	b.wantCode("changed into", err, keyhatch.CodeRoleTaken)
	_, err = b.create(b.Admin, "ours", role("word"), credentials.Marks{})
	b.wantCode("of the installation", err, keyhatch.CodeRoleTaken)
	b.must(b.service().Delete(ctx, b.labs, credentials.In{}, held.ID, false))
	taken("while one of two has it")
	before := len(b.Dump(t, "events")["events"])
	checks, err := b.service().Verify(ctx, b.shops, credentials.In{}, role("word"))
	b.must(err)
	if after := b.Dump(t, "events")["events"]; len(after) != before+1 || !strings.Contains(strings.Join(after, "\n"), "claimed_elsewhere") {
		t.Errorf("asked for others' external ids, there are %d events, and were %d", len(after), before)
	}
	if last := checks[len(checks)-1]; last.Name != "claim" || last.Outcome != keyhatch.Failed {
		t.Errorf("verified by another: %+v", checks)
	}
	_, err = b.service().Update(ctx, b.labs, credentials.In{}, "demo-too", credentials.Change{Authority: &keys})
	b.must(err)
	b.created(b.shops, "given-up", role("word"), credentials.Marks{})
	if dump := strings.Join(b.Dump(t, "role_claims")["role_claims"], "\n"); strings.Contains(dump, "word") || strings.Contains(dump, "role/demo") {
		t.Errorf("the claims tell of what they are: %s", dump)
	}
}

// TestExternalIDIsMade: a role that comes without one gets one that nobody guesses,
// where that was asked.
func TestExternalIDIsMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	seen := map[keyhatch.Secret]bool{}
	for _, name := range []string{"a", "b"} {
		made, err := b.service().Create(t.Context(), b.labs, credentials.NewCredential{Name: name, Authority: role(""), MakeExternalID: true})
		b.must(err)
		if len(made.ExternalID) < 30 || seen[made.ExternalID] {
			t.Errorf("external id of %d characters, seen before: %v", len(made.ExternalID), seen[made.ExternalID])
		}
		seen[made.ExternalID] = true
	}
	made, err := b.service().Create(t.Context(), b.labs, credentials.NewCredential{Name: "c", Authority: role("word"), MakeExternalID: true})
	b.must(err)
	if made.ExternalID != "" {
		t.Error("an external id that came is shown")
	}
	_, err = b.create(b.labs, "d", role(""), credentials.Marks{})
	b.wantCode("without one", err, keyhatch.CodeInvalidCredential)
}

// TestOverrideIsForOneRole: that a role may be used without its external id is said
// of that role, and by installation admins.
func TestOverrideIsForOneRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	held := b.created(b.labs, "demo", role("word"), credentials.Marks{})
	override := credentials.Change{Marks: credentials.Marks{AnyExternalID: &yes}}
	_, err := b.service().Update(ctx, b.labs, credentials.In{}, held.ID, override)
	b.wantCode("by the workspace's admin", err, keyhatch.CodeNotPermitted)
	changed, err := b.service().Update(ctx, b.Admin, credentials.In{}, held.ID, override)
	b.must(err)
	if !changed.AnyExternalID {
		t.Error("it is not so afterwards")
	}
	other := role("another")
	if changed, err = b.service().Update(ctx, b.labs, credentials.In{}, held.ID, credentials.Change{Authority: &other}); err != nil || changed.AnyExternalID {
		t.Errorf("it goes on for another: %v, %v", changed.AnyExternalID, err)
	}
	_, err = b.create(b.Admin, "keys", keys, credentials.Marks{AnyExternalID: &yes})
	b.wantCode("of keys", err, keyhatch.CodeInvalidCredential)
}

// TestOnlyVerified: an authority that fails is not taken, and the one before it stays.
func TestOnlyVerified(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked := &asks{found: []keyhatch.Check{{Name: "identity", Outcome: keyhatch.Failed, Reason: "there is no such key"}}}
	b.Prober = asked
	b.Restart(t)
	held := b.created(b.labs, "demo", keys, credentials.Marks{})
	other := keyhatch.AWSKeys("AKIAOTHER", "other")
	change := credentials.Change{Authority: &other, OnlyVerified: true}
	before := b.Dump(t)
	_, err := b.service().Update(t.Context(), b.labs, credentials.In{}, held.ID, change)
	b.wantCode("failed", err, keyhatch.CodeNotVerified)
	if !strings.Contains(err.Error(), "identity (there is no such key)") {
		t.Errorf("it does not say why: %v", err)
	}
	if after := b.Dump(t); !slices.Equal(before["credentials"], after["credentials"]) {
		t.Error("it was changed")
	}
	for _, outcome := range []keyhatch.Outcome{keyhatch.Passed, keyhatch.Warning, keyhatch.Skipped} {
		asked.found[0].Outcome = outcome
		changed, err := b.service().Update(t.Context(), b.labs, credentials.In{}, held.ID, change)
		if err != nil || changed.Principal != "AKIAOTHER" {
			t.Errorf("%s: %+v, %v", outcome, changed, err)
		}
	}
}

// TestDeletedByForce: a credential that a store acts through goes by force only, and
// then nothing is done on the store in anybody's name.
func TestDeletedByForce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	held := b.created(b.labs, "demo", keys, credentials.Marks{})
	store, err := b.Broker.Places.CreateStore(ctx, b.labs, places.NewStore{
		Name: "lab.archive", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: "demo",
	})
	b.must(err)
	if pair, err := b.service().KeysOf(ctx, store); err != nil || pair.AccessKeyID != "AKIAEXAMPLE" || pair.SecretAccessKey != "secret" {
		t.Errorf("the store is reached as %s, %v", pair.AccessKeyID, err)
	}
	err = b.service().Delete(ctx, b.labs, credentials.In{}, held.ID, false)
	b.wantCode("deleted", err, keyhatch.CodeInUse)
	if err == nil || !strings.Contains(err.Error(), "archive") {
		t.Errorf("it does not say by whom: %v", err)
	}
	asRole := role("word")
	_, err = b.service().Update(ctx, b.labs, credentials.In{}, held.ID, credentials.Change{Authority: &asRole})
	b.wantCode("made a role", err, keyhatch.CodeInUse)
	b.must(b.service().Delete(ctx, b.labs, credentials.In{}, held.ID, true))
	if store, err = b.Broker.Places.Store(ctx, b.labs, store.ID); err != nil || store.Credential != "" {
		t.Errorf("the store has %q, %v", store.Credential, err)
	}
	if pair, err := b.service().KeysOf(ctx, store); !errors.Is(err, keyhatch.Unavailable) || pair.AccessKeyID != "" {
		t.Errorf("the store is reached as %q, %v", pair.AccessKeyID, err)
	}
}

// TestOtherPlacesCredentials: a store acts through a credential of its own place only.
func TestOtherPlacesCredentials(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	held, ours := b.created(b.labs, "demo", keys, credentials.Marks{}), b.created(b.Admin, "ours", keys, credentials.Marks{})
	asRole := b.created(b.labs, "role", role("word"), credentials.Marks{})
	_, err := b.Broker.People.CreateTeamspace(t.Context(), b.labs, people.NewTeamspace{Name: "survey"})
	b.must(err)
	inside, err := b.service().Create(t.Context(), b.labs, credentials.NewCredential{In: credentials.In{Teamspace: "survey"}, Name: "demo", Authority: keys})
	b.must(err)
	n := places.NewStore{Kind: keyhatch.S3Store, Endpoint: "https://s3.example"}
	for _, tc := range []struct {
		what   string
		caller keyhatch.Caller
		name   string
		with   string
		code   keyhatch.Code
	}{
		{"another workspace's", b.shops, "shop.archive", held.ID, keyhatch.CodeCredentialNotFound},
		{"the installation's", b.labs, "lab.archive", ours.ID, keyhatch.CodeCredentialNotFound},
		{"a workspace's for all", b.Admin, "archive", held.ID, keyhatch.CodeCredentialNotFound},
		{"a teamspace's", b.labs, "lab.archive", inside.ID, keyhatch.CodeCredentialNotFound},
		{"a role", b.labs, "lab.archive", asRole.ID, keyhatch.CodeStoreUnsupported},
		{"a name of others", b.labs, "shop.archive", held.ID, keyhatch.CodeInvalidName},
		{"a name of the installation", b.labs, "archive", held.ID, keyhatch.CodeInvalidName},
	} {
		n.Name, n.Credential = tc.name, tc.with
		_, err := b.Broker.Places.CreateStore(t.Context(), tc.caller, n)
		b.wantCode(tc.what, err, tc.code)
	}
}

// TestNamesAreOfTheirPlace: the same name in the installation, a workspace and a
// teamspace is three credentials; twice in one place it is refused.
func TestNamesAreOfTheirPlace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	space, err := b.Broker.People.CreateTeamspace(ctx, b.labs, people.NewTeamspace{Name: "survey"})
	b.must(err)
	for _, in := range []struct {
		by keyhatch.Caller
		credentials.In
	}{{b.Admin, credentials.In{}}, {b.labs, credentials.In{}}, {b.labs, credentials.In{Teamspace: "survey"}}, {b.shops, credentials.In{}}} {
		n := credentials.NewCredential{In: in.In, Name: "demo", Authority: keys}
		made, err := b.service().Create(ctx, in.by, n)
		b.must(err)
		_, err = b.service().Create(ctx, in.by, n)
		b.wantCode("twice", err, keyhatch.CodeNameTaken)
		found, err := b.service().Credential(ctx, in.by, in.In, "demo")
		if err != nil || found.ID != made.ID {
			t.Errorf("%+v: found %s, %v", in.In, found.ID, err)
		}
		list, err := b.service().Credentials(ctx, in.by, in.In, credentials.Filter{}, kernel.Page{})
		if err != nil || len(list.Items) != 1 || list.Items[0].ID != made.ID {
			t.Errorf("%+v: the list is %+v, %v", in.In, list.Items, err)
		}
	}
	b.wantCode("with credentials in it", b.Broker.People.DeleteTeamspace(ctx, b.labs, "", space.ID), keyhatch.CodeInUse)
}
