// Package auth tells who calls: it finds the token in a request, asks the core
// whose it is, and checks that the token's scopes allow the route. It does so
// from the headers alone, cookies among them, before any body is read, but for the one format that can
// carry a token in a form. What is left of a token's request limit it tells in headers.
package auth
