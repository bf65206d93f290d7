package doortest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

// World is a core behind a door.
type World struct {
	*coretest.Core
	T   testing.TB
	URL string
	Log *logged.Text // all that the server logs
}

// Serve puts a core behind a door, until the test ends.
func Serve(t testing.TB, c *coretest.Core, door func(*slog.Logger) server.Door) *World {
	t.Helper()
	w := &World{Core: c, T: t, Log: &logged.Text{}}
	log := slog.New(slog.NewTextHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := httptest.NewServer(server.API(server.Ground{Log: log}, door(log)))
	t.Cleanup(s.Close)
	w.URL = s.URL
	return w
}

// Secret makes a token as the installation admin.
func (w *World) Secret(n people.NewToken) string {
	w.T.Helper()
	_, secret, err := w.Broker.People.CreateToken(w.T.Context(), w.Admin, n)
	if err != nil {
		w.T.Fatal(err)
	}
	return secret.Reveal()
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request as it is, and follows nothing.
func (w *World) Do(r *http.Request) Answer {
	w.T.Helper()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, string(text)}
}
