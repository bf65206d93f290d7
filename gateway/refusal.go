package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/policy"
)

// locked is what is said of an object that the caller could write, were it not for a
// lock; nil: it is not the lock.
func (v *visit) locked(key string) *s3wire.Error {
	p, is := v.open.Locked(v.Bucket, key)
	if !is {
		return nil
	}
	return s3wire.Refuse(http.StatusForbidden, "AccessDenied",
		fmt.Sprintf("Access Denied. %s is locked: nothing is written there before it is unlocked.", keyhatch.S3URL{Bucket: v.Bucket, Prefix: p}))
}

// elsewhere is what is said of what the caller could reach from other networks; nil: it is
// not from where it asks.
func (v *visit) elsewhere() error {
	if v.Level == classify.Service {
		return nil
	}
	alone := v.open.ElsewhereAlone(v.Bucket, v.Key)
	if v.Level == classify.Bucket {
		alone = v.open.ListsElsewhereAlone(v.Access, v.Bucket, v.Prefix)
	}
	if alone || v.Copies && v.open.ElsewhereAlone(v.Source.Bucket, v.Source.Key) {
		return errNotFromHere
	}
	// What is about a bucket as such, and lists that reach beyond what is open elsewhere.
	if v.Level == classify.Bucket && len(v.open.Prefixes(v.Bucket)) == 0 && slices.ContainsFunc(v.open, func(o policy.Open) bool { return o.Bucket == v.Bucket && o.NothingHere() }) {
		return errNotFromHere
	}
	return nil
}

// toldOpen is how much of what is open a refusal names.
const toldOpen = 3

// instead tells a refused caller what would work, beginning with the bucket that it asked
// for. It may know: this is its own lease or access key.
func (v *visit) instead() string {
	open := slices.DeleteFunc(slices.Clone(v.open), func(o policy.Open) bool { return o.Access == "" || o.NothingHere() })
	switch {
	case len(open) == 0 && slices.ContainsFunc(v.open, policy.Open.NothingHere):
		return "Access Denied. What this " + v.by.what + " opens is reached from certain networks alone, and you ask from another one."
	case len(open) == 0:
		return "Access Denied. Nothing of this " + v.by.what + " is open any more."
	}
	elsewhere := func(o policy.Open) int {
		if o.Bucket == v.Bucket {
			return 0
		}
		return 1
	}
	slices.SortFunc(open, func(a, b policy.Open) int {
		return cmp.Or(cmp.Compare(elsewhere(a), elsewhere(b)), cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Prefix, b.Prefix))
	})
	var what []string
	for _, o := range open[:min(len(open), toldOpen)] {
		access := string(o.Access)
		if o.WriteOnly {
			access += " without read"
		}
		what = append(what, fmt.Sprintf("%s on %s", access, keyhatch.S3URL{Bucket: o.Bucket, Prefix: o.Prefix}))
	}
	if more := len(open) - toldOpen; more > 0 {
		what = append(what, fmt.Sprintf("and %d others", more))
	}
	message := "Access Denied. This " + v.by.what + " opens " + strings.Join(what, ", ")
	if v.Lists() {
		message += "; a list must ask for such a prefix"
	}
	return message + "."
}
