package past

import (
	"iter"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// keyPut is a key that was made or changed; its pairs stay.
func (s *State) keyPut(e keyhatch.Event) (err error) {
	k := keyhatch.AccessKey{
		ID: e.Target, Workspace: e.Workspace, Store: e.Detail["store"], Name: e.Detail["name"], Owner: e.Detail["owner"], Pairs: s.Keys[e.Target].Pairs,
		Rights: keyhatch.KeyRights{
			SeeAll: e.Detail["see_all"] != "", ReadAll: e.Detail["read_all"] != "", WriteAll: e.Detail["write_all"] != "",
			Read: strings.Fields(e.Detail["read"]), Write: strings.Fields(e.Detail["write"]),
		},
	}
	if _, ok := s.Users[k.Owner]; !ok {
		return errUnknown
	}
	if k.ExpiresAt, err = timeIn(e, "expires"); err != nil {
		return err
	}
	s.replace(k.ID)
	s.Keys[k.ID] = k
	return nil
}

// replace remembers what a key is to open no more, and opens in its store until that
// has confirmed what comes instead.
func (s *State) replace(key string) {
	if s.kept[key] {
		s.replaced[key] = append(s.replaced[key], s.Keys[key])
	}
}

// keyConfirmed: the store has the key as it is to be, or refuses it and has none of what it
// was, or has it no more. What a store has had that no record knows decides nothing.
func (s *State) keyConfirmed(e keyhatch.Event) error {
	delete(s.replaced, e.Target)
	if _, there := s.Keys[e.Target]; there {
		s.kept[e.Target] = true
	} else {
		delete(s.kept, e.Target)
	}
	return nil
}

// keyIssued: of the pairs before, one works on at most.
func (s *State) keyIssued(e keyhatch.Event) error {
	k, ok := s.Keys[e.Target]
	if !ok {
		return errUnknown
	}
	before := k.Pairs
	k.Pairs = []keyhatch.IssuedPair{{AccessKeyID: e.Detail["access_key_id"], IssuedAt: e.At}}
	defer func() { s.Keys[k.ID] = k }()
	if e.Detail["works_on"] == "" {
		return nil
	}
	at := pairAt(before, e.Detail["works_on"])
	if at < 0 {
		return errUnknown
	}
	until, err := timeIn(e, "until")
	if err != nil {
		return err
	}
	left := before[at]
	left.EndsAt = until
	k.Pairs = append(k.Pairs, left)
	return nil
}

func (s *State) pairWithdrawn(e keyhatch.Event) error {
	k := s.Keys[e.Target]
	at := pairAt(k.Pairs, e.Detail["access_key_id"])
	if at < 0 {
		return errUnknown
	}
	k.Pairs = slices.Concat(k.Pairs[:at], k.Pairs[at+1:])
	s.Keys[k.ID] = k
	return nil
}

func pairAt(pairs []keyhatch.IssuedPair, accessKeyID string) int {
	return slices.IndexFunc(pairs, func(p keyhatch.IssuedPair) bool { return p.AccessKeyID == accessKeyID })
}

func (s *State) keyDeleted(e keyhatch.Event) error {
	if _, ok := s.Keys[e.Target]; !ok {
		return errUnknown
	}
	s.replace(e.Target)
	delete(s.Keys, e.Target)
	return nil
}

// replacedOn yields what keys of the workspace on the store were, of which that has not
// confirmed what they are.
func (s *State) replacedOn(workspace, store string) iter.Seq[keyhatch.AccessKey] {
	return func(yield func(keyhatch.AccessKey) bool) {
		for _, was := range s.replaced {
			for _, k := range slices.Backward(was) { // the newest first
				if k.Workspace == workspace && k.Store == store && !yield(k) {
					return
				}
			}
		}
	}
}

// keysOn yields the keys of the workspace on the store.
func (s *State) keysOn(workspace, store string) iter.Seq[keyhatch.AccessKey] {
	return func(yield func(keyhatch.AccessKey) bool) {
		for _, k := range s.Keys {
			if k.Workspace == workspace && k.Store == store && !yield(k) {
				return
			}
		}
	}
}

// keyFacts is a state as what decides about keys in one bucket.
type keyFacts struct {
	*State
	locations []keyhatch.Location // in the bucket
}

// User returns the user, or keyhatch.NotFound.
func (f keyFacts) User(id string) (keyhatch.User, error) {
	u, ok := f.Users[id]
	if !ok {
		return u, keyhatch.NotFoundError(keyhatch.CodeUserNotFound)
	}
	return u, nil
}

// Role returns the user's role in the workspace.
func (f keyFacts) Role(workspace, user string) keyhatch.Role { return f.Roles[workspace][user] }

// BucketsOn returns the buckets that the workspace had on the store.
func (f keyFacts) BucketsOn(workspace, store string) (out []keyhatch.Bucket) {
	for _, b := range f.Buckets {
		if b.Workspace == workspace && b.Store == store {
			out = append(out, b)
		}
	}
	return out
}

// LocationsIn returns the locations in the one bucket.
func (f keyFacts) LocationsIn(string) []keyhatch.Location { return f.locations }
