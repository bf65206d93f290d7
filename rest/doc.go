// Package rest is the native API: JSON under /api/v1, described by OpenAPI 3.1
// at /api/v1/openapi.json, failures as RFC 9457 problems with a stable code.
//
// It decides nothing. Each route says which noun it is about and whether it only
// looks; the guard checks that against the token's scopes before the body is
// read; the handler decodes, calls one use case, and encodes its answer. Nothing
// that was submitted is echoed in a problem (S13), and every answer says
// no-store (S14).
package rest

//go:generate go test -run TestOpenAPIIsCurrent . -update
