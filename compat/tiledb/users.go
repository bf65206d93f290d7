package tiledb

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

type user struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"display_name"`
	Email       string    `json:"email"`
	Role        string    `json:"role"`
	Username    string    `json:"username"`
	Timezone    string    `json:"timezone"`
	CreatedAt   time.Time `json:"created_at"`
}

type selfAnswer struct {
	User       user        `json:"user"`
	Workspaces []workspace `json:"workspaces"`
}

func (d *Door) self(c *call) (any, error) {
	u := c.caller.User
	out := selfAnswer{
		User: user{
			ID: u.ID, DisplayName: displayName(u), Email: u.Email, Role: string(keyhatch.MemberRole), Username: u.Name, Timezone: "UTC", CreatedAt: u.CreatedAt,
		},
		Workspaces: []workspace{},
	}
	if u.Admin {
		out.User.Role = string(keyhatch.AdminRole)
	}
	all, err := everything(func(p kernel.Page) (kernel.List[keyhatch.Workspace], error) {
		return d.people.Workspaces(c.ctx, c.caller, p)
	})
	if err != nil {
		return nil, err
	}
	for _, ws := range all {
		encoded, err := d.encodeWorkspace(c, ws)
		if err != nil {
			return nil, err
		}
		out.Workspaces = append(out.Workspaces, encoded)
	}
	return data[selfAnswer]{out}, nil
}
