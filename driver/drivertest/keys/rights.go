package keys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy"
)

// ground is four buckets, and a key that opens three of them.
type ground struct {
	Site
	key                           string
	driver                        driver.KeyProvisioner
	reads, writes, both, unlisted string
}

// rights tries what a key opens, also after changes of it, and what becomes of the key by
// itself and with its pairs.
func (s Site) rights(t *testing.T) {
	g, pair := s.opened(t)
	t.Run("itself", func(t *testing.T) { g.itself(t, pair) })
	t.Run("networks", func(t *testing.T) { g.networks(t, pair) })
	g.opens(t, pair)
	t.Run("end", func(t *testing.T) { g.end(t, pair) })
	t.Run("rotation", func(t *testing.T) { g.rotation(t, pair) })
}

// opens tries what a key opens, also after changes of it.
func (g ground) opens(t *testing.T, pair keyhatch.KeyPair) {
	t.Run("matrix", func(t *testing.T) { g.matrix(t, pair) })
	t.Run("changes", func(t *testing.T) { g.changes(t, pair) })
	t.Run("own", func(t *testing.T) { g.own(t, pair) })
	otherwise := maps.Clone(g.Lacks)
	if otherwise == nil {
		otherwise = map[string]Lack{}
	}
	for name, reason := range g.Differs {
		otherwise[name] = Lack{Reason: reason}
	}
	for name, o := range otherwise {
		if !slices.ContainsFunc(allRows(), func(r row) bool { return r.name == name }) {
			t.Errorf("no row is named %q", name)
		}
		t.Logf("otherwise here: %s: %s", name, o.Reason)
	}
}

// opened is the ground with a key and a pair of it.
func (s Site) opened(t *testing.T) (ground, keyhatch.KeyPair) {
	t.Helper()
	g := ground{Site: s, key: newKey(), driver: s.driver()}
	for _, b := range []*string{&g.reads, &g.writes, &g.both, &g.unlisted} {
		*b = s.Bucket(t)
		g.seed(t, *b, old)
	}
	g.seed(t, g.both, locked+old)
	g.seed(t, g.both, odd+old)
	g.order(t,
		driver.BucketRight{Bucket: g.reads, Read: true},
		driver.BucketRight{Bucket: g.writes, Write: true},
		driver.BucketRight{Bucket: g.both, Read: true, Write: true, Locked: []keyhatch.Prefix{locked, odd}},
	)
	return g, g.issue(t)
}

// networks confines two locations of a bucket: the one to networks that hold every address is
// open, of the other nothing is, and what is about the bucket as such is closed, lists of any
// prefix among it. All else is as it was.
func (g ground) networks(t *testing.T, pair keyhatch.KeyPair) {
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	nowhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	const far, near = "far/", "near/"
	g.seed(t, g.both, far+old)
	g.seed(t, g.both, near+old)
	others := []driver.BucketRight{{Bucket: g.reads, Read: true}, {Bucket: g.writes, Write: true}}
	with := func(confined ...policy.Confined) []driver.BucketRight {
		return append(slices.Clone(others), driver.BucketRight{Bucket: g.both, Read: true, Write: true, Locked: []keyhatch.Prefix{locked, odd}, Confined: confined})
	}
	g.order(t, with(policy.Confined{Prefix: far, Networks: nowhere}, policy.Confined{Prefix: near, Networks: everywhere})...)
	defer g.order(t, with()...)
	k := g.with(t.Context(), pair, "networks")
	check(
		t, "with locations for networks",
		step{"read where it is open from here", allowed, k.get(g.both, near+old)},
		step{"read beside", allowed, k.get(g.both, old)},
		step{"read in another bucket", allowed, k.get(g.reads, old)},
		step{"read where it is not", refused, k.get(g.both, far+old)},
		step{"write where it is not", refused, k.put(g.both, far+"new")},
		step{"list the bucket", refused, k.list(g.both)},
		step{"list what is open in it from here", refused, k.listBelow(g.both, near)},
		step{"ask for its region", refused, k.region(g.both)},
		step{"list another bucket", allowed, k.list(g.reads)},
	)
}

// seed stores an object with the rights to everything.
func (g ground) seed(t *testing.T, bucket, key string) {
	t.Helper()
	_, err := g.Admin.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
	must(t, err)
}

func (g ground) order(t *testing.T, rights ...driver.BucketRight) {
	t.Helper()
	must(t, g.driver.Put(t.Context(), g.Store, driver.KeyOrder{Key: g.key, SeesAll: true, Buckets: rights}))
}

func (g ground) issue(t *testing.T) keyhatch.KeyPair {
	t.Helper()
	pair, err := g.driver.Issue(t.Context(), g.Store, g.key)
	must(t, err)
	return pair
}

// with is a try with a pair.
func (g ground) with(ctx context.Context, pair keyhatch.KeyPair, fresh string) *try {
	return &try{
		ctx: ctx, Client: g.Client(pair), http: g.Transport, fresh: fresh,
		reads: g.reads, writes: g.writes, both: g.both, unlisted: g.unlisted, opened: []string{g.reads, g.writes, g.both},
	}
}

// matrix tries the rows one after the other, each on objects of its own where it
// changes any. What was refused must have changed nothing.
func (g ground) matrix(t *testing.T, pair keyhatch.KeyPair) {
	for i, r := range allRows() {
		t.Run(r.name, func(t *testing.T) {
			fresh := fmt.Sprintf("fresh-%d-", i)
			g.seed(t, g.writes, fresh+old)
			g.seed(t, g.both, fresh+old)
			want := r.want
			if g.Differs[r.name] != "" {
				want = want.other()
			}
			before := g.holds(t)
			got, err := outcomeOf(r.do(g.with(t.Context(), pair, fresh)))
			if lack, lacks := g.Lacks[r.name]; lacks && lack.says(err) {
				got, want = refused, refused
			} else if err != nil || lacks {
				t.Fatalf("it is %s, %v (%s)", got, err, lack.Reason)
			}
			if got != want {
				t.Errorf("it is %s, want it %s (%s)", got, want, g.Differs[r.name])
			}
			after := g.holds(t)
			for _, bucket := range []string{g.writes, g.both} { // what it put itself, at first
				delete(after, bucket+"/"+fresh)
			}
			if got == refused && !maps.Equal(before, after) {
				t.Errorf("it was refused, and there was %v and is %v", before, after)
			}
		})
	}
}

// says tells whether an answer is that the store does no such thing.
func (l Lack) says(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &answer) && answer.HTTPStatusCode() == l.Status
}

// holds is what is in the buckets: the entity tags of all objects.
func (g ground) holds(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, bucket := range []string{g.reads, g.writes, g.both, g.unlisted} {
		pages := s3.NewListObjectsV2Paginator(g.Admin, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			must(t, err)
			for _, o := range page.Contents {
				all[bucket+"/"+aws.ToString(o.Key)] = aws.ToString(o.ETag)
			}
		}
	}
	return all
}

// step is one thing that is tried after a change.
type step struct {
	what string
	want outcome
	err  error
}

func check(t *testing.T, when string, steps ...step) {
	t.Helper()
	for _, s := range steps {
		if got, err := outcomeOf(s.err); err != nil || got != s.want {
			t.Errorf("%s: to %s is %s (%v), want it %s", when, s.what, got, err, s.want)
		}
	}
}

// itself tries to widen the key with the key.
func (g ground) itself(t *testing.T, pair keyhatch.KeyPair) {
	ctx, user := t.Context(), "keyhatch-"+cluster+"-"+g.key
	c := iam.New(iam.Options{
		Region: g.Store.Region, BaseEndpoint: &g.IAM, HTTPClient: &http.Client{Transport: g.Transport}, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(pair.AccessKeyID, pair.SecretAccessKey.Reveal(), ""),
	})
	for what, try := range map[string]func() error{
		"put its policy": func() error {
			_, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String("more"), PolicyDocument: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}`,
			)})
			return err
		},
		"delete its policy": func() error {
			_, err := c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &user, PolicyName: aws.String("keyhatch")})
			return err
		},
		"make a pair": func() error {
			_, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user})
			return err
		},
		"make a user": func() error {
			_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("made-by-a-key")})
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("it may %s", what)
		}
	}
	s := g.Site
	s.expect(t, g.driver, g.key, true, pair)
	k := g.with(ctx, pair, "")
	check(
		t, "after that",
		step{"read", allowed, k.get(g.reads, old)},
		step{"read what is not listed", refused, k.get(g.unlisted, old)},
	)
}

// changes orders other rights: they hold at once, for the pair that is out.
func (g ground) changes(t *testing.T, pair keyhatch.KeyPair) {
	k := g.with(t.Context(), pair, "changes")
	g.order(t,
		driver.BucketRight{Bucket: g.reads, Write: true},
		driver.BucketRight{Bucket: g.unlisted, Read: true},
		driver.BucketRight{Bucket: g.both, Read: true, Write: true},
		driver.BucketRight{Bucket: g.writes},
	)
	check(
		t, "after others were ordered",
		step{"read what was read", refused, k.get(g.reads, old)},
		step{"write what was read", allowed, k.put(g.reads, "new")},
		step{"read what was not listed", allowed, k.get(g.unlisted, old)},
		step{"write what was not listed", refused, k.put(g.unlisted, "new")},
		step{"write what was locked", allowed, k.put(g.both, locked+"new")},
		step{"write what was written", refused, k.put(g.writes, "new")},
	)
	g.order(t, driver.BucketRight{Bucket: g.both, Read: true, Write: true, Locked: []keyhatch.Prefix{""}})
	check(
		t, "with all of a bucket locked",
		step{"read it", allowed, k.get(g.both, old)},
		step{"write it", refused, k.put(g.both, "new")},
		step{"read what is listed no longer", refused, k.get(g.unlisted, old)},
	)
	g.order(t)
	check(
		t, "with nothing opened",
		step{"read", refused, k.get(g.both, old)},
		step{"write", refused, k.put(g.both, "new")},
		step{"list", refused, k.list(g.both)},
		step{"read what is listed no longer", refused, k.get(g.reads, old)},
	)
}

// own looks who has what a key has put: the store's credential, and no longer the key
// when its rights are gone.
func (g ground) own(t *testing.T, pair keyhatch.KeyPair) {
	k := g.with(t.Context(), pair, "own")
	us := &try{ctx: t.Context(), Client: g.Admin, fresh: "own"}
	g.order(t, driver.BucketRight{Bucket: g.both, Read: true, Write: true})
	check(
		t, "with a bucket opened",
		step{"put", allowed, k.put(g.both, "own")},
		step{"read it", allowed, k.getNew(g.both, "own")},
		step{"read it with the store's credential", allowed, us.getNew(g.both, "own")},
		step{"copy it with that", allowed, us.copy(g.both, "own", g.both, "copy-of-own")},
	)
	g.order(t, driver.BucketRight{Bucket: g.both, Read: true})
	check(
		t, "with the bucket to read",
		step{"read", allowed, k.getNew(g.both, "own")},
		step{"tag", refused, k.tag(g.both, "own")},
		step{"delete", refused, k.delete(g.both, "own")},
	)
	g.order(t, driver.BucketRight{Bucket: g.reads, Read: true, Write: true})
	check(
		t, "with another bucket opened",
		step{"read", refused, k.getNew(g.both, "own")},
		step{"tag", refused, k.tag(g.both, "own")},
		step{"read the other", allowed, k.get(g.reads, old)},
	)
	g.order(t)
	check(
		t, "with nothing opened",
		step{"read", refused, k.getNew(g.both, "own")},
		step{"tag", refused, k.tag(g.both, "own")},
	)
}

// end orders ends: past one the store refuses, whoever has gone meanwhile.
func (g ground) end(t *testing.T, pair keyhatch.KeyPair) {
	k := g.with(t.Context(), pair, "end")
	for _, e := range []struct {
		what  string
		until time.Time
		want  outcome
	}{
		{"tomorrow", time.Now().Add(24 * time.Hour), allowed},
		{"a minute ago", time.Now().Add(-time.Minute), refused},
		{"never", time.Time{}, allowed},
	} {
		must(t, g.driver.Put(t.Context(), g.Store, driver.KeyOrder{
			Key: g.key, Until: e.until, Buckets: []driver.BucketRight{{Bucket: g.both, Read: true, Write: true}},
		}))
		check(
			t, "with its end "+e.what,
			step{"read", e.want, k.get(g.both, old)},
			step{"write", e.want, k.put(g.both, "end")},
			step{"list", e.want, k.list(g.both)},
		)
	}
}

// rotation looks at which pairs work.
func (g ground) rotation(t *testing.T, first keyhatch.KeyPair) {
	ctx := t.Context()
	g.order(t, driver.BucketRight{Bucket: g.reads, Read: true})
	second := g.issue(t)
	one, two := g.with(ctx, first, ""), g.with(ctx, second, "")
	check(
		t, "with two pairs",
		step{"use the first", allowed, one.get(g.reads, old)},
		step{"use the second", allowed, two.get(g.reads, old)},
	)
	must(t, g.driver.Withdraw(ctx, g.Store, g.key, ids(first)))
	check(
		t, "with the first withdrawn",
		step{"use the first", refused, one.get(g.reads, old)},
		step{"use the second", allowed, two.get(g.reads, old)},
		step{"use the second presigned", allowed, two.presigned("GET", g.reads, old)},
	)
	must(t, g.driver.Drop(ctx, g.Store, g.key))
	check(
		t, "with the key dropped",
		step{"use the first", refused, one.get(g.reads, old)},
		step{"use the second", refused, two.get(g.reads, old)},
	)
}
