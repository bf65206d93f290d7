// Package certificate makes TLS certificates for the loopback interface, for
// tests in which a server and its clients are on one machine.
package certificate
