package drivertest

import (
	"context"
	"slices"
	"sync"

	"github.com/keyhatch/keyhatch"
)

// ground is the worlds of a site. A row that changes something has one of its
// own. All others share one: to put its objects there is most of what a row
// costs.
type ground struct {
	site Site

	mu     sync.Mutex
	shared *world // nil: not made yet, or no longer as it was
	before truth
	// never: the store does not take the objects of some row, which must not
	// keep the others from being tried.
	never bool
}

// judge tries a row. When something has changed in the shared world, that could
// be another row's doing: the row is tried again in a world of its own.
func (g *ground) judge(ctx context.Context, r row) verdict {
	if lacking := g.site.lack(r.needs); lacking != "" && (r.needs == shortLives || r.needs == revocation) {
		return verdict{lacking: lacking, told: "it cannot be tried"}
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
	return g.alone(ctx, r)
}

// alone judges a row in a world of its own.
func (g *ground) alone(ctx context.Context, r row) verdict {
	w := newWorld(g.site)
	before, err := w.furnish(ctx, slices.Concat(usual, r.seeds), r.uploads, r.looksAtTags(g.site))
	if err != nil {
		return verdict{faults: []string{"cannot be tried: " + err.Error()}}
	}
	return r.judge(ctx, w, before)
}

// shares tells whether the row leaves no trace, not even for a while.
func (r row) shares() bool {
	return len(r.changes) == 0 && r.needs != Tagging && (r.want.name != allowed.name || r.lease.access == keyhatch.Read)
}

// share returns the shared world, with all that any row needs, or nil.
func (g *ground) share(ctx context.Context) (*world, truth) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shared != nil || g.never {
		return g.shared, g.before
	}
	seeds, uploads := slices.Clone(usual), []string(nil)
	for _, r := range matrix {
		if r.shares() {
			seeds, uploads = append(seeds, r.seeds...), append(uploads, r.uploads...)
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
func (g *ground) retire(w *world) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shared == w {
		g.shared = nil
	}
}

// furnish seeds a world and looks at it.
func (w *world) furnish(ctx context.Context, seeds, uploads []string, tags bool) (truth, error) {
	if err := w.put(ctx, seeds...); err != nil {
		return nil, err
	}
	if err := w.begin(ctx, uploads...); err != nil {
		return nil, err
	}
	return w.look(ctx, tags)
}
