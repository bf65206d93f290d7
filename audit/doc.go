// Package audit keeps the record of events honest. Each process that writes has
// a chain of its own: every event carries a keyed hash (HMAC-SHA-256) over its
// fields and the hash of the event before it, a signed head says how far each
// chain has come, and a signed registry says how many chains there are. Who
// holds the database but not the key can therefore not change, remove, insert
// or reorder events, cut off the end of a chain, or drop a chain, without
// Verify saying where.
//
// A chain alone could be put back to an earlier state, with its head of that time. So
// each process says in its own chain, once an hour, how far the others have come: a
// checkpoint, which Verify holds against them.
//
// What cannot be seen from inside is a return of all to an earlier state: the database
// as a whole, put back from a copy. Heads that were kept elsewhere, as in a log that is
// shipped, show it.
package audit
