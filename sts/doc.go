// Package sts is the door that speaks the wire of AWS's Security Token Service, so
// that every AWS SDK can borrow leases and renew them by itself. It offers
//
//   - AssumeRoleWithWebIdentity: lends to an API token, the web identity;
//   - AssumeRole, signed with a lease or an access key: lends a lease on part of what that opens;
//   - GetCallerIdentity, signed with either: tells whose it is.
//
// A role names a location and an access, see role.go. Parameters come as a form, in
// the body of a POST or the query of a GET; answers are XML. What is not understood,
// parameters included, is refused, never passed over: a client that asks for less
// than it gets must know.
//
// Source: AWS STS API reference, version 2011-06-15.
package sts
