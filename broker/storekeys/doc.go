// Package storekeys has stores that keep access keys themselves follow the record.
//
// They follow by jobs. What changes a key asks for its job in the same transaction, and
// calls its state pending; the job reads what the key is to be now, brings the store
// there, and writes down that it has, unless another change came between. What changes what
// a key opens without touching it, such as its owner's standing, asks for the jobs of the
// keys that it may concern where it can name them, and is seen in memory everywhere else.
// Package accesskeys has the use cases of keys, and issues pairs.
package storekeys
