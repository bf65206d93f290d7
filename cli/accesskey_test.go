package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// TestKeyShowTellsHowFar: of a key that its store does not have as it is to be, key show
// tells the state, how often that failed and why the last time; of one that it refuses, why;
// and of one that is done none of it.
func TestKeyShowTellsHowFar(t *testing.T) {
	t.Setenv(ask.TokenVariable, "kh_of-nobody")
	keys := map[string]api.AccessKey{
		"pending":    {State: "pending", Attempts: 3, LastError: "the store does not answer"},
		"failed":     {State: "failed", Reason: "the policy has room for 21 buckets", Attempts: 1, LastError: "the policy is too large"},
		"configured": {State: "configured"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, known := keys[strings.TrimPrefix(r.URL.Path, "/api/v1/access-keys/")]
		if !known { // what the ids in it are called
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(api.Problem{Status: 404, Code: "not_found", Detail: "it does not exist"})
			return
		}
		_ = json.NewEncoder(w).Encode(key)
	}))
	t.Cleanup(server.Close)
	for name, want := range map[string]string{
		"pending":    "state=pending attempts=3 last error=the store does not answer",
		"failed":     "state=failed reason=the policy has room for 21 buckets attempts=1 last error=the policy is too large",
		"configured": "state=configured",
	} {
		var out bytes.Buffer
		show := keyShow{Key: name}
		show.Server, show.Output = server.URL, "table"
		if err := show.Run(t.Context(), ask.Streams{Out: &out, Err: &out}); err != nil {
			t.Fatal(name, err)
		}
		var told []string
		for line := range strings.Lines(out.String()) {
			title, cell, _ := strings.Cut(line, "  ")
			switch title {
			case "state", "reason", "attempts", "last error":
				told = append(told, title+"="+strings.TrimSpace(cell))
			}
		}
		if got := strings.Join(told, " "); got != want {
			t.Errorf("of one that is %s it tells %q, want %q; all is\n%s", name, got, want, out.String())
		}
	}
}
