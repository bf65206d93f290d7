package gateway_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
	"unicode/utf16"
)

// wireAttacks are shapes that two readers of HTTP could read in two ways, and
// headers beyond every measure. A hidden request, had it been answered, would
// show as "and more".
func wireAttacks() []group {
	const hidden = "GET /lab/data/a/in.txt HTTP/1.1\r\nHost: {address}\r\n\r\n"
	const chunkedHidden = "0\r\n\r\n" + hidden
	kept := ownPut.kept()
	streamed := ownPut.hashed(unsignedPayload).kept()
	length := "Content-Length: 4"
	return []group{
		{"two lengths", []row{
			{"that differ", kept.edit(length, length+"\r\nContent-Length: 5"), "400", kept},
			{"that differ, the other way", kept.edit(length, "Content-Length: 5\r\n"+length), "400", kept},
			{"in one line", kept.edit(length, "Content-Length: 4, 5"), "400", kept},
			{"with a sign", kept.edit(length, "Content-Length: +4"), "400", kept},
			{"below zero", kept.edit(length, "Content-Length: -4"), "400", kept},
			{"in hexadecimal", kept.edit(length, "Content-Length: 0x4"), "400", kept},
			{"beyond every number", kept.edit(length, "Content-Length: 99999999999999999999"), "400", kept},
			{"empty", kept.edit(length, "Content-Length: "), "400", kept},
			{"with a blank before the colon", kept.edit(length, "Content-Length : 4"), "400", kept},
			{"length and chunks", streamed.edit(length, length+"\r\nTransfer-Encoding: chunked").edit("\r\n\r\nmine", "\r\n\r\n"+chunkedHidden), "411 MissingContentLength", kept},
			{"chunks and length", streamed.edit(length, "Transfer-Encoding: chunked\r\n"+length).edit("\r\n\r\nmine", "\r\n\r\n"+chunkedHidden), "411 MissingContentLength", kept},
			{"chunks and length 0", streamed.edit(length, "Content-Length: 0\r\nTransfer-Encoding: chunked").edit("\r\n\r\nmine", "\r\n\r\n"+chunkedHidden), "411 MissingContentLength", kept},
			{"chunks and a signed length", kept.with("Content-Length", "4").edit("\r\n"+length+"\r\n", "\r\nTransfer-Encoding: chunked\r\n"), "400 AuthorizationHeaderMalformed", none},
			{"chunks of two kinds", kept.edit(length, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), "501", kept},
			{"chunks in a list", kept.edit(length, "Transfer-Encoding: gzip, chunked"), "501", kept},
			{"chunks, misspelt", kept.edit(length, "Transfer-Encoding: xchunked"), "501", kept},
			{"chunks behind a control character", kept.edit(length, "Transfer-Encoding: \x0bchunked"), "400", kept},
			{"chunks with a blank before the colon", kept.edit(length, length+"\r\nTransfer-Encoding : chunked"), "400", kept},
			{"chunks on a line that goes on", kept.edit(length, length+"\r\nTransfer-Encoding:\r\n chunked"), "411 MissingContentLength", kept},
			{"identity", kept.edit(length, "Transfer-Encoding: identity"), "501", kept},
			{"chunks twice", kept.edit(length, "Transfer-Encoding: chunked, chunked"), "501", kept},
			{"chunks in two headers", kept.edit(length, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "501", kept},
			{"chunks, quoted", kept.edit(length, `Transfer-Encoding: "chunked"`), "501", kept},
			{"length with a comment", kept.edit(length, "Content-Length: 4;x"), "400", kept},
			{"length in other digits", kept.edit(length, "Content-Length: \u0664"), "400", kept},
			{"length in exponents", kept.edit(length, "Content-Length: 4e0"), "400", kept},
			{"chunk size below zero", streamed.edit(length, "Transfer-Encoding: chunked").edit("\r\n\r\nmine", "\r\n\r\n-1\r\nmine"), "411 MissingContentLength", kept},
			{"chunks of a read", own.kept().edit("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"+chunkedHidden), "400 InvalidRequest", own.kept()},
			{"chunks of a delete", del("/lab/data/a/in.txt").kept().edit("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"+chunkedHidden), "400 InvalidRequest", own.kept()},
			{"chunks of version 1.0", kept.edit("HTTP/1.1", "HTTP/1.0").edit(length, length+"\r\nTransfer-Encoding: chunked").edit("\r\n\r\nmine", "\r\n\r\n0\r\n\r\n"), "400 XAmzContentSHA256Mismatch", kept},
		}},
		{"hidden requests", []row{
			{"in the body of a read", call("GET", "/lab/data/a/in.txt", hidden).kept(), "400 InvalidRequest", own.kept()},
			{"in the body of a refused put", put("/lab/data/b/planted.txt", hidden).kept(), "403 AccessDenied", put("/lab/data/a/put.txt", hidden).kept()},
			{"in the body of a put by nobody", put("/lab/data/a/put.txt", hidden).anonymous().kept(), "403 AccessDenied", none},
			{"in the body of what is not offered", call("PATCH", "/lab/data/a/put.txt", hidden).kept(), "501 NotImplemented", none},
			{"behind the last chunk of a refused put", put("/lab/data/b/planted.txt", "").hashed(unsignedPayload).kept().edit("Content-Length: 0", "Transfer-Encoding: chunked").edit("\r\n\r\n", "\r\n\r\n"+chunkedHidden), "403 AccessDenied", none},
			{"in the body of a HEAD", call("HEAD", "/lab/data/a/in.txt", hidden).kept(), "400", head("/lab/data/a/in.txt").kept()},
			{"behind the aws-chunks", ownPut.chunked(signedChunks, "", "chunk").behind(hidden).kept(), "400 IncompleteBody", ownPut.chunked(signedChunks, "", "chunk").kept()},
			{"behind the body", ownPut.behind(hidden).kept(), "400 XAmzContentSHA256Mismatch", kept},
			{"by nobody, behind somebody's", own.kept().edit("\r\n\r\n", "\r\n\r\nGET /lab/data/a/in.txt HTTP/1.1\r\nHost: {address}\r\n\r\n").forwarded(), "200 and 403 AccessDenied", own.kept()},
			{"in a chunk's extension", streamed.edit(length, "Transfer-Encoding: chunked").edit("\r\n\r\nmine", "\r\n\r\n4;x=\""+hidden+"\"\r\nmine\r\n0\r\n\r\n"), "411 MissingContentLength", kept},
			{"in a trailer", streamed.edit(length, "Transfer-Encoding: chunked\r\nTrailer: X-Amz-Copy-Source").edit("\r\n\r\nmine", "\r\n\r\n4\r\nmine\r\n0\r\nX-Amz-Copy-Source: /lab/data/b/canary-b.txt\r\n\r\n"), "411 MissingContentLength", kept},
			{"trailer that is a length", streamed.edit(length, "Transfer-Encoding: chunked\r\nTrailer: Content-Length").edit("\r\n\r\nmine", "\r\n\r\n4\r\nmine\r\n0\r\nContent-Length: 9\r\n\r\n"), "400", kept},
			{"behind a bare line end", put("/lab/data/b/planted.txt", "").kept().edit("\r\n\r\n", "\n\n"+hidden), "403 AccessDenied and 403 AccessDenied", none},
			{"behind a refused read", get("/lab/data/b/canary-b.txt").kept().edit("\r\n\r\n", "\r\n\r\nGET /lab/data/b/canary-b.txt HTTP/1.1\r\nHost: {address}\r\n\r\n"), "403 AccessDenied and 403 AccessDenied", none},
			{"behind chunks of a document", post("/lab?delete", "").chunked(signedChunks, "", batch("data/a/gone.txt")).behind(hidden).kept(), "400 IncompleteBody", post("/lab?delete", "").chunked(signedChunks, "", batch("data/a/gone.txt")).kept()},
		}},
		{"headers", []row{
			{"waits for the word to go on", put("/lab/data/b/planted.txt", "x").withUnsigned("Expect", "100-continue"), "403 AccessDenied", none},
			{"expects something else", ownPut.withUnsigned("Expect", "magic"), "417", ownPut},
			{"carriage return alone", own.edit("Connection: close", "X-Note: a\rHost: evil.example\r\nConnection: close"), "400", own},
			{"NUL", own.edit("Connection: close", "X-Note: a\x00b\r\nConnection: close"), "400", own},
			{"name with a blank", own.edit("Connection: close", "X Note: a\r\nConnection: close"), "400", own},
			{"no colon", own.edit("Connection: close", "X-Note\r\nConnection: close"), "400", own},
			{"no name", own.edit("Connection: close", ": a\r\nConnection: close"), "400", own},
			{"line that goes on before the first", own.edit("Host:", " X: y\r\nHost:"), "400", own},
			{"name that is not ASCII", own.edit("Connection: close", "X-Nöte: a\r\nConnection: close"), "400", own},
			{"100 kB in one", own.withUnsigned("X-Note", strings.Repeat("x", 100_000)), "431", own},
			{"100 kB in many", own.edit("Connection: close", strings.Repeat("X-Note: aaaaaaaaaaaaaaaa\r\n", 4000)+"Connection: close"), "431", own},
			{"100 kB of a target", own.edit("/in.txt", "/"+strings.Repeat("x", 100_000)), "431", own},
			{"100 kB of a query", ownList.edit("prefix=data/a/", "prefix=data/a/"+strings.Repeat("x", 100_000)), "431", ownList},
			{"100 kB of a method", own.edit("GET", strings.Repeat("G", 100_000)), "431", own},
			{"100 kB of a name", own.edit("Connection: close", strings.Repeat("X", 100_000)+": a\r\nConnection: close"), "431", own},
			{"a thousand signed names", own.edit("SignedHeaders=", "SignedHeaders="+strings.Repeat("a;", 1000)), "400 AuthorizationHeaderMalformed", own},
			{"100 kB of a copy source", copied("/lab/data/a/"+strings.Repeat("x", 100_000), "/lab/data/a/copied.txt"), "431", own},
			{"100 kB of tags", ownPut.with("X-Amz-Tagging", "k="+strings.Repeat("x", 100_000)), "431", ownPut},
			{"30 kB of metadata", ownPut.with("X-Amz-Meta-Note", strings.Repeat("x", 30_000)), "400 MetadataTooLarge", ownPut.with("X-Amz-Meta-Note", strings.Repeat("x", 1000))},
			{"a thousand parameters", get("/lab?list-type=2&prefix=data/a/" + strings.Repeat("&x-id=1", 1000)), "400 InvalidURI", ownList},
			{"many ranges", own.with("Range", "bytes="+strings.Repeat("0-0,", 2000)+"0-0"), "501 NotImplemented", own.with("Range", "bytes=0-3")},
			{"range to the greatest number", own.with("Range", "bytes=1-9223372036854775807").forwarded(), "206", own},
			{"range beyond the end", own.with("Range", "bytes=99999-").forwarded(), "416 InvalidRange", own},
			{"range beyond every number", own.with("Range", "bytes=0-99999999999999999999").forwarded(), "206; minio: 200; versitygw: 200", own},
		}},
	}
}

// bodyAttacks send another body than the one that was signed, or not all of it.
// Nothing of it is published.
func bodyAttacks() []group {
	large := strings.Repeat("0123456789abcdef", 512) // the least that a chunk may have
	chunks := ownPut.chunked(signedChunks, "", large, "end")
	trailer := "x-amz-checksum-crc32:" + crc(large)
	trailed := ownPut.chunked(signedTrailer, trailer, large)
	loose := ownPut.chunked(unsignedTrailer, trailer, large)
	part := put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", "a part")
	return []group{{"bodies", []row{
		{"another one", ownPut.edit("\r\n\r\nmine", "\r\n\r\nyour"), "400 XAmzContentSHA256Mismatch", ownPut},
		{"another part", part.edit("\r\n\r\na part", "\r\n\r\nb part"), "400 XAmzContentSHA256Mismatch", part},
		{"another one by an address that says which", ownPut.presign(time.Minute).hashed(hexSHA256("mine")).with("X-Amz-Content-Sha256", hexSHA256("mine")).edit("\r\n\r\nmine", "\r\n\r\nyour"), "400 XAmzContentSHA256Mismatch", none},
		{"none", put("/lab/data/a/put.txt", "").hashed(hexSHA256("mine")), "400 XAmzContentSHA256Mismatch", ownPut},
		{"hash that is none", ownPut.hashed("UNSIGNED"), "400 InvalidArgument", ownPut.hashed(unsignedPayload)},
		{"hash in capitals", ownPut.hashed(strings.ToUpper(hexSHA256("mine"))), "400 InvalidArgument", ownPut},
		{"hash turned off after signing", ownPut.edit("X-Amz-Content-Sha256: "+hexSHA256("mine"), "X-Amz-Content-Sha256: "+unsignedPayload), "403 SignatureDoesNotMatch", ownPut},
		{"another MD5", ownPut.withUnsigned("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), "400 BadDigest", ownPut},
		{"MD5 that is none", ownPut.withUnsigned("Content-MD5", "x"), "400 InvalidDigest", ownPut},
		{"another checksum", ownPut.with("X-Amz-Checksum-Crc32", "AAAAAA=="), "400 BadDigest", ownPut},
		{"two checksums", ownPut.with("X-Amz-Checksum-Crc32", "AAAAAA==").with("X-Amz-Checksum-Sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "400 InvalidRequest", ownPut},
		{"unknown checksum", ownPut.with("X-Amz-Checksum-Xxhash", "AAAAAA=="), "400 InvalidRequest", ownPut},
		{"chunk changed", chunks.edit("\r\nend\r\n", "\r\nENd\r\n"), "403 SignatureDoesNotMatch", chunks},
		{"first chunk changed", chunks.edit("0123456789abcdef", "0123456789abcdeF"), "403 SignatureDoesNotMatch", chunks},
		{"signature of a chunk changed", chunks.edit("2000;chunk-signature=", "2000;chunk-signature=0"), "400 IncompleteBody", chunks},
		{"chunk not signed", chunks.edit("3;chunk-signature=", "3;x="), "400 IncompleteBody", chunks},
		{"chunk longer than said", chunks.edit("\r\n3;chunk", "\r\n4;chunk"), "400 IncompleteBody", chunks},
		{"chunk of a size beyond every number", chunks.edit("\r\n\r\n2000;", "\r\n\r\nffffffffffffffff;"), "400 IncompleteBody", chunks},
		{"chunk of a size below zero", chunks.edit("\r\n\r\n2000;", "\r\n\r\n-2000;"), "400 IncompleteBody", chunks},
		{"small chunks", ownPut.chunked(signedChunks, "", "a", "b"), "403 InvalidChunkSizeError", chunks},
		{"chunks end early", ownPut.chunked(signedChunks, "", "end").edit("0;chunk-signature", "0;CHUNK-signature"), "400 IncompleteBody", chunks},
		{"more than the decoded length", ownPut.chunked(signedChunks, "", "ab").decoded("1"), "400 IncompleteBody", chunks},
		{"less than the decoded length", ownPut.chunked(signedChunks, "", "ab").decoded("3"), "400 IncompleteBody", chunks},
		{"no decoded length", ownPut.hashed(signedChunks), "411 MissingContentLength", chunks},
		{"decoded length below zero", ownPut.hashed(signedChunks).with("X-Amz-Decoded-Content-Length", "-1"), "400 InvalidArgument", chunks},
		{"decoded length with a sign", ownPut.hashed(signedChunks).with("X-Amz-Decoded-Content-Length", "+4"), "400 InvalidArgument", chunks},
		{"decoded length in hexadecimal", ownPut.hashed(signedChunks).with("X-Amz-Decoded-Content-Length", "0x4"), "400 InvalidArgument", chunks},
		{"decoded length twice", chunks.withUnsigned("X-Amz-Decoded-Content-Length", "1"), "400 InvalidArgument", chunks},
		{"trailer of metadata", ownPut.chunked(unsignedTrailer, "x-amz-meta-note:x", large), "400 InvalidRequest", loose},
		{"trailer of a copy source", ownPut.chunked(unsignedTrailer, "x-amz-copy-source:/lab/data/b/canary-b.txt", large), "400 InvalidRequest", loose},
		{"two trailers", loose.edit(trailer, trailer+"\r\nx-amz-acl:public-read"), "400 IncompleteBody", loose},
		{"trailer twice", loose.edit(trailer, trailer+"\r\n"+trailer), "400 IncompleteBody", loose},
		{"trailer not signed", trailed.edit("x-amz-trailer-signature:", "x-amz-trailer-signature:0"), "400 MalformedTrailerError", trailed},
		{"trailer without its signature", trailed.edit("x-amz-trailer-signature", "x-amz-nothing"), "400 MalformedTrailerError", trailed},
		{"chunks read as unsigned ones", chunks.edit("X-Amz-Content-Sha256: "+signedChunks, "X-Amz-Content-Sha256: "+unsignedTrailer), "400 MalformedTrailerError", chunks},
		{"chunk with two extensions", chunks.edit("2000;chunk-signature=", "2000;x=y;chunk-signature="), "400 IncompleteBody", chunks},
		{"chunk size with zeros", chunks.edit("\r\n\r\n2000;", "\r\n\r\n"+strings.Repeat("0", 5000)+"2000;"), "400 IncompleteBody", chunks},
		{"chunk that ends in a bare line end", chunks.edit("\r\nend\r\n", "\r\nend\n"), "400 IncompleteBody", chunks},
		{"chunks turned into a plain body", chunks.edit("X-Amz-Content-Sha256: "+signedChunks, "X-Amz-Content-Sha256: "+unsignedPayload), "403 SignatureDoesNotMatch", chunks},
		{"plain body said to be chunks", ownPut.hashed(unsignedPayload).with("Content-Encoding", "aws-chunked").edit("X-Amz-Content-Sha256: "+unsignedPayload, "X-Amz-Content-Sha256: "+signedChunks), "411 MissingContentLength", ownPut},
		{"trailer changed", trailed.edit(trailer, "x-amz-checksum-crc32:AAAAAA=="), "403 SignatureDoesNotMatch", trailed},
		{"trailer of another body", loose.edit(trailer, "x-amz-checksum-crc32:AAAAAA=="), "400 BadDigest", loose},
		{"body changed before a trailer", loose.edit("0123456789abcdef", "0123456789abcdeF"), "400 BadDigest", loose},
		{"another trailer than announced", loose.edit("x-amz-checksum-crc32:", "x-amz-meta-note:"), "400 MalformedTrailerError", loose},
		{"trailer missing", loose.edit(trailer+"\r\n", ""), "400 MalformedTrailerError", loose},
		{"trailer announced, none sent", ownPut.with("X-Amz-Trailer", "x-amz-checksum-crc32"), "400 MalformedTrailerError", ownPut},
		{"more than 5 GiB", ownPut.hashed(unsignedPayload).edit("Content-Length: 4", "Content-Length: 5368709121"), "400 EntityTooLarge", ownPut},
		{"part of more than 5 GiB", part.hashed(unsignedPayload).edit("Content-Length: 6", "Content-Length: 5368709121"), "400 EntityTooLarge", part},
		{"chunks of more than 5 GiB", ownPut.hashed(signedChunks).with("X-Amz-Decoded-Content-Length", "5368709121"), "400 EntityTooLarge", chunks},
		{"of a length that nobody says", ownPut.hashed(unsignedPayload).edit("Content-Length: 4", "Transfer-Encoding: chunked").edit("\r\n\r\nmine", "\r\n\r\n4\r\nmine\r\n0\r\n\r\n"), "411 MissingContentLength", ownPut},
		{"that is compressed on the way", ownPut.edit("Content-Length: 4", "Transfer-Encoding: gzip, chunked"), "501", ownPut},
		{"half sent", ownPut.short(2), "400 IncompleteBody", ownPut},
		{"half sent, unsigned", ownPut.hashed(unsignedPayload).short(2), "400 IncompleteBody", ownPut.hashed(unsignedPayload)},
		{"half sent, by an address", ownPut.presign(time.Minute).short(2), "400 IncompleteBody", ownPut.presign(time.Minute)},
		{"half sent, over an object", put("/lab/data/a/in.txt", "something else").short(2), "400 IncompleteBody", own},
		{"half a part", part.short(2), "400 IncompleteBody", part},
		{"chunks half sent", chunks.short(100), "400 IncompleteBody", chunks},
		{"chunks without their end", chunks.short(2), "400 IncompleteBody", chunks},
		{"trailer half sent", trailed.short(40), "400 IncompleteBody", trailed},
		{"document half sent", post("/lab?delete", batch("data/a/in.txt", "data/a/two.txt")).short(9), "400 IncompleteBody", own},
		{"completion half sent", post("/lab/data/a/up.bin?uploadId={upload}", whole("{etag}")).short(9), "400 IncompleteBody", own},
		{"headers half sent", ownPut.edit("\r\n\r\nmine", "\r\n").short(1), "400", ownPut},
	}}}
}

// conditionAttacks ask for something if what does not hold does, or by conditions that
// S3 does not have there. What stores make of theirs is for TestConditions.
func conditionAttacks() []group {
	const failed = "412 PreconditionFailed"
	const other = `"00000000000000000000000000000000"`
	victim := put("/lab/data/a/victim-3.txt", "victim")
	onto := copied("/lab/data/a/two.txt", "/lab/data/a/in.txt")
	return []group{{"conditions that do not hold, or that S3 does not have there", []row{
		{"copy over what is older", onto.with("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), "501 NotImplemented", own},
		{"delete where there is something", del("/lab/data/a/victim-3.txt").with("If-None-Match", "*"), "501 NotImplemented", victim},
		{"delete of another size", del("/lab/data/a/victim-3.txt").with("X-Amz-If-Match-Size", "1"), "501 NotImplemented", victim},
		{"delete of another time", del("/lab/data/a/victim-3.txt").with("X-Amz-If-Match-Last-Modified-Time", "Thu, 01 Jan 1970 00:00:00 GMT"), "501 NotImplemented", victim},
		{"read of another ETag", own.with("If-Match", other).forwarded(), failed, own},
	}}}
}

// documentAttacks are XML that a parser should not take.
func documentAttacks() []group {
	const tagging, deleting, completing = "/lab/data/a/put.txt?tagging", "/lab?delete", "/lab/data/a/up.bin?uploadId={upload}"
	okTags, okDelete := put(tagging, tags("k", "v")), post(deleting, batch("data/a/gone.txt"))
	entity := func(declaration, doc string) string { return "<!DOCTYPE x [" + declaration + "]>" + doc }
	file := `<!ENTITY e SYSTEM "file:///etc/passwd">`
	laughs := `<!ENTITY a "ha">`
	for c := 'b'; c < 'm'; c++ {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	const malformed = "400 MalformedXML"
	return []group{{"documents", []row{
		{"entity in a batch delete", post(deleting, entity(file, batch("data/a/&e;"))), malformed, okDelete},
		{"entity in tags", put(tagging, entity(file, tags("k", "&e;"))), malformed, okTags},
		{"entity in a completion", post(completing, entity(file, whole("&e;"))), malformed, own},
		{"entities that grow, in a batch delete", post(deleting, entity(laughs, batch("data/a/&l;"))), malformed, okDelete},
		{"entities that grow, in tags", put(tagging, entity(laughs, tags("k", "&l;"))), malformed, okTags},
		{"entities that grow, in a completion", post(completing, entity(laughs, whole("&l;"))), malformed, own},
		{"document type in a batch delete", post(deleting, `<!DOCTYPE Delete SYSTEM "http://127.0.0.1/x.dtd">`+batch("data/a/gone.txt")), malformed, okDelete},
		{"document type in tags", put(tagging, `<!DOCTYPE Tagging SYSTEM "http://127.0.0.1/x.dtd">`+tags("k", "w")), malformed, okTags},
		{"parameter entity", put(tagging, entity(`<!ENTITY % p SYSTEM "http://127.0.0.1/x">%p;`, tags("k", "w"))), malformed, okTags},
		{"XInclude", put(tagging, `<Tagging xmlns:xi="http://www.w3.org/2001/XInclude"><TagSet><Tag><Key>k</Key><Value><xi:include href="file:///etc/passwd" parse="text"/></Value></Tag></TagSet></Tagging>`), malformed, okTags},
		{"1 MiB and one byte of a batch delete", post(deleting, batch("data/a/gone.txt")+strings.Repeat(" ", 1<<20)), "400 EntityTooLarge", okDelete},
		{"1 MiB and one byte of tags", put(tagging, tags("k", "v")+strings.Repeat(" ", 1<<20)), "400 EntityTooLarge", okTags},
		{"1 MiB and one byte of a completion", post(completing, whole("{etag}")+strings.Repeat(" ", 1<<20)), "400 EntityTooLarge", own},
		{"1 MiB and one byte, in chunks", post(deleting, "").chunked(signedChunks, "", strings.Repeat(" ", 1<<20)+batch("data/a/gone.txt")), "400 EntityTooLarge", post(deleting, "").chunked(signedChunks, "", batch("data/a/gone.txt"))},
		{"claim of a gigabyte", okDelete.hashed(unsignedPayload).edit("Content-Length: ", "Content-Length: 10000000"), "400 EntityTooLarge", okDelete},
		{"deep", post(deleting, strings.Repeat("<Delete>", 20_000)), malformed, okDelete},
		{"deep tags", put(tagging, strings.Repeat("<Tagging>", 20_000)), malformed, okTags},
		{"two documents", post(deleting, batch("data/a/gone.txt")+batch("data/b/canary-b.txt")), malformed, okDelete},
		{"two documents of tags", put(tagging, tags("k", "v")+tags("k", "w")), malformed, okTags},
		{"not closed", post(deleting, strings.TrimSuffix(batch("data/a/gone.txt"), "</Delete>")), malformed, okDelete},
		{"tags not closed", put(tagging, strings.TrimSuffix(tags("k", "v"), "</Tagging>")), malformed, okTags},
		{"another document for tags", put(tagging, batch("data/a/gone.txt")), malformed, okTags},
		{"another document for a completion", post(completing, tags("k", "v")), malformed, own},
		{"completion of no parts", post(completing, "<CompleteMultipartUpload></CompleteMultipartUpload>"), malformed, own},
		{"part number that is none", post(completing, strings.Replace(whole("{etag}"), ">1<", ">one<", 1)), malformed, own},
		{"nothing", post(deleting, ""), malformed, okDelete},
		{"no XML", post(deleting, `{"Objects":[{"Key":"data/a/in.txt"}]}`), malformed, okDelete},
		{"compressed", post(deleting, compressed(batch("data/a/in.txt"))).with("Content-Encoding", "gzip"), malformed, okDelete},
		{"compressed tags", put(tagging, compressed(tags("k", "w"))).with("Content-Encoding", "gzip"), malformed, okTags},
		{"bomb", post(deleting, compressed(strings.Repeat(" ", 4<<20)+batch("data/a/in.txt"))).with("Content-Encoding", "gzip"), malformed, okDelete},
		{"bomb of tags", put(tagging, compressed(strings.Repeat(" ", 4<<20)+tags("k", "w"))).with("Content-Encoding", "gzip"), malformed, okTags},
		{"bomb of a completion", post(completing, compressed(strings.Repeat(" ", 4<<20)+whole("{etag}"))).with("Content-Encoding", "gzip"), malformed, own},
		{"compressed another way", post(deleting, "\x78\x9c\x03\x00\x00\x00\x00\x01").with("Content-Encoding", "deflate"), malformed, okDelete},
		{"many attributes", post(deleting, strings.Replace(batch("data/a/gone.txt"), "<Delete>", "<Delete"+manyAttributes()+">", 1)), malformed, okDelete},
		{"many empty objects", post(deleting, "<Delete>"+strings.Repeat("<Object/>", 100_000)+"</Delete>"), malformed, okDelete},
		{"long comment", post(deleting, "<!--"+strings.Repeat("-", 1<<19)+"-->"+batch("data/a/gone.txt")), malformed, okDelete},
		{"entity in an attribute", put(tagging, strings.Replace(tags("k", "w"), "<Tagging>", `<Tagging a="&e;">`, 1)), malformed, okTags},
		{"external document", post(deleting, `<?xml-stylesheet href="http://127.0.0.1/x"?><!DOCTYPE x PUBLIC "-//x" "http://127.0.0.1/x.dtd">`+batch("data/a/gone.txt")), malformed, okDelete},
		{"NUL in a tag", put(tagging, tags("k", "a\x00b")), malformed, okTags},
		{"markup in a tag", put(tagging, tags("k", "&lt;script&gt;")), "400 InvalidTag", okTags},
		{"reserved tag", put(tagging, tags("aws:x", "v")), "400 InvalidTag", okTags},
		{"UTF-16", post(deleting, wide(batch("data/a/in.txt"))), malformed, okDelete},
		{"UTF-7", post(deleting, `<?xml version="1.0" encoding="UTF-7"?>`+batch("data/a/in.txt")), malformed, okDelete},
		{"XML 1.1", post(deleting, `<?xml version="1.1"?>`+batch("data/a/in.txt")), malformed, okDelete},
		{"attribute twice", put(tagging, strings.Replace(tags("k", "w"), "<Tagging>", `<Tagging a="1" a="2">`, 1)), malformed, okTags},
		{"eleven tags", put(tagging, "<Tagging><TagSet>"+elevenTags()+"</TagSet></Tagging>"), "400 InvalidTag", okTags},
		{"a tag twice", put(tagging, strings.Replace(tags("k", "v"), "</TagSet>", "<Tag><Key>k</Key><Value>w</Value></Tag></TagSet>", 1)), "400 InvalidTag", okTags},
	}}}
}

func crc(text string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

func elevenTags() string {
	var out strings.Builder
	for i := range 11 {
		fmt.Fprintf(&out, "<Tag><Key>k%d</Key><Value>v</Value></Tag>", i)
	}
	return out.String()
}

func manyAttributes() string {
	var out strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&out, ` a%d="x"`, i)
	}
	return out.String()
}

func compressed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write([]byte(text))
	w.Close()
	return out.String()
}

// wide is text in UTF-16.
func wide(text string) string {
	out := []byte{0xff, 0xfe}
	for _, c := range utf16.Encode([]rune(text)) {
		out = append(out, byte(c), byte(c>>8))
	}
	return string(out)
}

// metadataAttacks put into an answer, or into what is stored, what was not meant
// to be there.
func metadataAttacks() []group {
	note := ownPut.with("X-Amz-Meta-Note", "x")
	typed := get("/lab/data/a/in.txt?response-content-type=text/html")
	return []group{{"metadata", []row{
		{"header behind a line break", note.edit("X-Amz-Meta-Note: x", "X-Amz-Meta-Note: x\r\nX-Amz-Acl: public-read"), "403 AccessDenied", note},
		{"copy behind a line break", note.edit("X-Amz-Meta-Note: x", "X-Amz-Meta-Note: x\r\nX-Amz-Copy-Source: /lab/data/b/canary-b.txt"), "403 AccessDenied", note},
		{"name with a slash", ownPut.with("X-Amz-Meta-../../b", "x"), "400", note},
		{"header behind a bare line end", note.edit("X-Amz-Meta-Note: x", "X-Amz-Meta-Note: x\nX-Amz-Acl: public-read"), "403 AccessDenied", note},
		{"lock behind a line break", note.edit("X-Amz-Meta-Note: x", "X-Amz-Meta-Note: x\r\nX-Amz-Object-Lock-Mode: COMPLIANCE"), "501 NotImplemented", note},
		{"metadata behind a line break", note.edit("X-Amz-Meta-Note: x", "X-Amz-Meta-Note: x\r\nX-Amz-Meta-Role: admin"), "403 AccessDenied", note},
		{"metadata of a neighbour's replaced", copied("/lab/data/b/canary-tagged.txt", "/lab/data/b/canary-tagged.txt").with("X-Amz-Metadata-Directive", "REPLACE"), "403 AccessDenied", note},
		{"reserved tag", ownPut.with("X-Amz-Tagging", "aws:x=1"), "400 InvalidTag", note},
		{"markup in a tag", ownPut.with("X-Amz-Tagging", "k=%3Cscript%3E"), "400 InvalidTag", note},
		{"name with a blank", ownPut.with("X-Amz-Meta-A B", "x"), "400", note},
		{"no name", ownPut.with("X-Amz-Meta", "x"), "501 NotImplemented", note},
		{"control character", ownPut.with("X-Amz-Meta-Note", "a\x01b"), "400", note},
		{"not UTF-8", ownPut.with("X-Amz-Meta-Note", "a\xffb"), "400 InvalidArgument", note},
		{"runs of blanks in what matters", copied("/lab/data/a/in  .txt", "/lab/data/a/copied.txt"), "400 InvalidArgument", copied("/lab/data/a/in.txt", "/lab/data/a/copied.txt")},
		{"more than 2 kB", ownPut.with("X-Amz-Meta-Note", strings.Repeat("x", 2100)), "400 MetadataTooLarge", note},
		{"eleven tags", ownPut.with("X-Amz-Tagging", "a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k="), "400 InvalidTag", ownPut.with("X-Amz-Tagging", "a=&b=")},
		{"a tag twice", ownPut.with("X-Amz-Tagging", "a=1&a=2"), "400 InvalidTag", ownPut.with("X-Amz-Tagging", "a=1&b=2")},
		{"tags that are none", ownPut.with("X-Amz-Tagging", "a=%zz"), "400 InvalidArgument", ownPut.with("X-Amz-Tagging", "a=1")},
		{"directive of a copy", ownPut.with("X-Amz-Metadata-Directive", "REPLACE"), "501 NotImplemented", note},
		{"checksum of an object in a put", ownPut.with("X-Amz-Checksum-Type", "FULL_OBJECT").with("X-Amz-Mp-Object-Size", "1"), "501 NotImplemented", note},
		{"line break in the answer's type", get("/lab/data/a/in.txt?response-content-type=text/html%0d%0aSet-Cookie:%20a=b"), "400 InvalidArgument", typed},
		{"line break in the answer's disposition", get("/lab/data/a/in.txt?response-content-disposition=inline%0aX-Injected:%20yes"), "400 InvalidArgument", get("/lab/data/a/in.txt?response-content-disposition=inline")},
		{"NUL in the answer's language", get("/lab/data/a/in.txt?response-content-language=a%00b"), "400 InvalidArgument", get("/lab/data/a/in.txt?response-content-language=en")},
		{"line break in a HEAD's answer", head("/lab/data/a/in.txt?response-cache-control=a%0d%0ab"), "400", head("/lab/data/a/in.txt?response-cache-control=no-store")},
		{"type of a neighbour's", get("/lab/data/b/canary-b.txt?response-content-type=text/html"), "403 AccessDenied", typed},
		{"header of the answer that is not offered", get("/lab/data/a/in.txt?response-set-cookie=a=b"), "501 NotImplemented", typed},
		{"type of a put's answer", put("/lab/data/a/put.txt?response-content-type=text/html", "x"), "501 NotImplemented", typed},
		{"cookie", own.withUnsigned("Cookie", "session=x").anonymous(), "403 AccessDenied", own},
	}}}
}
