package gateway_test

import (
	"encoding/base64"
	"strings"
)

// copyAttacks read, by copying, what the attacker may not read.
func copyAttacks() []group {
	const to = "/lab/data/a/copied.txt"
	const part = "/lab/data/a/up.bin?partNumber=2&uploadId={upload}"
	ok := copied("/lab/data/a/in.txt", to)
	okPart := copied("/lab/data/a/in.txt", part)
	return []group{{"copy sources", []row{
		{"neighbour", copied("/lab/data/b/canary-b.txt", to), "403 AccessDenied", ok},
		{"without the first slash", copied("lab/data/b/canary-b.txt", to), "403 AccessDenied", copied("lab/data/a/in.txt", to)},
		{"folder that begins alike", copied("/lab/data/ab/canary-ab.txt", to), "403 AccessDenied", ok},
		{"file that begins alike", copied("/lab/data/a.txt", to), "403 AccessDenied", ok},
		{"same key in another bucket", copied("/vault/data/a/in.txt", to), "403 AccessDenied", ok},
		{"bucket that does not exist", copied("/nowhere/data/a/in.txt", to), "403 AccessDenied", ok},
		{"encoded", copied("/lab/%64ata/b/canary-b.txt", to), "403 AccessDenied", copied("/lab/%64ata/a/in.txt", to)},
		{"encoded slashes", copied("/lab/data%2Fb%2Fcanary-b.txt", to), "403 AccessDenied", copied("/lab/data%2Fa%2Fin.txt", to)},
		{"encoded slash behind the bucket", copied("lab%2Fdata%2Fb%2Fcanary-b.txt", to), "403 AccessDenied", copied("lab%2Fdata%2Fa%2Fin.txt", to)},
		{"encoded first slash", copied("%2Flab%2Fdata%2Fb%2Fcanary-b.txt", to), "403 AccessDenied", ok},
		{"slashes encoded twice", copied("/lab/data%252Fb%252Fcanary-b.txt", to), "403 AccessDenied", ok},
		{"dots", copied("/lab/data/a/../b/canary-b.txt", to), "400 InvalidArgument", ok},
		{"encoded dots", copied("/lab/data/a/%2e%2E/b/canary-b.txt", to), "400 InvalidArgument", ok},
		{"dots encoded twice", copied("/lab/data/a/%252e%252e/b/canary-b.txt", to).forwarded(), "404 NoSuchKey", ok},
		{"overlong dots", copied("/lab/data/a/%c0%ae%c0%ae/b/canary-b.txt", to), "400 InvalidArgument", ok},
		{"dots into another bucket", copied("/lab/../vault/data/a/in.txt", to), "400 InvalidArgument", ok},
		{"two first slashes", copied("//vault/data/a/in.txt", to), "400 InvalidArgument", ok},
		{"empty segment", copied("/lab//data/a/in.txt", to), "400 InvalidArgument", ok},
		{"NUL", copied("/lab/data/a/in.txt%00", to), "400 InvalidArgument", ok},
		{"broken escape", copied("/lab/data/a/in%zz", to), "400 InvalidArgument", ok},
		{"bucket in capitals", copied("/LAB/data/a/in.txt", to), "400 InvalidArgument", ok},
		{"bucket alone", copied("/lab", to), "400 InvalidArgument", ok},
		{"nothing", copied("", to), "400 InvalidArgument", ok},
		{"resource name", copied("arn:aws:s3:::lab/data/b/canary-b.txt", to), "400 InvalidArgument", ok},
		{"access point", copied("arn:aws:s3:eu-west-1:1:accesspoint/x/object/data/b/canary-b.txt", to), "400 InvalidArgument", ok},
		{"address", copied("http://127.0.0.1/lab/data/b/canary-b.txt", to), "400 InvalidArgument", ok},
		{"file", copied("file:///etc/passwd", to), "400 InvalidArgument", ok},
		{"null version of a neighbour's", copied("/lab/data/b/canary-b.txt?versionId=null", to), "403 AccessDenied", ok},
		{"another version", copied("/lab/data/a/in.txt?versionId=1", to), "404 NoSuchVersion", ok},
		{"two versions", copied("/lab/data/a/in.txt?versionId=null&versionId=1", to), "400 InvalidArgument", ok},
		{"another parameter", copied("/lab/data/a/in.txt?x=1", to), "400 InvalidArgument", ok},
		{"encoded question mark", copied("/lab/data/a/in.txt%3FversionId=null", to), "400 InvalidArgument", ok},
		{"version in the key", copied("/lab/data/a/in.txt%3FversionId%3Dnull", to), "400 InvalidArgument", ok},
		{"version in the key and behind it", copied("/lab/data/a/in.txt%3fversionId%3dx?versionId=null", to), "400 InvalidArgument", ok},
		{"version in the key, encoded twice", copied("/lab/data/a/in.txt%253FversionId%253Dnull", to).forwarded(), "404 NoSuchKey", ok},
		{"two sources", ok.withUnsigned("X-Amz-Copy-Source", "/lab/data/b/canary-b.txt"), "400 InvalidArgument", ok},
		{"two sources in one", copied("/lab/data/a/in.txt, /lab/data/b/canary-b.txt", to).forwarded(), "404 NoSuchKey", ok},
		{"source not signed", put(to, "").withUnsigned("X-Amz-Copy-Source", "/lab/data/a/in.txt"), "403 AccessDenied", ok},
		{"foreign source not signed", put(to, "").withUnsigned("X-Amz-Copy-Source", "/lab/data/b/canary-b.txt"), "403 AccessDenied", ok},
		{"source changed", ok.edit("/lab/data/a/in.txt\r\n", "/lab/data/a/two.txt\r\n"), "403 SignatureDoesNotMatch", ok},
		{"oracle by condition", copied("/lab/data/b/canary-b.txt", to).with("X-Amz-Copy-Source-If-None-Match", "*"), "403 AccessDenied", ok},
		{"oracle by time", copied("/lab/data/b/canary-b.txt", to).with("X-Amz-Copy-Source-If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), "403 AccessDenied", ok},
		{"target beside", copied("/lab/data/a/in.txt", "/lab/data/ab/planted.txt"), "403 AccessDenied", ok},
		{"target in another bucket", copied("/lab/data/a/in.txt", "/vault/data/a/planted.txt"), "403 AccessDenied", ok},
		{"with a lease for reading", ok.as("reader"), "403 AccessDenied", ok},
		{"from above a narrow lease", copied("/lab/data/a/in.txt", "/lab/data/a/sub/copied.txt").as("narrow"), "403 AccessDenied", copied("/lab/data/a/sub/three.txt", "/lab/data/a/sub/copied.txt").as("narrow")},
		{"with a body", put(to, "x").with("X-Amz-Copy-Source", "/lab/data/a/in.txt"), "400 InvalidRequest", ok},
		{"unknown directive", ok.with("X-Amz-Metadata-Directive", "MERGE").forwarded(), "400 InvalidArgument", ok.with("X-Amz-Metadata-Directive", "COPY")},
		{"owner of the source", ok.with("X-Amz-Source-Expected-Bucket-Owner", "1"), "501 NotImplemented", ok},
		{"in a read", own.with("X-Amz-Copy-Source", "/lab/data/b/canary-b.txt"), "501 NotImplemented", own},
		{"in a delete", del("/lab/data/a/gone.txt").with("X-Amz-Copy-Source", "/lab/data/b/canary-b.txt"), "501 NotImplemented", del("/lab/data/a/gone.txt")},
		{"in tagging", put("/lab/data/a/put.txt?tagging", tags("k", "v")).with("X-Amz-Copy-Source", "/lab/data/b/canary-b.txt"), "501 NotImplemented", put("/lab/data/a/put.txt?tagging", tags("k", "v"))},
		{"in the beginning of an upload", post("/lab/data/a/more.bin?uploads", "").with("X-Amz-Copy-Source", "/lab/data/b/canary-b.txt"), "501 NotImplemented", post("/lab/data/a/more.bin?uploads", "")},
		{"part of a neighbour's", copied("/lab/data/b/canary-b.txt", part), "403 AccessDenied", okPart},
		{"part of another bucket's", copied("/vault/data/a/in.txt", part), "403 AccessDenied", okPart},
		{"part with dots", copied("/lab/data/a/../b/canary-b.txt", part), "400 InvalidArgument", okPart},
		{"part with a version in the key", copied("/lab/data/a/in.txt%3FversionId%3Dnull", part), "400 InvalidArgument", okPart},
		{"range of a neighbour's", copied("/lab/data/b/canary-b.txt", part).with("X-Amz-Copy-Source-Range", "bytes=0-3"), "403 AccessDenied", okPart.with("X-Amz-Copy-Source-Range", "bytes=0-3")},
		{"range that is none", okPart.with("X-Amz-Copy-Source-Range", "bytes=a-b").forwarded(), "400 InvalidArgument", okPart},
		{"range beyond the end", okPart.with("X-Amz-Copy-Source-Range", "bytes=0-99999999999999999999").forwarded(), "400 InvalidArgument; rgw: 416 InvalidRange", okPart},
		{"part of an upload of a neighbour's", copied("/lab/data/a/in.txt", "/lab/data/b/canary-up.bin?partNumber=2&uploadId={theirs}"), "403 AccessDenied", okPart},
		{"part of a neighbour's upload by its id", copied("/lab/data/a/in.txt", "/lab/data/a/up.bin?partNumber=2&uploadId={theirs}").forwarded(), "404 NoSuchUpload", okPart},
	}}}
}

// whole is the XML that completes an upload with one part.
func whole(etag string) string {
	return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag + "</ETag></Part></CompleteMultipartUpload>"
}

// uploadAttacks mix what begins an upload with what ends it.
func uploadAttacks() []group {
	const up = "/lab/data/a/up.bin?uploadId="
	begin := post("/lab/data/a/more.bin?uploads", "")
	part := put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", "a part")
	parts := get("/lab/data/a/up.bin?uploadId={upload}")
	uploads := get("/lab?uploads&prefix=data/a/")
	return []group{
		{"uploads begun outside or ended outside", []row{
			{"begin beside", post("/lab/data/ab/planted.bin?uploads", ""), "403 AccessDenied", begin},
			{"begin at a neighbour's", post("/lab/data/b/planted.bin?uploads", ""), "403 AccessDenied", begin},
			{"begin in another bucket", post("/vault/data/a/planted.bin?uploads", ""), "403 AccessDenied", begin},
			{"begin with a lease for reading", begin.as("reader"), "403 AccessDenied", begin},
			{"part outside", put("/lab/data/b/canary-up.bin?partNumber=1&uploadId={theirs}", "x"), "403 AccessDenied", part},
			{"begun outside, part inside", put("/lab/data/a/up.bin?partNumber=1&uploadId={theirs}", "x").forwarded(), "404 NoSuchUpload", part},
			{"begun outside, part inside at its name", put("/lab/data/a/canary-up.bin?partNumber=1&uploadId={theirs}", "x").forwarded(), "404 NoSuchUpload", part},
			{"begun in another bucket at the same key", put("/lab/data/a/up.bin?partNumber=1&uploadId={vaults}", "x"), "404 NoSuchUpload", part},
			{"begun inside, part outside", put("/lab/data/b/canary-up.bin?partNumber=1&uploadId={upload}", "x"), "403 AccessDenied", part},
			{"begun inside, part in another bucket", put("/vault/data/a/up.bin?partNumber=1&uploadId={upload}", "x"), "403 AccessDenied", part},
			{"begun outside, completed outside", post("/lab/data/b/canary-up.bin?uploadId={theirs}", whole("{theirEtag}")), "403 AccessDenied", parts},
			{"begun outside, completed inside", post(up+"{theirs}", whole("{theirEtag}")).forwarded(), "404 NoSuchUpload; rgw: 500 InternalError", parts},
			{"begun in another bucket, completed here", post(up+"{vaults}", whole("{etag}")), "404 NoSuchUpload", parts},
			{"begun inside, completed outside", post("/lab/data/b/planted.bin?uploadId={upload}", whole("{etag}")), "403 AccessDenied", parts},
			{"begun inside, completed in another bucket", post("/vault/data/a/up.bin?uploadId={upload}", whole("{etag}")), "403 AccessDenied", parts},
			{"begun inside, completed at another key", post("/lab/data/a/other.bin?uploadId={upload}", whole("{etag}")).forwarded(), "404 NoSuchUpload; rgw: 500 InternalError", parts},
			{"begun inside, completed at its dots", post("/lab/data/a/x/../up.bin?uploadId={upload}", whole("{etag}")), "400 InvalidArgument", parts},
			{"completed with a neighbour's part", post(up+"{upload}", whole("{theirEtag}")).forwarded(), "400 InvalidPart", parts},
			{"completed with a part that is not there", post(up+"{upload}", strings.Replace(whole("{etag}"), ">1<", ">7<", 1)).forwarded(), "400 InvalidPart", parts},
			{"completed with a lease for reading", post(up+"{upload}", whole("{etag}")).as("reader"), "403 AccessDenied", parts},
			{"completed from a narrow lease", post(up+"{upload}", whole("{etag}")).as("narrow"), "403 AccessDenied", parts},
			{"wide upload ended from a narrow lease", post("/lab/data/a/sub/up.bin?uploadId={upload}", whole("{etag}")).as("narrow").forwarded(), "404 NoSuchUpload; rgw: 500 InternalError", get("/lab/data/a/sub/up.bin?uploadId={narrow}").as("narrow")},
			{"abort outside", del("/lab/data/b/canary-up.bin?uploadId={theirs}"), "403 AccessDenied", parts},
			{"begun outside, aborted inside", del(up + "{theirs}").forwarded(), "404 NoSuchUpload; minio: 204", parts},
			{"abort with a lease for reading", del(up + "{upload}").as("reader"), "403 AccessDenied", parts},
			{"parts outside", get("/lab/data/b/canary-up.bin?uploadId={theirs}"), "403 AccessDenied", parts},
			{"begun outside, parts inside", get(up + "{theirs}").forwarded(), "404 NoSuchUpload; rgw: 404 NoSuchKey", parts},
			{"parts with a lease for reading", parts.as("reader"), "403 AccessDenied", parts},
			{"uploads of the bucket", get("/lab?uploads"), "403 AccessDenied", uploads},
			{"uploads of a neighbour", get("/lab?uploads&prefix=data/b/"), "403 AccessDenied", uploads},
			{"uploads of what begins alike", get("/lab?uploads&prefix=data/a"), "403 AccessDenied", uploads},
			{"uploads of another bucket", get("/vault?uploads&prefix=data/a/"), "403 AccessDenied", uploads},
			{"uploads with a lease for reading", uploads.as("reader"), "403 AccessDenied", uploads},
			{"uploads before a neighbour's marker", get("/lab?uploads&prefix=data/a/&key-marker=data/").forwarded(), "200; minio: 501 NotImplemented", uploads},
			{"uploads behind a neighbour's marker", get("/lab?uploads&prefix=data/a/&key-marker=data/b/&upload-id-marker={theirs}").forwarded(), "200; minio: 501 NotImplemented; versitygw: 400 InvalidArgument", uploads},
		}},
		{"upload ids and part numbers", []row{
			{"dots", get(up + "../{theirs}"), "400 InvalidArgument", parts},
			{"encoded dots", get(up + "%2e%2e%2f{theirs}"), "400 InvalidArgument", parts},
			{"dots alone", del(up + ".."), "400 InvalidArgument", parts},
			{"way to another bucket", put("/lab/data/a/up.bin?partNumber=1&uploadId=../vault/{vaults}", "x"), "400 InvalidArgument", part},
			{"NUL behind", post(up+"{upload}%00", whole("{etag}")), "400 InvalidArgument", parts},
			{"line break behind", get(up + "{upload}%0a"), "400 InvalidArgument", parts},
			{"star", get(up + "*"), "400 InvalidArgument", parts},
			{"nothing", del(up), "400 InvalidArgument", parts},
			{"nothing, completed", post(up, whole("{etag}")), "400 InvalidArgument", parts},
			{"very long", get(up + strings.Repeat("a", 1025)), "400 InvalidArgument", parts},
			{"not ASCII", get(up + "%c3%bc"), "400 InvalidArgument", parts},
			{"two", get(up + "{upload}&uploadId={theirs}"), "400 InvalidArgument", parts},
			{"two, one encoded", get(up + "{upload}&upload%49d={theirs}"), "400 InvalidArgument", parts},
			{"two, in two cases", get(up + "{upload}&UploadId={theirs}"), "501 NotImplemented", parts},
			{"that was never given", get(up + "00000000000000000000000000000000"), "404 NoSuchUpload", parts},
			{"path of an object", put("/lab/data/a/x.bin?partNumber=1&uploadId="+pathID("x.../../../lab/data/b/canary-b.txt"), "x"), "404 NoSuchUpload", parts},
			{"path of another bucket", put("/lab/data/a/x.bin?partNumber=1&uploadId="+pathID("x.../../../vault/data/a/in.txt"), "x"), "404 NoSuchUpload", parts},
			{"path of all uploads of a key", del("/lab/data/a/x.bin?uploadId=" + pathID("x.../"+hexSHA256("lab/data/b/canary-up.bin"))), "404 NoSuchUpload", parts},
			{"path of an upload", get("/lab/data/a/x.bin?uploadId=" + pathID("x.../"+hexSHA256("lab/data/b/canary-up.bin")+"/{theirs}")), "404 NoSuchUpload", parts},
			{"version that begins another key", get("/lab/data/a/in.txt?versionId=v_raw"), "404 NoSuchVersion", get("/lab/data/a/in.txt")},
			{"part 0", put("/lab/data/a/up.bin?partNumber=0&uploadId={upload}", "x"), "400 InvalidArgument", part},
			{"part 10001", put("/lab/data/a/up.bin?partNumber=10001&uploadId={upload}", "x"), "400 InvalidArgument", part},
			{"part -1", put("/lab/data/a/up.bin?partNumber=-1&uploadId={upload}", "x"), "400 InvalidArgument", part},
			{"part with a sign", put("/lab/data/a/up.bin?partNumber=%2B1&uploadId={upload}", "x"), "400 InvalidArgument", part},
			{"part in hexadecimal", put("/lab/data/a/up.bin?partNumber=0x1&uploadId={upload}", "x"), "400 InvalidArgument", part},
			{"part beyond every number", put("/lab/data/a/up.bin?partNumber=18446744073709551617&uploadId={upload}", "x"), "400 InvalidArgument", part},
			{"two parts", put("/lab/data/a/up.bin?partNumber=2&uploadId={upload}&partNumber=1", "x"), "400 InvalidArgument", part},
			{"part without a number", put("/lab/data/a/up.bin?uploadId={upload}", "x"), "501 NotImplemented", part},
			{"part without an upload", put("/lab/data/a/in.txt?partNumber=1", "x"), "501 NotImplemented", part},
			{"version that is none", get("/lab/data/a/in.txt?versionId=1"), "404 NoSuchVersion", get("/lab/data/a/in.txt")},
			{"version with dots", get("/lab/data/a/in.txt?versionId=../../b/canary-b.txt"), "400 InvalidArgument", get("/lab/data/a/in.txt")},
			{"empty version", get("/lab/data/a/in.txt?versionId="), "400 InvalidArgument", get("/lab/data/a/in.txt")},
			{"version null in capitals", del("/lab/data/a/in.txt?versionId=NULL"), "403 AccessDenied", get("/lab/data/a/in.txt")},
			{"two versions", get("/lab/data/a/in.txt?versionId=null&versionId=null"), "400 InvalidArgument", get("/lab/data/a/in.txt")},
			{"version of an upload", put("/lab/data/a/in.txt?versionId=null", "x"), "501 NotImplemented", ownPut},
		}},
	}
}

// pathID is an upload id in which MinIO would read a path.
func pathID(path string) string { return base64.RawURLEncoding.EncodeToString([]byte(path)) }
