package cli

import (
	"context"

	"github.com/keyhatch/keyhatch/client"
)

// names finds what people call what the API tells by its id. What one may not see
// stays an id.
type names struct {
	ctx   context.Context
	c     *client.Client
	known map[string]string
}

func newNames(ctx context.Context, c *client.Client) *names {
	return &names{ctx: ctx, c: c, known: map[string]string{}}
}

func (n *names) find(id string, ask func() (string, error)) string {
	if id == "" {
		return ""
	}
	name, ok := n.known[id]
	if !ok {
		var err error
		if name, err = ask(); err != nil || name == "" {
			name = id
		}
		n.known[id] = name
	}
	return name
}

func (n *names) user(id string) string {
	return n.find(id, func() (string, error) { u, err := n.c.User(n.ctx, id); return u.Name, err })
}

func (n *names) group(id string) string {
	return n.find(id, func() (string, error) { g, err := n.c.Group(n.ctx, id); return g.Name, err })
}

func (n *names) teamspace(id string) string {
	return n.find(id, func() (string, error) { t, err := n.c.Teamspace(n.ctx, id); return t.Name, err })
}

func (n *names) workspace(id string) string {
	return n.find(id, func() (string, error) { w, err := n.c.Workspace(n.ctx, id); return w.Name, err })
}

func (n *names) store(id string) string {
	return n.find(id, func() (string, error) { s, err := n.c.Store(n.ctx, id); return s.Name, err })
}

func (n *names) location(id string) string {
	return n.find(id, func() (string, error) { l, err := n.c.Location(n.ctx, id); return l.Name, err })
}

func (n *names) credential(id string) string {
	return n.find(id, func() (string, error) { c, err := n.c.Credential(n.ctx, id); return c.Name, err })
}
