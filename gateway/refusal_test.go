package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// What a refused caller is told fits what it asked for: only a list asks for a prefix.
// Every refusal said what a list must ask for.
func TestRefusalFitsTheRequest(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.near)
		const says, ofLists = "This lease opens write on s3://near/", "a list must ask for such a prefix"
		for _, c := range []struct {
			q    request
			list bool
		}{
			{get("/far"), true},
			{get("/far?list-type=2&prefix=a/"), true},
			{get("/far?versions"), true},
			{get("/far?uploads"), true},
			{get("/far?location"), false},
			{get("/far/key"), false},
			{put("/far/key", "x"), false},
			{del("/far/key"), false},
			{post("/far?delete", "<Delete><Object><Key>one</Key></Object></Delete>"), false},
			{copied("/far/key", "/near/copy"), false},
		} {
			got := r.send(c.q.as("ann"))
			if got.status != http.StatusForbidden || !strings.Contains(got.body, says) || strings.Contains(got.body, ofLists) != c.list {
				t.Errorf("%s %s: %d %s", c.q.method, c.q.target, got.status, got.body)
			}
		}
	})
}
