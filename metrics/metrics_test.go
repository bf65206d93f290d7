package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
)

func sources(jobs error) Sources {
	return Sources{
		Events:    func() map[keyhatch.Action]uint64 { return map[keyhatch.Action]uint64{"lease.lend": 3} },
		MemoryAge: func() time.Duration { return 250 * time.Millisecond }, ObjectRequestsWaiting: func() int { return 2 },
		Jobs: func(context.Context) (map[string]int, error) { return map[string]int{"due": 4}, jobs },
	}
}

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// TestEveryMetricIsDocumented holds the table of docs/metrics.md to what is told: names, labels, and words.
func TestEveryMetricIsDocumented(t *testing.T) {
	m := New(Build{"v1", "abc", "go1"}, sources(nil))
	m.Request("rest", "GET /api/v1/tokens", 200, time.Millisecond)
	m.Transaction(2, time.Millisecond, time.Millisecond, true)
	m.JobRun("bucket.make", "done")
	m.Vend("minted")
	m.VendWait(time.Second)
	text := scrape(m)
	labels := map[string][]string{}
	for _, sample := range regexp.MustCompile(`(?m)^(keyhatch_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(text, -1) {
		labels[sample[1]] = nil
		for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample[2], -1) {
			if l[1] != "le" {
				labels[sample[1]] = append(labels[sample[1]], "`"+l[1]+"`")
			}
		}
	}
	var want []string
	for name, l := range labels {
		kind := regexp.MustCompile(`(?m)^# TYPE ` + name + ` (\w+)$`).FindStringSubmatch(text)
		if kind == nil || !strings.Contains(text, "# HELP "+name+" "+help[name]+"\n") {
			t.Fatalf("%s has no type or no help", name)
		}
		slices.Sort(l)
		want = append(want, "| `"+name+"` | "+kind[1]+" | "+strings.Join(slices.Compact(l), ", ")+" | "+help[name]+" |")
	}
	slices.Sort(want)
	if len(want) != len(help) {
		t.Errorf("%d metrics are told, %d have words", len(want), len(help))
	}
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)^\\| `keyhatch_.*$").FindAllString(string(page), -1)
	if !slices.Equal(shown, want) {
		t.Errorf("docs/metrics.md is to show:\n%s", strings.Join(want, "\n"))
	}
}

// TestDatabaseAway: what does not need the database is told without it, and of jobs nothing,
// which is not the same as none.
func TestDatabaseAway(t *testing.T) {
	text := scrape(New(Build{}, sources(errors.New("canary-cause"))))
	for _, want := range []string{`keyhatch_events_total{action="lease.lend"} 3`, "keyhatch_memory_age_seconds 0.25", "keyhatch_object_requests_waiting 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, "keyhatch_jobs{") || strings.Contains(text, "canary") {
		t.Error(text)
	}
}
