package conformance

import (
	"os"
	"path/filepath"
	"testing"
)

// docs/tour.md is walked as a newcomer would, in an empty folder and with a home of
// one's own: every line is typed, and what it prints is what the tour shows.
func TestTour(t *testing.T) {
	aws := program(t, "KEYHATCH_AWSCLI", "awscli")
	python := program(t, "KEYHATCH_PYTHON", "boto3")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../docs/tour.md")
	if err != nil {
		t.Fatal(err)
	}
	n := newNewcomer(t, "The tour", string(text), t.TempDir(), filepath.Dir(path), filepath.Dir(aws), filepath.Dir(python))
	if len(n.session) < 40 || n.session[0].command != "keyhatch dev" {
		t.Fatalf("the tour has %d steps", len(n.session))
	}
	n.run(t)
}
