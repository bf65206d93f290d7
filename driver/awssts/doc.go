// Package awssts mints credentials with the token service of AWS, and of stores that
// have one as AWS does (MinIO, Ceph's RGW): sessions that the store itself confines.
//
// What acts for us decides how. A role is assumed, with its external id or with a token
// of an identity provider; keys of an S3-compatible store assume no role, which keeps
// their own rights; and keys of AWS get a federation token. Each session carries a
// policy that says what it is to open (sessionpolicy.Dialect), and opens only what its
// authority and the policy both do.
//
// The package is what stores that lend "sts" are for (keyhatch.Lending). Package shield
// stands before it, so that a store is asked no more than it must be.
package awssts
