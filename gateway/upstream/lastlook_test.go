package upstream

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestLastLook: an answer is a refusal when something was changed meanwhile, also one that
// begins without saying its status.
func TestLastLook(t *testing.T) {
	for what, answer := range map[string]func(http.ResponseWriter) error{
		"with a status": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusOK)
			_, err := w.Write([]byte("done"))
			return err
		},
		"without one": func(w http.ResponseWriter) error {
			_, err := w.Write([]byte("done"))
			return err
		},
	} {
		for _, changed := range []bool{false, true} {
			got := httptest.NewRecorder()
			err := answer(&lastLook{ResponseWriter: got, unchanged: func() error {
				if changed {
					return unmet
				}
				return nil
			}})
			if want := map[bool]int{false: http.StatusOK, true: unmet.status}[changed]; err != nil || got.Code != want || (got.Body.String() == "done") == changed {
				t.Errorf("%s, changed %t: %d %s, %v", what, changed, got.Code, got.Body, err)
			}
		}
	}
}
