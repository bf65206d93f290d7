package arvados_test

import (
	"testing"

	"github.com/keyhatch/keyhatch/broker/people"
)

// TestListOfEverybodyByOwner: the system root's list of one user's tokens, and of nobody's.
func TestListOfEverybodyByOwner(t *testing.T) {
	w := newWorld(t)
	self := w.want(200, w.get(users+"/current", w.ann)).string("uuid")
	if a := w.want(200, w.get(tokens, w.root)); len(a.items()) < 5 {
		t.Errorf("everybody's: %s", a.Body)
	}
	for _, operator := range []string{"=", "in"} {
		operand := `"` + self + `"`
		if operator == "in" {
			operand = "[" + operand + "]"
		}
		a := w.want(200, w.get(tokens, w.root, "filters", `[["owner_uuid","`+operator+`",`+operand+`]]`))
		if len(a.items()) != 2 || a.items()[0]["owner_uuid"] != self {
			t.Errorf("ann's, by %s: %s", operator, a.Body)
		}
	}
	for _, uuid := range []string{"zzzzz-tpzed-aaaaaaaaaaaaaaa", "yyyyy" + self[5:], "nonsense", ""} {
		if a := w.want(200, w.get(tokens, w.root, "filters", `[["owner_uuid","=","`+uuid+`"]]`)); a.record["items_available"] != 0.0 {
			t.Errorf("of %q: %s", uuid, a.Body)
		}
	}
	if a := w.want(200, w.get(tokens, w.ann, "filters", `[["owner_uuid","=","zzzzz-tpzed-000000000000000"]]`)); len(a.items()) != 0 {
		t.Errorf("ann sees %s", a.Body)
	}
}

// BenchmarkList is a page of a thousand of 2,500 tokens.
func BenchmarkList(b *testing.B) {
	w := newLimitedWorld(b, people.Limits{RequestsPerMinute: 1_000_000})
	for range 2500 {
		w.Secret(people.NewToken{User: w.annID})
	}
	b.ResetTimer()
	for b.Loop() {
		w.want(200, w.get(tokens, w.ann, "limit", "1000", "order", "created_at asc,uuid asc", "filters", `[["created_at",">=","2000-01-01"],["uuid","!=","x"]]`))
	}
}
