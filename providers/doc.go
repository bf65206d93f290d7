// Package providers talks to the OpenID providers at which people log in: where a browser is
// sent, what it comes back with, and what the provider has signed about who that is, read by
// the configuration's rules. Whether anybody is let in, and as whom, is for others to tell.
//
// A provider is found by its discovery document, through the transport that New is given; what is
// fetched is bounded, and redirects are not followed. Its ID token has to be signed by a key that
// it publishes, with an algorithm whose keys are public, for us, for this login.
//
// Source: OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0; RFC 7636; RFC 9700.
package providers
