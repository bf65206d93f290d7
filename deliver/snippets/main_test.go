package snippets_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// tricky is what a language would make something of, were it not quoted.
const tricky = "';touch${IFS}planted;'\"$(touch${IFS}planted)`touch${IFS}planted`\\'!#%&*()+,-./:;<=>?@[]^_{|}~'\\"

// aLease is one that a server could lend.
func aLease() api.Lent {
	return api.Lent{
		ID: "lease_000000000000001", AccessKeyID: "KHLE000000000000001", SecretAccessKey: "secret-canary", SessionToken: "token-canary",
		ExpiresAt: time.Now().Add(time.Hour), Endpoint: "http://127.0.0.1:8751", Region: "us-east-1", Store: "local", Access: "write",
		Prefixes: []string{"s3://demo/alpha/"}, Revocation: "immediate",
	}
}

// clientPython finds a real client by the variable that make test sets, or skips the
// test.
func clientPython(t *testing.T) string {
	t.Helper()
	path := os.Getenv("KEYHATCH_PYTHON")
	if path == "" {
		t.Skip("needs Python (run make test)")
	}
	return path
}

func contains(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}
