// Package sessionpolicy reads, asks and writes session policies in IAM's language,
// as far as session policies for S3 use it.
//
// Parse reads one that narrows a lease, and Policies.Allow tells of a request to our
// S3 endpoint whether it passes. Dialect.Write says what a policy.Set opens to a store
// which enforces session policies itself.
package sessionpolicy
