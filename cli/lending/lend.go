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
//
// The workspace of the first lease is that of all: the one that is implied may be
// another, or none, by the time of the next.
func renewing(to ask.Connection, open ask.Session, r api.LeaseRequest) deliver.Lend {
	var mu sync.Mutex
	return func(ctx context.Context) (api.Lent, error) {
		mu.Lock()
		defer mu.Unlock()
		lent, err := open.CreateLease(ctx, r)
		if unknownToken(err) {
			token, ok := keptSince(open)
			if !ok {
				return lent, err
			}
			open.Token, open.Client = token, client.New(open.Server, token).In(to.Workspace)
			lent, err = open.CreateLease(ctx, r)
		}
		if err == nil && lent.Workspace != "" { // older servers do not tell
			to.Workspace = lent.Workspace
			open.Client = open.In(lent.Workspace)
		}
		var refused *api.Problem
		if errors.As(err, &refused) { // it may be told by who knows nothing of the command line
			err = to.Explain(err)
		}
		return lent, err
	}
}

// keptSince is the token that login keeps for the session's server, when it is another
// than the session's and that was kept, too.
func keptSince(open ask.Session) (token string, ok bool) {
	if !open.Kept {
		return "", false
	}
	kept, err := ask.ReadLogins()
	token = kept.Tokens[open.Server]
	return token, err == nil && token != "" && token != open.Token
}

// unknownToken tells that the server does not take the token: it was mistyped, has
// ended, or has another secret now.
func unknownToken(err error) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Status == http.StatusUnauthorized
}
