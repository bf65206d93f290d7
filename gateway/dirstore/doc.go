// Package dirstore serves a plain directory tree as S3 objects.
//
// It decides nothing about rights. Package gateway stands in front of it, has
// authenticated, authorised and verified the request, and hands over a body that
// is already decoded. What is on the disk, and what holds there after a crash or
// among concurrent writers, is package tree's: its documentation has the layout,
// the guarantees and the limits.
//
// # The wire
//
// The S3 wire format comes from rclone/gofakes3, which this package feeds and
// mends: requests that it would answer wrongly are refused before it sees them
// (refusal.go), ETags are translated to its form and back (etag.go), its replies
// lose the headers that say what is not so (reply.go), and uploads of an earlier
// process are made known to it (multipart.go). A body is read to its true end, at
// which whoever verifies it speaks (body.go). Every error of the tree has its S3
// code in one table (error.go). A file of which only the file is known is
// "binary/octet-stream".
//
// If-None-Match and If-Match are exact among concurrent writers, deletes
// included; in a batch delete they are looked at just before, and cannot name an
// ETag with a dash. On the target of a copy they are refused.
//
// # Limits
//
// Object bodies are never held in memory, neither here nor in gofakes3, whose own
// multipart store is not used; requests that are not object data are read whole,
// up to 10 MiB, unless the gateway stops them earlier. Refused, since gofakes3
// would answer them wrongly: GetObjectAttributes, uploads by form, bodies that
// are still in aws-chunks, a delimiter in a list of uploads.
package dirstore
