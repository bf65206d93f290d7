package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// TestStoppedIsNotDone: a command that was stopped does not say that all is well. It did, and
// so did a check of the record that had not been made.
func TestStoppedIsNotDone(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "keyhatch.yaml")
	if status := run(t.Context(), []string{"init", "--config", config}, strings.NewReader(""), io.Discard, io.Discard); status != 0 {
		t.Fatalf("init: %d", status)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, words := range [][]string{{"audit", "verify", "--config", config}, {"store", "list", "--server", "http://127.0.0.1:9"}} {
		var out, errors strings.Builder
		if status := run(ctx, words, strings.NewReader(""), &out, &errors); status == 0 || errors.String() == "" {
			t.Errorf("%q was stopped, and ends with %d: %q, %q", words, status, out.String(), errors.String())
		}
	}
	var errors strings.Builder
	if status := run(ctx, []string{"serve", "--config", config}, strings.NewReader(""), io.Discard, &errors); status != 0 {
		t.Errorf("serve was stopped, and ends with %d: %s", status, errors.String())
	}
}
