package confine

import (
	"context"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy"
)

// Prover implements driver.Confiner with what mints the store's sessions.
type Prover struct {
	Vender driver.Vender
	// Transport makes the connections; it decides to what addresses (S10).
	Transport http.RoundTripper
}

// Prove implements driver.Confiner. The sessions last as long as they have to at least.
func (p Prover) Prove(ctx context.Context, t driver.Trial) (checks []keyhatch.Check, later *driver.Later) {
	return Prove(ctx, Config{
		Transport: p.Transport, Bucket: t.Bucket, Other: t.Other,
		Vend: func(ctx context.Context, open policy.Set) (keyhatch.Credentials, error) {
			life := p.Vender.Lives(t.Store, t.As).Least
			v, err := p.Vender.Vend(ctx, driver.VendRequest{
				ID: t.ID, Store: t.Store, As: t.As, User: "=keyhatch", Client: "verify", Open: open, Keys: t.KMSKeys,
				Life: life, Latest: time.Now().Add(life),
			})
			return v.Credentials, err
		},
	})
}
