package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
)

func serveContainer(t *testing.T, lend deliver.Lend) (c *deliver.Container, uri, token string) {
	t.Helper()
	c, err := deliver.ServeContainer(lend)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, v := range c.Env() {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "AWS_CONTAINER_CREDENTIALS_FULL_URI":
			uri = value
		case "AWS_CONTAINER_AUTHORIZATION_TOKEN":
			token = value
		}
	}
	return c, uri, token
}

func ask(t *testing.T, r *http.Request) (int, map[string]string, http.Header) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Errorf("%s is not JSON: %v", body, err)
	}
	return answer.StatusCode, fields, answer.Header
}

func request(t *testing.T, method, uri, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	return r
}

func TestContainerAnswersWhoHasTheToken(t *testing.T) {
	l := &lender{life: time.Hour}
	_, uri, token := serveContainer(t, l.lend)
	if !strings.HasPrefix(uri, "http://127.0.0.1:") || len(token) < 26 {
		t.Fatalf("%s %d", uri, len(token))
	}
	status, got, header := ask(t, request(t, "GET", uri, token))
	lent := aLease(1, time.Hour)
	delete(got, "Expiration")
	want := map[string]string{"AccessKeyId": lent.AccessKeyID, "SecretAccessKey": lent.SecretAccessKey, "Token": lent.SessionToken}
	if diff := cmp.Diff(want, got); diff != "" || status != 200 {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	if header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", header)
	}
	host := strings.TrimPrefix(strings.TrimSuffix(uri, "/credentials"), "http://")
	for what, c := range map[string]struct {
		status int
		change func(*http.Request)
	}{
		"no token":          {401, func(r *http.Request) { r.Header.Del("Authorization") }},
		"another token":     {401, func(r *http.Request) { r.Header.Set("Authorization", strings.Repeat("A", len(token))) }},
		"a part of it":      {401, func(r *http.Request) { r.Header.Set("Authorization", token[:len(token)-1]) }},
		"more than it":      {401, func(r *http.Request) { r.Header.Set("Authorization", token+"A") }},
		"it twice":          {401, func(r *http.Request) { r.Header.Add("Authorization", token) }},
		"under Bearer":      {401, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }},
		"a web page's host": {403, func(r *http.Request) { r.Host = strings.Replace(host, "127.0.0.1", "evil.example", 1) }},
		"localhost":         {403, func(r *http.Request) { r.Host = strings.Replace(host, "127.0.0.1", "localhost", 1) }},
		"no port":           {403, func(r *http.Request) { r.Host = "127.0.0.1" }},
		"another path":      {404, func(r *http.Request) { r.URL.Path = "/" }},
		"another method":    {405, func(r *http.Request) { r.Method = "POST" }},
	} {
		r := request(t, "GET", uri, token)
		c.change(r)
		status, got, header := ask(t, r)
		if status != c.status || got["code"] == "" || got["message"] == "" || len(got) != 2 || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, want %d: %v %v", what, status, c.status, got, header)
		}
	}
	if n := l.calls.Load(); n != 1 {
		t.Errorf("lent %d times", n)
	}
}

func TestContainerTellsWhatWentWrong(t *testing.T) {
	for what, c := range map[string]struct {
		err    error
		status int
		want   map[string]string
	}{
		"refused": {errRefused, 403, map[string]string{"code": errRefused.Code, "message": errRefused.Detail}},
		"away":    {errors.New("canary"), 503, map[string]string{"code": "Unavailable", "message": "the Keyhatch server cannot be asked now"}},
		"busy":    {&api.Problem{Status: 503, Code: "busy", Detail: "canary"}, 503, map[string]string{"code": "Unavailable", "message": "the Keyhatch server cannot be asked now"}},
	} {
		l := &lender{life: time.Hour}
		l.fails(c.err)
		_, uri, token := serveContainer(t, l.lend)
		status, got, _ := ask(t, request(t, "GET", uri, token))
		if diff := cmp.Diff(c.want, got); diff != "" || status != c.status {
			t.Errorf("%s: %d (-want +got):\n%s", what, status, diff)
		}
		l.fails(nil)
		if status, _, _ := ask(t, request(t, "GET", uri, token)); status != 200 {
			t.Errorf("%s: then %d", what, status)
		}
	}
	// What no server of ours answers.
	_, uri, token := serveContainer(t, func(context.Context) (api.Lent, error) { return api.Lent{}, nil })
	if status, got, _ := ask(t, request(t, "GET", uri, token)); status != 400 || got["code"] == "" {
		t.Errorf("%d %v", status, got)
	}
}

func TestContainerIsGoneWhenClosed(t *testing.T) {
	c, uri, _ := serveContainer(t, (&lender{life: time.Hour}).lend)
	host := strings.TrimPrefix(strings.TrimSuffix(uri, "/credentials"), "http://")
	if conn, err := net.Dial("tcp", host); err != nil {
		t.Fatal(err)
	} else {
		conn.Close()
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", host); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
}

// The Go SDK's own provider of such credentials understands the answers.
func TestContainerAndTheGoSDK(t *testing.T) {
	l := &lender{life: time.Hour}
	_, uri, token := serveContainer(t, l.lend)
	provider := endpointcreds.New(uri, func(o *endpointcreds.Options) { o.AuthorizationToken = token })
	got, err := provider.Retrieve(t.Context())
	want := aLease(1, time.Hour)
	if err != nil || got.AccessKeyID != want.AccessKeyID || got.SecretAccessKey != want.SecretAccessKey || got.SessionToken != want.SessionToken ||
		!got.CanExpire || want.ExpiresAt.Sub(got.Expires).Abs() > 2*time.Minute {
		t.Errorf("%+v, %v", got.AccessKeyID, err)
	}
	l2 := &lender{}
	l2.fails(errRefused)
	_, uri, token = serveContainer(t, l2.lend)
	provider = endpointcreds.New(uri, func(o *endpointcreds.Options) { o.AuthorizationToken = token })
	if _, err := provider.Retrieve(t.Context()); err == nil || !contains(err.Error(), errRefused.Code, errRefused.Detail) {
		t.Errorf("a refusal does not reach the program: %v", err)
	}
	if n := l2.calls.Load(); n != 1 {
		t.Errorf("a refusal was asked for %d times", n)
	}
}
