// Package seal keeps secrets unreadable at rest: it wraps the data keys with a
// key-encryption key that lives outside the database, seals columns, session
// tokens and tickets with them, hashes API tokens, and keys the audit record's hashes.
//
// Losing the database without the key file loses no secret. Losing the key file
// loses them all: nothing here can be opened without it.
package seal
