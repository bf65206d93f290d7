package upstream

import "time"

// Believe makes the store one that was seen to hold all conditions in a bucket.
func (s *Store) Believe(bucket string) {
	for _, op := range []operation{putting, copying, copyPart, completing, deleting} {
		for tried := range attempts {
			found := s.client.findings.at(place{s.store.ID, s.store.Endpoint, bucket, claim{op, tried.condition, tried.form}})
			found.holds, found.at = true, time.Now()
		}
	}
}
