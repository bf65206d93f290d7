// Package driver is the contract with what mints keys: our own S3 endpoint
// (driver/own) and, later, the stores' own services. What a driver can do is
// data, Capabilities; what it does are small interfaces.
package driver
