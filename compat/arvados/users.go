package arvados

import (
	"context"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// users is the resource as the caller sees it.
func (d *Door) users(c *call) resource[keyhatch.User] {
	null := func(keyhatch.User) value { return value{null: true} }
	mine := func(u keyhatch.User) value { return value{yes: u.ID == c.caller.User.ID || c.caller.User.Admin} }
	return resource[keyhatch.User]{"User", userKind, []column[keyhatch.User]{
		{"uuid", words, func(u keyhatch.User) value { return textOrNull(d.uuid(userInfix, keyhatch.UserID, u.ID)) }},
		{"owner_uuid", words, func(keyhatch.User) value { return value{text: d.uuid(userInfix, keyhatch.UserID, broker.RootUser)} }},
		{"created_at", moment, func(u keyhatch.User) value { return timeOrNull(u.CreatedAt) }},
		{"modified_by_user_uuid", words, null},
		{"modified_at", moment, null},
		{"email", words, func(u keyhatch.User) value { return textOrNull(u.Email) }},
		{"username", words, func(u keyhatch.User) value { return textOrNull(u.Name) }},
		{"full_name", words, func(u keyhatch.User) value { return value{text: u.FullName} }},
		{"first_name", words, func(u keyhatch.User) value { first, _ := names(u.FullName); return value{text: first} }},
		{"last_name", words, func(u keyhatch.User) value { _, last := names(u.FullName); return value{text: last} }},
		{"identity_url", words, null},
		{"is_active", flag, func(u keyhatch.User) value { return value{yes: u.Active} }},
		{"is_admin", flag, func(u keyhatch.User) value { return value{yes: u.Admin} }},
		{"is_invited", flag, func(keyhatch.User) value { return value{yes: true} }},
		{"prefs", opaque, func(keyhatch.User) value { return value{any: struct{}{}} }},
		{"can_write", flag, mine},
		{"can_manage", flag, mine},
	}}
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
	selected, err := parseSelect(r, c.parameters)
	if err != nil {
		return nil, err
	}
	return r.encode(u, selected), nil
}

func (d *Door) listUsers(ctx context.Context, c *call) (any, error) {
	if err := d.local(c); err != nil {
		return nil, err
	}
	q, err := ask(d.users(c), c.parameters)
	if err != nil {
		return nil, err
	}
	return q.answer(pages(func(p kernel.Page) (kernel.List[keyhatch.User], error) { return d.people.Users(ctx, c.caller, p) }))
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
