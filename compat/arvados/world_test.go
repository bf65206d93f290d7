package arvados_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/arvados"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

const cluster = "zzzzz"

const tokens, users = "/arvados/v1/api_client_authorizations", "/arvados/v1/users"

// world is a core behind the door, with tokens for everything of an administrator, of
// ann, and of the system root.
type world struct {
	*coretest.Core
	t                testing.TB
	url              string
	log              *logged.Text
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
	w := &world{Core: coretest.New(t), t: t, log: &logged.Text{}}
	root := keyhatch.NewTokenSecret()
	if err := broker.SetRoot(t.Context(), w.DB, w.Keys, root); err != nil {
		t.Fatal(err)
	}
	w.Restart(t)
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := w.Broker
	if limits != (people.Limits{}) {
		b = broker.New(broker.Config{DB: w.DB, Mirror: w.Mirror, Keys: w.Keys, Tokens: limits, Log: log})
	}
	w.root = root.Reveal()
	w.admin = w.token(people.NewToken{})
	w.annID = w.User(t, "ann").User.ID
	w.ann = w.token(people.NewToken{User: w.annID})
	go w.Mirror.Run(t.Context())
	s := httptest.NewServer(server.API(log, nil, nil, arvados.New(b, cluster, log)))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// token makes a token as the administrator.
func (w *world) token(n people.NewToken) string {
	w.t.Helper()
	_, secret, err := w.Broker.People.CreateToken(w.t.Context(), w.Admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret.Reveal()
}

// scoped makes a token of ann's.
func (w *world) scoped(scopes ...keyhatch.Scope) string {
	w.t.Helper()
	if scopes == nil {
		scopes = []keyhatch.Scope{}
	}
	return w.token(people.NewToken{User: w.annID, Scopes: scopes})
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
	status int
	header http.Header
	text   string
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
	w.t.Helper()
	body, media := q.body, ""
	switch {
	case q.form != nil:
		body, media = q.form.Encode(), "application/x-www-form-urlencoded"
	case q.json != nil:
		text, err := json.Marshal(q.json)
		if err != nil {
			w.t.Fatal(err)
		}
		body, media = string(text), "application/json"
	}
	address := w.url + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(w.t.Context(), q.method, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
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
	w.t.Helper()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.record); err != nil {
			w.t.Errorf("%s %s: %d %.200s: %v", r.Method, r.URL.Path, a.status, text, err)
		}
	}
	return a
}

func (w *world) get(path, token string, query ...string) answer {
	w.t.Helper()
	q := request{method: http.MethodGet, path: path, token: token, query: url.Values{}}
	for i := 0; i < len(query); i += 2 {
		q.query.Add(query[i], query[i+1])
	}
	return w.send(q)
}

// want demands a status.
func (w *world) want(status int, a answer) answer {
	w.t.Helper()
	if a.status != status {
		w.t.Errorf("status %d, want %d: %s", a.status, status, a.text)
	}
	return a
}

// create makes a token on the wire and returns its record.
func (w *world) create(token string, attributes map[string]any) answer {
	w.t.Helper()
	return w.want(http.StatusOK, w.send(request{method: http.MethodPost, path: tokens, token: token, json: map[string]any{"api_client_authorization": attributes}}))
}

func (w *world) update(token, uuid string, attributes map[string]any) answer {
	w.t.Helper()
	return w.send(request{method: http.MethodPut, path: tokens + "/" + uuid, token: token, json: map[string]any{"api_client_authorization": attributes}})
}

func (w *world) delete(token, uuid string) answer {
	w.t.Helper()
	return w.send(request{method: http.MethodDelete, path: tokens + "/" + uuid, token: token})
}

// uuidOf asks who a token is.
func (w *world) uuidOf(token string) string {
	w.t.Helper()
	return w.want(http.StatusOK, w.get(tokens+"/current", token)).string("uuid")
}

// stored is what the database knows of tokens.
func (w *world) stored() string {
	w.t.Helper()
	return strings.Join(w.Dump(w.t, "tokens")["tokens"], "\n")
}
