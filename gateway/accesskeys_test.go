package gateway_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/gateway"
)

var bucketElement = regexp.MustCompile(`<Name>([^<]*)</Name>`)

// issue makes a key of the admin's on the store "behind", if there is none of the name,
// and another pair for it, which has a name of its own.
func (r *rig) issue(name, key string, rights accesskeys.Rights, grace time.Duration) {
	r.t.Helper()
	svc := r.core.Broker.AccessKeys
	_, err := svc.Create(r.t.Context(), r.core.Admin, accesskeys.NewKey{Workspace: "lab", Store: "behind", Name: key, Rights: rights})
	if err != nil && !strings.Contains(err.Error(), "exists") {
		r.t.Fatal(err)
	}
	_, pair, err := svc.Issue(r.t.Context(), r.core.Admin, "lab", key, grace)
	r.must(err)
	r.keys[name] = keys{pair.AccessKeyID, pair.SecretAccessKey.Reveal(), ""}
}

func (r *rig) wantCode(what string, q request, status int, code string) answered {
	r.t.Helper()
	got := r.send(q)
	if got.status != status || status >= 300 && q.method != http.MethodHead && got.element("Code") != code {
		r.t.Errorf("%s: %d %s, want %d %s", what, got.status, got.body, status, code)
	}
	return got
}

// An access key opens its buckets as far as its rights go; others look as if they were
// forbidden, whether they exist or not.
func TestAccessKeys(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		ctx, svc := t.Context(), r.core.Broker.Places
		for _, name := range []string{"more", "rest"} {
			_, err := r.core.Broker.Buckets.Register(ctx, r.core.Admin, buckets.Existing{Workspace: "lab", Store: "behind", Name: name})
			r.must(err)
		}
		r.behind.objects["/far/there"], r.behind.objects["/more/there"] = "hello", "hello"
		r.issue("reads", "reads", accesskeys.Rights{Read: []string{"far"}}, 0)
		r.issue("writes", "writes", accesskeys.Rights{Write: []string{"far"}}, 0)
		r.issue("both", "both", accesskeys.Rights{Read: []string{"far"}, Write: []string{"far"}}, 0)
		r.issue("sees", "sees", accesskeys.Rights{SeeAll: true, Read: []string{"far"}}, 0)

		const refused = "AccessDenied"
		r.wantCode("get", get("/far/there").as("reads"), 200, "")
		r.wantCode("list", get("/far?list-type=2").as("reads"), 404, "NoSuchKey") // the store behind says it
		r.wantCode("put with a key to read", put("/far/new", "x").as("reads"), 403, refused)
		r.wantCode("delete with it", del("/far/there").as("reads"), 403, refused)
		r.wantCode("put", put("/far/new", "x").as("writes"), 200, "")
		r.wantCode("get with a key to write", get("/far/there").as("writes"), 403, refused)
		r.wantCode("head with it", head("/far/there").as("writes"), 403, "")
		r.wantCode("list with it", get("/far?list-type=2").as("writes"), 403, refused)
		r.wantCode("copy with it", copied("/far/there", "/far/copy").as("writes"), 403, refused)
		r.wantCode("both, get", get("/far/there").as("both"), 200, "")
		r.wantCode("both, put", put("/far/new2", "x").as("both"), 200, "")
		other := r.wantCode("another bucket", get("/more/there").as("both"), 403, refused)
		none := r.wantCode("no bucket", get("/none/there").as("both"), 403, refused)
		if a, b := other.element("Message"), none.element("Message"); a != b || !strings.Contains(a, "This access key opens write on s3://far/") {
			t.Errorf("another bucket says %q, and none %q", a, b)
		}
		r.wantCode("a bucket on another store", get("/near/there").as("both"), 403, refused)
		for who, want := range map[string]string{"both": "far", "sees": "far more rest", "writes": "far"} {
			got := r.wantCode("list buckets", get("/").as(who), 200, "")
			var names []string
			for _, m := range bucketElement.FindAllStringSubmatch(got.body, -1) {
				names = append(names, m[1])
			}
			if have := strings.Join(names, " "); have != want {
				t.Errorf("%s sees the buckets %q, want %q", who, have, want)
			}
		}
		r.wantCode("see a bucket", head("/more").as("sees"), 404, "") // the store behind has it not
		r.wantCode("see a bucket without the right", head("/more").as("both"), 403, "")
		r.wantCode("list what is only seen", get("/more?list-type=2").as("sees"), 403, refused)

		// In a locked location nothing is written, nor in a batch; reading goes on.
		yes, no := true, false
		_, err := svc.UpdateLocation(ctx, r.core.Admin, "", r.far.ID, places.LocationChange{Locked: &yes})
		r.must(err)
		r.wantCode("put, locked", put("/far/new3", "x").as("both"), 403, refused)
		r.wantCode("get, locked", get("/far/there").as("both"), 200, "")
		asked := r.behind.asked.Load()
		got := r.wantCode("batch delete, locked", post("/far?delete", "<Delete><Object><Key>there</Key></Object></Delete>").as("both"), 200, "")
		if got.element("Code") != refused || r.behind.asked.Load() != asked {
			t.Errorf("batch delete, locked: %s", got.body)
		}
		_, err = svc.UpdateLocation(ctx, r.core.Admin, "", r.far.ID, places.LocationChange{Locked: &no})
		r.must(err)
		r.wantCode("put, unlocked", put("/far/new3", "x").as("both"), 200, "")
	})
}

// A pair that has ended is like none; a key that has ended says so to who has its secret.
// What was on its way is ended within a second.
func TestEndedAccessKeys(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		r.behind.objects["/far/there"] = "hello"
		rights := accesskeys.Rights{Read: []string{"far"}, Write: []string{"far"}}
		r.issue("first", "key", rights, 0)
		r.wantCode("the first", served("first"), 200, "")
		r.issue("second", "key", rights, time.Minute)
		r.wantCode("the first, in its grace", served("first"), 200, "")
		r.wantCode("the second", served("second"), 200, "")
		time.Sleep(time.Minute)
		unknown := r.keys["first"]
		unknown.id = "KHAKAAAAAAAAAAAAAAAA"
		r.keys["unknown"] = unknown
		none := r.wantCode("nobody's", served("unknown"), 403, "SignatureDoesNotMatch")
		over := r.wantCode("the first, after its grace", served("first"), 403, "SignatureDoesNotMatch")
		if none.element("Message") != over.element("Message") {
			t.Errorf("nobody's: %s, ended: %s", none.body, over.body)
		}
		wrong := r.keys["second"]
		wrong.secret += "x"
		r.keys["wrong"] = wrong
		r.wantCode("with a wrong secret", served("wrong"), 403, "SignatureDoesNotMatch")

		hold := make(chan struct{})
		r.behind.hold.Store(&hold)
		begun := r.begin(put("/far/late", "late").as("second"))
		time.Sleep(100 * time.Millisecond)
		r.must(r.core.Broker.AccessKeys.Delete(t.Context(), r.core.Admin, "lab", "key"))
		at := time.Now()
		got := r.answer(begun, http.MethodPut)
		if took := time.Since(at); got.status < 400 || took > time.Second {
			t.Errorf("an upload of a deleted key: %d after %v", got.status, took)
		}
		close(hold)
		if r.behind.has("/far/late") {
			t.Error("it was published")
		}
		r.behind.hold.Store(nil)

		r.issue("ends", "ends", rights, 0)
		ends := time.Now().Add(time.Minute)
		_, err := r.core.Broker.AccessKeys.Update(t.Context(), r.core.Admin, "lab", "ends", accesskeys.Change{ExpiresAt: &ends})
		r.must(err)
		r.wantCode("before its end", served("ends"), 200, "")
		time.Sleep(time.Minute)
		r.wantCode("at its end", served("ends"), 403, "InvalidAccessKeyId")
	})
}

// What is done with an access key is on record as its owner's, with the key and the pair:
// of two that work for a while, one may be in the wrong hands.
func TestAccessKeysAreOnRecord(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		r.issue("old", "key", accesskeys.Rights{Write: []string{"far"}}, 0)
		r.issue("new", "key", accesskeys.Rights{}, time.Hour)
		r.wantCode("put", put("/far/new", "x").as("old"), 200, "")
		r.wantCode("get", get("/far/new").as("new"), 403, "AccessDenied")
		lent, err := r.core.Broker.Lending.LendWithKey(t.Context(), r.keys["old"].id, lending.LeaseRequest{Location: "s3://far/", Access: keyhatch.Write})
		r.must(err)
		c := lent.Credentials
		r.keys["lent"] = keys{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()}
		r.wantCode("delete", del("/far/new").as("lent"), 200, "")
		time.Sleep(time.Second)
		list, err := r.core.Broker.Places.ObjectRequests(t.Context(), r.core.Admin, places.ObjectRequestFilter{Location: r.far.ID}, kernel.Page{})
		r.must(err)
		var got []string
		for _, q := range list.Items {
			_, byKey := keyhatch.IDPayload(keyhatch.KeyID, q.SignedBy)
			if byKey == (q.SignedBy == lent.Lease.ID) || q.User != r.core.Admin.User.ID || q.Token != r.core.Admin.Token.ID {
				t.Errorf("on record is %+v", q)
			}
			got = append(got, strings.Join([]string{q.Operation, q.Code, q.Pair}, " "))
		}
		slices.Sort(got) // all are of one moment of the bubble's time
		if want := []string{"DeleteObject  " + r.keys["old"].id, "GetObject AccessDenied " + r.keys["new"].id, "PutObject  " + r.keys["old"].id}; !slices.Equal(got, want) {
			t.Errorf("on record are %q, want %q", got, want)
		}
	})
}
