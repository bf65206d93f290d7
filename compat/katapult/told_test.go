package katapult

import (
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// neverTold are failures of the format that there is no reason for here: each is in
// docs/katapult.md.
var neverTold = map[code]string{
	organizationSuspended:    "a workspace is never suspended",
	organizationNotActivated: "nor does it have to be activated",
	noUserForIdentity:        "a token is always somebody's",
	multipleBucketsFound:     "a bucket's name is unique on its store",
}

// TestTranscriptsTellAll: each route is answered in a transcript as it is when all is well,
// and each failure is told in one.
func TestTranscriptsTellAll(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	well, told := map[string]bool{}, map[code]bool{}
	failed := regexp.MustCompile(`(?m)^  "code": "(\w+)",$`)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(archive.Files); i += 2 {
			method, rest, _ := strings.Cut(string(archive.Files[i].Data), " ")
			path, _, _ := strings.Cut(rest, " ")
			answer := string(archive.Files[i+1].Data)
			if c := failed.FindStringSubmatch(answer); c != nil {
				told[code(c[1])] = true
			} else if found, _, err := find(httptest.NewRequest(method, path, nil)); err == nil && strings.HasPrefix(answer, "20") {
				well[found.method+" "+found.path] = true
			}
		}
	}
	for _, r := range routes {
		if name := r.method + " " + r.path; !well[name] {
			t.Errorf("%s is well in no transcript", name)
		}
	}
	for c := range catalogue {
		if _, never := neverTold[c]; told[c] == never {
			t.Errorf("%s is told: %t", c, told[c])
		}
	}
}
