// Package mirror keeps an image in memory of what is asked at every request:
// users and tokens, workspaces, who is in them and in their groups and
// teamspaces, stores, buckets, locations, grants, access keys with their pairs, and
// the leases that were revoked.
//
// The database's change feed tells what to read again. After a write of its own
// a process catches up before it answers, so a revocation holds at once there;
// in the background the feed is read four times a second, and as soon as the engine
// tells that there is something new. An image older than a
// second is not used: it is refreshed first, and when that fails the question
// is answered with an error, never from what may no longer be true (S7).
package mirror
