package arvados

import (
	"context"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// users is the resource as the caller sees it.
func (d *Door) users(c *call) listing.Resource[keyhatch.User] {
	mine := func(u keyhatch.User) bool { return u.ID == c.caller.User.ID || c.caller.User.Admin }
	return listing.Resource[keyhatch.User]{
		Class: "User", Kind: userKind, Infixes: infixes, Columns: []listing.Column[keyhatch.User]{
			listing.TextOrNull("uuid", func(u keyhatch.User) string { return d.uuid(userInfix, keyhatch.UserID, u.ID) }),
			listing.TextOrNull("owner_uuid", func(keyhatch.User) string { return d.uuid(userInfix, keyhatch.UserID, keyhatch.RootUser) }),
			listing.Time("created_at", func(u keyhatch.User) time.Time { return u.CreatedAt }),
			listing.TextOrNull("modified_by_user_uuid", never[keyhatch.User, string]),
			listing.Time("modified_at", never[keyhatch.User, time.Time]),
			listing.TextOrNull("email", func(u keyhatch.User) string { return u.Email }),
			listing.TextOrNull("username", func(u keyhatch.User) string { return u.Name }),
			listing.Text("full_name", func(u keyhatch.User) string { return u.FullName }),
			listing.Text("first_name", func(u keyhatch.User) string { first, _ := names(u.FullName); return first }),
			listing.Text("last_name", func(u keyhatch.User) string { _, last := names(u.FullName); return last }),
			listing.TextOrNull("identity_url", never[keyhatch.User, string]),
			listing.Flag("is_active", func(u keyhatch.User) bool { return u.Active }),
			listing.Flag("is_admin", func(u keyhatch.User) bool { return u.Admin }),
			listing.Flag("is_invited", func(keyhatch.User) bool { return true }),
			listing.Opaque[keyhatch.User]("prefs", struct{}{}),
			listing.Flag("can_write", mine),
			listing.Flag("can_manage", mine),
		},
	}
}

// names takes a full name apart; the last word is the last name.
func names(full string) (first, last string) {
	i := strings.LastIndexByte(full, ' ')
	if i < 0 {
		return full, ""
	}
	return full[:i], full[i+1:]
}

func (d *Door) user(c *call, u keyhatch.User) (any, error) {
	r := d.users(c)
	selected, err := listing.ParseSelect(r, c.values)
	if err != nil {
		return nil, err
	}
	return r.Encode(u, selected), nil
}

func (d *Door) listUsers(ctx context.Context, c *call) (any, error) {
	if err := d.local(c); err != nil {
		return nil, err
	}
	q, err := listing.Ask(d.users(c), c.values)
	if err != nil {
		return nil, err
	}
	return q.Answer(pages(func(p kernel.Page) (kernel.List[keyhatch.User], error) { return d.people.Users(ctx, c.caller, p) }))
}

func (d *Door) currentUser(_ context.Context, c *call) (any, error) { return d.user(c, c.caller.User) }

func (d *Door) getUser(ctx context.Context, c *call) (any, error) {
	id, err := d.id(userInfix, keyhatch.UserID, c.uuid)
	if err != nil {
		return nil, err
	}
	u, err := d.people.User(ctx, c.caller, id)
	if err != nil {
		return nil, err
	}
	return d.user(c, u)
}
