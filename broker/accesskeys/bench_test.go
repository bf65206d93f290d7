package accesskeys_test

import (
	"fmt"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// BenchmarkStanding measures what each request with an access key asks memory, for a key
// whose lists are as long as they may be: about one bucket, as nearly all requests are, and
// about all, as a list of buckets is.
func BenchmarkStanding(b *testing.B) {
	c := coretest.New(b)
	lab := c.Workspace(b, "lab")
	names := []string{}
	for i := range 1000 {
		name := fmt.Sprintf("bucket-%04d", i)
		if _, err := c.Broker.Buckets.Register(b.Context(), c.Admin, buckets.Existing{Workspace: lab.ID, Store: c.Store.ID, Name: name}); err != nil {
			b.Fatal(err)
		}
		names = append(names, name)
	}
	key, err := c.Broker.AccessKeys.Create(b.Context(), c.Admin, accesskeys.NewKey{Workspace: lab.ID, Store: c.Store.ID, Name: "key", Rights: accesskeys.Rights{Read: names, Write: names}})
	if err != nil {
		b.Fatal(err)
	}
	_, pair, err := c.Broker.AccessKeys.Issue(b.Context(), c.Admin, "", key.ID, 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, about := range []struct {
		what    string
		buckets []string
		opens   int
	}{{"one bucket", []string{"bucket-0999"}, 1}, {"all buckets", nil, 1000}} {
		b.Run(about.what, func(b *testing.B) {
			for b.Loop() {
				open, _, err := c.Broker.AccessKeys.Standing(b.Context(), pair.AccessKeyID, about.buckets...)
				if err != nil || len(open) != about.opens || open[0].Access != keyhatch.Write {
					b.Fatalf("%d are open, %v", len(open), err)
				}
			}
		})
	}
}
