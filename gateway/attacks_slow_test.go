package gateway_test

import (
	"strings"
	"time"
)

// long is a body that does not fit into what is read ahead: a store behind has most
// of it before its end is known.
var long = strings.Repeat("0123456789abcdef", 20_000)

// largeAttacks are bodies that turn out wrong when a store has most of them.
func largeAttacks() []group {
	const upload = "/lab/data/a/up.bin?partNumber=1&uploadId={upload}"
	plain := put("/lab/data/a/put.txt", long+"end")
	loose := plain.hashed(unsignedPayload)
	part := put(upload, long+"end")
	over := put("/lab/data/a/in.txt", long+"end")
	chunks := ownPut.chunked(signedChunks, "", long, "end")
	sum := "x-amz-checksum-crc32:" + crc(long)
	signed, unsigned := ownPut.chunked(signedTrailer, sum, long), ownPut.chunked(unsignedTrailer, sum, long)
	return []group{{"large bodies", []row{
		{"another beginning", plain.edit("\r\n\r\n0123", "\r\n\r\nX123").forwarded(), "400 XAmzContentSHA256Mismatch", plain},
		{"another end", plain.edit("fend", "fENd").forwarded(), "400 XAmzContentSHA256Mismatch", plain},
		{"another end, over an object", over.edit("fend", "fENd").forwarded(), "400 XAmzContentSHA256Mismatch", own},
		{"another end of a part", part.edit("fend", "fENd").forwarded(), "400 XAmzContentSHA256Mismatch", get("/lab/data/a/up.bin?uploadId={upload}")},
		{"another MD5", plain.withUnsigned("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==").forwarded(), "400 BadDigest", plain},
		{"another checksum", plain.with("X-Amz-Checksum-Crc32", "AAAAAA==").forwarded(), "400 BadDigest", plain.with("X-Amz-Checksum-Crc32", crc(long+"end"))},
		{"another checksum of a part", part.with("X-Amz-Checksum-Crc32", "AAAAAA==").forwarded(), "400 BadDigest", get("/lab/data/a/up.bin?uploadId={upload}")},
		{"half sent", plain.short(100_000).forwarded(), "400 IncompleteBody", plain},
		{"half sent, unsigned", loose.short(1).forwarded(), "400 IncompleteBody", loose},
		{"half sent, by an address", plain.presign(time.Minute).short(1).forwarded(), "400 IncompleteBody", plain.presign(time.Minute)},
		{"half sent, over an object", over.hashed(unsignedPayload).short(1).forwarded(), "400 IncompleteBody", own},
		{"half a part", part.hashed(unsignedPayload).short(1).forwarded(), "400 IncompleteBody", get("/lab/data/a/up.bin?uploadId={upload}")},
		{"first chunk changed", chunks.edit("0123456789abcdef", "0123456789abcdeF").forwarded(), "403 SignatureDoesNotMatch", chunks},
		{"last chunk changed", chunks.edit("\r\nend\r\n", "\r\nENd\r\n").forwarded(), "403 SignatureDoesNotMatch", chunks},
		{"chunks without their end", chunks.short(86).forwarded(), "400 IncompleteBody", chunks},
		{"chunks half sent", chunks.short(100_000).forwarded(), "400 IncompleteBody", chunks},
		{"trailer changed", signed.edit(sum, "x-amz-checksum-crc32:AAAAAA==").forwarded(), "403 SignatureDoesNotMatch", signed},
		{"trailer of another body", unsigned.edit(sum, "x-amz-checksum-crc32:AAAAAA==").forwarded(), "400 BadDigest", unsigned},
		{"body changed before a trailer", unsigned.edit("0123456789abcdef", "0123456789abcdeF").forwarded(), "400 BadDigest", unsigned},
		{"trailer half sent", signed.short(40).forwarded(), "400 IncompleteBody", signed},
		{"to a neighbour", put("/lab/data/b/planted.txt", long), "403 AccessDenied", plain},
		{"as a document", post("/lab?delete", batch("data/a/in.txt")+strings.Repeat(long, 4)), "400 EntityTooLarge", post("/lab?delete", batch("data/a/gone.txt"))},
	}}}
}

// slowAttacks keep the endpoint waiting. It waits for a while and no longer, and
// publishes nothing of what has come.
func slowAttacks() []group {
	const late = "400 RequestTimeout"
	okTags := put("/lab/data/a/put.txt?tagging", tags("k", "v"))
	okDelete := post("/lab?delete", batch("data/a/gone.txt"))
	document := post("/lab?delete", batch("data/a/in.txt", "data/a/two.txt")+strings.Repeat(" ", 1000))
	parts := get("/lab/data/a/up.bin?uploadId={upload}")
	part := put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", "another part")
	large := put("/lab/data/a/put.txt", long)
	chunks := ownPut.chunked(signedChunks, "", long[:8192], "end")
	manyChunks := ownPut.chunked(signedChunks, "", long, "end")
	sum := "x-amz-checksum-crc32:" + crc(long)
	signed, unsigned := ownPut.chunked(signedTrailer, sum, long), ownPut.chunked(unsignedTrailer, sum, long)
	long1000 := own.withUnsigned("X-Note", strings.Repeat("x", 1000))
	return []group{{"what does not come", []row{
		{"the end of a header", own.edit("Connection: close\r\n\r\n", "X-Note: a").stalled(0), "none", own},
		{"the end of the headers", own.stalled(2), "none", own},
		{"the end of a put's headers", ownPut.edit("\r\n\r\nmine", "\r\n").stalled(0), "none", ownPut},
		{"headers, but for a letter now and then", long1000.dripping(1000), "none", long1000},
		{"a body", ownPut.stalled(4), late, ownPut},
		{"the end of a body", ownPut.stalled(1), late, ownPut},
		{"the end of a body, unsigned", ownPut.hashed(unsignedPayload).stalled(1), late, ownPut.hashed(unsignedPayload)},
		{"the end of a body, by an address", ownPut.presign(time.Minute).stalled(1), late, ownPut.presign(time.Minute)},
		{"the end of a body, over an object", put("/lab/data/a/in.txt", "something else").stalled(1), late, own},
		{"a body that was asked for", ownPut.withUnsigned("Expect", "100-continue").stalled(4), late, ownPut},
		{"half of a large body", large.stalled(100_000).forwarded(), late, large},
		{"the end of a large body", large.stalled(1).forwarded(), late, large},
		{"the end of a large body, unsigned", large.hashed(unsignedPayload).stalled(1).forwarded(), late, large},
		{"the end of a large body, over an object", put("/lab/data/a/in.txt", long).stalled(1).forwarded(), late, own},
		{"the end of a part", part.stalled(1), late, parts},
		{"the end of a large part", put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", long).stalled(1).forwarded(), late, parts},
		{"the head of a chunk", chunks.stalled(86 + 80), late, chunks},
		{"half a chunk", chunks.stalled(1000), late, chunks},
		{"the end of a chunk", chunks.stalled(86 + 2), late, chunks},
		{"the last chunk", chunks.stalled(86), late, chunks},
		{"the end of the chunks", chunks.stalled(2), late, chunks},
		{"half a large chunk", manyChunks.stalled(100_000).forwarded(), late, manyChunks},
		{"the last of large chunks", manyChunks.stalled(86).forwarded(), late, manyChunks},
		{"a trailer", unsigned.stalled(len(sum) + 4).forwarded(), late, unsigned},
		{"half a trailer", unsigned.stalled(10).forwarded(), late, unsigned},
		{"the end of a trailer", unsigned.stalled(2).forwarded(), late, unsigned},
		{"the signature of a trailer", signed.stalled(60).forwarded(), late, signed},
		{"the end of a signed trailer", signed.stalled(2).forwarded(), late, signed},
		{"the end of a batch delete", document.stalled(1001), late, okDelete},
		{"a batch delete, but for a letter now and then", document.dripping(1000), late, okDelete},
		{"the end of tags", okTags.stalled(1), late, okTags},
		{"the end of a completion", post("/lab/data/a/up.bin?uploadId={upload}", whole("{etag}")).stalled(1), late, parts},
		{"the body of a refused put", put("/lab/data/b/planted.txt", long).stalled(10), "403 AccessDenied", ownPut},
		{"the body of a read", call("GET", "/lab/data/a/in.txt", "x").stalled(1), "400 InvalidRequest", own},
		{"the body of what is not offered", put("/lab?policy", "<x/>").stalled(2), "501 NotImplemented", own},
		{"the body of nobody's put", put("/lab/data/a/put.txt", long).anonymous().stalled(10), "403 AccessDenied", own},
	}}}
}
