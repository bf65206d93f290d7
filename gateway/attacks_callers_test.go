package gateway_test

import (
	"fmt"
	"strings"
	"time"
)

// operationAttacks ask for what is not offered, or not to this caller.
func operationAttacks() []group {
	subresources := []string{
		"accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering", "inventory", "lifecycle", "logging", "metadataTable", "metrics",
		"notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "tagging",
		"versioning", "website", "session",
	}
	configuration := group{name: "configuration of buckets"}
	for _, name := range subresources {
		for _, ask := range []request{get("/lab?" + name), put("/lab?"+name, "<x/>"), del("/lab?" + name), post("/lab?"+name, "<x/>")} {
			configuration.rows = append(configuration.rows, row{ask.method + " " + name, ask, "501 NotImplemented", none})
		}
	}
	configuration.rows = append(configuration.rows,
		row{"make a bucket", put("/planted", ""), "501 NotImplemented", get("/lab?location")},
		row{"make one's own again", put("/lab", ""), "501 NotImplemented", head("/lab")},
		row{"remove one's own", del("/lab"), "501 NotImplemented", head("/lab")},
		row{"remove another's", del("/vault"), "501 NotImplemented", none},
		row{"make a bucket of a key's location", put("/lab?location", "<x/>"), "501 NotImplemented", get("/lab?location")},
		row{"act as another service", post("/?Action=AssumeRole&Version=2011-06-15", ""), "501 NotImplemented", get("/")},
		row{"act as another service, by form", post("/", "Action=GetCallerIdentity&Version=2011-06-15").with("Content-Type", "application/x-www-form-urlencoded"), "501 NotImplemented", get("/")},
	)

	form := "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\ndata/b/planted.txt\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--x--\r\n"
	const formType = "multipart/form-data; boundary=x"
	tagged := put("/lab/data/a/put.txt?tagging", tags("k", "v"))
	return []group{
		configuration,
		{"sub-resources and headers of objects", []row{
			{"read the ACL", get("/lab/data/a/in.txt?acl"), "501 NotImplemented", own},
			{"write the ACL", put("/lab/data/a/in.txt?acl", "<x/>"), "501 NotImplemented", ownPut},
			{"retention", put("/lab/data/a/in.txt?retention", "<x/>"), "501 NotImplemented", ownPut},
			{"legal hold", put("/lab/data/a/in.txt?legal-hold", "<x/>"), "501 NotImplemented", ownPut},
			{"torrent", get("/lab/data/a/in.txt?torrent"), "501 NotImplemented", own},
			{"restore", post("/lab/data/a/in.txt?restore", "<x/>"), "501 NotImplemented", own},
			{"select", post("/lab/data/a/in.txt?select&select-type=2", "<x/>"), "501 NotImplemented", own},
			{"rename", put("/lab/data/a/in.txt?renameObject", "").with("X-Amz-Rename-Source", "/lab/data/b/canary-b.txt"), "501 NotImplemented", ownPut},
			{"append", ownPut.with("X-Amz-Write-Offset-Bytes", "0"), "501 NotImplemented", ownPut},
			{"made public", ownPut.with("X-Amz-Acl", "public-read-write"), "403 AccessDenied", ownPut.with("X-Amz-Acl", "private")},
			{"granted to all", ownPut.with("X-Amz-Grant-Full-Control", `uri="http://acs.amazonaws.com/groups/global/AllUsers"`), "501 NotImplemented", ownPut},
			{"locked", ownPut.with("X-Amz-Object-Lock-Mode", "COMPLIANCE"), "501 NotImplemented", ownPut},
			{"redirected", ownPut.with("X-Amz-Website-Redirect-Location", "http://evil.example/"), "501 NotImplemented", ownPut},
			{"encrypted with a key of one's own", ownPut.with("X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256"), "501 NotImplemented", ownPut},
			{"encrypted", ownPut.with("X-Amz-Server-Side-Encryption", "aws:kms"), "501 NotImplemented", ownPut},
			{"in another storage class", ownPut.with("X-Amz-Storage-Class", "GLACIER"), "400 InvalidStorageClass", ownPut.with("X-Amz-Storage-Class", "STANDARD")},
			{"unknown header", ownPut.with("X-Amz-Something-New", "1"), "501 NotImplemented", ownPut},
			{"unknown parameter", put("/lab/data/a/put.txt?something", "x"), "501 NotImplemented", ownPut},
			{"proof by a second factor", del("/lab/data/a/gone.txt").with("X-Amz-Mfa", "1 1"), "501 NotImplemented", del("/lab/data/a/gone.txt")},
			{"body of a read", call("GET", "/lab/data/a/in.txt", "x"), "400 InvalidRequest", own},
			{"body of a delete", call("DELETE", "/lab/data/a/in.txt", "x"), "400 InvalidRequest", del("/lab/data/a/gone.txt")},
			{"body of a list", call("GET", "/lab?list-type=2&prefix=data/a/", "x"), "400 InvalidRequest", ownList},
			{"body of the list of buckets", call("GET", "/", "x"), "400 InvalidRequest", get("/")},
			{"body of the beginning of an upload", post("/lab/data/a/more.bin?uploads", "x"), "400 InvalidRequest", post("/lab/data/a/more.bin?uploads", "")},
		}},
		{"writing with a lease for reading", []row{
			{"put", ownPut.as("reader"), "403 AccessDenied", ownPut},
			{"put a marker", put("/lab/data/a/folder/", "").as("reader"), "403 AccessDenied", own.as("reader")},
			{"delete", del("/lab/data/a/in.txt").as("reader"), "403 AccessDenied", own.as("reader")},
			{"tag", tagged.as("reader"), "403 AccessDenied", tagged},
			{"untag", del("/lab/data/a/in.txt?tagging").as("reader"), "403 AccessDenied", get("/lab/data/a/in.txt?tagging").as("reader")},
			{"put by an address", ownPut.presign(time.Minute).as("reader"), "403 AccessDenied", ownPut.presign(time.Minute)},
			{"part", put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", "x").as("reader"), "403 AccessDenied", own.as("reader")},
		}},
		{"forms", []row{
			{"nobody's", post("/lab", form).with("Content-Type", formType).anonymous(), "501 NotImplemented", none},
			{"signed", post("/lab", form).with("Content-Type", formType), "501 NotImplemented", own},
			{"on the bucket's slash", post("/lab/", form).with("Content-Type", formType), "501 NotImplemented", own},
			{"on a key", post("/lab/data/a/in.txt", form).with("Content-Type", formType), "501 NotImplemented", own},
			{"with a batch delete's name", post("/lab?delete", form).with("Content-Type", formType), "400 MalformedXML", post("/lab?delete", batch("data/a/gone.txt"))},
			{"on the bucket's host", post("/", form).at("lab."+domain).with("Content-Type", formType), "501 NotImplemented", own},
			{"with a policy", post("/lab", strings.Replace(form, "--x--", "--x\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n--x--", 1)).with("Content-Type", formType).anonymous(), "501 NotImplemented", none},
			{"of another bucket", post("/vault", form).with("Content-Type", formType), "501 NotImplemented", own},
			{"urlencoded", post("/lab", "key=data/b/planted.txt&file=x").with("Content-Type", "application/x-www-form-urlencoded"), "501 NotImplemented", own},
			{"that begins an upload", post("/lab/data/b/planted.bin?uploads", form).with("Content-Type", formType), "400 InvalidRequest", own},
		}},
	}
}

// holderAttacks are by nobody, and by those whose lease has ended.
func holderAttacks() []group {
	nobody := group{name: "by nobody"}
	for _, ask := range []request{
		get("/"), own, head("/lab/data/a/in.txt"), get("/lab/data/b/canary-b.txt"), ownPut, del("/lab/data/a/in.txt"), ownList, head("/lab"), get("/lab?location"),
		copied("/lab/data/a/in.txt", "/lab/data/a/copied.txt"), post("/lab?delete", batch("data/a/in.txt")), get("/lab/data/a/in.txt?tagging"),
		post("/lab/data/a/more.bin?uploads", ""), put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", "x"), post("/lab/data/a/up.bin?uploadId={upload}", whole("{etag}")),
	} {
		want := "403 AccessDenied"
		if ask.method == "HEAD" {
			want = "403"
		}
		nobody.rows = append(nobody.rows, row{ask.method + " " + strings.ReplaceAll(ask.target, "/", " "), ask.anonymous(), wants(want), none})
	}
	nobody.rows[0].control = get("/")

	ended := group{name: "replay after the end of the lease"}
	for _, who := range []struct{ name, want string }{
		{"revoked", "403 AccessDenied"},
		{"tokenless", "403 AccessDenied"},
		{"grantless", "403 AccessDenied"},
		{"inactive", "403 AccessDenied"},
		{"expired", "400 ExpiredToken"},
	} {
		for _, ask := range []request{
			own, ownPut, ownList, del("/lab/data/a/in.txt"), own.presign(time.Hour), ownPut.presign(time.Hour),
			post("/lab/data/a/up.bin?uploadId={upload}", whole("{etag}")), copied("/lab/data/a/in.txt", "/lab/data/a/copied.txt"),
			ownPut.chunked(signedChunks, "", "chunk"),
		} {
			control := ask
			if strings.Contains(ask.target, "uploadId") || ask.method == "DELETE" {
				control = none // it would end what others need
			}
			name := fmt.Sprintf("%s, %s %s %d", who.name, ask.method, strings.ReplaceAll(ask.target, "/", " "), len(ended.rows))
			ended.rows = append(ended.rows, row{name, ask.as(who.name), wants(who.want), control})
		}
	}
	ended.rows = append(
		ended.rows,
		row{"expired, batch delete", post("/lab?delete", batch("data/a/in.txt")).as("expired"), "400 ExpiredToken", none},
		row{"expired, the list of buckets", get("/").as("expired"), "400 ExpiredToken", get("/")},
		row{"revoked, the list of buckets", get("/").as("revoked"), "403 AccessDenied", get("/")},
		row{"expired, by who does not know the secret", own.as("guesser of the expired"), "403 SignatureDoesNotMatch", own},
		row{"revoked, by who does not know the secret", own.as("guesser of the revoked"), "403 SignatureDoesNotMatch", own},
		row{"signed 16 minutes ago", own.old(16 * time.Minute), "403 RequestTimeTooSkewed", own.old(14 * time.Minute)},
		row{"signed in 16 minutes", own.old(-16 * time.Minute), "403 RequestTimeTooSkewed", own.old(-14 * time.Minute)},
		row{"put signed 16 minutes ago", ownPut.old(16 * time.Minute), "403 RequestTimeTooSkewed", ownPut.old(14 * time.Minute)},
		row{"address past its time", own.presign(time.Minute).old(time.Minute + 2*time.Second), "403 AccessDenied", own.presign(time.Minute).old(30 * time.Second)},
		row{"address before its time", own.presign(time.Hour).old(-16 * time.Minute), "403 AccessDenied", own.presign(time.Hour).old(-14 * time.Minute)},
		row{"address for more than a week", own.presign(8 * 24 * time.Hour), "400 AuthorizationQueryParametersError", own.presign(7 * 24 * time.Hour)},
		row{"address for no time", own.presign(time.Minute).edit("Expires=60", "Expires=0"), "400 AuthorizationQueryParametersError", own.presign(time.Minute)},
		row{"put by an address past its time", ownPut.presign(time.Minute).old(time.Hour), "403 AccessDenied", ownPut.presign(2 * time.Hour).old(time.Hour)},
	)
	return []group{nobody, ended}
}

// tokenAttacks bring keys that do not belong together, or to nobody.
func tokenAttacks() []group {
	out := group{name: "session tokens and access keys"}
	for _, who := range []struct{ name, want string }{
		{"stranger", "403 SignatureDoesNotMatch"},
		{"guesser", "403 SignatureDoesNotMatch"},
		{"nobody's secret", "403 SignatureDoesNotMatch"},
		{"without token", "403 SignatureDoesNotMatch"},
		{"outsider", "403 AccessDenied"},
		{"outsider's token", "403 AccessDenied"},
		{"tampered token", "403 AccessDenied"},
		{"token's last letter", "403 AccessDenied"},
		{"truncated token", "403 AccessDenied"},
		{"longer token", "403 AccessDenied"},
		{"padded token", "403 AccessDenied"},
		{"upper token", "403 AccessDenied"},
		{"half and half", "403 AccessDenied"},
		{"huge token", "400 InvalidToken"},
		{"lower key", "403 AccessDenied"},
		{"neighbour's token", "403 AccessDenied"},
		{"neighbour's key", "403 AccessDenied"},
		{"neighbour's key and token", "403 SignatureDoesNotMatch"},
		{"neighbour's key and secret", "403 AccessDenied"},
		{"reader's key, own token", "403 AccessDenied"},
		{"reader's token", "403 AccessDenied"},
		{"expired one's token", "403 AccessDenied"},
		{"token of blanks", "403 AccessDenied"},
	} {
		out.rows = append(
			out.rows,
			row{who.name + ", get", own.as(who.name), wants(who.want), own},
			row{who.name + ", put", ownPut.as(who.name), wants(who.want), none},
			row{who.name + ", by an address", own.presign(time.Minute).as(who.name), wants(who.want), none},
		)
	}
	out.rows = append(
		out.rows,
		row{"token swapped after signing", own.edit("{token of writer}", "{token of neighbour}"), "403 AccessDenied", own},
		row{"token swapped in an address", own.presign(time.Minute).edit("{token of writer}", "{token of neighbour}"), "403 AccessDenied", own.presign(time.Minute)},
		row{"key swapped after signing", own.edit("{key of writer}", "{key of neighbour}"), "403 AccessDenied", own},
		row{"token twice", own.edit("X-Amz-Security-Token", "X-Amz-Security-Token: {token of neighbour}\r\nX-Amz-Security-Token"), "400 InvalidArgument", own},
		row{"token not signed", own.edit(";x-amz-security-token", ""), "403 AccessDenied", own},
		row{"token in header and query", own.edit("in.txt ", "in.txt?X-Amz-Security-Token={token of writer} "), "400 InvalidArgument", own},
		row{"token dropped", own.edit("X-Amz-Security-Token: {token of writer}\r\n", ""), "400 AuthorizationHeaderMalformed", own},
		row{"token with a line of its own", own.edit("{token of writer}", "\r\n {token of writer}").forwarded(), "200", own},
	)
	return []group{out}
}
