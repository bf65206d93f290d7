package matrix

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/driver/drivertest"
)

// The flaws, which the matrix has to find.
const (
	none             flaw = ""
	lendsEverything  flaw = "lends the keys to everything"
	opensSiblings    flaw = "opens what begins with the prefix's letters"
	ignoresAccess    flaw = "ignores that a lease is for reading"
	ignoresBucket    flaw = "ignores the bucket"
	ignoresSource    flaw = "ignores the source of a copy"
	ignoresCase      flaw = "ignores upper and lower case"
	ignoresToken     flaw = "ignores the session token"
	ignoresSignature flaw = "ignores the signature"
	listsAll         flaw = "lists whatever is asked"
	readsPatterns    flaw = "takes a prefix for a pattern"
	neverExpires     flaw = "never expires"
	neverEnds        flaw = "ignores revocation"
	lastsLonger      flaw = "lasts longer than asked"
	refusesTooLate   flaw = "does what it refuses"
	doesNothing      flaw = "does not do what it allows"
	opensNothing     flaw = "opens nothing"
	tellsNeighbours  flaw = "tells in refusals what is there"
	tellsWhatExists  flaw = "tells whether something exists outside"
)

// caught are the rows that must fail for each flaw: these, whatever others do.
var caught = map[flaw][]string{
	lendsEverything: {
		"get at the prefix edge: a sibling folder's", "get in another prefix", "get the same key in another bucket", "head outside", "get a range outside",
		"put in another prefix", "put over an object of another prefix", "put with a read lease", "delete in another prefix", "delete with a read lease",
		"list without a prefix", "list another prefix", "list above the prefix by folder", "list the same prefix of another bucket", "list buckets",
		"copy source outside", "copy target outside", "copy a part from outside", "multipart outside", "abort outside", "list all uploads",
		"put tags outside", "presign outside", "presign put outside", "a revoked lease: get",
		"a whole bucket: get in another bucket", "several prefixes: get what lies between",
	},
	opensSiblings: {
		"get at the prefix edge: a sibling folder's", "get at the prefix edge: a sibling object", "get at the prefix edge: the prefix without its slash",
		"head at the prefix edge", "put at the prefix edge: a sibling folder's", "put at the prefix edge: the prefix without its slash",
		"delete at the prefix edge", "list at the prefix edge: the prefix without its slash", "list at the prefix edge: by folder",
		"list at the prefix edge: a sibling", "copy source at the prefix edge: a sibling folder's", "copy target at the prefix edge",
		"copy a part from the prefix edge", "multipart at the prefix edge", "list uploads at the prefix edge", "presign at the prefix edge",
		"several prefixes: put at the prefix edge",
	},
	ignoresAccess: {
		"put with a read lease", "put over an object with a read lease", "put a key that ends with a slash with a read lease", "delete with a read lease",
		"put tags with a read lease", "copy with a read lease", "copy onto itself with a read lease", "copy a part with a read lease", "multipart with a read lease",
		"upload a part with a read lease", "complete with a read lease", "abort with a read lease", "list uploads with a read lease",
		"presign put with a read lease", "a whole bucket: put with a read lease",
	},
	ignoresBucket: {
		"get the same key in another bucket", "put the same key in another bucket", "delete the same key in another bucket",
		"list the same prefix of another bucket", "copy source in another bucket", "copy target in another bucket", "copy a part from another bucket",
		"multipart in another bucket", "abort in another bucket", "a whole bucket: get in another bucket", "a whole bucket: list another bucket",
	},
	ignoresSource: {
		"copy source outside", "copy source at the prefix edge: a sibling folder's", "copy source in another bucket", "copy what does not exist outside",
		"copy source outside, with a slash before it", "copy source outside, with its slashes encoded", "copy a part from outside", "copy a part from another bucket",
		"a prefix with a plus sign: copy from what it is not", "a whole bucket: copy source in another bucket",
	},
	ignoresCase:  {"get in the prefix in capitals"},
	ignoresToken: {"with a tampered session token", "with half of the session token", "with the session token of another lease"},
	ignoresSignature: {
		"with a wrong secret", "with a wrong secret, put", "with the secret of another lease", "signed for another region", "signed an hour ago",
		"signed for another service", "signed as a get, sent as a delete", "presign inside, changed to another key inside", "presign inside, used to delete", "presign, past its time",
	},
	listsAll: {
		"list without a prefix", "list without a prefix, version 1", "list without a prefix by folder", "list above the prefix", "list another prefix",
		"list another prefix with a token from inside", "list at the prefix edge: by folder", "list all uploads", "list uploads outside", "a whole bucket: list another bucket",
	},
	readsPatterns: {
		"a prefix with a star: get in what it is not", "a prefix with a star alone: put in what it is not", "a prefix with a question mark: get in what it is not",
		"a prefix with a star: list what it is not",
	},
	neverExpires:    {"an expired lease: get, list and put", "an expired lease: a presigned URL"},
	neverEnds:       {"a revoked lease: get", "a revoked lease: put", "a revoked lease: complete an upload", "a revoked lease: a presigned URL"},
	lastsLonger:     {"get inside", "an expired lease: get, list and put"},
	refusesTooLate:  {"put in another prefix", "delete in another prefix", "copy target outside", "abort outside", "put tags with a read lease", "put over an object with a read lease"},
	doesNothing:     {"put inside", "put over an object inside", "copy inside", "put tags inside", "presign put inside"},
	opensNothing:    {"get inside", "put inside", "list with the prefix", "multipart inside", "delete inside", "presign inside", "copy inside", "a whole bucket: get"},
	tellsNeighbours: {"list another prefix", "list without a prefix", "list above the prefix", "get in another prefix", "list uploads outside"},
	tellsWhatExists: {"get what does not exist outside", "head what does not exist outside", "copy what does not exist outside"},
}

// unharmed hold for every flaw but those that spoil everything.
var unharmed = []string{"get inside", "put inside", "not signed", "get in a bucket that does not exist"}

// TestTheMatrixIsWhole: an honest fake passes every row, which shows that it is
// the flaw that is found below.
func TestTheMatrixIsWhole(t *testing.T) { Run(t, newFake(t, none)) }

// TestFlawsAreFound: for every flaw the rows that are about it fail.
func TestFlawsAreFound(t *testing.T) {
	for _, f := range slices.Sorted(maps.Keys(caught)) {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			g := drivertest.NewGround(newFake(t, f), matrix)
			for _, name := range caught[f] {
				if v := g.Alone(t.Context(), named(t, name)); len(v.All()) == 0 {
					t.Errorf("%s: found nothing; it came out so: %s", name, v.Told)
				}
			}
			for _, name := range unharmed {
				if slices.Contains([]flaw{lendsEverything, opensNothing, doesNothing, lastsLonger}, f) {
					continue
				}
				if v := g.Alone(t.Context(), named(t, name)); len(v.All()) > 0 {
					t.Errorf("%s: found %q, which is not the flaw", name, v.All())
				}
			}
		})
	}
}

// TestFaultsOfTheSharedWorld: a fault that a row leaves behind for others is
// laid at its own door.
func TestFaultsOfTheSharedWorld(t *testing.T) {
	t.Parallel()
	g := drivertest.NewGround(newFake(t, refusesTooLate), matrix)
	for name, faulty := range map[string]bool{"put in another prefix": true, "get in another prefix": false, "delete in another prefix": true, "get inside": false} {
		if v := g.Judge(t.Context(), named(t, name)); len(v.All()) > 0 != faulty {
			t.Errorf("%s: %q", name, v.All())
		}
	}
}

// TestLackingIsHeldTo: what a site is said to lack must be refused, and what is
// not said must work.
func TestLackingIsHeldTo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		row    string
		change func(*drivertest.Site)
		fault  string // "" for none
	}{
		{"get tags inside", func(s *drivertest.Site) { s.Lacks[drivertest.Tagging] = "as a test" }, "it works, though the site is said to lack tagging"},
		{"put tags outside", func(s *drivertest.Site) { s.Lacks[drivertest.Tagging] = "as a test" }, ""},
		{"batch delete inside", func(*drivertest.Site) {}, ""},
		{"batch delete inside", func(s *drivertest.Site) { delete(s.Lacks, drivertest.BatchDelete) }, "want allowed"},
		{"a prefix with a star: get in what it is not", func(s *drivertest.Site) { s.Lacks[drivertest.OddPrefixes], s.Lend = "as a test", refusesToLend }, ""},
		{"a prefix with a star: put, copy and delete inside", func(s *drivertest.Site) { s.Lacks[drivertest.OddPrefixes], s.Lend = "as a test", refusesToLend }, ""},
		{"a prefix with a star: get in what it is not", func(s *drivertest.Site) { s.Lacks[drivertest.OddPrefixes] = "as a test" }, ""},
		{"a prefix with a star: put, copy and delete inside", func(s *drivertest.Site) { s.Lacks[drivertest.OddPrefixes] = "as a test" }, ""},
		{"a prefix with a star: get in what it is not", func(s *drivertest.Site) { s.Lend = refusesToLend }, "no lease"},
		{"get inside", func(s *drivertest.Site) { s.Lend = refusesToLend }, "no lease"},
		{"signed for another region", func(s *drivertest.Site) { s.Lacks[drivertest.RegionCheck] = "as a test" }, "want allowed"},
		{"a revoked lease: get", func(s *drivertest.Site) { s.Capabilities.Revocation = "" }, ""},
		{"an expired lease: a presigned URL", func(s *drivertest.Site) { s.ShortestLife = drivertest.LongestWait + 1 }, ""},
		{"an expired lease: a presigned URL", func(s *drivertest.Site) { s.ExpiryCode = "InvalidToken" }, "want refused as expired"},
	} {
		s := newFake(t, none)
		test.change(&s)
		got := strings.Join(drivertest.NewGround(s, matrix).Judge(t.Context(), named(t, test.row)).All(), "\n")
		if test.fault == "" && got != "" || !strings.Contains(got, test.fault) {
			t.Errorf("%s: %q, want %q", test.row, got, test.fault)
		}
	}
}

func refusesToLend(context.Context, drivertest.Ask) (drivertest.Lent, error) {
	return drivertest.Lent{}, errors.New("not this prefix")
}

// TestSitesAreChecked: a site that would prove nothing is told.
func TestSitesAreChecked(t *testing.T) {
	good := newFake(t, none)
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*drivertest.Site){
		"no store":         func(s *drivertest.Site) { s.Store = nil },
		"no lender":        func(s *drivertest.Site) { s.Lend = nil },
		"one bucket":       func(s *drivertest.Site) { s.Other = s.Bucket },
		"lacks, no reason": func(s *drivertest.Site) { s.Lacks = map[drivertest.Feature]string{drivertest.Tagging: ""} },
	} {
		s := good
		if spoil(&s); s.Check() == nil {
			t.Errorf("%s: not told", name)
		}
	}
}

func TestRowsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range matrix {
		if seen[r.Name] || r.Name == "" || strings.Contains(r.Name, "/") {
			t.Errorf("a row is called %q", r.Name)
		}
		seen[r.Name] = true
		if r.Try == nil || r.Want.Holds == nil || r.Lease.Access == "" {
			t.Errorf("%s is not whole", r.Name)
		}
	}
}

// named is the row of that name.
func named(t *testing.T, name string) drivertest.Row {
	t.Helper()
	i := slices.IndexFunc(matrix, func(r drivertest.Row) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("there is no row %q", name)
	}
	return matrix[i]
}
