// Package accesskeys is the use cases about long-lived S3 keys: making them with rights on
// buckets, issuing their pairs, and telling our S3 endpoint what of a key stands.
package accesskeys
