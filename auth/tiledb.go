package auth

import (
	"context"
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// AdmitTileDB tells who sends a request in TileDB's format, and whether the token's
// scopes allow the route. Its clients send everything that they have at once, and some
// of it empty: a key goes before what stands in Authorization.
func (g *Guard) AdmitTileDB(ctx context.Context, h http.Header, route policy.Route) (keyhatch.Caller, error) {
	return g.Admit(ctx, h, route)
}
