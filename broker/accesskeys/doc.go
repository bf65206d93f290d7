// Package accesskeys is the use cases about long-lived S3 keys: making them with rights on
// buckets, issuing their pairs, and telling our S3 endpoint what of a key stands.
//
// The keys of a store that keeps them itself follow the record by jobs. What changes a
// key asks for its job in the same transaction, and calls its state pending; the job reads
// what the key is to be now, brings the store there, and writes down that it has, unless
// another change came between. What changes a key without touching it, such as its owner's
// standing, is seen in memory. A pair is issued in the call that asks for it, between two
// transactions: the first keeps the job away for a minute and has it run then, the second
// puts the pair on record and is refused when that minute is over. So whatever ends at
// whatever point, a job comes that ends what is not on record.
package accesskeys
