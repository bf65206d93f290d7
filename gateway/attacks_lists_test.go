package gateway_test

import (
	"fmt"
	"strings"
)

// listAttacks ask for lists of more than is open.
func listAttacks() []group {
	list := func(query string) request { return get("/lab?list-type=2" + query) }
	old := func(query string) request { return get("/lab?" + query) }
	ok, okOld := ownList, get("/lab?prefix=data/a/")
	versions := func(query string) request { return get("/lab?versions" + query) }
	okVersions := versions("&prefix=data/a/")
	attributes := func(key string) request {
		return get(key+"?attributes").with("X-Amz-Object-Attributes", "ETag,ObjectSize")
	}
	return []group{
		{"prefixes of lists", []row{
			{"none", list(""), "403 AccessDenied", ok},
			{"empty", list("&prefix="), "403 AccessDenied", ok},
			{"above", list("&prefix=data/"), "403 AccessDenied", ok},
			{"without its slash", list("&prefix=data/a"), "403 AccessDenied", ok},
			{"that begins alike", list("&prefix=data/ab/"), "403 AccessDenied", ok},
			{"in other case", list("&prefix=data/A/"), "403 AccessDenied", ok},
			{"of a neighbour", list("&prefix=data/b/"), "403 AccessDenied", ok},
			{"one letter", list("&prefix=d"), "403 AccessDenied", ok},
			{"of another bucket", get("/vault?list-type=2&prefix=data/a/"), "403 AccessDenied", ok},
			{"above a narrow lease", ok.as("narrow"), "403 AccessDenied", list("&prefix=data/a/sub/").as("narrow")},
			{"first slash", list("&prefix=/data/a/"), "400 InvalidArgument", ok},
			{"dots", list("&prefix=data/a/../b/"), "400 InvalidArgument", ok},
			{"encoded dots", list("&prefix=data/a/%2e%2e/b/"), "400 InvalidArgument", ok},
			{"dots encoded twice", list("&prefix=data/a/%252e%252e/b/").forwarded(), "200", ok},
			{"dots at the end", list("&prefix=data/a/..").forwarded(), "200; minio: 400 InvalidRequest", ok},
			{"encoded slashes", list("&prefix=data%2Fb%2F"), "403 AccessDenied", list("&prefix=data%2Fa%2F")},
			{"slashes encoded twice", list("&prefix=data%252Fa%252F"), "403 AccessDenied", ok},
			{"empty segment", list("&prefix=data/a//"), "400 InvalidArgument", ok},
			{"NUL", list("&prefix=data/a/%00"), "400 InvalidArgument", ok},
			{"not UTF-8", list("&prefix=data/a/%ff"), "400 InvalidArgument", ok},
			{"overlong slash", list("&prefix=data%c0%afb"), "400 InvalidArgument", ok},
			{"twice", list("&prefix=data/a/&prefix=data/b/"), "400 InvalidArgument", ok},
			{"twice, the other way", list("&prefix=data/b/&prefix=data/a/"), "400 InvalidArgument", ok},
			{"twice, one name encoded", list("&prefix=data/a/&%70refix=data/b/"), "400 InvalidArgument", ok},
			{"name encoded", list("&%70refix=data/b/"), "403 AccessDenied", list("&%70refix=data/a/")},
			{"name in capitals", list("&prefix=data/a/&PREFIX=data/b/"), "501 NotImplemented", ok},
			{"as an array", list("&prefix=data/a/&prefix[]=data/b/"), "501 NotImplemented", ok},
			{"behind a semicolon", list("&prefix=data/a/;prefix=data/b/"), "400 InvalidURI", ok},
			{"broken escape", list("&prefix=data/a/%zz"), "400 InvalidURI", ok},
			{"very long", list("&prefix=data/a/" + strings.Repeat("k", 2000)), "400 InvalidArgument", ok},
			{"version 1, none", old(""), "403 AccessDenied", okOld},
			{"version 1, without its slash", old("prefix=data/a"), "403 AccessDenied", okOld},
			{"version 1, of a neighbour", old("prefix=data/b/"), "403 AccessDenied", okOld},
			{"version 1, on the bucket's slash", get("/lab/?prefix=data/b/"), "403 AccessDenied", get("/lab/?prefix=data/a/")},
		}},
		{"other parameters of lists", []row{
			{"delimiter to see what is there", list("&delimiter=/"), "403 AccessDenied", list("&prefix=data/a/&delimiter=/")},
			{"delimiter to see what is beside", list("&prefix=data/&delimiter=/"), "403 AccessDenied", list("&prefix=data/a/&delimiter=/")},
			{"delimiter behind a half name", list("&prefix=data&delimiter=/"), "403 AccessDenied", list("&prefix=data/a/&delimiter=/")},
			{"delimiter of letters", list("&prefix=data/a/&delimiter=a").forwarded(), "200", ok},
			{"delimiter of the prefix", list("&prefix=data/a/&delimiter=data/").forwarded(), "200", ok},
			{"delimiter with dots", list("&prefix=data/a/&delimiter=/../").forwarded(), "200", ok},
			{"delimiter of no letters", list("&prefix=data/a/&delimiter=").forwarded(), "200", ok},
			{"delimiter of a NUL", list("&prefix=data/a/&delimiter=%00").forwarded(), "200", ok},
			{"delimiter that is very long", list("&prefix=data/a/&delimiter=" + strings.Repeat("/", 3000)).forwarded(), "200; versitygw: 400 InvalidRequest", ok},
			{"delimiter twice", list("&prefix=data/a/&delimiter=/&delimiter=a"), "400 InvalidArgument", ok},
			{"start after the folder above", list("&prefix=data/a/&start-after=data/").forwarded(), "200", ok},
			{"start after what comes before", list("&prefix=data/a/&start-after=canary&max-keys=1").forwarded(), "200", ok},
			{"start after a neighbour", list("&prefix=data/a/&start-after=data/b/").forwarded(), "200", ok},
			{"start after dots", list("&prefix=data/a/&start-after=data/a/../b/").forwarded(), "200; minio: 400 InvalidRequest", ok},
			{"start after a NUL", list("&prefix=data/a/&start-after=%00").forwarded(), "200", ok},
			{"start after, without a prefix", list("&start-after=data/a/"), "403 AccessDenied", ok},
			{"another caller's token", list("&prefix=data/a/&continuation-token={page}").forwarded(), "400 InvalidArgument; minio: 501 NotImplemented; rgw: 200; versitygw: 200", ok},
			{"another caller's token and prefix", list("&prefix=data/b/&continuation-token={page}"), "403 AccessDenied", ok},
			{"another caller's token, no prefix", list("&continuation-token={page}"), "403 AccessDenied", ok},
			{"token made up", list("&prefix=data/a/&continuation-token=ZGF0YS8%3D").forwarded(), "400 InvalidArgument; minio: 501 NotImplemented; rgw: 200; versitygw: 200", ok},
			{"token that is none", list("&prefix=data/a/&continuation-token=%21%21").forwarded(), "400 InvalidArgument; rgw: 200; versitygw: 200", ok},
			{"token beside a start", list("&prefix=data/a/&continuation-token={page}&start-after=data/").forwarded(), "400 InvalidArgument; minio: 501 NotImplemented; rgw: 200; versitygw: 200", ok},
			{"token of version 1", old("prefix=data/a/&continuation-token={page}"), "501 NotImplemented", okOld},
			{"marker above", old("prefix=data/a/&marker=data/").forwarded(), "200; minio: 501 NotImplemented", okOld},
			{"marker of a neighbour", old("prefix=data/a/&marker=data/b/").forwarded(), "200; minio: 501 NotImplemented", okOld},
			{"marker, without a prefix", old("marker=data/a/"), "403 AccessDenied", okOld},
			{"fewer than no keys", list("&prefix=data/a/&max-keys=-1"), "400 InvalidArgument", ok},
			{"no keys", list("&prefix=data/a/&max-keys=0").forwarded(), "200", ok},
			{"more keys than there are numbers", list("&prefix=data/a/&max-keys=4294967296"), "400 InvalidArgument", ok},
			{"keys with a sign", list("&prefix=data/a/&max-keys=%2B5"), "400 InvalidArgument", list("&prefix=data/a/&max-keys=5")},
			{"keys in two ways", list("&prefix=data/a/&max-keys=1&max-keys=2"), "400 InvalidArgument", ok},
			{"another encoding", list("&prefix=data/a/&encoding-type=base64"), "400 InvalidArgument", list("&prefix=data/a/&encoding-type=url")},
			{"owners", list("&prefix=data/b/&fetch-owner=true"), "403 AccessDenied", list("&prefix=data/a/&fetch-owner=true")},
			{"restore status", list("&prefix=data/b/").with("X-Amz-Optional-Object-Attributes", "RestoreStatus"), "403 AccessDenied", ok.with("X-Amz-Optional-Object-Attributes", "RestoreStatus")},
			{"list type 3", get("/lab?list-type=3&prefix=data/a/"), "501 NotImplemented", ok},
			{"two list types", list("&list-type=2&prefix=data/a/"), "400 InvalidArgument", ok},
			{"list and policy", list("&prefix=data/a/&policy"), "501 NotImplemented", ok},
			{"list of a key", get("/lab/data/a/in.txt?list-type=2&prefix=data/b/"), "501 NotImplemented", ok},
			{"the buckets of others", get("/"), "200", own},
			{"the buckets of others by prefix", get("/?prefix=vault"), "501 NotImplemented", get("/")},
			{"the buckets of others by page", get("/?max-buckets=1&continuation-token=bGFi"), "501 NotImplemented", get("/")},
			{"whether a bucket is there", head("/vault"), "403", head("/lab")},
			{"whether a bucket is not there", head("/nowhere"), "403", head("/lab")},
			{"where a bucket is", get("/vault?location"), "403 AccessDenied", get("/lab?location")},
			{"delimiter and no prefix, version 1", old("delimiter=/"), "403 AccessDenied", okOld},
			{"prefix in the header", list("").with("X-Amz-Prefix", "data/a/"), "501 NotImplemented", ok},
			{"prefix in the body", call("GET", "/lab?list-type=2", "prefix=data/a/"), "400 InvalidRequest", ok},
			{"keys in hexadecimal", list("&prefix=data/a/&max-keys=0x10"), "400 InvalidArgument", ok},
			{"list of a bucket's uploads, and of its keys", list("&uploads&prefix=data/a/"), "501 NotImplemented", ok},
			{"start and marker", old("prefix=data/a/&start-after=data/b/"), "501 NotImplemented", okOld},
			{"optional attributes, not signed", ok.withUnsigned("X-Amz-Optional-Object-Attributes", "RestoreStatus"), "403 AccessDenied", ok},
			{"HEAD of a list", head("/lab?list-type=2&prefix=data/b/"), "501", ok},
		}},
		{"versions and attributes", []row{
			{"versions of the bucket", versions(""), "403 AccessDenied", okVersions},
			{"versions of the folder above", versions("&prefix=data/"), "403 AccessDenied", okVersions},
			{"versions without the slash", versions("&prefix=data/a"), "403 AccessDenied", okVersions},
			{"versions of what begins alike", versions("&prefix=data/ab/"), "403 AccessDenied", okVersions},
			{"versions of a neighbour", versions("&prefix=data/b/"), "403 AccessDenied", okVersions},
			{"versions to see what is there", versions("&delimiter=/"), "403 AccessDenied", okVersions},
			{"versions behind a marker, without a prefix", versions("&key-marker=data/a/&version-id-marker=null"), "403 AccessDenied", okVersions},
			{"versions behind a neighbour's marker", versions("&prefix=data/a/&key-marker=data/b/&version-id-marker=null").forwarded(), "200; minio: 501 NotImplemented", okVersions},
			{"versions with dots", versions("&prefix=data/a/../b/"), "400 InvalidArgument", okVersions},
			{"versions of another bucket", get("/vault?versions&prefix=data/a/"), "403 AccessDenied", okVersions},
			{"versions behind another version", versions("&prefix=data/a/&key-marker=data/a/in.txt&version-id-marker=../x"), "400 InvalidArgument", okVersions},
			{"versions, fewer than none", versions("&prefix=data/a/&max-keys=-1"), "400 InvalidArgument", okVersions},
			{"versions of a key", get("/lab/data/a/in.txt?versions"), "501 NotImplemented", ok},
			{"versions and a list", versions("&list-type=2&prefix=data/b/"), "501 NotImplemented", ok},
			{"attributes of a neighbour's", attributes("/lab/data/b/canary-b.txt"), "403 AccessDenied", own},
			{"attributes of a file that begins alike", attributes("/lab/data/a.txt"), "403 AccessDenied", own},
			{"attributes in another bucket", attributes("/vault/data/a/in.txt"), "403 AccessDenied", own},
			{"attributes with dots", attributes("/lab/data/a/../b/canary-b.txt"), "400 InvalidArgument", own},
			{"attributes of a version", get("/lab/data/b/canary-b.txt?attributes&versionId=null").with("X-Amz-Object-Attributes", "ETag"), "403 AccessDenied", own},
			{"attributes asked for, not signed", get("/lab/data/a/in.txt?attributes").withUnsigned("X-Amz-Object-Attributes", "ETag"), "403 AccessDenied", own},
			{"attributes of a bucket", get("/lab?attributes").with("X-Amz-Object-Attributes", "ETag"), "501 NotImplemented", own},
		}},
	}
}

// batch is the XML of a batch delete.
func batch(keys ...string) string {
	var out strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&out, "<Object><Key>%s</Key></Object>", key)
	}
	return "<Delete>" + out.String() + "</Delete>"
}

// deleteAttacks name foreign keys in a batch delete.
func deleteAttacks() []group {
	many := func(n int) []string {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("data/a/none-%d", i))
		}
		return keys
	}
	remove := func(keys ...string) request { return post("/lab?delete", batch(keys...)) }
	ok := remove("data/a/gone.txt")
	xml := func(object string) request {
		return post("/lab?delete", "<Delete><Object>"+object+"</Object></Delete>")
	}
	victim := func(n int) request { return put(fmt.Sprintf("/lab/data/a/victim-%d.txt", n), "victim") }
	return []group{{"batch delete", []row{
		{"neighbour", remove("data/b/canary-b.txt"), "200 AccessDenied", ok},
		{"neighbour among one's own", remove("data/a/gone.txt", "data/b/canary-b.txt", "data/a/gone.txt").forwarded(), "200 AccessDenied", ok},
		{"what begins alike", remove("data/ab/canary-ab.txt", "data/a.txt", "data/A/canary-upper.txt", "data/a"), "200 AccessDenied", ok},
		{"dots", remove("data/a/../b/canary-b.txt", "data/a/./in.txt", "data/a//in.txt", "/data/a/in.txt"), "200 AccessDenied", ok},
		{"another bucket by dots", remove("../vault/data/a/in.txt"), "200 AccessDenied", ok},
		{"another bucket", post("/vault?delete", batch("data/a/in.txt")), "403 AccessDenied", ok},
		{"blank before the key", remove(" data/a/in.txt"), "200 AccessDenied", ok},
		{"line break in the key", remove("data/b\n/../a/in.txt"), "200 AccessDenied", ok},
		{"empty key", remove(""), "200 AccessDenied", ok},
		{"percent escapes are letters", remove("data%2Fa%2Fin.txt"), "200 AccessDenied", ok},
		{"percent escapes are letters, inside", remove("data/a/%2e%2e/b/canary-b.txt").forwarded(), "200", ok},
		{"character references", remove("data&#47;b&#x2f;canary-b.txt"), "200 AccessDenied", remove("data&#47;a&#x2f;gone.txt")},
		{"CDATA", remove("data/<![CDATA[b/canary-b.txt]]>"), "200 AccessDenied", remove("data/<![CDATA[a/gone.txt]]>")},
		{"comment in the key", remove("data/<!-- a/ -->b/canary-b.txt"), "200 AccessDenied", ok},
		{"reference to a NUL", remove("data/a/in.txt&#0;"), "400 MalformedXML", ok},
		{"quietly", post("/lab?delete", strings.Replace(batch("data/b/canary-b.txt"), "<Delete>", "<Delete><Quiet>true</Quiet>", 1)), "200 AccessDenied", ok},
		{"with a lease for reading", remove("data/a/in.txt").as("reader"), "200 AccessDenied", ok},
		{"above a narrow lease", remove("data/a/in.txt").as("narrow"), "200 AccessDenied", remove("data/a/sub/gone.txt").as("narrow")},
		{"another version", xml("<Key>data/a/in.txt</Key><VersionId>1</VersionId>"), "200 AccessDenied", xml("<Key>data/a/gone.txt</Key><VersionId>null</VersionId>")},
		{"two keys in one, the second foreign", xml("<Key>data/a/gone.txt</Key><Key>data/b/canary-b.txt</Key>"), "400 MalformedXML", ok},
		{"key of another namespace", xml(`<Key>data/b/canary-b.txt</Key><x:Key xmlns:x="urn:x">data/a/gone.txt</x:Key>`), "400 MalformedXML", ok},
		{"two keys in one, the first foreign", xml("<Key>data/b/canary-b.txt</Key><Key>data/a/gone.txt</Key>"), "400 MalformedXML", ok},
		{"element in the key", xml("<Key>data/<b>b/</b>a/gone.txt</Key>"), "400 MalformedXML", ok},
		{"object in an object", xml("<Key>data/a/gone.txt</Key><Object><Key>data/b/canary-b.txt</Key></Object>"), "400 MalformedXML", ok},
		{"key as an attribute", post("/lab?delete", `<Delete><Object Key="data/b/canary-b.txt"><Key>data/a/gone.txt</Key></Object></Delete>`), "400 MalformedXML", ok},
		{"delete in a delete", post("/lab?delete", "<Delete>"+batch("data/b/canary-b.txt")+"</Delete>"), "400 MalformedXML", ok},
		{"key in lower case", xml("<key>data/b/canary-b.txt</key>"), "400 MalformedXML", ok},
		{"full-width slash in the key", remove("data\uff0fb\uff0fcanary-b.txt"), "200 AccessDenied", ok},
		{"folder of a neighbour", remove("data/b/"), "200 AccessDenied", ok},
		{"prefix itself without its slash", remove("data/a"), "200 AccessDenied", ok},
		{"version of a neighbour's", xml("<Key>data/b/canary-b.txt</Key><VersionId>null</VersionId>"), "200 AccessDenied", ok},
		{"condition that does not hold", xml(`<Key>data/a/victim-1.txt</Key><ETag>"00000000000000000000000000000000"</ETag>`), "501 NotImplemented", victim(1)},
		{"size that does not hold", xml("<Key>data/a/victim-2.txt</Key><Size>1</Size>"), "501 NotImplemented", victim(2)},
		{"1001 keys", remove(many(1001)...), "400 MalformedXML", remove(many(1000)...)},
		{"no key", remove(), "400 MalformedXML", ok},
		{"another document", post("/lab?delete", "<Remove><Object><Key>data/a/gone.txt</Key></Object></Remove>"), "400 MalformedXML", ok},
		{"on a key", post("/lab/data/a/in.txt?delete", batch("data/a/in.txt")), "501 NotImplemented", ok},
		{"by another method", del("/lab?delete"), "501 NotImplemented", ok},
		{"by GET", get("/lab?delete&prefix=data/a/"), "501 NotImplemented", ok},
		{"and something else", post("/lab?delete&policy", batch("data/a/gone.txt")), "501 NotImplemented", ok},
		{"bypassing governance", remove("data/a/gone.txt").with("X-Amz-Bypass-Governance-Retention", "true"), "501 NotImplemented", ok},
		{"another body", ok.edit("data/a/gone.txt", "data/a/put2.txt"), "400 XAmzContentSHA256Mismatch", ok},
		{"another MD5", ok.withUnsigned("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), "400 BadDigest", ok},
	}}}
}
