package metrics

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/prometheus/client_golang/prometheus"
)

// Sources are asked for numbers when somebody scrapes.
type Sources struct {
	Events                func() map[keyhatch.Action]uint64
	MemoryAge             func() time.Duration
	ObjectRequestsWaiting func() int
	// Jobs counts them by state. It asks the database, and has a second for that.
	Jobs func(context.Context) (map[string]int, error)
}

// asked is a collector of what Sources tell.
type asked struct{ Sources }

// jobsWithin is how long the database is waited for: the rest is told also while it is away.
const jobsWithin = time.Second

func described(name string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help[name], labels, nil)
}

var (
	events     = described("keyhatch_events_total", "action")
	memoryAge  = described("keyhatch_memory_age_seconds")
	unrecorded = described("keyhatch_object_requests_waiting")
	jobs       = described("keyhatch_jobs", "state")
)

// Describe implements prometheus.Collector.
func (a asked) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{events, memoryAge, unrecorded, jobs} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (a asked) Collect(out chan<- prometheus.Metric) {
	for action, n := range a.Events() {
		out <- prometheus.MustNewConstMetric(events, prometheus.CounterValue, float64(n), string(action))
	}
	out <- prometheus.MustNewConstMetric(memoryAge, prometheus.GaugeValue, a.MemoryAge().Seconds())
	out <- prometheus.MustNewConstMetric(unrecorded, prometheus.GaugeValue, float64(a.ObjectRequestsWaiting()))
	ctx, done := context.WithTimeout(context.Background(), jobsWithin)
	defer done()
	states, err := a.Jobs(ctx)
	if err != nil {
		return // there are no jobs in what is told then, rather than none of them
	}
	for state, n := range states {
		out <- prometheus.MustNewConstMetric(jobs, prometheus.GaugeValue, float64(n), state)
	}
}
