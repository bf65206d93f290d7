package places_test

import (
	"fmt"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestEndpointsAreSpelledOneWay: what leads to one server is one text on record,
// and what some would read in another way is refused.
func TestEndpointsAreSpelledOneWay(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	held := credential(t, c)
	for i, e := range []struct{ given, kept string }{
		{"http://store.example", "http://store.example"},
		{"HTTP://Store.EXAMPLE:80/", "http://store.example"},
		{"http://store.example:0080", "http://store.example"},
		{"http://store.example:", "http://store.example"},
		{"http://store.example.", "http://store.example"},
		{"http://store.example.:80/", "http://store.example"},
		{"http://store.example:443", "http://store.example:443"},
		{"https://store.example:443/", "https://store.example"},
		{"https://store.example:09000", "https://store.example:9000"},
		{"http://my_store-1:9000", "http://my_store-1:9000"},
		{"http://192.0.2.1:80", "http://192.0.2.1"},
		{"http://[::ffff:192.0.2.1]:9000", "http://192.0.2.1:9000"},
		{"http://[2001:DB8:0:0::1]:9000/", "http://[2001:db8::1]:9000"},
		{"http://[2001:db8::1]", "http://[2001:db8::1]"},

		{given: ""},
		{given: "store.example"},
		{given: "ftp://store.example"},
		{given: "http:store.example"},
		{given: "http://"},
		{given: "http://."},
		{given: "http://:9000"},
		{given: "http://a..b"},
		{given: "http://store.example.."},
		{given: "http://store.example//"},
		{given: "http://store.example/path"},
		{given: "http://store.example?"},
		{given: "http://store.example?x"},
		{given: "http://store.example#x"},
		{given: "http://user@store.example"},
		{given: "http://@store.example"},
		{given: "http://store.example:0"},
		{given: "http://store.example:65536"},
		{given: "http://store.example:x"},
		{given: "http://store%2eexample"},
		{given: "http://störe.example"}, // DNS knows it by another name
		{given: "http://store。example"},
		{given: "http://127.1"},
		{given: "http://0x7f.1"},
		{given: "http://127.0.0.0x1"},
		{given: "http://2130706433"},
		{given: "http://0177.0.0.1"},
		{given: "http://[fe80::1%25lo]"},
	} {
		made, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{
			Name: fmt.Sprintf("s%d", i), Kind: keyhatch.S3Store, Endpoint: e.given, Credential: held,
		})
		if e.kept == "" {
			wantFail(t, e.given, err, keyhatch.Invalid, keyhatch.CodeInvalidEndpoint, "endpoint")
		} else if err != nil || made.Endpoint != e.kept {
			t.Errorf("%s: kept as %q, %v; want %q", e.given, made.Endpoint, err, e.kept)
		}
	}
}

// TestBucketElsewhere: a bucket is on record once, however its store's endpoint
// was spelled.
func TestBucketElsewhere(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	held := credential(t, c)
	for i, e := range []struct {
		endpoint string
		taken    bool
	}{
		{"http://store.example", false},
		{"http://STORE.example:80/", true},
		{"http://store.example.", true},
		{"https://store.example", true},
		{"http://store.example:9000", false},
		{"https://store.example:9000", true},
		{"http://192.0.2.1", false},
		{"http://[::ffff:c000:201]", true},
	} {
		name := fmt.Sprintf("s%d", i)
		if _, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{Name: name, Kind: keyhatch.S3Store, Endpoint: e.endpoint, Credential: held}); err != nil {
			t.Fatal(e.endpoint, err)
		}
		_, err := c.Broker.Buckets.Register(ctx, c.Admin, buckets.Existing{Workspace: c.Workspace(t, name).ID, Store: name, Name: "sky-survey"})
		if e.taken {
			wantFail(t, e.endpoint, err, keyhatch.Conflict, keyhatch.CodeNameTaken, "name")
		} else if err != nil {
			t.Error(e.endpoint, err)
		}
	}
}

func credential(t *testing.T, c *coretest.Core) string {
	t.Helper()
	made, err := c.Broker.Credentials.Create(ctx, c.Admin, credentials.NewCredential{Name: "archive", Authority: keyhatch.AWSKeys("AKIAEXAMPLE", "secret")})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}
