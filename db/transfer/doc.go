// Package transfer moves all rows of an SQLite file to the same tables in PostgreSQL: all
// of them or none, and each compared with what has arrived before anything is kept.
package transfer
