package past

import (
	"errors"

	"github.com/keyhatch/keyhatch"
)

func (s *State) storePut(e keyhatch.Event) error {
	s.Stores[e.Target] = keyhatch.Store{ID: e.Target, Workspace: e.Workspace, Name: e.Detail["name"]}
	if e.Detail["lends"] == string(keyhatch.LendsSTS) {
		s.minted[e.Target] = true
	}
	return nil
}

func (s *State) storeDeleted(e keyhatch.Event) error {
	if _, ok := s.Stores[e.Target]; !ok {
		return errUnknown
	}
	delete(s.Stores, e.Target)
	return nil
}

func (s *State) bucketCreated(e keyhatch.Event) error {
	b := keyhatch.Bucket{ID: e.Target, Workspace: e.Workspace, Store: e.Detail["store"], Name: e.Detail["name"], State: keyhatch.BucketState(e.Detail["state"])}
	saidOf(&b, e)
	if b.State == "" { // all were, before there were others
		b.State = keyhatch.BucketConfigured
	}
	if _, ok := s.Stores[b.Store]; !ok {
		return errUnknown
	}
	s.Buckets[b.ID], s.madeAt[b.ID] = b, e.At
	s.bucketByName[nameIn{b.Workspace, b.Name}] = b.ID
	return nil
}

func (s *State) bucketUpdated(e keyhatch.Event) error {
	b, ok := s.Buckets[e.Target]
	if !ok {
		return errUnknown
	}
	before := b.Owner
	if saidOf(&b, e); b.Owner != before {
		s.urlsSince[b.ID] = e.At
	}
	s.Buckets[b.ID] = b
	return nil
}

// urlsEnded: those that were signed before.
func (s *State) urlsEnded(e keyhatch.Event) error {
	if _, ok := s.Buckets[e.Target]; !ok {
		return errUnknown
	}
	s.urlsSince[e.Target] = e.At
	return nil
}

// saidOf reads what of a bucket decides about access keys.
func saidOf(b *keyhatch.Bucket, e keyhatch.Event) {
	b.Owner, b.AllKeysRead, b.AllKeysWrite = e.Detail["owner"], e.Detail["all_keys_read"] != "", e.Detail["all_keys_write"] != ""
}

// bucketIs is the event of a bucket that the store has made, or removes.
func bucketIs(state keyhatch.BucketState) func(*State, keyhatch.Event) error {
	return func(s *State, e keyhatch.Event) error {
		b, ok := s.Buckets[e.Target]
		if !ok {
			return errUnknown
		}
		b.State = state
		s.Buckets[b.ID] = b
		return nil
	}
}

// accountPut: an account that is on record opens what rests on it, or not. Of those that
// were there before accounts were, the record has no event; they were open.
func (s *State) accountPut(e keyhatch.Event) error {
	s.closed[onStore{e.Workspace, e.Detail["store"]}] = !keyhatch.AccountState(e.Detail["state"]).Opens()
	return nil
}

func (s *State) accountPurged(e keyhatch.Event) error {
	delete(s.closed, onStore{e.Workspace, e.Detail["store"]})
	return nil
}

func (s *State) bucketDeleted(e keyhatch.Event) error {
	b, ok := s.Buckets[e.Target]
	if !ok {
		return errUnknown
	}
	delete(s.bucketByName, nameIn{b.Workspace, b.Name})
	delete(s.Buckets, b.ID)
	delete(s.madeAt, b.ID)
	delete(s.urlsSince, b.ID)
	return nil
}

// locationCreated: one in a bucket that the record does not know is known all the same,
// for the grants on it.
func (s *State) locationCreated(e keyhatch.Event) error {
	url, err := keyhatch.ParseS3URL(e.Detail["url"])
	if err != nil {
		return errors.New("does not tell the location's address")
	}
	s.Locations[e.Target] = keyhatch.Location{
		ID: e.Target, Workspace: e.Workspace, BucketName: url.Bucket, Prefix: url.Prefix, Name: e.Detail["name"], Owner: e.Detail["owner"],
	}
	if _, ok := s.bucketNamed(e.Workspace, url.Bucket); !ok {
		return errUnknown
	}
	return nil
}

func (s *State) locationUpdated(e keyhatch.Event) error {
	l, ok := s.Locations[e.Target]
	if !ok {
		return errUnknown
	}
	l.Name, l.Owner, l.Locked = e.Detail["name"], e.Detail["owner"], e.Detail["locked"] != ""
	s.Locations[l.ID] = l
	if e.Detail["networks_narrowed"] != "" {
		s.networksSince[l.ID] = e.At
	}
	return nil
}

func (s *State) locationDeleted(e keyhatch.Event) error {
	if _, ok := s.Locations[e.Target]; !ok {
		return errUnknown
	}
	s.dropGrants(s.grantsOn[e.Target])
	delete(s.Locations, e.Target)
	return nil
}
