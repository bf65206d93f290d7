// Package buckets is the use cases about buckets: making them at the store, putting on
// record those that are there, what is said of them, who may have them, how much is in
// them, and removing them.
//
// # Nothing half done
//
// A bucket is put on record before the store is asked, as one that is pending or being
// removed and opens nothing to anybody, together with a job. The call does what is to be
// done itself, and has the job forgotten. When it or its process ends in the middle, or
// the store does not answer, the job goes on; what the store goes on refusing is taken
// back. driver.BucketKeeper tells whether a bucket that is there is one that we have made:
// another is never taken for it.
package buckets
