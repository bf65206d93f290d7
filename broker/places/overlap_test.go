package places_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

var ctx = context.Background()

// TestLocationsNeverOverlap: of all that many callers try to make at once, no
// two share a key, and what was refused would have.
func TestLocationsNeverOverlap(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range 3 {
		bucket := fmt.Sprintf("round-%d", round)
		if _, err := c.Broker.Buckets.Register(ctx, c.Admin, buckets.Existing{Workspace: lab.ID, Store: c.Store.ID, Name: bucket}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		var refused []string
		for caller := range 8 {
			r := rand.New(rand.NewPCG(seed, uint64(caller)))
			all.Go(func() {
				for i := range 6 {
					var prefix strings.Builder
					for range 1 + r.IntN(3) {
						prefix.WriteString([]string{"a/", "ab/", "a-b/", "a0/"}[r.IntN(4)])
					}
					_, err := c.Broker.Places.CreateLocation(ctx, c.Admin, places.NewLocation{
						Workspace: lab.ID, URL: "s3://" + bucket + "/" + prefix.String(), Name: fmt.Sprintf("l-%d-%d-%d", round, caller, i),
					})
					var e *keyhatch.Error
					if errors.As(err, &e) && e.Kind == keyhatch.Conflict && e.Code == keyhatch.CodeLocationsOverlap && e.Field == "url" {
						mu.Lock()
						refused = append(refused, prefix.String())
						mu.Unlock()
					} else if err != nil {
						t.Errorf("%q: %v", prefix.String(), err)
					}
				}
			})
		}
		all.Wait()
		var made []string
		list, err := c.Broker.Places.Locations(ctx, c.Admin, lab.ID, kernel.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list.Items {
			if l.BucketName == bucket {
				made = append(made, string(l.Prefix))
			}
		}
		for i, p := range made {
			for _, q := range made[i+1:] {
				if overlap(p, q) {
					t.Errorf("%q and %q are both locations", p, q)
				}
			}
		}
		for _, p := range refused {
			found := false
			for _, q := range made {
				found = found || overlap(p, q)
			}
			if !found {
				t.Errorf("%q was refused, beside %q", p, made)
			}
		}
		if len(made) == 0 || len(refused) == 0 {
			t.Errorf("%d made, %d refused: the test lost its meaning", len(made), len(refused))
		}
	}
}

func overlap(p, q string) bool { return strings.HasPrefix(p, q) || strings.HasPrefix(q, p) }

// TestWholeBucketIsALocation: the empty prefix overlaps everything in its bucket
// and nothing in another.
func TestWholeBucketIsALocation(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	c.Workspace(t, "other")
	c.Location(t, lab, "s3://lab-data/")
	for _, url := range []string{"s3://lab-data/", "s3://lab-data/a/b/"} {
		_, err := c.Broker.Places.CreateLocation(ctx, c.Admin, places.NewLocation{Workspace: "lab", URL: url, Name: "second"})
		wantFail(t, url, err, keyhatch.Conflict, keyhatch.CodeLocationsOverlap, "url")
	}
	_, err := c.Broker.Places.CreateLocation(ctx, c.Admin, places.NewLocation{Workspace: "other", URL: "s3://other-data/a/", Name: "first"})
	if err != nil {
		t.Error(err)
	}
}
