package keyhatch_test

import (
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestIsLoopback: five packages had a rule of their own.
func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "192.0.2.1": false, "128.0.0.1": false, "::2": false, "::ffff:192.0.2.1": false,
		"localhost.evil.example": false, "127.0.0.1.evil.example": false, "keys.localhost": false, "127.1": false, "localhost:80": false, "[::1]": false,
	} {
		if got := keyhatch.IsLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
