package account

import "testing"

// TestInTheClear warns of a token that others on the way can read, and of no other.
func TestInTheClear(t *testing.T) {
	for server, want := range map[string]bool{
		"http://127.0.0.1:8750": false, "http://localhost:8750": false, "http://[::1]:8750": false, "https://keys.example.org": false,
		"http://keys.example.org": true, "http://192.0.2.1:8750": true, "http://10.0.0.1": true,
	} {
		if got := inTheClear(server); got != want {
			t.Errorf("%s: %v", server, got)
		}
	}
}
