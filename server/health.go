package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Check is one of the things that the service needs to do its work.
type Check struct {
	// Name is what everybody is told when it is lacking.
	Name string
	// Try looks for it. The error is for the log alone.
	Try func(context.Context) error
}

const (
	// lookEvery is how often it is looked at most whether the service is ready, however many ask.
	lookEvery = time.Second
	// lookWithin is how long a look may take.
	lookWithin = 2 * time.Second
)

// Readiness tells whether the service can do its work. A nil one always can. It is safe
// for concurrent use.
type Readiness struct {
	checks []Check
	log    *slog.Logger

	looking chan struct{} // has room for the one who looks, for all who ask
	looked  time.Time
	lacks   string // the name of what is lacking

	stopping sync.Once
	stop     chan struct{} // closed: it is going to stop
}

// NewReadiness is ready when each check is, which are tried in this order: what stands further
// down may rest on what stands above.
func NewReadiness(log *slog.Logger, checks ...Check) *Readiness {
	return &Readiness{checks: checks, log: log, looking: make(chan struct{}, 1), stop: make(chan struct{})}
}

// Withdraw has it say from now on that the service stops, so that whoever shares out
// requests sends no more.
func (r *Readiness) Withdraw() { r.stopping.Do(func() { close(r.stop) }) }

// Lacks names what is lacking; empty: nothing. What it says may be a second old.
func (r *Readiness) Lacks(ctx context.Context) string {
	if r == nil {
		return ""
	}
	select {
	case <-r.stop:
		return "the server stops"
	default:
	}
	r.looking <- struct{}{}
	defer func() { <-r.looking }()
	if time.Since(r.looked) < lookEvery {
		return r.lacks
	}
	// Who asks may leave: the others are told as well.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), lookWithin)
	defer done()
	before, first := r.lacks, r.looked.IsZero()
	r.lacks = ""
	var err error
	for _, c := range r.checks {
		if err = c.Try(ctx); err != nil {
			r.lacks = c.Name
			break
		}
	}
	r.looked = time.Now()
	switch {
	case r.lacks != "" && r.lacks != before:
		r.log.Warn("not ready", "lacks", r.lacks, "error", err)
	case r.lacks == "" && before != "" && !first:
		r.log.Info("ready again")
	}
	return r.lacks
}

// The paths of health. Whoever watches over the service asks them without a token.
const (
	alivePath = "/healthz"
	readyPath = "/readyz"
)

func health(mux *http.ServeMux, ready *Readiness) {
	mux.HandleFunc("GET "+alivePath, func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET "+readyPath, func(w http.ResponseWriter, r *http.Request) {
		if lacks := ready.Lacks(r.Context()); lacks != "" {
			tell(w, http.StatusServiceUnavailable, "not ready: "+lacks)
			return
		}
		tell(w, http.StatusOK, "ready")
	})
}

func tell(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}
