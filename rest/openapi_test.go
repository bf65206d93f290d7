package rest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/keyhatch/keyhatch/rest"
)

var update = flag.Bool("update", false, "write api/openapi.json")

const golden = "../api/openapi.json"

// The description in the tree is the one that is served.
func TestOpenAPIIsCurrent(t *testing.T) {
	served, err := rest.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, served, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(golden, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, pretty.Bytes()) {
		t.Error("api/openapi.json is not what the server describes: run make gen and look at the difference")
	}
}
