// Package schema is the tables themselves: the migrations, one text each for all
// engines, which of them a database has, and how it comes to have the others.
package schema
