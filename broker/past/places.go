package past

import (
	"errors"

	"github.com/keyhatch/keyhatch"
)

func (s *State) storePut(e keyhatch.Event) error {
	s.Stores[e.Target] = keyhatch.Store{ID: e.Target, Workspace: e.Workspace, Name: e.Detail["name"]}
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
	b := keyhatch.Bucket{ID: e.Target, Workspace: e.Workspace, Store: e.Detail["store"], Name: e.Detail["name"], Owner: e.Detail["owner"]}
	if _, ok := s.Stores[b.Store]; !ok {
		return errUnknown
	}
	s.Buckets[b.ID] = b
	s.bucketByName[nameIn{b.Workspace, b.Name}] = b.ID
	return nil
}

func (s *State) bucketUpdated(e keyhatch.Event) error {
	b, ok := s.Buckets[e.Target]
	if !ok {
		return errUnknown
	}
	b.Owner = e.Detail["owner"]
	s.Buckets[b.ID] = b
	return nil
}

func (s *State) bucketDeleted(e keyhatch.Event) error {
	b, ok := s.Buckets[e.Target]
	if !ok {
		return errUnknown
	}
	delete(s.bucketByName, nameIn{b.Workspace, b.Name})
	delete(s.Buckets, b.ID)
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
