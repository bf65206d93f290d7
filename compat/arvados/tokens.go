package arvados

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// root tells whether the system root token is used, which alone sees everybody's.
func (c *call) root() bool { return c.caller.Token.ID == keyhatch.RootToken }

// visible is the token of that uuid, if the caller sees it.
func (d *Door) visible(ctx context.Context, c *call, uuid string) (keyhatch.Token, error) {
	id, err := d.id(tokenInfix, keyhatch.TokenID, uuid)
	if err != nil {
		return keyhatch.Token{}, err
	}
	t, err := d.people.Token(ctx, c.caller, id)
	if err == nil && t.User != c.caller.User.ID && !c.root() {
		err = errNotFound
	}
	return t, err
}

func (d *Door) listTokens(ctx context.Context, c *call) (any, error) {
	if err := d.local(c); err != nil {
		return nil, err
	}
	if err := d.findSecrets(ctx, c); err != nil {
		return nil, err
	}
	q, err := listing.Ask(d.tokens(), c.values)
	if err != nil {
		return nil, err
	}
	return q.Answer(d.candidates(ctx, c))
}

// candidates are the tokens among which a list looks: the caller's, everybody's for the
// system root, and no more than a filter by uuid or owner_uuid leaves.
func (d *Door) candidates(ctx context.Context, c *call) iter.Seq2[keyhatch.Token, error] {
	owner := c.caller.User.ID
	if c.root() {
		owner = ""
	}
	filters, _ := c.values["filters"].([]any)
	for _, f := range filters {
		filter, _ := f.([]any)
		if len(filter) != 3 || filter[1] != "=" {
			continue
		}
		uuid, _ := filter[2].(string)
		switch filter[0] {
		case "uuid":
			return func(yield func(keyhatch.Token, error) bool) {
				if t, err := d.visible(ctx, c, uuid); !errors.Is(err, errNotFound) && !errors.Is(err, keyhatch.NotFound) {
					yield(t, err)
				}
			}
		case "owner_uuid":
			id, err := d.id(userInfix, keyhatch.UserID, uuid)
			if err != nil || owner != "" && id != owner {
				return func(func(keyhatch.Token, error) bool) {}
			}
			owner = id
		}
	}
	return pages(func(p kernel.Page) (kernel.List[keyhatch.Token], error) {
		l, err := d.people.Tokens(ctx, c.caller, owner, p)
		if owner != c.caller.User.ID && errors.Is(err, keyhatch.NotFound) { // there is no such user
			err = nil
		}
		return l, err
	})
}

// pages goes through all of a list of the core.
func pages[T any](page func(kernel.Page) (kernel.List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for at := (kernel.Page{Limit: kernel.MaxPage}); ; {
			l, err := page(at)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range l.Items {
				if !yield(item, nil) {
					return
				}
			}
			if at.After = l.Next; l.Next == "" {
				return
			}
		}
	}
}

// maxSecrets bounds the secrets that one list is asked by.
const maxSecrets = 10

// findSecrets puts the ids of tokens where a filter, or where, has their secrets: nobody
// else than the core can compare those. The secret of a token that does not work is that
// of none.
func (d *Door) findSecrets(ctx context.Context, c *call) error {
	n := 0
	look := func(secret any) (any, error) {
		text, ok := secret.(string)
		if n++; !ok || n > maxSecrets {
			return nil, listing.Argument("Invalid operand for api_token in filters: it must be a secret, and at most %d of them", maxSecrets)
		}
		i, err := d.people.Inspect(ctx, c.caller, keyhatch.Secret(text))
		if err != nil {
			return nil, err
		}
		return d.uuid(tokenInfix, keyhatch.TokenID, i.Token.ID), nil
	}
	filters, _ := c.values["filters"].([]any)
	filters = slices.Clone(filters)
	for i, f := range filters {
		filter, ok := f.([]any)
		if !ok || len(filter) != 3 || filter[0] != "api_token" {
			continue
		}
		if filter[1] != "=" {
			return listing.Argument("Invalid operator for attribute 'api_token' in filter: it is looked up with '='")
		}
		uuid, err := look(filter[2])
		if err != nil {
			return err
		}
		filters[i] = []any{"uuid", "=", uuid}
	}
	where, _ := c.values["where"].(map[string]any)
	if secret, ok := where["api_token"]; ok {
		uuid, err := look(secret)
		if err != nil {
			return err
		}
		delete(where, "api_token")
		filters = append(filters, []any{"uuid", "=", uuid})
	}
	if n > 0 {
		c.values["filters"] = filters
	}
	return nil
}

// local refuses what only a federation has.
func (d *Door) local(c *call) error {
	cluster, err := c.values.Text("cluster_id")
	if err != nil {
		return err
	}
	if cluster != "" && cluster != d.cluster {
		return listing.Argument("Invalid value for cluster_id parameter: there is no federation")
	}
	if c.values.Boolean("bypass_federation") && !c.caller.User.Admin {
		return errFederation
	}
	return nil
}

func (d *Door) createToken(ctx context.Context, c *call) (any, error) {
	if err := d.local(c); err != nil {
		return nil, err
	}
	a, err := c.attributes()
	if err != nil {
		return nil, err
	}
	if a.uuid != "" {
		return nil, listing.Argument("The uuid attribute cannot be chosen")
	}
	n := people.NewToken{ExpiresAt: d.lastEnd(c, a.expires)}
	if a.scopes != nil {
		n.Scopes = *a.scopes
	}
	if a.owner != "" {
		if n.User, err = d.id(userInfix, keyhatch.UserID, a.owner); err != nil {
			return nil, denied("Owner uuid cannot be nil")
		}
	}
	return d.create(ctx, c, n)
}

func (d *Door) create(ctx context.Context, c *call, n people.NewToken) (any, error) {
	if _, err := listing.ParseSelect(d.tokens(), c.values); err != nil { // before anything is stored
		return nil, err
	}
	t, secret, err := d.people.CreateToken(ctx, c.caller, n)
	var failed *keyhatch.Error
	if n.User != "" && errors.As(err, &failed) && failed.Code == keyhatch.CodeUserNotFound {
		return nil, denied("Owner uuid cannot be nil")
	}
	if err != nil {
		return nil, err
	}
	return d.token(c, t, secret)
}

// lastEnd is when a new token ends for which a client asks, zero for as late as may be:
// that too for a user who asks for later than the installation lets users have, since
// this format cuts off where our own refuses.
func (d *Door) lastEnd(c *call, asked *time.Time) time.Time {
	if asked == nil {
		return time.Time{}
	}
	if longest := d.people.LongestToken(); longest > 0 && !c.exempt() && asked.After(time.Now().Add(longest)) {
		return time.Time{}
	}
	return *asked
}

// exempt tells whether the caller may have tokens that live longer than users' may.
func (c *call) exempt() bool { return c.caller.User.Admin && c.caller.Token.Workspace == "" }

// createSystemAuth makes a token of the system user, or where there is none, of the
// administrator who asks.
func (d *Door) createSystemAuth(ctx context.Context, c *call) (any, error) {
	if !c.caller.User.Admin {
		return nil, errForbidden
	}
	scopes, err := c.systemScopes()
	if err != nil {
		return nil, err
	}
	n := people.NewToken{User: keyhatch.RootUser, Scopes: scopes}
	_, err = d.people.User(ctx, c.caller, n.User)
	if errors.Is(err, keyhatch.NotFound) {
		n.User = ""
	} else if err != nil {
		return nil, err
	}
	return d.create(ctx, c, n)
}

func (d *Door) currentToken(_ context.Context, c *call) (any, error) {
	remote, err := c.values.Text("remote")
	if err != nil {
		return nil, err
	}
	secret := c.secret
	if remote != "" { // who asks for another cluster is not given what works here
		secret = ""
	}
	return d.token(c, c.caller.Token, secret)
}

func (d *Door) getToken(ctx context.Context, c *call) (any, error) {
	t, err := d.visible(ctx, c, c.uuid)
	if err != nil {
		return nil, err
	}
	return d.token(c, t, "")
}

func (d *Door) updateToken(ctx context.Context, c *call) (any, error) {
	t, err := d.visible(ctx, c, c.uuid)
	if err != nil {
		return nil, err
	}
	a, err := c.attributes()
	if err != nil {
		return nil, err
	}
	if a.uuid != "" && a.uuid != c.uuid {
		return nil, denied("uuid cannot be changed")
	}
	if a.owner != "" && a.owner != d.uuid(userInfix, keyhatch.UserID, t.User) {
		return nil, &wireError{status: http.StatusUnprocessableEntity, message: "#<ActiveModel::UnknownAttributeError: the owner of a token cannot be changed>"}
	}
	if _, err := listing.ParseSelect(d.tokens(), c.values); err != nil {
		return nil, err
	}
	change := people.TokenChange{Scopes: a.scopes, ExpiresAt: d.newEnd(c, t, a.expires)}
	if a.scopes != nil && slices.Equal(*a.scopes, t.Scopes) { // as when a record comes back whole
		change.Scopes = nil
	}
	if change.Scopes != nil || change.ExpiresAt != nil {
		if t, err = d.people.UpdateToken(ctx, c.caller, t.ID, change); err != nil {
			return nil, err
		}
	}
	return d.token(c, t, "")
}

// newEnd is lastEnd for a token that there is, nil when nothing changes.
func (d *Door) newEnd(c *call, t keyhatch.Token, asked *time.Time) *time.Time {
	if asked == nil || asked.Truncate(time.Microsecond).Equal(t.ExpiresAt) {
		return nil
	}
	longest := d.people.LongestToken()
	if longest == 0 {
		return asked
	}
	last := time.Now().Add(longest)
	if asked.IsZero() || !c.exempt() && asked.After(last) {
		return &last
	}
	return asked
}

func (d *Door) deleteToken(ctx context.Context, c *call) (any, error) {
	t, err := d.visible(ctx, c, c.uuid)
	if err != nil {
		return nil, err
	}
	answer, err := d.token(c, t, "")
	if err != nil {
		return nil, err
	}
	return answer, d.people.RevokeToken(ctx, c.caller, t.ID)
}
