package keyhatch

import "time"

// Teamspace is a smaller circle inside a workspace, with its own members, for
// grants.
type Teamspace struct {
	ID         string
	Workspace  string
	Name       string // unique among the workspace's teamspaces
	Visibility Visibility
	CreatedBy  string // user id
	CreatedAt  time.Time
}

// Visibility says who sees a teamspace besides its members and those who manage
// its workspace.
type Visibility string

// The visibilities.
const (
	Private Visibility = "private" // nobody
	Public  Visibility = "public"  // every member of the workspace
)

// ParseVisibility reads a visibility.
func ParseVisibility(s string) (Visibility, error) {
	switch v := Visibility(s); v {
	case Private, Public:
		return v, nil
	}
	return "", Fail(Invalid, CodeInvalidRequest, `a teamspace is "private" or "public"`).In("visibility")
}
