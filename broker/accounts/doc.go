// Package accounts is the use cases about store accounts: a workspace's standing on a
// store, on which its buckets and access keys there rest.
package accounts
