package metrics

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are counted in memory until somebody asks. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
	writes       prometheus.Histogram
	writeWait    prometheus.Histogram
	transactions *prometheus.CounterVec
	transactTime prometheus.Histogram
	jobRuns      *prometheus.CounterVec
	vends        *prometheus.CounterVec
	budgetWait   prometheus.Histogram
}

// Build is what program this is.
type Build struct{ Version, Commit, Go string }

// New makes them.
func New(b Build, s Sources) *Metrics {
	counter := func(name string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help[name]}, labels)
	}
	histogram := func(name string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help[name], Buckets: buckets})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("keyhatch_requests_total", "door", "route", "code"),
		requestTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keyhatch_request_duration_seconds", Help: help["keyhatch_request_duration_seconds"], Buckets: moments,
		}, []string{"door"}),
		writes:       histogram("keyhatch_transaction_writes", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}),
		writeWait:    histogram("keyhatch_transaction_wait_seconds", moments),
		transactions: counter("keyhatch_transactions_total", "result"),
		transactTime: histogram("keyhatch_transaction_duration_seconds", moments),
		jobRuns:      counter("keyhatch_job_runs_total", "kind", "outcome"),
		vends:        counter("keyhatch_vends_total", "outcome"),
		budgetWait:   histogram("keyhatch_vend_wait_seconds", moments),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyhatch_build_info", Help: help["keyhatch_build_info"]}, []string{"version", "commit", "go"})
	build.WithLabelValues(b.Version, b.Commit, b.Go).Set(1)
	m.registry.MustRegister(
		m.requests, m.requestTime, m.writes, m.writeWait, m.transactions, m.transactTime, m.jobRuns, m.vends, m.budgetWait, build, asked{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// moments are seconds, from a look at memory to a store that is slow.
var moments = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// help tells what each is. docs/metrics.md has the same words.
var help = map[string]string{
	"keyhatch_requests_total":               "Requests that were answered, by door, route (pattern, or operation of S3) and status.",
	"keyhatch_request_duration_seconds":     "How long they took, by door.",
	"keyhatch_events_total":                 "Events that this process put on the audit record, by action: leases lent, keys issued, tokens made and revoked, and everything else.",
	"keyhatch_transaction_writes":           "Writes that shared a transaction.",
	"keyhatch_transaction_wait_seconds":     "How long the one that waited longest waited for its transaction to begin.",
	"keyhatch_transaction_duration_seconds": "How long the transactions took, until they were durable.",
	"keyhatch_transactions_total":           "Transactions, by result: kept or failed.",
	"keyhatch_memory_age_seconds":           "For how long memory may not be true any more; older than memory_max_age (1 s unless set) it is not used.",
	"keyhatch_object_requests_waiting":      "Requests to the S3 endpoint that are not on record yet.",
	"keyhatch_jobs":                         "Jobs in the database, of all processes, by state: running, due, retrying, waiting.",
	"keyhatch_job_runs_total":               "Attempts of this process at jobs, by kind and outcome: done, failed, given_back, lost.",
	"keyhatch_vends_total":                  "Credentials of stores with a token service, by outcome: kept (served again), minted, refused, no_answer, spent (the budget is).",
	"keyhatch_vend_wait_seconds":            "How long requests to token services waited for their turn in the budget.",
	"keyhatch_build_info":                   "1, with the version, commit and Go of the program.",
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return mux
}

// Request counts one that was answered. Nothing may be passed that a client chooses.
func (m *Metrics) Request(door, route string, status int, took time.Duration) {
	door, route = cmp.Or(door, "none"), cmp.Or(route, "none")
	m.requests.WithLabelValues(door, route, strconv.Itoa(status)).Inc()
	m.requestTime.WithLabelValues(door).Observe(took.Seconds())
}

// Transaction counts one of writes.
func (m *Metrics) Transaction(writes int, waited, took time.Duration, kept bool) {
	result := "failed"
	if kept {
		result = "kept"
	}
	m.transactions.WithLabelValues(result).Inc()
	m.writes.Observe(float64(writes))
	m.writeWait.Observe(waited.Seconds())
	m.transactTime.Observe(took.Seconds())
}

// JobRun counts an attempt.
func (m *Metrics) JobRun(kind, outcome string) { m.jobRuns.WithLabelValues(kind, outcome).Inc() }

// Vend counts what became of a request for a store's credentials.
func (m *Metrics) Vend(outcome string) { m.vends.WithLabelValues(outcome).Inc() }

// VendWait notes how long a request to a token service waited for its turn.
func (m *Metrics) VendWait(d time.Duration) { m.budgetWait.Observe(d.Seconds()) }
