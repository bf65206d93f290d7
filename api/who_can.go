package api

import "time"

// WhoCan is who could read or write a location, or a prefix in it, at a time.
type WhoCan struct {
	At        time.Time `json:"at" doc:"The time that was asked about, or that of the question"`
	Access    string    `json:"access" enum:"read,write"`
	URL       string    `json:"url" doc:"What was asked about" example:"s3://demo/alpha/"`
	Location  string    `json:"location" doc:"Id of the location that held it then" example:"loc_0mz3k8q2a7c4f9d"`
	Name      string    `json:"name" doc:"Of the location, then" example:"alpha"`
	Workspace string    `json:"workspace" doc:"Id"`
	Locked    bool      `json:"locked" doc:"The location was locked: nobody could write"`
	Ways      []Way     `json:"ways" nullable:"false" doc:"Everybody who could, in every way; who has several keeps the access until all of them end"`
	Doubts    []string  `json:"doubts,omitempty" nullable:"false" doc:"What the audit record cannot tell or contradicts itself in. Without it, the answer is certain"`
}

// Way is one way in which a user, or everyone, could.
type Way struct {
	To            string     `json:"to" enum:"user,everyone" doc:"everyone is every active user, never the anonymous"`
	User          string     `json:"user,omitempty" doc:"Id" example:"user_0mz3k8q2a7c4f9d"`
	UserName      string     `json:"user_name,omitempty" doc:"Then"`
	Access        string     `json:"access" enum:"read,write" doc:"What the grant gives: write includes read"`
	Grant         string     `json:"grant" doc:"Id" example:"grant_0mz3k8q2a7c4f9d"`
	Group         string     `json:"group,omitempty" doc:"Id of the group that the grant names and the user was in"`
	GroupName     string     `json:"group_name,omitempty" doc:"Then"`
	Teamspace     string     `json:"teamspace,omitempty" doc:"Id of the teamspace that the grant names and the user was in"`
	TeamspaceName string     `json:"teamspace_name,omitempty" doc:"Then"`
	Prefix        string     `json:"prefix,omitempty" doc:"The part of what was asked about that the grant opens. Without it: all of it" example:"2024/"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" doc:"When the grant was to end. Without it: until taken back"`
}
