// Package s3wire is what Amazon S3 says of every request, whatever store is behind:
// how much it may bring, what tags, metadata, ids and the source of a copy may be,
// and how it is refused. The endpoint holds requests to it, and a folder store too.
package s3wire
