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
// One table says what is served (operations.go); whatever is not in it, a
// parameter included, is NotImplemented. Headers that ask for more than there is
// are refused by the gateway, for every store alike. An operation reads
// its request, asks the tree, and answers or returns an error, which has its S3
// code in one table (error.go). A request looks at an object once: conditions,
// headers, range and bytes are all of the version that it found then.
//
// A body is streamed, and published only after its end. Whoever verifies it
// speaks there, by the error of the last Read; if it has a method
//
//	Checksum() (name, value string)
//
// that is asked after the end for the x-amz-checksum- header to keep with the
// object. Of a body without this method the Content-MD5 and x-amz-checksum-
// headers are verified here (body.go). Stored checksums are of whole objects: they
// stay with the bytes in a copy. An object joined from parts has the one that the
// request which completed the upload told of it, and else none (package checksum).
//
// Answers are Amazon S3's to the element, with Keyhatch as the owner of
// everything. Times in them are whole seconds. A file of which only the file is
// known is "binary/octet-stream".
//
// If-None-Match and If-Match of a write are exact among concurrent writers,
// deletes included. Completing an upload a second time finds it completed, for
// as long as the object is there that it became, also in another process.
//
// # Differences from Amazon S3
//
// Parts of an upload may be smaller than 5 MiB. The checksums of parts are
// verified but not kept, so those in the request that completes an upload are
// not compared. A marker of a list that lies inside a common prefix is behind
// all of it. In lists that are not URL-encoded, characters that XML cannot hold
// come as U+FFFD. Location, in the answer to a completed upload, is a path. Every
// valid name is a bucket: the gateway knows which are.
package dirstore
