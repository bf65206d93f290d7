package gateway_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

const (
	region = "local" // of coretest's leases
	domain = "s3.test"
)

// foreign is what lies beside what the attacker may touch, lab/data/a/: in the
// same bucket under names that begin alike, and in another one. The text of each
// is a canary.
var foreign = []struct{ bucket, key string }{
	{"lab", "canary-root.txt"},
	{"lab", "data/canary-data.txt"},
	{"lab", "data/a.txt"},
	{"lab", "data/ab/canary-ab.txt"},
	{"lab", "data/a-/canary-dash.txt"},
	{"lab", "data/A/canary-upper.txt"},
	{"lab", "data/b/canary-b.txt"},
	{"lab", "data/b/canary-tagged.txt"},
	{"vault", "data/a/in.txt"},
	{"vault", "data/a/canary-vault.txt"},
}

func canaryOf(bucket, key string) string { return "CANARY<" + hexSHA256(bucket + "/" + key)[:24] + ">" }

// inside is what the attacker may touch.
var inside = []string{"data/a/in.txt", "data/a/two.txt", "data/a/sub/three.txt"}

// arena is a core, a store with objects of several owners, the endpoint before
// it on ports of its own, and those who attack.
type arena struct {
	ground   ground
	core     *coretest.Core
	store    keyhatch.Store
	backends *gateway.Backends
	entrance
	hasty hastyEntrances
	// The same with TLS.
	secured      entrance
	securedHasty hastyEntrances

	active atomic.Int64 // requests under way
	asked  atomic.Int64 // requests to a store behind
	log    logged.Text
	last   string // snapshot of the store, empty when it may have changed

	keys  map[string]keys
	texts map[string]string // what {names} in requests stand for
	known *strings.Replacer
	// canaries are what the endpoint tells nobody here: foreign names unless the
	// attacker has said them first, and secrets in any case.
	foreign, secrets []string
}

func newArena(t *testing.T, g ground) *arena {
	t.Helper()
	a := &arena{ground: g, core: coretest.New(t), keys: map[string]keys{}, texts: map[string]string{}}
	log := slog.New(slog.NewTextHandler(&a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a.store = g.register(t, a.core)
	s3 := upstream.NewClient(a.core.Broker.Credentials, counting{&a.asked}, log)
	a.backends = gateway.NewBackends([]string{a.core.Root}, s3, log)
	t.Cleanup(func() { a.backends.Close() })
	a.serve(t, log)
	for _, o := range foreign {
		g.put(t, o.bucket, o.key, canaryOf(o.bucket, o.key))
		a.secrets = append(a.secrets, canaryOf(o.bucket, o.key))
		a.foreign = append(a.foreign, o.key[strings.LastIndexByte(o.key, '/')+1:])
	}
	a.foreign = slices.DeleteFunc(a.foreign, func(name string) bool { return name == "in.txt" }) // the attacker has one, too
	a.foreign = append(a.foreign, "data/ab", "data/A", "data/b", "data/a-", "vault")
	for _, key := range inside {
		g.put(t, "lab", key, "inside "+key)
	}
	g.furnish(t)
	a.cast(t)
	a.furnish(t)
	a.secrets = append(append(a.secrets, g.secrets()...), filepath.Dir(a.core.Path))
	a.learn()
	return a
}

// learn lets requests name what the texts are.
func (a *arena) learn() {
	var pairs []string
	for name, text := range a.texts {
		pairs = append(pairs, "{"+name+"}", text)
	}
	a.known = strings.NewReplacer(pairs...)
}

// counting counts the requests that a store behind is asked.
type counting struct{ asked *atomic.Int64 }

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// hastyEntrances are those of an endpoint that does not wait for long: one for the
// head of a request, one for more of a body.
type hastyEntrances struct{ head, body entrance }

// haste is how long they wait.
const haste = 50 * time.Millisecond

// serve wires the endpoint as cmd/keyhatch does, without TLS and with it.
func (a *arena) serve(t *testing.T, log *slog.Logger) {
	t.Helper()
	var servers []*server.Server
	shown, trust := certified(t)
	listen := func(head, body time.Duration, shown, trust *tls.Config) entrance {
		door := server.Origin(nil, gateway.New(gateway.Config{
			Lending: a.core.Broker.Lending, AccessKeys: a.core.Broker.AccessKeys, Objects: a.core.Broker.Objects, Backends: a.backends, Region: region, Hosts: []string{domain, "localhost"},
			Limits: gateway.Limits{Concurrent: 100, PerSecond: 100_000}, Patience: body, Log: log, RequestLog: log,
		}))
		l, err := server.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, server.New(server.Options{
			Listener: l, Log: log, TLS: shown, HeaderTimeout: head, ConnContext: gateway.WithConnection,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				a.active.Add(1)
				defer a.active.Add(-1)
				door.ServeHTTP(w, r)
			}),
		}))
		return entrance{l.Addr().String(), trust}
	}
	all := func(shown, trust *tls.Config) (entrance, hastyEntrances) {
		return listen(0, 0, shown, trust), hastyEntrances{listen(haste, 0, shown, trust), listen(0, haste, shown, trust)}
	}
	a.entrance, a.hasty = all(nil, nil)
	a.secured, a.securedHasty = all(shown, trust)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, servers...) }()
	go a.core.Broker.Objects.Run(ctx)
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// quiet waits until no request is under way.
func (a *arena) quiet(t *testing.T) {
	t.Helper()
	for begun := time.Now(); a.active.Load() > 0; time.Sleep(100 * time.Microsecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("a request does not end")
		}
	}
}

// cast makes those who attack. Each has keys that were once lent by the book.
func (a *arena) cast(t *testing.T) {
	t.Helper()
	c, ctx := a.core, t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ws, err := c.Broker.People.CreateWorkspace(ctx, c.Admin, "lab")
	check(err)
	for _, bucket := range []string{"lab", "vault", "kept"} {
		_, err := c.Broker.Buckets.Register(ctx, c.Admin, buckets.Existing{Workspace: ws.ID, Store: a.store.ID, Name: bucket})
		check(err)
	}
	mine, theirs, vault := c.Location(t, ws, "s3://lab/data/a/"), c.Location(t, ws, "s3://lab/data/b/"), c.Location(t, ws, "s3://vault/")
	keptA, keptB := c.Location(t, ws, "s3://kept/own/"), c.Location(t, ws, "s3://kept/other/")

	lend := func(who string, by keyhatch.Caller, location keyhatch.Location, access keyhatch.Access, prefixes ...string) lending.Lent {
		t.Helper()
		lent, err := c.Broker.Lending.Lease(ctx, by, lending.LeaseRequest{Location: location.ID, Access: access, Prefixes: prefixes})
		if err != nil {
			t.Fatalf("lease for %s: %v", who, err)
		}
		a.lent(who, lent.Credentials)
		return lent
	}
	member := func(name string, l keyhatch.Location) (keyhatch.Caller, keyhatch.Grant) {
		t.Helper()
		who := c.User(t, name)
		c.Member(t, ws, who, keyhatch.MemberRole)
		return who, c.Grant(t, l, who, keyhatch.Write)
	}
	ann, _ := member("ann", mine)
	lend("writer", ann, mine, keyhatch.Write)
	lend("reader", ann, mine, keyhatch.Read)
	lend("narrow", ann, mine, keyhatch.Write, "sub/")
	bob, _ := member("bob", theirs)
	lend("neighbour", bob, theirs, keyhatch.Write)
	cat, _ := member("cat", vault)
	lend("banker", cat, vault, keyhatch.Write)

	kim, _ := member("kim", keptA)
	lend("keeper", kim, keptA, keyhatch.Write)
	lee, _ := member("lee", keptB)
	lend("other keeper", lee, keptB, keyhatch.Write)

	// Those whose lease has ended, each in its own way.
	ended := lend("revoked", ann, mine, keyhatch.Write)
	check(c.Broker.Lending.RevokeLease(ctx, ann, ended.Lease.ID))
	cy, _ := member("cy", mine)
	lend("tokenless", cy, mine, keyhatch.Write)
	check(c.Broker.People.RevokeToken(ctx, cy, cy.Token.ID))
	di, grant := member("di", mine)
	lend("grantless", di, mine, keyhatch.Write)
	check(c.Broker.Places.TakeGrant(ctx, c.Admin, grant.ID))
	ed, _ := member("ed", mine)
	lend("inactive", ed, mine, keyhatch.Write)
	no := false
	_, err = c.Broker.People.UpdateUser(ctx, c.Admin, ed.User.ID, people.UserChange{Active: &no})
	check(err)
	late := lend("expired", ann, mine, keyhatch.Write)
	late.Lease.IssuedAt, late.Lease.ExpiresAt = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Second)
	late.Credentials.SessionToken, err = c.Keys.SealSession(keyhatch.Session{Lease: late.Lease, SecretKey: late.Credentials.SecretAccessKey})
	check(err)
	a.lent("expired", late.Credentials)

	a.forge(t)
}

// lent gives somebody keys.
func (a *arena) lent(who string, c keyhatch.Credentials) {
	a.keys[who] = keys{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()}
	a.secrets = append(a.secrets, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal())
}

// forge makes keys that were never lent.
func (a *arena) forge(t *testing.T) {
	t.Helper()
	other := coretest.New(t) // another installation, which has everything by the same name
	ws, err := other.Broker.People.CreateWorkspace(t.Context(), other.Admin, "lab")
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Broker.Buckets.Register(t.Context(), other.Admin, buckets.Existing{Workspace: ws.ID, Store: other.Store.ID, Name: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	l := other.Location(t, ws, "s3://lab/data/a/")
	other.Grant(t, l, other.Admin, keyhatch.Write)
	lent, err := other.Broker.Lending.Lease(t.Context(), other.Admin, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Write})
	if err != nil {
		t.Fatal(err)
	}
	a.lent("outsider", lent.Credentials)

	w, n := a.keys["writer"], a.keys["neighbour"]
	middle := len(w.token) / 2
	for who, k := range map[string]keys{
		"guesser of the expired":     {a.keys["expired"].id, w.secret, a.keys["expired"].token},
		"guesser of the revoked":     {a.keys["revoked"].id, w.secret, a.keys["revoked"].token},
		"stranger":                   {"KHLE000000000000000", w.secret, ""},
		"guesser":                    {w.id, strings.Repeat("0", 40), w.token},
		"nobody's secret":            {w.id, "", w.token},
		"without token":              {w.id, w.secret, ""},
		"tampered token":             {w.id, w.secret, w.token[:middle] + flipped(w.token[middle]) + w.token[middle+1:]},
		"token's last letter":        {w.id, w.secret, w.token[:len(w.token)-1] + flipped(w.token[len(w.token)-1])},
		"truncated token":            {w.id, w.secret, w.token[:len(w.token)-4]},
		"longer token":               {w.id, w.secret, w.token + "AAAA"},
		"padded token":               {w.id, w.secret, w.token + "="},
		"upper token":                {w.id, w.secret, strings.ToUpper(w.token)},
		"half and half":              {w.id, w.secret, w.token[:middle] + n.token[middle:]},
		"huge token":                 {w.id, w.secret, strings.Repeat("A", 8193)},
		"lower key":                  {strings.ToLower(w.id), w.secret, w.token},
		"neighbour's token":          {w.id, w.secret, n.token},
		"neighbour's key":            {n.id, w.secret, w.token},
		"neighbour's key and token":  {n.id, w.secret, n.token},
		"neighbour's key and secret": {n.id, n.secret, w.token},
		"reader's key, own token":    {a.keys["reader"].id, w.secret, w.token},
		"reader's token":             {w.id, w.secret, a.keys["reader"].token},
		"expired one's token":        {w.id, w.secret, a.keys["expired"].token},
		"token of blanks":            {w.id, w.secret, w.token[:middle] + " " + w.token[middle:]},
		"outsider's token":           {w.id, w.secret, lent.Credentials.SessionToken.Reveal()},
	} {
		a.keys[who] = k
	}
}

// flipped is another letter.
func flipped(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// furnish makes through the endpoint what cannot be made behind every store
// alike: metadata, tags and open uploads.
func (a *arena) furnish(t *testing.T) {
	t.Helper()
	a.known = strings.NewReplacer()
	made := func(r request) answered {
		t.Helper()
		got := a.send(t, r)
		if got.status != http.StatusOK {
			t.Fatalf("furnish: %s", got.text)
		}
		return got
	}
	tagged := "canary-in-metadata"
	made(put("/lab/data/b/canary-tagged.txt", canaryOf("lab", "data/b/canary-tagged.txt")).as("neighbour").
		with("X-Amz-Meta-Note", tagged).with("X-Amz-Tagging", "note=canary-in-tag").with("Content-Type", "text/plain"))
	a.secrets = append(a.secrets, tagged, "canary-in-tag")
	made(put("/lab/data/a/in.txt", "inside data/a/in.txt").with("X-Amz-Meta-Colour", "blue").with("X-Amz-Tagging", "shade=dark"))

	a.texts["upload"] = made(post("/lab/data/a/up.bin?uploads", "")).element("UploadId")
	a.texts["etag"] = made(put("/lab/data/a/up.bin?partNumber=1&uploadId="+a.texts["upload"], "a part")).header.Get("ETag")
	for _, name := range []string{"sized", "summed"} {
		a.texts[name] = made(post("/lab/data/a/"+name+".bin?uploads", "")).element("UploadId")
		made(put("/lab/data/a/"+name+".bin?partNumber=1&uploadId="+a.texts[name], "a part"))
	}
	a.texts["narrow"] = made(post("/lab/data/a/sub/up.bin?uploads", "")).element("UploadId")
	a.texts["theirs"] = made(post("/lab/data/b/canary-up.bin?uploads", "").as("neighbour")).element("UploadId")
	a.texts["theirEtag"] = made(put("/lab/data/b/canary-up.bin?partNumber=1&uploadId="+a.texts["theirs"], "CANARY<part>").as("neighbour")).header.Get("ETag")
	a.texts["vaults"] = made(post("/vault/data/a/up.bin?uploads", "").as("banker")).element("UploadId")
	a.foreign = append(a.foreign, "canary-up.bin", a.texts["theirs"], a.texts["vaults"])

	if a.ground.keepsVersions() {
		a.texts["old"] = made(get("/kept?versions&prefix=own/").as("keeper")).oldVersion(t)
		a.texts["theirOld"] = made(get("/kept?versions&prefix=other/").as("other keeper")).oldVersion(t)
		a.foreign = append(a.foreign, "canary-kept.txt", a.texts["theirOld"])
		a.secrets = append(a.secrets, canaryOf("kept", "first"), canaryOf("kept", "second"))
	}

	a.texts["page"] = made(get("/lab?list-type=2&prefix=data/b/&max-keys=1").as("neighbour")).element("NextContinuationToken")
	a.texts["address"] = a.address
	for who, k := range maps.All(a.keys) {
		a.texts["key of "+who], a.texts["token of "+who] = k.id, k.token
	}
	day := time.Now().UTC()
	a.texts["now"], a.texts["day"] = day.Format(isoTime), day.Format("20060102")
}
