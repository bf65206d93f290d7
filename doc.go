// Package keyhatch holds the nouns of Keyhatch, a credential service for object
// storage: users and their tokens, workspaces, stores, buckets, locations,
// grants, leases, and the events that record what happened to them.
//
// The package is the vocabulary that every other package shares. A noun has one
// meaning and one file; a file holds the type, the rules that can be decided
// from its value alone, and nothing else. There is no I/O here and there are no
// imports beyond the standard library.
package keyhatch
