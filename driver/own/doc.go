// Package own lends what our own S3 endpoint enforces: the lease travels sealed
// in its session token, the endpoint opens it and asks what of it still stands.
package own
