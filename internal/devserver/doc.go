// Package devserver runs the real keyhatch binary for tests: it builds it, runs
// it on free ports of the loopback interface, waits until it is ready, borrows
// leases from it as any caller would, and ends it.
//
// Start runs "keyhatch dev", which brings sample data along. Serve runs what an
// operator would, "keyhatch init" and "keyhatch serve", with nothing in it: for
// tests that need a configuration, such as TLS, stores behind, a request log.
//
// It is for tests that must see what a user sees, with nothing of the product
// linked in: unmodified clients, crashes and restarts. It therefore imports no
// package of the product and knows only what is promised to the outside: the
// command line, the ready file, the configuration and the logs, the HTTP API.
//
// Nothing here prints a secret: what it hands to a failing test is redacted.
package devserver
