package accesskeys_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/jobs"
	"github.com/keyhatch/keyhatch/policy"
)

// world is a workspace "lab" with the buckets "a", "b" and "c" of the shared store: ann
// administers it, bob is a member and owns "b"; and a workspace "shop" with "d".
type world struct {
	*coretest.Core
	t         *testing.T
	lab, shop keyhatch.Workspace
	ann, bob  keyhatch.Caller
	bucket    map[string]keyhatch.Bucket
	pit       pit
	stop      func() // what runs beside
	runner    atomic.Pointer[jobs.Runner]
	mend      func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t, bucket: map[string]keyhatch.Bucket{}}
	w.lab, w.shop = w.Workspace(t, "lab"), w.Workspace(t, "shop")
	w.ann, w.bob = w.User(t, "ann"), w.User(t, "bob")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	for name, in := range map[string]buckets.Existing{
		"aaa": {Workspace: w.lab.ID}, "bbb": {Workspace: w.lab.ID, Owner: w.bob.User.ID}, "ccc": {Workspace: w.lab.ID}, "ddd": {Workspace: w.shop.ID},
	} {
		in.Store, in.Name = w.Store.ID, name
		made, err := w.Broker.Buckets.Register(t.Context(), w.Admin, in)
		w.must(err)
		w.bucket[name] = made
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(by keyhatch.Caller, n accesskeys.NewKey) (keyhatch.AccessKey, error) {
	if n.Workspace == "" {
		n.Workspace = w.lab.ID
	}
	n.Store = w.Store.Name
	return w.Broker.AccessKeys.Create(w.t.Context(), by, n)
}

// issued is a key with a pair.
func (w *world) issued(by keyhatch.Caller, n accesskeys.NewKey) (keyhatch.AccessKey, string) {
	w.t.Helper()
	key, err := w.create(by, n)
	w.must(err)
	key, pair, err := w.Broker.AccessKeys.Issue(w.t.Context(), by, "", key.ID, 0)
	w.must(err)
	return key, pair.AccessKeyID
}

// opens tells what an access key id opens now, in words.
func (w *world) opens(accessKeyID string) []string {
	w.t.Helper()
	open, _, err := w.Broker.AccessKeys.Standing(w.t.Context(), accessKeyID)
	if errors.Is(err, policy.ErrKeyEnded) {
		return []string{"ended"}
	}
	w.must(err)
	names := []string{"lab-data", "shop-data", "none"}
	for name := range w.bucket {
		names = append(names, name)
	}
	for _, name := range names { // asked about alone, each is as it is among all
		alone, _, err := w.Broker.AccessKeys.Standing(w.t.Context(), accessKeyID, name)
		w.must(err)
		var among policy.Set
		for _, o := range open {
			if o.Bucket == name {
				among = append(among, o)
			}
		}
		if !reflect.DeepEqual(alone, among) {
			w.t.Errorf("alone, %s is %+v, and among all %+v", name, alone, among)
		}
	}
	var out []string
	for _, o := range open {
		out = append(out, fmt.Sprint(o.Bucket, ":", o.Access, map[bool]string{true: ":only"}[o.WriteOnly], o.Locked))
	}
	slices.Sort(out)
	return out
}

func (w *world) wantOpen(what, accessKeyID string, want ...string) {
	w.t.Helper()
	if got := w.opens(accessKeyID); !slices.Equal(got, want) {
		w.t.Errorf("%s: it opens %q, want %q", what, got, want)
	}
}

func code(err error) keyhatch.Code {
	var e *keyhatch.Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Code
}

// A key opens what its rights say, in its own workspace and on its own store, and nothing
// more.
func TestRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, r := range map[string]struct {
		rights accesskeys.Rights
		opens  []string
	}{
		"nothing":    {accesskeys.Rights{}, nil},
		"lists":      {accesskeys.Rights{Read: []string{"aaa", "bbb", "aaa"}, Write: []string{"bbb", w.bucket["ccc"].ID}}, []string{"aaa:read[]", "bbb:write[]", "ccc:write:only[]"}},
		"see-all":    {accesskeys.Rights{SeeAll: true, Read: []string{"aaa"}}, []string{"aaa:read[]", "bbb:[]", "ccc:[]", "lab-data:[]"}},
		"read-all":   {accesskeys.Rights{ReadAll: true, Write: []string{"aaa"}}, []string{"aaa:write[]", "bbb:read[]", "ccc:read[]", "lab-data:read[]"}},
		"write-all":  {accesskeys.Rights{WriteAll: true}, []string{"aaa:write:only[]", "bbb:write:only[]", "ccc:write:only[]", "lab-data:write:only[]"}},
		"everything": {accesskeys.Rights{ReadAll: true, WriteAll: true}, []string{"aaa:write[]", "bbb:write[]", "ccc:write[]", "lab-data:write[]"}},
	} {
		_, id := w.issued(w.ann, accesskeys.NewKey{Name: name, Rights: r.rights})
		w.wantOpen(name, id, r.opens...)
	}
	// A later bucket is one of all.
	_, err := w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: w.lab.ID, Store: w.Store.ID, Name: "eee"})
	w.must(err)
	key, err := w.Broker.AccessKeys.Key(t.Context(), w.ann, "lab", "write-all")
	w.must(err)
	w.wantOpen("a later bucket", key.Pairs[0].AccessKeyID, "aaa:write:only[]", "bbb:write:only[]", "ccc:write:only[]", "eee:write:only[]", "lab-data:write:only[]")
}

// A list has each key as it is alone, with its own buckets and pairs; and what is opened
// is the same after a restart.
func TestListOfKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	opened := map[string][]string{}
	for i, r := range []accesskeys.Rights{{Read: []string{"aaa", "ccc"}}, {}, {ReadAll: true, Write: []string{"bbb"}}, {Write: []string{"aaa"}}} {
		key, id := w.issued(w.ann, accesskeys.NewKey{Name: fmt.Sprint("key", i), Rights: r})
		if i != 1 {
			_, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "", key.ID, time.Hour)
			w.must(err)
		}
		opened[id] = w.opens(id)
	}
	list, err := w.Broker.AccessKeys.Keys(t.Context(), w.ann, accesskeys.Filter{Workspace: "lab"}, kernel.Page{})
	if err != nil || len(list.Items) != 4 {
		t.Fatalf("%d keys, %v", len(list.Items), err)
	}
	for _, item := range list.Items {
		alone, err := w.Broker.AccessKeys.Key(t.Context(), w.ann, "", item.ID)
		if err != nil || !reflect.DeepEqual(item, alone) || len(item.Pairs) == 0 {
			t.Errorf("listed is %+v, and alone %+v, %v", item, alone, err)
		}
	}
	w.Restart(t)
	for id, want := range opened {
		w.wantOpen("after a restart", id, want...)
	}
}

// Who asks for more than it decides over, or than its token may hand on, gets nothing
// (S4).
func TestS4_NoMoreThanItsMaker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scoped := w.Token(t, w.ann, people.NewToken{Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"keys", "s3:read s3://aaa/"}})
	task := w.Token(t, w.ann, people.NewToken{Annotations: map[string]string{"task": "t1"}})
	elsewhere := w.Token(t, w.Admin, people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID})
	ends := time.Now().Add(time.Hour).Truncate(time.Second)
	short := w.Token(t, w.ann, people.NewToken{Scopes: []keyhatch.Scope{"keys"}, ExpiresAt: ends})
	for what, r := range map[string]struct {
		by   keyhatch.Caller
		key  accesskeys.NewKey
		want keyhatch.Code
	}{
		"a member, all":              {w.bob, accesskeys.NewKey{Rights: accesskeys.Rights{ReadAll: true}}, keyhatch.CodeNotPermitted},
		"a member, to see all":       {w.bob, accesskeys.NewKey{Rights: accesskeys.Rights{SeeAll: true}}, keyhatch.CodeNotPermitted},
		"a member, another's bucket": {w.bob, accesskeys.NewKey{Rights: accesskeys.Rights{Read: []string{"bbb", "aaa"}}}, keyhatch.CodeNotPermitted},
		"a bucket of another's":      {w.ann, accesskeys.NewKey{Rights: accesskeys.Rights{Read: []string{"ddd"}}}, keyhatch.CodeBucketNotFound},
		"the same by its id":         {w.Admin, accesskeys.NewKey{Rights: accesskeys.Rights{Write: []string{w.bucket["ddd"].ID}}}, keyhatch.CodeBucketNotFound},
		"no such bucket":             {w.ann, accesskeys.NewKey{Rights: accesskeys.Rights{Write: []string{"none"}}}, keyhatch.CodeBucketNotFound},
		"another workspace":          {w.ann, accesskeys.NewKey{Workspace: "shop"}, keyhatch.CodeWorkspaceNotFound},
		"outside of the scopes":      {scoped, accesskeys.NewKey{Rights: accesskeys.Rights{Read: []string{"bbb"}}}, keyhatch.CodeScopeTooBroad},
		"to write, with read scopes": {scoped, accesskeys.NewKey{Rights: accesskeys.Rights{Write: []string{"aaa"}}}, keyhatch.CodeScopeTooBroad},
		"all, with s3: scopes":       {scoped, accesskeys.NewKey{Rights: accesskeys.Rights{ReadAll: true}}, keyhatch.CodeScopeTooBroad},
		"a task":                     {task, accesskeys.NewKey{}, keyhatch.CodeNotPermitted},
		"longer than its token":      {short, accesskeys.NewKey{ExpiresAt: ends.Add(time.Second)}, keyhatch.CodeInvalidExpiry},
		"in the past":                {w.ann, accesskeys.NewKey{ExpiresAt: time.Now().Add(-time.Hour)}, keyhatch.CodeInvalidExpiry},
		"a token of another":         {elsewhere, accesskeys.NewKey{Workspace: "shop"}, keyhatch.CodeWorkspaceNotInToken},
		"no name":                    {w.ann, accesskeys.NewKey{Name: "-"}, keyhatch.CodeInvalidName},
	} {
		if r.key.Name == "" {
			r.key.Name = "key"
		}
		if _, err := w.create(r.by, r.key); code(err) != r.want {
			t.Errorf("%s: %v, want %s", what, err, r.want)
		}
	}
	if list, err := w.Broker.AccessKeys.Keys(t.Context(), w.Admin, accesskeys.Filter{Workspace: "lab"}, kernel.Page{}); err != nil || len(list.Items) != 0 {
		t.Errorf("there are %v, %v", list.Items, err)
	}

	_, id := w.issued(scoped, accesskeys.NewKey{Name: "within", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
	w.wantOpen("within the scopes", id, "aaa:read[]")
	_, id = w.issued(w.bob, accesskeys.NewKey{Name: "own", Rights: accesskeys.Rights{Read: []string{"bbb"}, Write: []string{"bbb"}}})
	w.wantOpen("an owner's", id, "bbb:write[]")
	if key, err := w.create(short, accesskeys.NewKey{Name: "short"}); err != nil || !key.ExpiresAt.Equal(ends) {
		t.Errorf("a key of a token that ends at %v ends at %v, %v", ends, key.ExpiresAt, err)
	}
	// An admin gives another's key no more than its owner decides over.
	_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "own", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"aaa"}}})
	if code(err) != keyhatch.CodeNotPermitted {
		t.Errorf("an admin, for bob's key: %v", err)
	}
}

// A token hands on no more by changing a key, or by issuing a pair of it, than by making
// one: a pair of any key that could be seen was had with it (S4).
func TestS4_NoMoreByIssuing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ends := time.Now().Add(time.Hour).Truncate(time.Second)
	at := keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr("192.0.2.1")})
	_, secret, err := w.Broker.People.CreateToken(t.Context(), w.ann, people.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	w.must(err)
	here, err := w.Broker.People.Authenticate(at, secret)
	w.must(err)
	callers := map[string]keyhatch.Caller{
		"s3: scopes": w.Token(t, w.ann, people.NewToken{Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"access-keys", "s3:read s3://aaa/"}}),
		"an end":     w.Token(t, w.ann, people.NewToken{Scopes: []keyhatch.Scope{"access-keys"}, ExpiresAt: ends}),
		"networks":   here,
		"a task":     w.Token(t, w.ann, people.NewToken{Annotations: map[string]string{"task": "t1"}}),
	}
	_, id := w.issued(w.ann, accesskeys.NewKey{Name: "all", Rights: accesskeys.Rights{ReadAll: true, Write: []string{"aaa"}}})
	never, name := time.Time{}, "mine"
	refused := func(err error) bool {
		return errors.Is(err, keyhatch.Forbidden) || code(err) == keyhatch.CodeInvalidExpiry
	}
	for what, c := range callers {
		ctx := keyhatch.WithOrigin(t.Context(), c.Origin)
		if _, made, err := w.Broker.AccessKeys.Issue(ctx, c, "lab", "all", 0); !refused(err) || made.SecretAccessKey != "" {
			t.Errorf("a token with %s: issuing: %v", what, err)
		}
		for _, change := range []accesskeys.Change{{ExpiresAt: &never}, {Name: &name}} {
			if _, err := w.Broker.AccessKeys.Update(ctx, c, "lab", "all", change); !refused(err) {
				t.Errorf("a token with %s: changing: %v", what, err)
			}
		}
	}
	w.wantOpen("the pair that there was", id, "aaa:write[]", "bbb:read[]", "ccc:read[]", "lab-data:read[]")
	for what, c := range callers {
		if what == "a task" {
			continue
		}
		ctx := keyhatch.WithOrigin(t.Context(), c.Origin)
		own := accesskeys.NewKey{Workspace: "lab", Store: w.Store.Name, Name: "of-" + c.Token.ID, Rights: accesskeys.Rights{Read: []string{"aaa"}}}
		key, err := w.Broker.AccessKeys.Create(ctx, c, own)
		w.must(err)
		if _, _, err := w.Broker.AccessKeys.Issue(ctx, c, "", key.ID, 0); err != nil {
			t.Errorf("a token with %s: issuing for a key that it made: %v", what, err)
		}
	}
}

// What is of a private teamspace looks to others as if it did not exist (S6).
func TestS6_KeysTellNothingOfTeamspaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	_, err := w.Broker.People.CreateTeamspace(ctx, w.ann, people.NewTeamspace{Workspace: "lab", Name: "hidden", Visibility: keyhatch.Private})
	w.must(err)
	_, err = w.Broker.Credentials.Create(ctx, w.ann, credentials.NewCredential{
		In: credentials.In{Workspace: "lab", Teamspace: "hidden"}, Name: "part", Authority: keyhatch.AWSKeys("AKIA", "secret"),
	})
	w.must(err)
	made, err := w.Broker.Places.CreateSetting(ctx, w.ann, places.NewSetting{Workspace: "lab", Teamspace: "hidden", Name: "set", Path: "s3://hhh/x", Credential: "part"})
	w.must(err)
	create := func(store, bucket string) error {
		_, err := w.Broker.AccessKeys.Create(ctx, w.bob, accesskeys.NewKey{Workspace: "lab", Store: store, Name: "key", Rights: accesskeys.Rights{Read: []string{bucket}}})
		return err
	}
	for what, both := range map[string][2]error{
		"a store":  {create(made.Store, "bbb"), create("none", "bbb")},
		"a bucket": {create(w.Store.Name, "hhh"), create(w.Store.Name, "none")},
	} {
		if both[0] == nil || both[1] == nil || both[0].Error() != both[1].Error() {
			t.Errorf("%s that is hidden: %v, and one that is not there: %v", what, both[0], both[1])
		}
	}
}

// What its owner loses is closed to a key at once, and what is locked is not written
// (S7).
func TestS7_KeyFollowsItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, b := t.Context(), w.Broker
	_, all := w.issued(w.ann, accesskeys.NewKey{Name: "all", Rights: accesskeys.Rights{ReadAll: true, Write: []string{"aaa"}}})
	_, own := w.issued(w.bob, accesskeys.NewKey{Name: "own", Rights: accesskeys.Rights{Write: []string{"bbb"}}})
	l := w.Location(t, w.lab, "s3://aaa/raw/")
	yes, no := true, false
	_, err := b.Places.UpdateLocation(ctx, w.Admin, "", l.ID, places.LocationChange{Locked: &yes})
	w.must(err)
	w.wantOpen("with a lock", all, "aaa:write[raw/]", "bbb:read[]", "ccc:read[]", "lab-data:read[]")
	_, err = b.Places.UpdateLocation(ctx, w.Admin, "", l.ID, places.LocationChange{Locked: &no})
	w.must(err)
	w.wantOpen("without it", all, "aaa:write[]", "bbb:read[]", "ccc:read[]", "lab-data:read[]")

	w.Member(t, w.lab, w.ann, keyhatch.MemberRole)
	w.wantOpen("of who is no admin any more", all)
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	_, err = b.Buckets.Update(ctx, w.Admin, "lab", "bbb", buckets.Change{Owner: &w.ann.User.ID})
	w.must(err)
	w.wantOpen("of who does not own the bucket any more", own)
	_, err = b.Buckets.Update(ctx, w.ann, "lab", "bbb", buckets.Change{Owner: &w.bob.User.ID})
	w.must(err)
	w.wantOpen("of who owns it again", own, "bbb:write:only[]")
	w.must(b.People.RemoveWorkspaceMember(ctx, w.Admin, w.lab.ID, w.bob.User.ID))
	w.wantOpen("of who has left", own)
	inactive := false
	_, err = b.People.UpdateUser(ctx, w.Admin, w.ann.User.ID, people.UserChange{Active: &inactive})
	w.must(err)
	w.wantOpen("of who is inactive", all, "ended")
}

// A pair is shown once. The one before works on for the grace; without one, it ends.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		issue := func(grace time.Duration) string {
			_, pair, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", grace)
			w.must(err)
			return pair.AccessKeyID
		}
		_, first := w.issued(w.ann, accesskeys.NewKey{Name: "key", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
		second := issue(time.Hour)
		w.wantOpen("the first, in its grace", first, "aaa:read[]")
		w.wantOpen("the second", second, "aaa:read[]")
		third := issue(2 * time.Hour)
		w.wantOpen("the first, with two newer", first, "ended")
		w.wantOpen("the second, in its grace", second, "aaa:read[]")
		time.Sleep(2*time.Hour - time.Second)
		w.wantOpen("the second, just before", second, "aaa:read[]")
		time.Sleep(time.Second)
		w.wantOpen("the second, after its grace", second, "ended")
		if _, _, err := w.Broker.AccessKeys.Open(t.Context(), second); !errors.Is(err, keyhatch.Unauthenticated) {
			t.Errorf("opened after its grace: %v", err)
		}
		w.wantOpen("the third", third, "aaa:read[]")
		fourth := issue(0)
		w.wantOpen("the third, without a grace", third, "ended")
		key, secret, err := w.Broker.AccessKeys.Open(t.Context(), fourth)
		if err != nil || len(secret.Reveal()) != 40 || len(key.Pairs) != 1 || key.Pairs[0].AccessKeyID != fourth {
			t.Errorf("the fourth: %+v, %d characters, %v", key.Pairs, len(secret.Reveal()), err)
		}
		if _, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", accesskeys.MaxGrace+1); code(err) != keyhatch.CodeInvalidDuration {
			t.Errorf("too long a grace: %v", err)
		}
		w.must(w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", "key"))
		w.wantOpen("the fourth, when the key is gone", fourth, "ended")
	})
}

// A key works until its end, from the networks of the token that made it.
func TestEndAndNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		at := func(address string) context.Context {
			return keyhatch.WithOrigin(t.Context(), keyhatch.Origin{Address: netip.MustParseAddr(address)})
		}
		_, secret, err := w.Broker.People.CreateToken(t.Context(), w.ann, people.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		w.must(err)
		here, err := w.Broker.People.Authenticate(at("192.0.2.1"), secret)
		w.must(err)
		_, ends := w.issued(w.ann, accesskeys.NewKey{Name: "ends", ExpiresAt: time.Now().Add(time.Hour), Rights: accesskeys.Rights{Read: []string{"aaa"}}})
		_, confined := w.issued(here, accesskeys.NewKey{Name: "confined", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
		from := func(address string) error {
			_, _, err := w.Broker.AccessKeys.Standing(at(address), confined)
			return err
		}
		if err := from("192.0.2.7"); err != nil {
			t.Errorf("from its networks: %v", err)
		}
		if err := from("198.51.100.7"); !errors.Is(err, policy.ErrKeyElsewhere) {
			t.Errorf("from elsewhere: %v", err)
		}
		w.wantOpen("before its end", ends, "aaa:read[]")
		time.Sleep(time.Hour)
		w.wantOpen("at its end", ends, "ended")
	})
}

// When a token is reported as leaked, the keys go that were made with it, and the pairs of
// others that were issued with it.
func TestLeakEndsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, secret, err := w.Broker.People.CreateToken(t.Context(), w.ann, people.NewToken{})
	w.must(err)
	thief, err := w.Broker.People.Authenticate(t.Context(), secret)
	w.must(err)
	_, kept := w.issued(w.ann, accesskeys.NewKey{Name: "kept", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
	_, made := w.issued(thief, accesskeys.NewKey{Name: "made", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
	_, _, err = w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "made", time.Hour)
	w.must(err)
	_, stolen, err := w.Broker.AccessKeys.Issue(t.Context(), thief, "lab", "kept", time.Hour)
	w.must(err)
	w.must(w.Broker.People.ReportLeak(t.Context(), secret))
	w.wantOpen("a pair that was there before", kept, "aaa:read[]")
	w.wantOpen("a pair that was issued with it", stolen.AccessKeyID, "ended")
	w.wantOpen("a key that was made with it", made, "ended")
	if _, err := w.Broker.AccessKeys.Key(t.Context(), w.ann, "lab", "made"); code(err) != keyhatch.CodeAccessKeyNotFound {
		t.Errorf("that key is there: %v", err)
	}
}

// When a key was last used is on record, once a minute at most.
func TestLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key, id := w.issued(w.ann, accesskeys.NewKey{Name: "key", Rights: accesskeys.Rights{Read: []string{"aaa"}}})
		if !key.LastUsedAt.IsZero() {
			t.Errorf("a new key was used at %v", key.LastUsedAt)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Broker.AccessKeys.RunUses(ctx); close(ended) }()
		used := time.Now()
		w.wantOpen("in use", id, "aaa:read[]")
		time.Sleep(10 * time.Second)
		if key, err := w.Broker.AccessKeys.Key(t.Context(), w.ann, "lab", "key"); err != nil || key.LastUsedAt.Sub(used).Abs() > time.Millisecond {
			t.Errorf("it was used at %v, and %v is on record, %v", used, key.LastUsedAt, err)
		}
		stop()
		<-ended
	})
}
