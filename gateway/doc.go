// Package gateway is our own S3 endpoint. It enforces leases in front of any
// store, on one walk for every request:
//
//	classify → authenticate → admit → authorize → forward → record
//
// Classify is a literal table of S3's operations; what is not in it is refused.
// Authenticate checks the signature with the secret that the session token
// seals. Admit lets each credential and each user ask so much and no more, and
// nothing that could not be recorded. Authorize asks what of the lease stands at this moment and decides
// every bucket, key and prefix that the request names. Forward hands a request
// that holds nothing unchecked to the store behind the lease. Record writes a
// line about it.
//
// The endpoint listens on a port of its own: objects are other people's HTML,
// and must never share an origin with pages that have cookies.
package gateway
