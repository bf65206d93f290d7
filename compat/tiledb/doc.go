// Package tiledb is the door for clients of TileDB: the part of the wire of its
// server, version 4, that its clients manage credentials with, in all the forms in
// which those clients were published, and what they ask before: workspaces,
// teamspaces, tokens, oneself.
//
// An answer has no fields but those that the format has, at any level: some clients
// take an unknown one for a fault. What clients demand and is never shown, a secret,
// is the empty text.
//
// Source: TileDB's published schema of its API and the source of its clients
// (tiledb-client of Python, and those of Java and JavaScript).
package tiledb
