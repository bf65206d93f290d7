package provena_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/compat/provena"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/doortest"
	"github.com/keyhatch/keyhatch/server"
)

// world is a core behind the door, with a workspace "lab" and datasets in it: "alpha", that
// is open, "shut", that is locked, "review" and "public", whose release is pending and done.
// ann may write all of them, bob read them, and cas, who belongs to the workspace, nothing.
// own owns alpha. eve is of nowhere.
type world struct {
	*doortest.World
	*issuer
	*lender
	lab   keyhatch.Workspace
	alpha keyhatch.Location
	ann   keyhatch.Caller
	key   map[string]string // what is shown by whom
}

// issuer is one whose signed tokens are trusted, by their text.
type issuer struct {
	says map[keyhatch.Secret]keyhatch.Assertion
}

func (i *issuer) Verify(_ context.Context, jwt keyhatch.Secret, now time.Time) (keyhatch.Assertion, error) {
	a, ok := i.says[jwt]
	if !ok || !now.Before(a.ExpiresAt) {
		return keyhatch.Assertion{}, keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "no")
	}
	return a, nil
}

func (i *issuer) Rules() map[string]string { return map[string]string{realm: "r"} }

const realm = "https://auth.example.org/auth/realms/lab"

// lender lends as our own endpoint does, or fails, and may have a console.
type lender struct {
	*own.Lender
	fails   error
	console keyhatch.Secret
	shut    error // of the console
}

func (l *lender) Lend(ctx context.Context, r driver.LendRequest) (driver.Vended, error) {
	if l.fails != nil {
		return driver.Vended{}, l.fails
	}
	return l.Lender.Lend(ctx, r)
}

func (l *lender) ConsoleURL(context.Context, keyhatch.Store, driver.Vended, keyhatch.Part) (keyhatch.Secret, error) {
	return l.console, l.shut
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return serve(t, coretest.New(t))
}

func serve(t *testing.T, c *coretest.Core) *world {
	t.Helper()
	w := &world{issuer: &issuer{says: map[keyhatch.Secret]keyhatch.Assertion{}}}
	c.Issuers = w.issuer
	w.lender = &lender{Lender: own.New(c.Keys, coretest.Endpoint, "local")}
	c.Broker = c.With(map[keyhatch.Lending]driver.Lender{keyhatch.LendsOwn: w.lender})
	w.World = doortest.Serve(t, c, func(log *slog.Logger) server.Door { return provena.New(c.Broker, log) })
	w.lab = w.Workspace(t, "lab")
	bob, cas, own := w.User(t, "bob"), w.User(t, "cas"), w.User(t, "own")
	w.ann = w.User(t, "ann")
	for _, who := range []keyhatch.Caller{w.ann, bob, cas, own} {
		w.Member(t, w.lab, who, keyhatch.MemberRole)
	}
	yes, pending, released := true, keyhatch.ReleasePending, keyhatch.Released
	for name, change := range map[string]places.LocationChange{
		"alpha": {Owner: &own.User.ID}, "shut": {Locked: &yes}, "review": {Release: &pending}, "public": {Release: &released},
	} {
		l := w.dataset(name)
		w.Grant(t, l, w.ann, keyhatch.Write)
		w.Grant(t, l, bob, keyhatch.Read)
		if _, err := w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", l.ID, change); err != nil {
			t.Fatal(err)
		}
		if name == "alpha" {
			w.alpha = l
		}
	}
	w.Buckets.Put(w.Store.ID, "lab-data", "datasets/alpha/in/levels 1.csv", 7)
	secret := func(who keyhatch.Caller, n people.NewToken) string {
		n.User = who.User.ID
		return w.Secret(n)
	}
	w.key = map[string]string{
		"ann": secret(w.ann, people.NewToken{}), "bob": secret(bob, people.NewToken{}), "cas": secret(cas, people.NewToken{}),
		"own": secret(own, people.NewToken{}), "eve": secret(w.User(t, "eve"), people.NewToken{}), "admin": w.Secret(people.NewToken{}),
		"lists-only": secret(w.ann, people.NewToken{Scopes: []keyhatch.Scope{"locations:read"}}),
		"in-only":    secret(w.ann, people.NewToken{Workspace: w.lab.ID, Scopes: []keyhatch.Scope{"s3:read s3://lab-data/datasets/alpha/in/"}}),
		"slow":       secret(w.ann, people.NewToken{RequestsPerMinute: 1}),
		"brief":      secret(w.ann, people.NewToken{ExpiresAt: time.Now().Add(5 * time.Minute)}),
		"unknown":    keyhatch.NewTokenSecret().Reveal(),
		"jwt-both":   w.sign("both", []string{"entity-registry-read", "entity-registry-write", "x"}),
		"jwt-read":   w.sign("read", []string{"entity-registry-read"}),
		"jwt-write":  w.sign("write", []string{"entity-registry-write"}),
		"jwt-admin":  w.sign("admin", []string{"entity-registry-admin"}),
		"jwt-none":   w.sign("none", []string{}),
		"jwt-bare":   w.sign("bare", nil),
		"jwt-wrong":  "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.d3Jvbmc",
	}
	return w
}

// dataset makes a location of a name.
func (w *world) dataset(name string) keyhatch.Location {
	w.T.Helper()
	l, err := w.Broker.Places.CreateLocation(w.T.Context(), w.Admin, places.NewLocation{Workspace: w.lab.ID, URL: "s3://lab-data/datasets/" + name + "/", Name: name})
	if err != nil {
		w.T.Fatal(err)
	}
	return l
}

// sign makes a signed token of ann with roles.
func (w *world) sign(text string, roles []string) string {
	jwt := "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ." + text
	w.says[keyhatch.Secret(jwt)] = keyhatch.Assertion{
		Issuer: realm, Rules: "r", Subject: "ann", User: "ann", Workspaces: []string{"lab"}, Roles: roles, Scopes: []keyhatch.Scope{"all"},
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Second), JWTID: text, Signed: keyhatch.Secret(text),
	}
	return jwt
}

// do sends a request, and holds the answer to what is true of all.
func (w *world) do(r *http.Request) doortest.Answer {
	w.T.Helper()
	a := w.Do(r)
	wrong := func(what string) {
		w.T.Helper()
		w.T.Errorf("%s %s: %s: %d %v %s", r.Method, r.URL, what, a.Status, a.Header, a.Body)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		wrong("S14: it may be kept")
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "*" {
		wrong("pages of other sites cannot read it")
	}
	if bearer := a.Header.Get("WWW-Authenticate"); (bearer == "Bearer") != (a.Status == 401) {
		wrong("it does not say how to authenticate")
	}
	if (a.Header.Get("Retry-After") != "") != (a.Status == 429 || a.Status == 503) {
		wrong("it does not say when to ask again")
	}
	if r.Method == http.MethodOptions || a.Body == "Internal Server Error" {
		return a
	}
	schema := schemaOf[r.URL.Path]
	if a.Status == 422 {
		if len(problemsOf(w.T, a)) == 0 {
			wrong("it tells no problem")
		}
		return a
	}
	if a.Status >= 400 {
		schema = "refusal"
	}
	if err := schemas.Check(schema, []byte(a.Body)); err != nil || a.Header.Get("Content-Type") != "application/json" {
		wrong("as the strictest client reads it: " + errText(err))
	}
	return a
}

func errText(err error) string {
	if err == nil {
		return "its type"
	}
	return err.Error()
}

// ask sends what somebody asks, as JSON.
func (w *world) ask(who, method, path, body string) doortest.Answer {
	w.T.Helper()
	r, err := http.NewRequestWithContext(w.T.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	if key := w.key[who]; key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return w.do(r)
}

// The endpoints for credentials.
const (
	toRead  = "/registry/credentials/generate-read-access-credentials"
	toWrite = "/registry/credentials/generate-write-access-credentials"
	fetch   = "/registry/items/fetch-dataset"
	signURL = "/registry/items/generate-presigned-url"
)

// of is the newest form of a request for credentials.
func of(dataset string) string {
	text, err := json.Marshal(map[string]any{"dataset_id": dataset, "console_session_required": false})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// schemaOf are those of answers that are no failures.
var schemaOf = map[string]string{
	"/": "health", toRead: "credentials answer", toWrite: "credentials answer", fetch: "dataset answer", signURL: "url answer",
	"/check-access/check-general-access": "access", "/check-access/check-read-access": "access",
	"/check-access/check-write-access": "access", "/check-access/check-admin-access": "access",
}

// schemas are the objects of the format, as its strictest clients read them: of 2022, which
// takes null for a fault, and which hands on whatever is in credentials.
var schemas = doortest.Schemas{Objects: map[string]map[string]string{
	"health":             {"message": "text"},
	"credentials answer": {"status": "status", "credentials": "credentials", "console_session_url*": "text"},
	"status":             {"success": "true", "details": "text"},
	"credentials":        {"aws_access_key_id": "text", "aws_secret_access_key": "text", "aws_session_token": "text", "expiry": "text"},
	"access":             {"username": "text", "email": "any text", "roles": "[]text", "access_token": "empty text"},
	"url answer":         {"dataset_id": "text", "file_path": "text", "presigned_url": "text"},
	"dataset answer":     {"status": "status", "item": "item", "roles": "[]text", "locked": "bool"},
	"item": {
		"id": "text", "owner_username": "text", "created_timestamp": "number", "updated_timestamp": "number", "item_category": "ENTITY|", "item_subtype": "DATASET|",
		"record_type": "COMPLETE_ITEM|", "display_name": "text", "history": "[]text", "s3": "place", "release_status": "NOT_RELEASED|PENDING|RELEASED", "collection_format": "collection",
	},
	"place":        {"bucket_name": "text", "path": "any text", "s3_uri": "text"},
	"collection":   {"associations": "associations", "approvals": "approvals", "dataset_info": "info"},
	"associations": {"organisation_id": "text"},
	"approvals":    {"ethics_registration": "approval", "ethics_access": "approval", "indigenous_knowledge": "approval", "export_controls": "approval"},
	"approval":     {"relevant": "bool", "obtained": "bool"},
	"info": {
		"name": "text", "description": "text", "access_info": "reposited", "publisher_id": "text", "created_date": "date", "published_date": "date", "license": "text",
	},
	"reposited": {"reposited": "bool"},
	"date":      {"relevant": "bool"},
	"refusal":   {"detail": "text"},
}}

// problem is one that is wrong with a body: where, as words and numbers with dots between,
// and of which type.
type problem struct{ where, kind string }

// problemsOf are those of a 422.
func problemsOf(t testing.TB, a doortest.Answer) (out []problem) {
	t.Helper()
	var said struct {
		Detail []struct {
			Loc       []any
			Msg, Type string
		}
	}
	strict := json.NewDecoder(strings.NewReader(a.Body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&said); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	for _, p := range said.Detail {
		if p.Msg == "" || p.Type == "" || len(p.Loc) == 0 {
			t.Errorf("a problem says too little: %s", a.Body)
		}
		words := make([]string, len(p.Loc))
		for i, l := range p.Loc {
			words[i] = fmt.Sprint(l)
		}
		out = append(out, problem{strings.Join(words, "."), p.Type})
	}
	return out
}
