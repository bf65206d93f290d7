// Package keys holds drivers that keep access keys at stores to their contract,
// driver.KeyProvisioner, each against a real store.
//
// Two things are looked at. Life: what is done twice, or was done by halves, comes
// out as if it was done once, whichever request or answer was lost; and nothing is
// touched that others made. Rights: the store itself lets a key do what was ordered
// and nothing else, tried with the AWS SDK; what was refused has changed nothing.
//
// What a store does otherwise by its nature is data, Site.Differs: such a row must
// come out the other way, so that the table is true also when the store has learned
// better.
//
// Our own S3 endpoint keeps no keys behind a driver: it reads the record itself, so that
// nothing has to follow and no request can be lost. It runs Rights alone, the rows and what
// becomes of them with other orders, through the core (gateway, TestRightsOfKeys). That a pair
// ends, and a key with its end, is tried there too (TestEndedAccessKeys); what is done twice
// or by halves is a transaction (broker/accesskeys).
package keys
