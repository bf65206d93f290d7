package drivertest

import (
	"context"
	"slices"
	"sync"

	"github.com/keyhatch/keyhatch"
)

// Ground is the worlds of a site. A row that changes something has one of its
// own. All others share one: to put its objects there is most of what a row
// costs.
type Ground struct {
	site Site
	rows []Row

	mu     sync.Mutex
	shared *World // nil: not made yet, or no longer as it was
	before truth
	// never: the store does not take the objects of some row, which must not
	// keep the others from being tried.
	never bool
}

// NewGround is a ground for the rows that will be tried on it.
func NewGround(s Site, rows []Row) *Ground { return &Ground{site: s, rows: rows} }

// Judge tries a row. When something has changed in the shared world, that could
// be another row's doing: the row is tried again in a world of its own.
func (g *Ground) Judge(ctx context.Context, r Row) Verdict {
	if lacking := g.site.lack(r.Needs); lacking != "" && (r.Needs == ShortLives || r.Needs == Revocation) {
		return Verdict{lacking: lacking, Told: "it cannot be tried"}
	}
	if r.shares() {
		if w, before := g.share(ctx); w != nil {
			v := r.judge(ctx, w, before)
			if v.changed == "" {
				return v
			}
			g.retire(w)
		}
	}
	return g.Alone(ctx, r)
}

// Alone judges a row in a world of its own.
func (g *Ground) Alone(ctx context.Context, r Row) Verdict {
	w := newWorld(g.site)
	before, err := w.furnish(ctx, slices.Concat(usual, r.Seeds), r.Uploads, r.looksAtTags(g.site))
	if err != nil {
		return Verdict{faults: []string{"cannot be tried: " + err.Error()}}
	}
	return r.judge(ctx, w, before)
}

// shares tells whether the row leaves no trace, not even for a while.
func (r Row) shares() bool {
	return len(r.Changes) == 0 && r.Needs != Tagging && (r.Want.name != Allowed.name || r.Lease.Access == keyhatch.Read)
}

// share returns the shared world, with all that any row needs, or nil.
func (g *Ground) share(ctx context.Context) (*World, truth) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shared != nil || g.never {
		return g.shared, g.before
	}
	seeds, uploads := slices.Clone(usual), []string(nil)
	for _, r := range g.rows {
		if r.shares() {
			seeds, uploads = append(seeds, r.Seeds...), append(uploads, r.Uploads...)
		}
	}
	slices.Sort(seeds)
	slices.Sort(uploads)
	w := newWorld(g.site)
	before, err := w.furnish(ctx, slices.Compact(seeds), slices.Compact(uploads), false)
	if err != nil {
		g.never = true
		return nil, nil
	}
	g.shared, g.before = w, before
	return w, before
}

// retire leaves a world in which something went wrong.
func (g *Ground) retire(w *World) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shared == w {
		g.shared = nil
	}
}

// furnish seeds a world and looks at it.
func (w *World) furnish(ctx context.Context, seeds, uploads []string, tags bool) (truth, error) {
	if err := w.put(ctx, seeds...); err != nil {
		return nil, err
	}
	if err := w.begin(ctx, uploads...); err != nil {
		return nil, err
	}
	return w.look(ctx, tags)
}
