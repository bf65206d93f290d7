package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// asRecorded are the actions that the record calls otherwise than the command line.
var asRecorded = map[string]string{
	"key delete": "access_key.delete", "oauth-client delete": "oauth_client.delete", "session revoke": "session.end", "consent revoke": "consent.end",
}

// TestWhatEndsThingsTellsPrograms runs the example of each verb that ends something with
// -o json, which printed nothing: the answer names what was done, as the audit record does.
func TestWhatEndsThingsTellsPrograms(t *testing.T) {
	var called []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = append(called, r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	ownConfig(t)
	t.Setenv("KEYHATCH_SERVER", server.URL)
	t.Setenv("KEYHATCH_TOKEN", "kh_of_nobody")
	verbs := map[string]string{"delete": "delete", "revoke": "revoke", "take": "take", "remove-member": "member.remove"}
	tried := 0
	for path, text := range examples {
		noun, verb, _ := strings.Cut(path, " ")
		if verbs[verb] == "" || path == "store-account delete" { // that is in the trash now, which it shows
			continue
		}
		tried++
		first, _, _ := strings.Cut(text, "\n")
		words := wordsOf(first)
		called = nil
		var out, errors bytes.Buffer
		if status := run(t.Context(), append(words, "-o", "json"), nil, &out, &errors); status != 0 {
			t.Errorf("%s: status %d, %s", first, status, &errors)
			continue
		}
		want := ask.Ended{Action: noun + "." + verbs[verb], Target: words[2]}
		if other, is := asRecorded[path]; is {
			want.Action = other
		}
		if len(words) > 3 && !strings.HasPrefix(words[3], "-") {
			want.User = words[3]
		}
		var got ask.Ended
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != want {
			t.Errorf("%s told %s, want %+v", first, &out, want)
		}
		called = slices.DeleteFunc(called, func(c string) bool { return strings.HasPrefix(c, "GET ") }) // how a lease ends is asked before
		if len(called) != 1 || !strings.HasPrefix(called[0], "DELETE ") || !strings.Contains(called[0], "/"+words[2]) {
			t.Errorf("%s called %v", first, called)
		}
	}
	if tried < 14 {
		t.Errorf("only %d verbs end something", tried)
	}
}

// ownConfig keeps a test away from what its user has kept.
func ownConfig(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
}
