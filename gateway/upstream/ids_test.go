package upstream_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestOnlyIDsOfTheStore: an id that the store has not made is never passed on: some
// stores read a path in it. One that it has made comes back as it was.
func TestOnlyIDsOfTheStore(t *testing.T) {
	t.Parallel()
	const list = `<ListVersionsResult><VersionIdMarker/><Version><Key>a</Key><VersionId>v&amp;1</VersionId></Version>` +
		`<Version><Key>ab</Key><VersionId>null</VersionId></Version><NextVersionIdMarker>v2</NextVersionIdMarker></ListVersionsResult>`
	f := newFake(t, func(e *exchange) bool {
		if e.URL.Query().Has("versions") {
			return e.answer(http.StatusOK, list)
		}
		return e.answer(http.StatusOK, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>", "X-Amz-Version-Id: v3")
	})
	address, c := before(t, f).listen(t), client(t)
	ask := func(method, rest string, header ...string) answered {
		t.Helper()
		r, err := http.NewRequest(method, address+"/bucket"+rest, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		a, err := send(c, r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, forged := range []string{
		"u1", "u1.", ".mark", "u1.Mark", "u1.mark.", "u1mark", "eC4uLy4uLy4uL2xhYi9kYXRhL2IvYmln", "v3_raw", "NULL",
	} {
		for _, attack := range []struct{ method, rest, source, want string }{
			{"PUT", "/key?partNumber=1&uploadId=" + forged, "", "NoSuchUpload"},
			{"GET", "/key?uploadId=" + forged, "", "NoSuchUpload"},
			{"DELETE", "/key?uploadId=" + forged, "", "NoSuchUpload"},
			{"GET", "?uploads&prefix=a&upload-id-marker=" + forged, "", "NoSuchUpload"},
			{"GET", "/key?versionId=" + forged, "", "NoSuchVersion"},
			{"GET", "/key?tagging&versionId=" + forged, "", "NoSuchVersion"},
			{"GET", "?versions&prefix=a&version-id-marker=" + forged, "", "NoSuchVersion"},
			{"PUT", "/key", "/bucket/other?versionId=" + forged, "NoSuchVersion"},
		} {
			before := len(f.requests())
			a := ask(attack.method, attack.rest, "X-Amz-Copy-Source", attack.source)
			if a.status != http.StatusNotFound || !strings.Contains(string(a.body), attack.want) || len(f.requests()) != before {
				t.Errorf("%s %s %s: %d %s, and the store was asked %d times", attack.method, attack.rest, attack.source, a.status, a.body, len(f.requests())-before)
			}
		}
	}

	if a := ask("POST", "/key?uploads"); !strings.Contains(string(a.body), "<UploadId>u1.mark</UploadId>") || a.header.Get("X-Amz-Version-Id") != "v3.mark" {
		t.Errorf("a new upload: %v %s", a.header, a.body)
	}
	if a := ask("GET", "?versions&prefix=a"); string(a.body) != strings.NewReplacer("v&amp;1", "v&amp;1.mark", "v2", "v2.mark").Replace(list) {
		t.Errorf("versions: %s", a.body)
	}
	for _, right := range []struct{ method, rest, source, query, sent string }{
		{"GET", "/key?versionId=null", "", "versionId=null", ""},
		{"GET", "/key?versionId=v3.mark", "", "versionId=v3", ""},
		{"GET", "/key?uploadId=u1.mark", "", "uploadId=u1", ""},
		{"GET", "/key?uploadId=a.b.mark", "", "uploadId=a.b", ""},
		{"PUT", "/key", "/bucket/other?versionId=v3.mark", "", "/bucket/other?versionId=v3"},
	} {
		a := ask(right.method, right.rest, "X-Amz-Copy-Source", right.source)
		seen := f.requests()
		last := seen[len(seen)-1]
		if a.status != http.StatusOK || last.URL.RawQuery != right.query || last.Header.Get("X-Amz-Copy-Source") != right.sent {
			t.Errorf("%s: %d, the store was asked %q %q", right.rest, a.status, last.URL.RawQuery, last.Header.Get("X-Amz-Copy-Source"))
		}
	}
}
