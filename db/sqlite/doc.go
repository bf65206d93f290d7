// Package sqlite is the database engine of one machine: a file, modernc's SQLite
// in this process, and the settings on which durability rests. It knows no table.
package sqlite
