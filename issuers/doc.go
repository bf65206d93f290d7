// Package issuers checks signed tokens (JWTs) of the issuers that the configuration names,
// and reads by the rules of their issuer what they say: who calls, in which workspaces, and
// with which scopes. Whether there is such a user is for others to tell.
//
// The keys of an issuer are in the configuration's files, or are fetched from where its
// discovery document says, through the transport that New is given. A token chooses neither
// its key nor its algorithm: both have to be the issuer's, and the configuration's.
//
// Source: RFC 7515, 7517, 7519, 8725; OpenID Connect Discovery 1.0.
package issuers
