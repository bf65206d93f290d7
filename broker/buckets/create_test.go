package buckets_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

var _ driver.BucketKeeper = (*coretest.Buckets)(nil)

// TestCreate makes a bucket at the store, with what is said of it.
func TestCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := w.new("fresh", buckets.Change{Label: ptr("Fresh ones"), AllKeysRead: ptr(true), StaticSiteIndex: ptr("index.html"), ServeStaticSite: ptr(true)})
	w.must(err)
	if b.State != keyhatch.BucketConfigured || !w.Buckets.Has(w.Store.ID, "fresh") || b.Owner != w.ann.User.ID || b.MaxPresigned != keyhatch.LongestPresigned ||
		b.Label != "Fresh ones" || !b.AllKeysRead || b.AllKeysWrite || !b.Site.Serve || b.Site.Index != "index.html" || b.Public || b.Usage.CountedAt.IsZero() {
		t.Errorf("made is %+v", b)
	}
	if n := w.jobs(); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	again, err := w.Broker.Buckets.Bucket(w.ctx, w.bob, "lab", "fresh")
	if err != nil || again != b {
		t.Errorf("shown is %+v, %v", again, err)
	}
}

// TestCreateNeverAdopts: what the store has already, empty or not, is refused, and neither
// the store nor the record is changed.
func TestCreateNeverAdopts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Buckets.Put(w.Store.ID, "theirs", "", 0)
	_, err := w.new("theirs", buckets.Change{PublicRead: ptr(true), PublicList: ptr(true)})
	w.wantCode("a bucket that is there", err, keyhatch.CodeBucketExists)
	if w.state("theirs") != "" || !w.Buckets.Has(w.Store.ID, "theirs") || w.jobs() != 0 {
		t.Errorf("on record it is %q, at the store %t, with %d jobs", w.state("theirs"), w.Buckets.Has(w.Store.ID, "theirs"), w.jobs())
	}
	if _, err := w.DB.LocationByName(w.ctx, w.lab.ID, "theirs"); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("its location is there: %v", err)
	}
	// Somebody else is faster than we, after we have looked.
	w.Buckets.After = func(_ context.Context, what, bucket string) error {
		if what == "absent" && bucket == "faster" {
			w.Buckets.Put(w.Store.ID, bucket, "", 0)
		}
		return nil
	}
	_, err = w.new("faster", buckets.Change{})
	w.wantCode("a bucket that came to be meanwhile", err, keyhatch.CodeBucketExists)
	if w.state("faster") != "" || !w.Buckets.Has(w.Store.ID, "faster") {
		t.Error("somebody else's was taken, or removed")
	}
}

// errLost stands for a process that ends, or an answer that gets lost.
var errLost = errors.New("the process ends here")

// TestCreateInterrupted ends the making of a bucket before and after each thing that is
// asked of the store. Until a job has gone on, the bucket opens nothing and cannot be given
// away; then it is there as if nothing had been.
func TestCreateInterrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"absent", "create", "made"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(at, " ", after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				lose := func(_ context.Context, what, bucket string) error {
					if what == at {
						return errLost
					}
					return nil
				}
				if at == "made" { // which is asked the second time only
					w.Buckets.After = func(_ context.Context, what, bucket string) error {
						if what == "create" {
							return errLost
						}
						return nil
					}
					_, err := w.new("half", buckets.Change{})
					w.must(err)
				}
				if w.Buckets.Before, w.Buckets.After = lose, nil; after {
					w.Buckets.Before, w.Buckets.After = nil, lose
				}
				if at == "made" {
					w.wait()
					if failed := w.Jobs(t); len(failed) == 0 {
						t.Fatal("the job did not fail")
					}
				} else {
					b, err := w.new("half", buckets.Change{})
					if err != nil || b.State != keyhatch.BucketPending {
						t.Fatalf("it is told as %+v, %v", b, err)
					}
				}
				_, err := w.Broker.Places.CreateLocation(w.ctx, w.ann, locationOf("half"))
				w.wantCode("a location in it", err, keyhatch.CodeBucketNotReady)
				w.wantCode("deleting it", w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", "half"), keyhatch.CodeBucketNotReady)
				w.Buckets.Before, w.Buckets.After = nil, nil
				w.wait()
				if failed := w.Jobs(t); len(failed) != 0 {
					t.Errorf("then the job fails: %v", failed)
				}
				w.wait() // a job that asks for itself is run once more
				w.Jobs(t)
				if w.state("half") != keyhatch.BucketConfigured || !w.Buckets.Has(w.Store.ID, "half") || w.jobs() != 0 {
					t.Errorf("then it is %q, at the store %t, with %d jobs", w.state("half"), w.Buckets.Has(w.Store.ID, "half"), w.jobs())
				}
			})
		}
	}
}

// TestCreateInterruptedAndTaken: whoever makes a bucket of the name at the store after we
// were interrupted keeps it.
func TestCreateInterruptedAndTaken(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"absent", "create"} {
		w := newWorld(t)
		w.Buckets.Before = func(_ context.Context, what, _ string) error {
			if what == at {
				return errLost
			}
			return nil
		}
		_, err := w.new("half", buckets.Change{})
		w.must(err)
		w.Buckets.Before = nil
		w.Buckets.Put(w.Store.ID, "half", "", 0) // somebody else's, and empty
		w.wait()
		if failed := w.Jobs(t); len(failed) != 0 {
			t.Errorf("%s: the job fails: %v", at, failed)
		}
		if w.state("half") != "" || !w.Buckets.Has(w.Store.ID, "half") {
			t.Errorf("%s: it is %q on record, and at the store %t", at, w.state("half"), w.Buckets.Has(w.Store.ID, "half"))
		}
	}
}

// TestCreateUnregistered: what is made of a bucket that an admin takes off the record
// meanwhile is removed again.
func TestCreateUnregistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Buckets.Before = func(_ context.Context, what, _ string) error {
		if what == "create" {
			return w.Broker.Buckets.Unregister(w.ctx, w.Admin, "lab", "half")
		}
		return nil
	}
	_, err := w.new("half", buckets.Change{})
	w.wantCode("a bucket that went meanwhile", err, keyhatch.CodeBucketNotFound)
	if w.Buckets.Has(w.Store.ID, "half") || w.jobs() != 0 {
		t.Errorf("at the store it is %t, with %d jobs", w.Buckets.Has(w.Store.ID, "half"), w.jobs())
	}
}

// TestCreateUnregisteredAndTaken: who deletes at the store what is to be removed again, and
// makes a bucket of the name, keeps it, whenever that is.
func TestCreateUnregisteredAndTaken(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"mark", "made", "delete"} {
		for _, used := range []bool{false, true} {
			w := newWorld(t)
			w.Buckets.Before = func(_ context.Context, what, _ string) error {
				switch what {
				case "create":
					return w.Broker.Buckets.Unregister(w.ctx, w.Admin, "lab", "half")
				case when:
					w.Buckets.Swap(w.Store.ID, "half")
					if used {
						w.Buckets.Put(w.Store.ID, "half", "theirs", 1)
					}
				}
				return nil
			}
			_, err := w.new("half", buckets.Change{})
			w.wantCode("a bucket that went meanwhile", err, keyhatch.CodeBucketNotFound)
			if !w.Buckets.Has(w.Store.ID, "half") || w.jobs() != 0 {
				t.Errorf("before %s, used %t: at the store it is %t, with %d jobs", when, used, w.Buckets.Has(w.Store.ID, "half"), w.jobs())
			}
		}
	}
}

// TestCreateWithoutPermission: what the store goes on refusing is told, and taken back.
func TestCreateWithoutPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Buckets.Before = func(_ context.Context, what, _ string) error {
		if what == "create" {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "the store does not let its credential do this")
		}
		return nil
	}
	_, err := w.new("refused", buckets.Change{})
	w.wantCode("a refusal", err, keyhatch.CodeStoreUnsupported)
	if w.state("refused") != "" || w.jobs() != 0 {
		t.Errorf("on record it is %q, with %d jobs", w.state("refused"), w.jobs())
	}
}

// TestLimits: what makes no sense is refused, and nothing is made.
func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := string(make([]byte, 256))
	for what, tc := range map[string]struct {
		name string
		ch   buckets.Change
		want keyhatch.Code
	}{
		"a name":           {"No", buckets.Change{}, keyhatch.CodeInvalidBucketName},
		"a long label":     {"abc", buckets.Change{Label: &long}, keyhatch.CodeInvalidRequest},
		"a control":        {"abc", buckets.Change{StaticSiteIndex: ptr("a\nb")}, keyhatch.CodeInvalidRequest},
		"an error page":    {"abc", buckets.Change{StaticSiteError: ptr("\xff")}, keyhatch.CodeInvalidRequest},
		"a long time":      {"abc", buckets.Change{MaxPresigned: ptr(keyhatch.LongestPresigned + 1)}, keyhatch.CodeInvalidDuration},
		"a negative time":  {"abc", buckets.Change{MaxPresigned: ptr(keyhatch.LongestPresigned * -1)}, keyhatch.CodeInvalidDuration},
		"nobody":           {"abc", buckets.Change{Owner: ptr("nobody")}, keyhatch.CodeUserNotFound},
		"read alone":       {"abc", buckets.Change{PublicRead: ptr(true)}, keyhatch.CodeInvalidRequest},
		"list alone":       {"abc", buckets.Change{PublicList: ptr(true)}, keyhatch.CodeInvalidRequest},
		"a name on record": {"lab-data", buckets.Change{}, keyhatch.CodeNameTaken},
		"another's name":   {"far-data", buckets.Change{}, keyhatch.CodeNameTaken},
	} {
		_, err := w.new(tc.name, tc.ch)
		w.wantCode(what, err, tc.want)
	}
	if w.Buckets.Has(w.Store.ID, "abc") || w.jobs() != 0 {
		t.Error("something was made")
	}
}
