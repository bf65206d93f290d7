package lending

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/deliver"
)

// renewing lends for as long as a program runs. The token that login kept may be another
// one by the time a lease is renewed, as after `keyhatch token rotate`: when the server
// does not take the one at hand, that which is kept for this server now is tried, once.
// A token from the environment is the only one there is.
func renewing(to ask.Connection, open ask.Session, r api.LeaseRequest) deliver.Lend {
	var mu sync.Mutex
	return func(ctx context.Context) (api.Lent, error) {
		mu.Lock()
		defer mu.Unlock()
		lent, err := open.CreateLease(ctx, r)
		if !unknownToken(err) || !open.Kept {
			return lent, err
		}
		kept, readErr := ask.ReadLogins()
		token := kept.Tokens[open.Server]
		if readErr != nil || token == "" || token == open.Token {
			return lent, err
		}
		open.Token, open.Client = token, client.New(open.Server, token).In(to.Workspace)
		return open.CreateLease(ctx, r)
	}
}

// unknownToken tells that the server does not take the token: it was mistyped, has
// ended, or has another secret now.
func unknownToken(err error) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Status == http.StatusUnauthorized
}
