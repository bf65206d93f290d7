package past_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

// keyHistory is a history in which people make access keys.
type keyHistory struct {
	*history
	secrets   []keyhatch.Secret // of tokens that keys and pairs were made with
	keysSeen  []keySight
	issuedIDs []string
	urls      []keyhatch.Lease // with which URLs were signed without a grant
}

// keySight is what each access key opened at a moment.
type keySight struct {
	at      time.Time
	buckets []keyhatch.Bucket
	open    map[string]policy.Set     // by key; without one that had ended
	works   map[string][]string       // by key: the access key ids with which our S3 endpoint lets in, sorted
	urls    map[string]keyhatch.S3URL // of leases of URLs that work: the folder of the object
}

// TestKeysOpenedWhatThePastTells: whatever happens, in whatever order, who-can at a moment
// names exactly those access keys that opened the address then, in buckets and locations
// that may have gone since, with what was locked, and the pairs that our S3 endpoint let
// in; and the record, replayed to its end, gives what the tables hold.
func TestKeysOpenedWhatThePastTells(t *testing.T) {
	t.Parallel()
	done, told, open := map[string]int{}, map[string]int{}, 0
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func(t *testing.T) {
			h := &keyHistory{history: newHistory(t)}
			acts := h.acts()
			for range 60 {
				draw(rt, acts, "act")(rt)
				h.look(rt)
			}
			for _, s := range h.keysSeen {
				open += len(s.open)
				for range 2 {
					h.wantTold(rt, s, told)
				}
			}
			h.wantTables(rt)
			for act, n := range h.done {
				done[act] += n
			}
		})
	})
	t.Logf("%d keys stood; told: %v; done: %v", open, told, done)
	for _, what := range []string{"a URL", "no URL", "no", "no pair", "a pair", "two pairs", "a locked part", "bucket", "all", "bucket_owner", "workspace_admin", "installation_admin"} {
		if told[what] < 3 {
			t.Errorf("the histories are too poor: told %s %d times", what, told[what])
		}
	}
	if len(done) < 22 {
		t.Error("the histories are too poor: too few acts succeeded")
	}
}

func (h *keyHistory) keys(t *rapid.T) []keyhatch.AccessKey {
	keys, err := h.core.DB.AccessKeys(h.t.Context(), db.AccessKeyFilter{}, db.Everything)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (h *keyHistory) buckets(t *rapid.T) []keyhatch.Bucket {
	buckets, err := h.core.DB.Buckets(h.t.Context(), "", db.Everything)
	if err != nil {
		t.Fatal(err)
	}
	return buckets
}

// anyKey is one of the keys, and whether there is any.
func (h *keyHistory) anyKey(t *rapid.T) (keyhatch.AccessKey, bool) {
	keys := h.keys(t)
	if len(keys) == 0 {
		return keyhatch.AccessKey{}, false
	}
	return draw(t, keys, "key"), true
}

func (h *keyHistory) rights(t *rapid.T, workspace string) accesskeys.Rights {
	var ids []string
	for _, b := range h.buckets(t) {
		if b.Workspace == workspace {
			ids = append(ids, b.ID)
		}
	}
	some := rapid.Just([]string(nil)) // of a workspace whose buckets are all gone
	if len(ids) > 0 {
		some = rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, len(ids), rapid.ID)
	}
	all := rapid.SampledFrom([]bool{false, false, true})
	return accesskeys.Rights{
		Read: some.Draw(t, "reads"), Write: some.Draw(t, "writes"),
		SeeAll: all.Draw(t, "sees all"), ReadAll: all.Draw(t, "reads all"), WriteAll: all.Draw(t, "writes all"),
	}
}

// createKey is tried by anybody, and with rights on one bucket when it is refused: the
// owner of that has no others.
func (h *keyHistory) createKey(t *rapid.T) {
	ws, c := draw(t, h.workspaces, "workspace"), draw(t, h.callers, "by")
	n := accesskeys.NewKey{Workspace: ws.ID, Store: h.core.Store.ID, Name: h.name(), Rights: h.rights(t, ws.ID), ExpiresAt: drawExpiry(t)}
	if _, err := h.core.Broker.AccessKeys.Create(h.t.Context(), c, n); h.did("create key", err) {
		return
	}
	b := draw(t, h.buckets(t), "bucket")
	n.Workspace, n.Rights = b.Workspace, accesskeys.Rights{Read: []string{b.ID}, Write: []string{b.ID}}
	_, err := h.core.Broker.AccessKeys.Create(h.t.Context(), c, n)
	h.did("create key of a bucket", err)
}

func (h *keyHistory) issue(c keyhatch.Caller, t *rapid.T) bool {
	k, any := h.anyKey(t)
	if !any {
		return false
	}
	grace := draw(t, []time.Duration{0, time.Minute, 15 * time.Minute, time.Hour}, "grace")
	_, pair, err := h.core.Broker.AccessKeys.Issue(h.t.Context(), c, "", k.ID, grace)
	if err == nil {
		h.issuedIDs = append(h.issuedIDs, pair.AccessKeyID)
	}
	return h.did("issue", err)
}

// acts are those of histories that matter here, and those of keys.
func (h *keyHistory) acts() []func(*rapid.T) {
	ctx := h.t.Context()
	return append([]func(*rapid.T){
		func(t *rapid.T) { h.issue(h.core.Admin, t) },
		h.createKey,
		func(t *rapid.T) {
			ws, act := draw(t, h.workspaces, "workspace").ID, h.core.Broker.Accounts.Resume
			if rapid.IntRange(0, 3).Draw(t, "suspend") == 3 {
				act = h.core.Broker.Accounts.Suspend
			}
			_, err := act(ctx, h.core.Admin, ws, h.core.Store.ID)
			h.did("suspend or resume", err)
		},
		func(t *rapid.T) {
			locked := rapid.IntRange(0, 3).Draw(t, "locked") > 0
			_, err := h.core.Broker.Places.UpdateLocation(ctx, h.core.Admin, "", draw(t, h.locations, "location").ID, places.LocationChange{Locked: &locked})
			h.did("lock", err)
		},
		func(t *rapid.T) {
			k, any := h.anyKey(t)
			if !any {
				return
			}
			rights, expires, name := h.rights(t, k.Workspace), drawExpiry(t), h.name()
			change := accesskeys.Change{Rights: &rights}
			if rapid.Bool().Draw(t, "set expiry") {
				change.ExpiresAt, change.Name = &expires, &name
			}
			_, err := h.core.Broker.AccessKeys.Update(ctx, h.core.Admin, "", k.ID, change)
			h.did("change key", err)
		},
		func(t *rapid.T) {
			owner := h.user(t)
			_, err := h.core.Broker.Buckets.Update(ctx, h.core.Admin, "", draw(t, h.buckets(t), "bucket").ID, buckets.Change{Owner: &owner})
			h.did("hand bucket over", err)
		},
		func(t *rapid.T) {
			ws, role := draw(t, h.workspaces, "workspace").ID, draw(t, []keyhatch.Role{keyhatch.AdminRole, keyhatch.MemberRole, keyhatch.OwnerRole}, "role")
			_, err := h.core.Broker.People.PutWorkspaceMember(ctx, h.core.Admin, ws, h.user(t), role)
			h.did("set role", err)
		},
		func(t *rapid.T) {
			// Once there is another admin, the one who acts here may be deactivated by other
			// acts, and nothing happens any more: that must not be often.
			admin, active := rapid.IntRange(0, 4).Draw(t, "admin") == 4, rapid.IntRange(0, 2).Draw(t, "active") > 0
			if i := rapid.IntRange(1, len(h.callers)).Draw(t, "user"); i < len(h.callers) {
				_, err := h.core.Broker.People.UpdateUser(ctx, h.core.Admin, h.callers[i].User.ID, people.UserChange{Admin: &admin, Active: &active})
				h.did("appoint", err)
			}
		},
		func(t *rapid.T) {
			if k, any := h.anyKey(t); any {
				h.did("delete key", h.core.Broker.AccessKeys.Delete(ctx, h.core.Admin, "", k.ID))
			}
		},
		func(t *rapid.T) {
			ws := draw(t, h.workspaces, "workspace")
			_, err := h.core.Broker.Buckets.Register(ctx, h.core.Admin, buckets.Existing{
				Workspace: ws.ID, Store: h.core.Store.ID, Name: draw(t, []string{"one", "two", "three"}, "name"), Owner: h.user(t),
			})
			h.did("create bucket", err)
		},
		func(t *rapid.T) {
			h.did("delete bucket", h.core.Broker.Buckets.Unregister(ctx, h.core.Admin, "", draw(t, h.buckets(t), "bucket").ID))
		},
		h.presign,
		h.presign,
		func(t *rapid.T) {
			_, err := h.core.Broker.Buckets.RevokePresigned(ctx, h.core.Admin, "", draw(t, h.buckets(t), "bucket").ID)
			h.did("revoke URLs", err)
		},
		func(t *rapid.T) {
			if len(h.urls) > 0 {
				h.did("revoke a URL", h.core.Broker.Lending.RevokeLease(ctx, h.core.Admin, draw(t, h.urls, "URL").ID))
			}
		},
		h.makeWithToken,
		func(t *rapid.T) {
			if len(h.secrets) == 0 {
				return
			}
			at := rapid.IntRange(0, len(h.secrets)-1).Draw(t, "token")
			h.did("report leak", h.core.Broker.People.ReportLeak(ctx, h.secrets[at]))
			h.secrets = slices.Delete(h.secrets, at, at+1)
		},
	}, h.history.acts()...)
}

// presign is tried by anybody.
func (h *keyHistory) presign(t *rapid.T) {
	signed, err := h.core.Broker.Lending.Presign(h.t.Context(), draw(t, h.callers, "by"), lending.PresignRequest{
		Bucket: draw(t, h.buckets(t), "bucket").ID, Key: draw(t, []string{"o", "a/o", "a/x/o*$", "z/o"}, "object"), Life: draw(t, []time.Duration{0, time.Minute, 30 * time.Minute}, "life"),
	})
	if !h.did("presign", err) || len(signed.Lease.Grants()) > 0 {
		return
	}
	h.did("presign without a grant", nil)
	h.urls = append(h.urls, signed.Lease)
}

// makeWithToken makes a token, and with it a pair of any key, or a key.
func (h *keyHistory) makeWithToken(t *rapid.T) {
	ctx := h.t.Context()
	_, secret, err := h.core.Broker.People.CreateToken(ctx, h.core.Admin, people.NewToken{})
	if !h.did("create token", err) {
		return
	}
	h.secrets = append(h.secrets, secret)
	with, err := h.core.Broker.People.Authenticate(ctx, secret)
	if !h.did("authenticate", err) {
		return
	}
	if rapid.Bool().Draw(t, "a pair") && h.issue(with, t) {
		h.did("issue with a token", nil)
		return
	}
	ws := draw(t, h.workspaces, "workspace")
	n := accesskeys.NewKey{Workspace: ws.ID, Store: h.core.Store.ID, Name: h.name(), Rights: h.rights(t, ws.ID)}
	_, err = h.core.Broker.AccessKeys.Create(ctx, with, n)
	h.did("create key with a token", err)
}

// look notes what each key opens, at a moment at which nothing else happens, and hands
// the turn over.
func (h *keyHistory) look(t *rapid.T) {
	ctx := h.t.Context()
	time.Sleep(time.Microsecond)
	h.must(h.core.Mirror.CatchUp(ctx))
	s := keySight{at: time.Now(), buckets: h.buckets(t), open: map[string]policy.Set{}, works: map[string][]string{}, urls: map[string]keyhatch.S3URL{}}
	for _, l := range h.urls {
		open, _, err := h.core.Broker.Lending.Standing(ctx, l)
		if err == nil && len(open) > 0 {
			s.urls[l.ID] = keyhatch.S3URL{Bucket: open[0].Bucket, Prefix: open[0].Prefix}
		}
	}
	for _, k := range h.keys(t) {
		h.must(h.core.Mirror.View(ctx, func(image *mirror.Image) error {
			open, err := policy.StandingKey(k, image, s.at)
			if err == nil {
				s.open[k.ID] = open
			} else if !errors.Is(err, policy.ErrKeyEnded) {
				return err
			}
			return nil
		}))
		for _, id := range h.issuedIDs {
			key, _, err := h.core.Broker.AccessKeys.Open(ctx, id)
			if err != nil || key.ID != k.ID {
				continue
			}
			if _, _, err := h.core.Broker.AccessKeys.Standing(ctx, id); err == nil {
				s.works[k.ID] = append(s.works[k.ID], id)
			}
		}
		slices.Sort(s.works[k.ID])
	}
	h.keysSeen = append(h.keysSeen, s)
	time.Sleep(time.Microsecond)
	h.core = h.cores[rapid.IntRange(0, 1).Draw(t, "whose turn")]
	h.must(h.core.Mirror.CatchUp(ctx))
}

// wantTold asks the past about an address that there was at the moment, and counts what
// it told.
func (h *keyHistory) wantTold(t *rapid.T, s keySight, told map[string]int) {
	b := draw(t, s.buckets, "bucket")
	q := past.WhoCanRequest{Workspace: b.Workspace, Access: drawAccess(t), At: s.at}
	url := keyhatch.S3URL{Bucket: b.Name, Prefix: draw(t, []keyhatch.Prefix{"", "", "a/", "a/x/", "ab/", "b/", "b/c/", "z/"}, "prefix")}
	q.Location = url.String()
	answer, err := h.core.Broker.Past.WhoCan(h.t.Context(), h.core.Admin, q)
	if err != nil || len(answer.Doubts) > 0 {
		t.Fatalf("%+v: %v, in doubt of %v", q, err, answer.Doubts)
	}
	h.wantURLs(t, s, b, q, url, answer.URLs, told)
	named := map[string]past.KeyWay{}
	for _, w := range answer.Keys {
		named[w.Key.ID] = w
		if w.Key.Store != b.Store || w.Store.Name != h.core.Store.Name || w.Owner.ID != w.Key.Owner || w.Owner.Name == "" {
			t.Fatalf("%+v: key %+v is told with %+v and %+v", q, w.Key, w.Owner, w.Store)
		}
	}
	opens := func(open policy.Set, below string) bool { return open.AllowsObject(q.Access, b.Name, below+"object") }
	for id, open := range s.open {
		w, is := named[id]
		if is != opens(open, string(url.Prefix)) {
			t.Fatalf("%+v: key %s opened %+v and is told: %t", q, id, open, is)
		}
		if !is {
			told["no"]++
			continue
		}
		pairs := slices.Sorted(slices.Values(w.Pairs))
		if !slices.Equal(pairs, s.works[id]) {
			t.Fatalf("%+v: of key %s worked %q, told is %q", q, id, s.works[id], pairs)
		}
		for _, inner := range []keyhatch.Prefix{"a/", "ab/", "b/c/"} {
			if url.Prefix.Covers(inner) && opens(open, string(inner)) == slices.Contains(answer.LockedParts, inner) {
				t.Fatalf("%+v: key %s opened %+v, told as locked is %q", q, id, open, answer.LockedParts)
			}
		}
		told[map[int]string{0: "no pair", 1: "a pair", 2: "two pairs"}[len(pairs)]]++
		if len(answer.LockedParts) > 0 {
			told["a locked part"]++
		}
		for _, r := range w.Rights {
			told[string(r)]++
		}
		for _, s := range w.Standings {
			told[string(s)]++
		}
		if slices.Equal(w.Standings, []policy.KeyStanding{policy.AsBucketOwner}) {
			told["a bucket owner's"]++
		}
		if len(w.Rights) == 0 || len(w.Standings) == 0 {
			t.Fatalf("%+v: it is not told by what key %s opened it: %+v", q, id, w)
		}
	}
	for id := range named {
		if _, stood := s.open[id]; !stood {
			t.Fatalf("%+v: key %s is told, and did not stand", q, id)
		}
	}
}

// wantURLs wants exactly those URLs told that worked and lay under the address.
func (h *keyHistory) wantURLs(t *rapid.T, s keySight, b keyhatch.Bucket, q past.WhoCanRequest, asked keyhatch.S3URL, got []past.URLWay, told map[string]int) {
	named := map[string]bool{}
	for _, u := range got {
		named[u.Lease.ID] = true
		if u.User.Name == "" || u.Object == "" {
			t.Fatalf("%+v: told is %+v", q, u)
		}
	}
	for _, l := range h.urls {
		folder, worked := s.urls[l.ID]
		want := worked && q.Access == keyhatch.Read && l.Workspace == b.Workspace && folder.Bucket == b.Name && asked.Prefix.Covers(folder.Prefix)
		if named[l.ID] != want {
			t.Fatalf("%+v: the URL of %s, in %s, worked: %t; it is told: %t", q, l.ID, l.URLs(), worked, named[l.ID])
		}
		delete(named, l.ID)
		told[map[bool]string{true: "a URL", false: "no URL"}[want]]++
	}
	if len(named) > 0 {
		t.Fatalf("%+v: told are %v, which nobody signed", q, named)
	}
}
