package ask

import (
	"context"

	"github.com/keyhatch/keyhatch/client"
)

// Names finds what people call what the API tells by its id. What one may not see
// stays an id.
type Names struct {
	ctx   context.Context
	c     *client.Client
	known map[string]string
}

// NewNames begins to find names.
func NewNames(ctx context.Context, c *client.Client) *Names {
	return &Names{ctx: ctx, c: c, known: map[string]string{}}
}

func (n *Names) find(id string, ask func() (string, error)) string {
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

// User is the name of a user.
func (n *Names) User(id string) string {
	return n.find(id, func() (string, error) { u, err := n.c.User(n.ctx, id); return u.Name, err })
}

// Group is the name of a group.
func (n *Names) Group(id string) string {
	return n.find(id, func() (string, error) { g, err := n.c.Group(n.ctx, id); return g.Name, err })
}

// Teamspace is the name of a teamspace.
func (n *Names) Teamspace(id string) string {
	return n.find(id, func() (string, error) { t, err := n.c.Teamspace(n.ctx, id); return t.Name, err })
}

// Workspace is the name of a workspace.
func (n *Names) Workspace(id string) string {
	return n.find(id, func() (string, error) { w, err := n.c.Workspace(n.ctx, id); return w.Name, err })
}

// Store is the name of a store.
func (n *Names) Store(id string) string {
	return n.find(id, func() (string, error) { s, err := n.c.Store(n.ctx, id); return s.Name, err })
}

// Bucket is the name of a bucket.
func (n *Names) Bucket(id string) string {
	return n.find(id, func() (string, error) { b, err := n.c.Bucket(n.ctx, id); return b.Name, err })
}

// Location is the name of a location.
func (n *Names) Location(id string) string {
	return n.find(id, func() (string, error) { l, err := n.c.Location(n.ctx, id); return l.Name, err })
}

// Credential is the name of a credential.
func (n *Names) Credential(id string) string {
	return n.find(id, func() (string, error) { c, err := n.c.Credential(n.ctx, "", id); return c.Name, err })
}
