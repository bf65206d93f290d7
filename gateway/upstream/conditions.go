package upstream

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stores pass over conditions that they do not know, and what was to stay is gone:
// MinIO deletes whatever If-Match says, RGW copies whatever the source is. Nothing in
// an answer tells. So a write with a condition goes to a store only when it was seen
// to hold such a condition, on objects of our own that lie beside (trial.go).

// claim is that a store holds a condition of an operation.
type claim struct {
	operation operation
	condition string // the header's name
	form      form
}

// form is that of a condition's value. Stores may know one and not another.
type form string

const (
	plain    form = "" // an entity tag, or a time
	wildcard form = "*"
	strange  form = "other" // several tags, or weak ones, which nobody needs
)

func formOf(condition string, values []string) form {
	value := strings.Join(values, ",")
	switch {
	case value == "*":
		return wildcard
	case strings.HasSuffix(condition, "Match") && (strings.Contains(value, ",") || strings.HasPrefix(value, "W/")):
		return strange
	}
	return plain
}

// operation is what a condition can be of.
type operation string

const (
	putting    operation = "put"
	copying    operation = "copy"
	copyPart   operation = "copy of a part"
	completing operation = "end of an upload"
	deleting   operation = "delete"
)

// sourceConditions begin the names of those that a copy's source has to meet.
const sourceConditions = "X-Amz-Copy-Source-If-"

// claimsOf is what must be so of a store for a request to be sent to it.
func claimsOf(r *http.Request) (out []claim) {
	q := r.URL.Query()
	var op operation
	switch {
	case r.Method == http.MethodPut && r.Header.Get(sourceHeader) != "" && q.Has("uploadId"):
		op = copyPart
	case r.Method == http.MethodPut && r.Header.Get(sourceHeader) != "":
		op = copying
	case r.Method == http.MethodPut:
		op = putting
	case r.Method == http.MethodPost:
		op = completing
	case r.Method == http.MethodDelete:
		op = deleting
	default:
		return nil // what reads loses nothing
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "If-") || strings.HasPrefix(name, sourceConditions) {
			out = append(out, claim{op, name, formOf(name, values)})
		}
	}
	slices.SortFunc(out, func(a, b claim) int { return strings.Compare(a.condition, b.condition) })
	return out
}

// findings are what was seen of stores. They are safe for concurrent use.
type findings struct {
	mu sync.Mutex
	of map[place]*finding
}

// place is where something was seen: another bucket may lie on other machines.
type place struct {
	store, endpoint, bucket string
	claim                   claim
}

// finding is what was seen. Who has busy may read and write the rest.
type finding struct {
	busy  chan struct{}
	holds bool
	at    time.Time
}

const (
	// foundFor is how long a finding counts: stores are replaced. One that a condition
	// is not held may be wrong, if somebody has meddled with what was tried on.
	foundFor    = time.Hour
	notFoundFor = 10 * time.Minute
	// lookFor is how long it may take.
	lookFor = 30 * time.Second
	// maxFindings is from where on old ones are forgotten.
	maxFindings = 10_000
)

func (f *findings) at(p place) *finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.of[p]
	if found == nil {
		if len(f.of) >= maxFindings {
			clear(f.of)
		}
		found = &finding{busy: make(chan struct{}, 1)}
		f.of[p] = found
	}
	return found
}

// missedConditions are those of a request that the store does not hold. The first who
// asks waits until it was tried, and others for that.
func (s *Store) missedConditions(r *http.Request) (missed []claim, err error) {
	for _, c := range claimsOf(r) {
		holds, err := s.holds(r, c)
		if err != nil {
			return nil, err
		}
		if !holds {
			missed = append(missed, c)
		}
	}
	return missed, nil
}

func (s *Store) holds(r *http.Request, c claim) (bool, error) {
	ctx, cancel := context.WithTimeout(r.Context(), lookFor)
	defer cancel()
	bucket := bucketOf(r.URL.Path)
	found := s.client.findings.at(place{s.store.ID, s.store.Endpoint, bucket, c})
	select {
	case found.busy <- struct{}{}:
		defer func() { <-found.busy }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if age := time.Since(found.at); age < notFoundFor || found.holds && age < foundFor {
		return found.holds, nil
	}
	holds, err := s.try(ctx, r.URL.Path, c)
	if err != nil {
		s.log.Warn("whether the store holds a condition cannot be told", "bucket", bucket, "operation", c.operation, "condition", c.condition, "form", c.form, "error", err)
		return false, err
	}
	found.holds, found.at = holds, time.Now()
	s.log.Info("it was tried whether the store holds a condition", "bucket", bucket, "operation", c.operation, "condition", c.condition, "form", c.form, "holds", holds)
	return holds, nil
}
