// Package oauth is the authorization server's use cases: which programs there are, which of
// them a user lets act for it, by a code or by a device, and which tokens come of that. A
// consent is what all of it hangs on, and ends with.
//
// Source: RFC 6749, RFC 7636, RFC 8628 and RFC 9700; OpenID Connect Core 1.0.
package oauth
