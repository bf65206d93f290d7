package arvados_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/arvados"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/doortest"
	"github.com/keyhatch/keyhatch/server"
)

const cluster = "zzzzz"

const tokens, users = "/arvados/v1/api_client_authorizations", "/arvados/v1/users"

// world is a core behind the door, with tokens for everything of an administrator, of
// ann, and of the system root.
type world struct {
	*doortest.World
	admin, ann, root string
	annID            string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return newLimitedWorld(t, people.Limits{})
}

// newLimitedWorld is a world in which tokens have limits.
func newLimitedWorld(t testing.TB, limits people.Limits) *world {
	t.Helper()
	c := coretest.New(t)
	c.Tokens = limits
	root := keyhatch.NewTokenSecret()
	if err := broker.SetRoot(t.Context(), c.DB, c.Keys, root); err != nil {
		t.Fatal(err)
	}
	c.Restart(t)
	serve := func(log *slog.Logger) server.Door { return arvados.New(c.Broker, cluster, log) }
	w := &world{World: doortest.Serve(t, c, serve)}
	w.root = root.Reveal()
	w.admin = w.Secret(people.NewToken{})
	w.annID = w.User(t, "ann").User.ID
	w.ann = w.Secret(people.NewToken{User: w.annID})
	go w.Mirror.Run(t.Context())
	return w
}

// scoped makes a token of ann's.
func (w *world) scoped(scopes ...keyhatch.Scope) string {
	w.T.Helper()
	if scopes == nil {
		scopes = []keyhatch.Scope{}
	}
	return w.Secret(people.NewToken{User: w.annID, Scopes: scopes})
}

// request is what is sent. A body is a string, or anything else to be sent as JSON.
type request struct {
	method, path, token string
	query               url.Values
	header              http.Header
	form                url.Values
	json                any
	body                string
}

// answer is what came back.
type answer struct {
	doortest.Answer
	record map[string]any
}

func (a answer) items() (out []map[string]any) {
	list, _ := a.record["items"].([]any)
	for _, item := range list {
		record, _ := item.(map[string]any)
		out = append(out, record)
	}
	return out
}

func (a answer) uuids() (out []string) {
	for _, item := range a.items() {
		uuid, _ := item["uuid"].(string)
		out = append(out, uuid)
	}
	return out
}

func (a answer) string(name string) string {
	text, _ := a.record[name].(string)
	return text
}

func (a answer) failure() string {
	list, _ := a.record["errors"].([]any)
	if len(list) != 1 {
		return ""
	}
	text, _ := list[0].(string)
	return text
}

func (w *world) send(q request) answer {
	w.T.Helper()
	body, media := q.body, ""
	switch {
	case q.form != nil:
		body, media = q.form.Encode(), "application/x-www-form-urlencoded"
	case q.json != nil:
		text, err := json.Marshal(q.json)
		if err != nil {
			w.T.Fatal(err)
		}
		body, media = string(text), "application/json"
	}
	address := w.URL + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(w.T.Context(), q.method, address, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) answer {
	w.T.Helper()
	a := answer{Answer: w.Do(r)}
	if a.Body != "" {
		if err := json.Unmarshal([]byte(a.Body), &a.record); err != nil {
			w.T.Errorf("%s %s: %d %.200s: %v", r.Method, r.URL.Path, a.Status, a.Body, err)
		}
	}
	return a
}

func (w *world) get(path, token string, query ...string) answer {
	w.T.Helper()
	q := request{method: http.MethodGet, path: path, token: token, query: url.Values{}}
	for i := 0; i < len(query); i += 2 {
		q.query.Add(query[i], query[i+1])
	}
	return w.send(q)
}

// want demands a status.
func (w *world) want(status int, a answer) answer {
	w.T.Helper()
	if a.Status != status {
		w.T.Errorf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

// create makes a token on the wire and returns its record.
func (w *world) create(token string, attributes map[string]any) answer {
	w.T.Helper()
	return w.want(http.StatusOK, w.send(request{method: http.MethodPost, path: tokens, token: token, json: map[string]any{"api_client_authorization": attributes}}))
}

func (w *world) update(token, uuid string, attributes map[string]any) answer {
	w.T.Helper()
	return w.send(request{method: http.MethodPut, path: tokens + "/" + uuid, token: token, json: map[string]any{"api_client_authorization": attributes}})
}

func (w *world) delete(token, uuid string) answer {
	w.T.Helper()
	return w.send(request{method: http.MethodDelete, path: tokens + "/" + uuid, token: token})
}

// uuidOf asks who a token is.
func (w *world) uuidOf(token string) string {
	w.T.Helper()
	return w.want(http.StatusOK, w.get(tokens+"/current", token)).string("uuid")
}

// stored is what the database knows of tokens.
func (w *world) stored() string {
	w.T.Helper()
	return strings.Join(w.Dump(w.T, "tokens")["tokens"], "\n")
}
