package api

import "time"

// User is a person or a service that calls.
type User struct {
	ID        string    `json:"id" example:"user_0mz3k8q2a7c4f9d"`
	Name      string    `json:"name" doc:"Unique in the installation" example:"ada"`
	FullName  string    `json:"full_name"`
	Email     string    `json:"email"`
	Admin     bool      `json:"admin" doc:"Administers the installation"`
	Active    bool      `json:"active" doc:"An inactive user's tokens and leases are dead"`
	CreatedAt time.Time `json:"created_at"`
}

// NewUser makes a user.
type NewUser struct {
	Name     string `json:"name" maxLength:"128"`
	FullName string `json:"full_name,omitempty" maxLength:"500"`
	Email    string `json:"email,omitempty" maxLength:"500"`
	Admin    bool   `json:"admin,omitempty"`
}

// UserChange changes what it names of a user.
type UserChange struct {
	Name     *string `json:"name,omitempty" maxLength:"128"`
	FullName *string `json:"full_name,omitempty" maxLength:"500"`
	Email    *string `json:"email,omitempty" maxLength:"500"`
	Admin    *bool   `json:"admin,omitempty"`
	Active   *bool   `json:"active,omitempty"`
}

// Workspace is the tenant.
type Workspace struct {
	ID        string    `json:"id" example:"ws_0mz3k8q2a7c4f9d"`
	Name      string    `json:"name" doc:"Unique in the installation" example:"demo"`
	CreatedAt time.Time `json:"created_at"`
}

// Named makes or renames what has nothing but a name.
type Named struct {
	Name string `json:"name" maxLength:"128"`
}

// WorkspaceMember is a user's membership of a workspace.
type WorkspaceMember struct {
	Workspace string    `json:"workspace"`
	User      string    `json:"user"`
	Role      string    `json:"role" enum:"owner,admin,member"`
	Since     time.Time `json:"since"`
}

// MemberRole says what a member is to be.
type MemberRole struct {
	Role string `json:"role" enum:"owner,admin,member"`
}

// Group is a set of users of a workspace, for grants.
type Group struct {
	ID        string    `json:"id" example:"group_0mz3k8q2a7c4f9d"`
	Workspace string    `json:"workspace"`
	Name      string    `json:"name" doc:"Unique in the workspace" example:"geologists"`
	CreatedAt time.Time `json:"created_at"`
}

// GroupMember is a user's membership of a group.
type GroupMember struct {
	Group string    `json:"group"`
	User  string    `json:"user"`
	Since time.Time `json:"since"`
}

// Teamspace is a smaller circle inside a workspace, with its own members, for
// grants.
type Teamspace struct {
	ID         string    `json:"id" example:"ts_0mz3k8q2a7c4f9d"`
	Workspace  string    `json:"workspace"`
	Name       string    `json:"name" doc:"Unique among the workspace's teamspaces" example:"survey-2026"`
	Visibility string    `json:"visibility" enum:"private,public" doc:"Who sees it besides its members and the workspace's admins: nobody, or every member of the workspace"`
	CreatedBy  string    `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
}

// NewTeamspace makes a teamspace.
type NewTeamspace struct {
	Name       string `json:"name" maxLength:"128"`
	Visibility string `json:"visibility,omitempty" enum:"private,public" doc:"Default: private"`
}

// TeamspaceChange changes what it names of a teamspace.
type TeamspaceChange struct {
	Name       *string `json:"name,omitempty" maxLength:"128" doc:"For admins of the workspace"`
	Visibility *string `json:"visibility,omitempty" enum:"private,public"`
}

// TeamspaceMember is a user's membership of a teamspace.
type TeamspaceMember struct {
	Teamspace string    `json:"teamspace"`
	User      string    `json:"user"`
	Role      string    `json:"role" enum:"owner,editor,viewer" doc:"In the teamspace itself; grants to it reach every member alike"`
	Since     time.Time `json:"since"`
}

// TeamspaceRole says what a member is to be.
type TeamspaceRole struct {
	Role string `json:"role" enum:"owner,editor,viewer"`
}
