// Package accesskeys is the use cases about long-lived S3 keys: making them with rights on
// buckets, issuing their pairs, and telling our S3 endpoint what of a key stands. Package
// storekeys has the stores follow that keep keys themselves.
//
// A pair of such a store is issued in the call that asks for it, between two transactions:
// the first keeps the key's job away for a minute and has it run then, the second puts the
// pair on record and is refused when that minute is over. So whatever ends at whatever
// point, a job comes that ends what is not on record.
package accesskeys
