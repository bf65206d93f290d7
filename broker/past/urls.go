package past

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// URLWay is a presigned URL with which whoever had it could read an object, and which rests
// on no grant: who decided over the bucket signed it, or a store's own session did.
type URLWay struct {
	Lease  keyhatch.Lease // with which it was signed, as far as decides about it
	User   keyhatch.User  // who signed it
	Object string         // s3:// address
}

// addURLs adds those that worked.
func (a *WhoCan) addURLs(signed []URLWay, f urlFacts) error {
	for _, u := range signed {
		open, err := policy.Standing(u.Lease, f, a.At)
		// What a store's own session signed lives to its end, whatever ends here.
		if u.Lease.Vend != "" && a.At.Before(u.Lease.ExpiresAt) {
			open, err = policy.Set{{}}, nil
		}
		if errors.Is(err, policy.ErrLeaseExpired) || errors.Is(err, policy.ErrLeaseRevoked) || err == nil && len(open) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		if len(a.URLs) == maxWays {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "more than %d URLs lead there: ask about a prefix of it", maxWays)
		}
		u.User = f.userOrID(u.Lease.User)
		a.URLs = append(a.URLs, u)
	}
	return nil
}

// urlOf is the URL of a lease that was lent for one.
func urlOf(e keyhatch.Event) (u URLWay, err error) {
	u.Lease, err = leaseOf(e)
	if err != nil {
		return u, err
	}
	if len(u.Lease.Parts) != 1 {
		return u, errors.New("no one folder is named")
	}
	var only struct{ Statement struct{ Resource string } }
	if err := json.Unmarshal([]byte(e.Detail["policy"]), &only); err != nil {
		return u, err
	}
	object, is := strings.CutPrefix(only.Statement.Resource, "arn:aws:s3:::")
	if !is {
		return u, errors.New("no object is named")
	}
	u.Object = "s3://" + strings.NewReplacer("${*}", "*", "${?}", "?", "${$}", "$").Replace(object)
	u.Lease.Presigned, u.Lease.Access = true, keyhatch.Read
	return u, nil
}

// urlFacts is a state as what decides about leases that rest on no grant.
type urlFacts struct {
	*State
	over     map[string]bool      // leases and tokens that have ended
	narrowed map[string]time.Time // tokens, the last time
}

// User returns the user, or keyhatch.NotFound.
func (f urlFacts) User(id string) (keyhatch.User, error) {
	u, err := keyFacts{State: f.State}.User(id)
	u.ActiveSince = f.activeSince[id]
	return u, err
}

// Token returns as much of a token as decides: when it has ended, its leases have expired.
func (f urlFacts) Token(id string) (keyhatch.Token, error) {
	if f.over[id] {
		return keyhatch.Token{}, keyhatch.NotFoundError(keyhatch.CodeTokenNotFound)
	}
	return keyhatch.Token{ID: id, Since: f.narrowed[id]}, nil
}

// BucketByName returns the workspace's bucket of the name.
func (f urlFacts) BucketByName(workspace, name string) (keyhatch.Bucket, error) {
	b, ok := f.bucketNamed(workspace, name)
	if !ok {
		return b, keyhatch.NotFoundError(keyhatch.CodeBucketNotFound)
	}
	b.CreatedAt, b.PresignedSince = f.madeAt[b.ID], f.urlsSince[b.ID]
	return b, nil
}

// LocationAround returns the location that held everything below the prefix, as far as it
// decides: from which networks is not looked at.
func (f urlFacts) LocationAround(bucket string, prefix keyhatch.Prefix) (keyhatch.Location, error) {
	b := f.Buckets[bucket]
	for _, l := range f.locationsAt(b.Workspace, keyhatch.S3URL{Bucket: b.Name, Prefix: prefix}) {
		if l.Prefix.Covers(prefix) {
			l.NetworksSince = f.networksSince[l.ID]
			return l, nil
		}
	}
	return keyhatch.Location{}, keyhatch.NotFoundError(keyhatch.CodeLocationNotFound)
}

// BucketOpen tells whether the bucket could be used.
func (f urlFacts) BucketOpen(id string) (bool, error) {
	b, ok := f.Buckets[id]
	return ok && !f.shut(b), nil
}

// WorkspaceMember returns a user's membership.
func (f urlFacts) WorkspaceMember(workspace, user string) (keyhatch.WorkspaceMember, error) {
	role, ok := f.Roles[workspace][user]
	if !ok {
		return keyhatch.WorkspaceMember{}, keyhatch.NotFoundError(keyhatch.CodeMemberNotFound)
	}
	return keyhatch.WorkspaceMember{Workspace: workspace, User: user, Role: role, Since: f.memberSince[member{workspace, user}]}, nil
}

// LeaseRevoked tells whether the lease was.
func (f urlFacts) LeaseRevoked(id string) (bool, error) { return f.over[id], nil }

// Grant, Location and CircleMember are what no URL without a grant rests on.

func (f urlFacts) Grant(string) (keyhatch.Grant, error) {
	return keyhatch.Grant{}, keyhatch.NotFoundError(keyhatch.CodeGrantNotFound)
}

func (f urlFacts) Location(string) (keyhatch.Location, error) {
	return keyhatch.Location{}, keyhatch.NotFoundError(keyhatch.CodeLocationNotFound)
}

func (f urlFacts) CircleMember(string, string) (keyhatch.CircleMember, error) {
	return keyhatch.CircleMember{}, keyhatch.NotFoundError(keyhatch.CodeMemberNotFound)
}
