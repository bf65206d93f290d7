package main

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver/shield"
	"github.com/keyhatch/keyhatch/metrics"
	"github.com/keyhatch/keyhatch/server"
)

// newMetrics has the database tell it of its transactions; the other parts are made later.
func (in *instance) newMetrics() *metrics.Metrics {
	b := thisBuild()
	m := metrics.New(metrics.Build{Version: b.Version, Commit: b.Commit, Go: b.Go}, metrics.Sources{
		Events: in.db.EventsRecorded, MemoryAge: in.mirror.Age,
		ObjectRequestsWaiting: func() int { return in.broker.Objects.Waiting() },
		Jobs:                  func(ctx context.Context) (map[string]int, error) { return in.db.JobStates(ctx, time.Now()) },
	})
	in.db.WatchCommits(func(c db.Commit) { m.Transaction(c.Writes, c.Waited, c.Took, c.Kept) })
	return m
}

func (in *instance) watchVends() shield.Watch {
	return shield.Watch{Vended: func(o shield.Outcome) { in.metrics.Vend(string(o)) }, Waited: in.metrics.VendWait}
}

// watchRequest is of a door; those of the S3 endpoint have their operation as route.
func (in *instance) watchRequest(a server.Answered) {
	in.metrics.Request(a.Door, a.Route, a.Status, a.Took)
}

func (in *instance) watchOperation(operation string, status int, took time.Duration) {
	in.metrics.Request("s3", operation, status, took)
}

// scraped is the server that Prometheus asks; none: there is no listener.
func (in *instance) scraped() []*server.Server {
	if in.scrapes == nil {
		return nil
	}
	return []*server.Server{server.New(server.Options{
		Listener: in.scrapes, Log: in.log, Total: 15 * time.Second, Connections: 64, Handler: in.metrics.Handler(),
	})}
}
