// Package lending has the verbs of keys to objects: lease, which borrows them and hands
// them on in the ways of package deliver, and exec, which runs a program with them.
package lending
