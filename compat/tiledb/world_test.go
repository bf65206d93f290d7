package tiledb_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/tiledb"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

// world is a core behind the door, with a workspace "lab" that ann administers, of
// which bob is a member, and one "shop" that is nobody's business.
type world struct {
	*coretest.Core
	t        *testing.T
	url      string
	log      *logged.Text
	lab      keyhatch.Workspace
	ann, bob keyhatch.Caller
	key      map[string]string // secrets of tokens by who has them
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{Core: coretest.New(t), t: t, log: &logged.Text{}, key: map[string]string{}}
	w.lab = w.Workspace(t, "lab")
	w.Workspace(t, "shop")
	w.ann, w.bob = w.User(t, "ann"), w.User(t, "bob")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	w.key["ann"], w.key["bob"] = w.secret(people.NewToken{User: w.ann.User.ID}), w.secret(people.NewToken{User: w.bob.User.ID})
	w.key["admin"], w.key["confined"] = w.secret(people.NewToken{}), w.secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID})
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := httptest.NewServer(server.API(log, nil, nil, tiledb.New(w.Broker, log)))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *world) secret(n people.NewToken) string {
	w.t.Helper()
	_, secret, err := w.Broker.People.CreateToken(w.t.Context(), w.Admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret.Reveal()
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request with a key, as every client does.
func (w *world) ask(who, method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if key := w.key[who]; key != "" {
		r.Header.Set("X-TILEDB-REST-API-KEY", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, text}
}

// want demands a status, and of the body that it is strictly of the schema; of "" that
// there is none.
func (w *world) want(status int, schema, who, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.ask(who, method, path, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, a.status, a.body, status)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%s %s: Cache-Control is %q", method, path, a.header.Get("Cache-Control"))
	}
	if schema == "" {
		if len(a.body) > 0 {
			w.t.Errorf("%s %s: there is a body: %s", method, path, a.body)
		}
		return a
	}
	if err := strict(schema, a.body); err != nil {
		w.t.Errorf("%s %s: %v", method, path, err)
	}
	return a
}

// refused is want for failures; field is the one that is named, if any.
func (w *world) refused(status int, field, who, method, path, body string, headers ...string) {
	w.t.Helper()
	a := w.want(status, "failure", who, method, path, body, headers...)
	var f struct {
		Validation struct {
			Fields []struct{ Field string }
		} `json:"validation_error"`
	}
	if err := json.Unmarshal(a.body, &f); err != nil {
		w.t.Fatal(err)
	}
	switch named := f.Validation.Fields; {
	case field == "" && len(named) > 0, field != "" && (len(named) != 1 || named[0].Field != field):
		w.t.Errorf("%s %s: %s names %v, want %q", method, path, a.body, named, field)
	}
}

func into[T any](w *world, a answer) (v struct{ Data T }) {
	w.t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil {
		w.t.Fatal(err)
	}
	return v
}
