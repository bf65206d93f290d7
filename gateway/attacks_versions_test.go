package gateway_test

// versionAttacks are on versions that a store keeps: a writer reads those of its own
// objects, and takes none of them away, which is what they are kept for.
func versionAttacks() []group {
	const mine, theirs = "/kept/own/in.txt?versionId={old}", "/kept/other/canary-kept.txt?versionId={theirOld}"
	const tagging, attributes = "&tagging", "&attributes"
	by := func(r request) request { return r.as("keeper") }
	old := by(get(mine))
	to := func(source string) request { return by(copied(source, "/kept/other/planted.txt")) }
	into := func(source string) request { return by(copied(source, "/kept/own/copied.txt")) }
	versioned := func(key, version string) request {
		return by(post("/kept?delete", "<Delete><Object><Key>"+key+"</Key><VersionId>"+version+"</VersionId></Object></Delete>"))
	}
	versions := by(get("/kept?versions&prefix=own/"))
	return []group{{"versions that are kept", []row{
		{"read a neighbour's", by(get(theirs)), "403 AccessDenied", old},
		{"head a neighbour's", by(head(theirs)), "403", old},
		{"tags of a neighbour's", by(get(theirs + tagging)), "403 AccessDenied", old},
		{"attributes of a neighbour's", by(get(theirs+attributes)).with("X-Amz-Object-Attributes", "ETag"), "403 AccessDenied", old},
		{"a neighbour's id for one's own key", by(get("/kept/own/in.txt?versionId={theirOld}")).forwarded(), "404 NoSuchVersion; rgw: 404 NoSuchKey", old},
		{"one's own id for a neighbour's key", by(get("/kept/other/canary-kept.txt?versionId={old}")), "403 AccessDenied", old},
		{"one's own id in another bucket", get("/lab/data/a/in.txt?versionId={old}"), "404 NoSuchVersion", own},
		{"copy of a neighbour's", into(theirs), "403 AccessDenied", old},
		{"copy by a neighbour's id", into("/kept/own/in.txt?versionId={theirOld}").forwarded(), "404 NoSuchVersion; rgw: 404 NoSuchKey", old},
		{"copy to a neighbour", to(mine), "403 AccessDenied", old},
		{"by who has another bucket", get(mine), "403 AccessDenied", own},
		{"delete", by(del(mine)), "403 AccessDenied", old},
		{"delete a neighbour's", by(del(theirs)), "403 AccessDenied", old},
		{"delete in a batch", versioned("own/in.txt", "{old}"), "200 AccessDenied", old},
		{"delete a neighbour's in a batch", versioned("other/canary-kept.txt", "{theirOld}"), "200 AccessDenied", old},
		{"tag", by(put(mine+tagging, tags("k", "v"))), "403 AccessDenied", old},
		{"untag", by(del(mine + tagging)), "403 AccessDenied", old},
		{"put", by(put(mine, "x")), "501 NotImplemented", old},
		{"list a neighbour's", by(get("/kept?versions&prefix=other/")), "403 AccessDenied", versions},
		{"list from a neighbour's on", by(get("/kept?versions&prefix=own/&key-marker=own/in.txt&version-id-marker={theirOld}")).forwarded(), "200", versions},
		{"list of the bucket, from one's own on", by(get("/kept?versions&key-marker=own/in.txt&version-id-marker={old}")), "403 AccessDenied", versions},
		{"lift the keeping", by(put("/kept?versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")), "501 NotImplemented", old},
	}}}
}
