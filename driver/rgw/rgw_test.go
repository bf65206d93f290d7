package rgw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/iam"
	"github.com/keyhatch/keyhatch/driver/rgw"
)

var _ driver.KeyProvisioner = (*rgw.Provisioner)(nil)

const (
	someKey  = "objkey_0mz3k8q2a7c4f9d"
	someUser = "keyhatch-abcde-" + someKey
	canary   = "canary0secret"
)

// answering answers one request after the other, the last answer again and again.
type answering struct {
	answers []answer
	seen    []string
}

type answer struct {
	status int
	text   string
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	q.Del("format")
	a.seen = append(a.seen, r.Method+" "+r.URL.Path+" "+q.Encode())
	if strings.Contains(r.URL.String(), canary) {
		return nil, errors.New("a secret is in the URL")
	}
	now := a.answers[min(len(a.seen), len(a.answers))-1]
	return &http.Response{StatusCode: now.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(now.text)), Request: r}, nil
}

var (
	someStore = keyhatch.Store{Endpoint: "https://rgw.example.com", Region: "default"}
	us        = authority{AccessKeyID: "US", SecretAccessKey: canary}
)

// calls are the methods that change something.
func calls(p *rgw.Provisioner) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Put": func(ctx context.Context) error {
			return p.Put(ctx, someStore, driver.KeyOrder{Key: someKey})
		},
		"Issue": func(ctx context.Context) error {
			_, err := p.Issue(ctx, someStore, someKey)
			return err
		},
		"Withdraw": func(ctx context.Context) error { return p.Withdraw(ctx, someStore, someKey, []string{"one"}) },
		"Drop":     func(ctx context.Context) error { return p.Drop(ctx, someStore, someKey) },
	}
}

// TestNoGateway: what does not answer as the Admin Ops API is asked once, and nothing
// is changed there: it may take our requests for such on objects.
func TestNoGateway(t *testing.T) {
	for _, a := range []answer{
		{200, ""},
		{200, "an object"},
		{200, `{"user_id":"somebody"}`},
		{200, `{}`},
		{204, ""},
		{302, ""},
		{404, "<Error><Code>NoSuchBucket</Code></Error>"},
		{404, "<Error><Code>NoSuchKey</Code></Error>"},
		{404, `{"Code":"NoSuchKey"}`},
		{404, ""},
		{405, "<Error><Code>MethodNotAllowed</Code></Error>"},
		{403, "<Error><Code>AccessDenied</Code></Error>"},
		{500, canary},
		{500, strings.Repeat("<"+canary+">", 200_000)},
	} {
		for name := range calls(nil) {
			network := &answering{answers: []answer{a}}
			err := calls(rgw.New(us, network, "abcde"))[name](t.Context())
			if !errors.Is(err, keyhatch.Unavailable) || errors.Is(err, keyhatch.NotFound) {
				t.Errorf("%s, %d %.60s: it says %v", name, a.status, a.text, err)
			}
			if want := []string{"GET /admin/user uid=" + someUser}; !slices.Equal(network.seen, want) {
				t.Errorf("%s, %d %.60s: it sends %q", name, a.status, a.text, network.seen)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
				t.Errorf("%s, %d: it says %s", name, a.status, text)
			}
		}
	}
}

// TestWhatIsSent: the requests of each method, in their order.
func TestWhatIsSent(t *testing.T) {
	none := answer{404, `{"Code":"NoSuchUser"}`}
	done := answer{200, ""}
	user := func(buckets int, ids ...string) answer {
		var keys []string
		for _, id := range ids {
			keys = append(keys, fmt.Sprintf(`{"user":%q,"access_key":%q,"secret_key":%q}`, someUser, id, canary))
		}
		return answer{200, fmt.Sprintf(`{"user_id":%q,"max_buckets":%d,"keys":[%s]}`, someUser, buckets, strings.Join(keys, ","))}
	}
	record := answer{200, fmt.Sprintf(`{"key":"user:x","data":{"user_id":%q,"keys":[],"attrs":[{"key":"user.rgw.user-policy","val":"AQ=="}]}}`, someUser)}
	us1 := answer{200, `{"user_id":"us"}`}
	admin1 := answer{200, `{"data":{"user_id":"us","keys":[],"admin":"true"}}`}
	plain1 := answer{200, `{"data":{"user_id":"us","keys":[],"admin":"false"}}`}
	const (
		self       = "GET /admin/user access-key=US"
		selfRecord = "GET /admin/metadata/user key=us"
		look       = "GET /admin/user uid=" + someUser
		create     = "PUT /admin/user display-name=" + someUser + "&generate-key=false&max-buckets=-1&uid=" + someUser
		policy     = "POST / "
		read       = "GET /admin/metadata/user key=" + someUser
		write      = "PUT /admin/metadata/user key=" + someUser
	)
	for _, tc := range []struct {
		what, call string
		answers    []answer
		want       []string
		kind       error
	}{
		{"a new user", "Put", []answer{none, us1, admin1, done}, []string{look, self, selfRecord, create, policy}, nil},
		{"a new user that we could not read of", "Put", []answer{none, us1, plain1}, []string{look, self, selfRecord}, keyhatch.Unavailable},
		{"a new user, and who we are is not told", "Put", []answer{none, none}, []string{look, self}, keyhatch.Unavailable},
		{"one that is there", "Put", []answer{user(-1), done}, []string{look, policy}, nil},
		{"one that may make buckets", "Put", []answer{user(1000), done}, []string{look, "POST /admin/user max-buckets=-1&uid=" + someUser, policy}, nil},
		{"a pair of none", "Issue", []answer{none}, []string{look}, keyhatch.NotFound},
		{"a pair", "Issue", []answer{user(-1, "one"), record, done}, []string{look, read, write}, nil},
		{"a third pair", "Issue", []answer{user(-1, "one", "two")}, []string{look}, keyhatch.Conflict},
		{"a pair without a record", "Issue", []answer{user(-1), {200, `{"data":{"user_id":"other","keys":[]}}`}}, []string{look, read}, keyhatch.Unavailable},
		{"pairs of none", "Withdraw", []answer{none}, []string{look}, nil},
		{"no pairs", "Withdraw", []answer{user(-1)}, []string{look}, nil},
		{"pairs", "Withdraw", []answer{user(-1, "one"), record, done}, []string{look, read, write}, nil},
		{"none", "Drop", []answer{none}, []string{look}, nil},
		{"a user", "Drop", []answer{user(-1, "one"), done}, []string{look, "DELETE /admin/user access-key=one&key=&uid=" + someUser, "DELETE /admin/user uid=" + someUser}, nil},
		{"a user with buckets", "Drop", []answer{user(-1), {409, `{"Code":"BucketAlreadyExists"}`}}, []string{look, "DELETE /admin/user uid=" + someUser}, keyhatch.Conflict},
		{"a user that is gone by then", "Drop", []answer{user(-1), none}, []string{look, "DELETE /admin/user uid=" + someUser}, nil},
	} {
		t.Run(tc.call+" "+tc.what, func(t *testing.T) {
			network := &answering{answers: tc.answers}
			if err := calls(rgw.New(us, network, "abcde"))[tc.call](t.Context()); !errors.Is(err, tc.kind) {
				t.Errorf("it says %v, want %v", err, tc.kind)
			}
			if diff := cmp.Diff(tc.want, network.seen); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKeysOfManyUsers: pages are followed to their end, and a list without one is not.
func TestKeysOfManyUsers(t *testing.T) {
	other := "objkey_0mz3k8q2a7c4f9e"
	page := func(more bool, marker string, names ...string) answer {
		return answer{200, fmt.Sprintf(`{"keys":["%s"],"truncated":%v,"marker":%q}`, strings.Join(names, `","`), more, marker)}
	}
	user := func(key string) answer {
		return answer{200, fmt.Sprintf(`{"user_id":"keyhatch-abcde-%s","keys":[{"access_key":"of-%s"}]}`, key, key)}
	}
	answers := map[string]answer{ // by the marker, or by the user
		"":                          page(true, "m", "somebody", "keyhatch-abcde-"+someKey, "keyhatch-other-"+someKey, "keyhatch-abcde-somebody"),
		"m":                         page(false, "", "keyhatch-abcde-"+other, "keyhatch-abcde-"+someKey+"x", "tenant$keyhatch-abcde-"+someKey),
		"keyhatch-abcde-" + someKey: user(someKey), "keyhatch-abcde-" + other: user(other),
	}
	network := transport(func(r *http.Request) (*http.Response, error) { // users are asked about beside each other
		q := r.URL.Query()
		a := answers[q.Get("marker")+q.Get("uid")]
		return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.text)), Request: r}, nil
	})
	got, err := rgw.New(us, network, "abcde").Keys(t.Context(), someStore)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{someKey: {"of-" + someKey}, other: {"of-" + other}}, got); diff != "" {
		t.Error(diff)
	}
	for _, a := range []answer{page(true, "m", "somebody"), page(true, "", "somebody"), {200, "[]"}, {200, "null"}, {200, ""}} {
		if _, err := rgw.New(us, &answering{answers: []answer{a}}, "abcde").Keys(t.Context(), someStore); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("%s: %v", a.text, err)
		}
	}
}

// TestTooManyUsers: of more users of ours than are kept in memory nothing is told, also
// not of the first of them. Each page names another one, and none is the last.
func TestTooManyUsers(t *testing.T) {
	names := make([]string, 5000)
	for i := range names {
		names[i] = fmt.Sprintf("keyhatch-abcde-objkey_%015d", i)
	}
	asked := 0
	network := transport(func(r *http.Request) (*http.Response, error) {
		asked++
		text := fmt.Sprintf(`{"keys":["%s"],"truncated":true,"marker":"m%d"}`, strings.Join(names, `","`), asked)
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	})
	got, err := rgw.New(us, network, "abcde").Keys(t.Context(), someStore)
	if !errors.Is(err, keyhatch.Unavailable) || !strings.Contains(fmt.Sprint(err), "more than 50000 users") || got != nil || asked > iam.MaxUsers/len(names)+1 {
		t.Errorf("after %d pages: %d keys, %v", asked, len(got), err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestNoEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "rgw.example.com", "https://", ":"} {
		network := &answering{}
		if _, err := rgw.New(us, network, "abcde").Keys(t.Context(), keyhatch.Store{Endpoint: endpoint}); !errors.Is(err, keyhatch.Conflict) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

// TestEnded: a context that has ended is told as such.
func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := rgw.New(us, http.DefaultTransport, "abcde").Drop(ctx, someStore, someKey)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("it says %v", err)
	}
}
