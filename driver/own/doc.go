// Package own lends what our own S3 endpoint enforces: the lease travels sealed
// in its session token, the endpoint opens it and asks what of it still stands.
//
// Access keys need no driver here: the endpoint looks them up on record. What they open is
// held to the same rows as at other stores: see driver/drivertest/keys.
package own
