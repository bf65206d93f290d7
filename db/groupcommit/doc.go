// Package groupcommit runs the writes of a process one after the other and
// commits those that wait together in one transaction, each in a savepoint of its
// own: many callers share one fsync, and a write that fails undoes only itself.
//
// It knows no table. What a write changes in memory beside the rows (the head of
// the audit chain) is the writer's state: a value that goes back with what is
// undone.
package groupcommit
