// Package lending is the use cases about keys: deciding, lending and ending
// leases, and telling our S3 endpoint what of a lease stands.
package lending
