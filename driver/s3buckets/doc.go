// Package s3buckets makes and removes buckets of stores that speak S3, with the store's
// credential, and looks at what is in them. It needs s3:CreateBucket, s3:DeleteBucket,
// s3:ListAllMyBuckets, s3:ListBucket, s3:ListBucketVersions, s3:ListBucketMultipartUploads
// and s3:GetObject.
//
// # Whose a bucket is
//
// That a Create was answered well says little: some stores, AWS's us-east-1 and Ceph among
// them, answer a second one of the same account like the first. So a name is looked up
// before. After a call or a process that ended in the middle, a bucket is ours when it is
// our account's, was made within the time that the call had after the name was seen to be
// free, by the store's own clock, and has nothing in it. Any other is somebody else's and
// is left alone. What cannot be told from ours is an empty bucket that somebody else makes
// with the same account within that time.
package s3buckets
