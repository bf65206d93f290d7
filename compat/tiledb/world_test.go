package tiledb_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/tiledb"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/doortest"
	"github.com/keyhatch/keyhatch/server"
)

// world is a core behind the door, with a workspace "lab" that ann administers, of
// which bob is a member, and one "shop" that is nobody's business.
type world struct {
	*doortest.World
	lab      keyhatch.Workspace
	ann, bob keyhatch.Caller
	key      map[string]string // secrets of tokens by who has them
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	c := coretest.New(t)
	serve := func(log *slog.Logger) server.Door { return tiledb.New(c.Broker, log) }
	w := &world{World: doortest.Serve(t, c, serve), key: map[string]string{}}
	w.lab = w.Workspace(t, "lab")
	w.Workspace(t, "shop")
	w.ann, w.bob = w.User(t, "ann"), w.User(t, "bob")
	w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
	w.Member(t, w.lab, w.bob, keyhatch.MemberRole)
	w.key["ann"], w.key["bob"] = w.Secret(people.NewToken{User: w.ann.User.ID}), w.Secret(people.NewToken{User: w.bob.User.ID})
	w.key["admin"], w.key["confined"] = w.Secret(people.NewToken{}), w.Secret(people.NewToken{User: w.ann.User.ID, Workspace: w.lab.ID})
	return w
}

// ask sends a request with a key, as every client does.
func (w *world) ask(who, method, path, body string, headers ...string) doortest.Answer {
	w.T.Helper()
	r, err := http.NewRequest(method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	if key := w.key[who]; key != "" {
		r.Header.Set("X-TILEDB-REST-API-KEY", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.Do(r)
}

// want demands a status, and of the body that it is strictly of the schema; of "" that
// there is none.
func (w *world) want(status int, schema, who, method, path, body string, headers ...string) doortest.Answer {
	w.T.Helper()
	a := w.ask(who, method, path, body, headers...)
	if a.Status != status {
		w.T.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, a.Status, a.Body, status)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		w.T.Errorf("%s %s: Cache-Control is %q", method, path, a.Header.Get("Cache-Control"))
	}
	if schema == "" {
		if a.Body != "" {
			w.T.Errorf("%s %s: there is a body: %s", method, path, a.Body)
		}
		return a
	}
	if err := schemas.Check(schema, []byte(a.Body)); err != nil {
		w.T.Errorf("%s %s: %v", method, path, err)
	}
	return a
}

// refused is want for failures; field is the one that is named, if any.
func (w *world) refused(status int, field, who, method, path, body string, headers ...string) {
	w.T.Helper()
	a := w.want(status, "failure", who, method, path, body, headers...)
	var f struct {
		Validation struct {
			Fields []struct{ Field string }
		} `json:"validation_error"`
	}
	if err := json.Unmarshal([]byte(a.Body), &f); err != nil {
		w.T.Fatal(err)
	}
	switch named := f.Validation.Fields; {
	case field == "" && len(named) > 0, field != "" && (len(named) != 1 || named[0].Field != field):
		w.T.Errorf("%s %s: %s names %v, want %q", method, path, a.Body, named, field)
	}
}

func into[T any](w *world, a doortest.Answer) (v struct{ Data T }) {
	w.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		w.T.Fatal(err)
	}
	return v
}
