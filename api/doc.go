// Package api has the wire types of the native API, which lives under /api/v1
// and is described by openapi.json beside this file. It imports the standard
// library only, so that any program can use it.
//
// Times are RFC 3339 in UTC. Lists come in pages: pass next as cursor to get
// the page that follows; the last page has no next.
package api
