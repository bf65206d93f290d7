// Package schema is the tables themselves: the migrations, one text each for all
// engines, which of them a database has, and how it comes to have the others.
//
// Programs of the version before serve while a migration runs and after it. Its first line
// says since which version they go on working; docs/decisions/0024-rolling-migrations.md
// has the rule for what it may do then.
package schema
