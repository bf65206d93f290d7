// Package cli has the verbs of Keyhatch's users: what they ask of a server, and
// how leases reach their programs. It calls the server as any client does, over
// package client, and never opens a database.
//
// A noun has a file, which begins with its columns (how people see it) and goes
// on with its verbs. Programs get the API's JSON with -o json.
package cli
