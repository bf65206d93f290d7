// Package people is the use cases about who calls: users, groups, teamspaces and
// workspaces with their members, and API tokens.
package people
