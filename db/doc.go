// Package db keeps the nouns in tables. It stores ciphertext and hashes and never
// seals or opens anything; it knows no rule beyond the tables' constraints.
//
// Reads go through a Reader, which DB (a pool of read-only connections) and Tx
// share. Writes go through DB.Write: one writer runs them one after the other
// and commits those that wait together in one transaction, each in a savepoint
// of its own, so that many callers share one fsync and a failing write undoes
// only itself.
//
// Every write that memory elsewhere must learn of leaves a line in the change
// feed, in the same transaction. The SQL is one text for SQLite and PostgreSQL.
package db
