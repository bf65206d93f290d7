// Package logins is the use case of people who log in at another provider: that a browser comes
// back to what it has begun, once; who its user is here; and what that user has for what the
// provider says.
//
// Somebody is known by issuer and subject alone. A name or an e-mail address that a provider says
// is never taken for a user's who is there already; only the configuration says that.
package logins
