package past

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// URLWay is a presigned URL, signed without a grant by who decided over the bucket, with
// which whoever had it could read an object.
type URLWay struct {
	Lease  keyhatch.Lease // with which it was signed, as far as decides about it
	User   keyhatch.User  // who signed it
	Object string         // s3:// address
}

// urlActions are what decides whether presigned URLs work that State does not tell.
var urlActions = []keyhatch.Action{lending.LeaseLent, lending.LeaseRevoked, people.TokenRevoked, people.TokenLeaked, people.TokenUpdated}

// addURLs adds the URLs that let somebody read what was asked about. None works for longer
// than keyhatch.LongestPresigned: what was signed before that has ended.
func (a *WhoCan) addURLs(ctx context.Context, r db.Reader, s *State, p place) error {
	if a.Access != keyhatch.Read || p.bucket.ID == "" {
		return nil
	}
	var signed []URLWay
	f := urlFacts{State: s, over: map[string]bool{}, narrowed: map[string]time.Time{}}
	for e, err := range r.EventsSince(ctx, urlActions, a.At.Add(-keyhatch.LongestPresigned), a.At) {
		if err != nil {
			return err
		}
		switch e.Action {
		case people.TokenUpdated:
			if e.Detail["narrowed"] != "" {
				f.narrowed[e.Target] = e.At
			}
		case lending.LeaseLent:
			if e.Workspace != p.bucket.Workspace || e.Detail["presigned"] == "" || e.Detail["grants"] != "" {
				continue
			}
			u, err := urlOf(e)
			if err != nil {
				a.Doubts = append(a.Doubts, "event "+e.ID+" does not tell what URL was signed")
			} else if u.Lease.Parts[0].Bucket == p.bucket.Name && a.URL.Prefix.Covers(u.Lease.Parts[0].Prefix) {
				signed = append(signed, u)
			}
		default: // of a lease or a token, neither of which comes back
			f.over[e.Target] = true
		}
	}
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
		u.User = s.Users[u.Lease.User]
		a.URLs = append(a.URLs, u)
	}
	return nil
}

// urlOf is the URL of a lease that was lent for one.
func urlOf(e keyhatch.Event) (u URLWay, err error) {
	folder, err := keyhatch.ParseS3URL(e.Detail["prefixes"])
	if err != nil {
		return u, err
	}
	expires, err := timeIn(e, "expires")
	if err != nil {
		return u, err
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
	u.Lease = keyhatch.Lease{
		ID: e.Target, Workspace: e.Workspace, User: e.User, Token: e.Token, Presigned: true, Store: e.Detail["store"], Vend: e.Detail["vend"],
		Access: keyhatch.Read, Parts: []keyhatch.Part{{Bucket: folder.Bucket, Prefix: folder.Prefix}}, IssuedAt: e.At, ExpiresAt: expires,
	}
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
