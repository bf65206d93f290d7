package driver

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

// Prober asks clouds about authorities. It stores nothing.
type Prober interface {
	// Probe tells how an authority fares that is well formed. base is what a role
	// is assumed through; nil: as what Keyhatch itself is. It answers within the
	// context's time, and never with an authority's secret.
	Probe(ctx context.Context, a keyhatch.Authority, base *keyhatch.Authority) []keyhatch.Check
}
