package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

// server is a server of which each call gets the next answer; the last one stays.
func server(t *testing.T, answers ...http.HandlerFunc) (c *client.Client, calls *atomic.Int32) {
	calls = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		answers[min(n, len(answers))-1](w, r)
	}))
	t.Cleanup(s.Close)
	return client.New(s.URL+"/", "kh_test"), calls
}

func says(status int, headers string, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(headers, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			panic(err)
		}
	}
}

func breaksOff(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// TestCallsAreMadeAgain where that cannot do anything twice, and nowhere else.
func TestCallsAreMadeAgain(t *testing.T) {
	busy := says(503, "Retry-After: 0", api.Problem{Code: "unavailable", Status: 503, Detail: "busy"})
	proxy := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
	lease := says(201, "", api.Lent{ID: "lease_1"})
	token := says(200, "", api.Token{ID: "tok_1"})
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		call    func(*client.Client, context.Context) error
		calls   int32
		well    bool
	}{
		"a question whose answer got lost":    {[]http.HandlerFunc{breaksOff, breaksOff, token}, current, 3, true},
		"a question that is never answered":   {[]http.HandlerFunc{breaksOff}, current, 4, false},
		"a lease whose answer got lost":       {[]http.HandlerFunc{breaksOff, lease}, borrow, 1, false},
		"a lease, the server being busy":      {[]http.HandlerFunc{busy, busy, lease}, borrow, 3, true},
		"a lease, the server staying busy":    {[]http.HandlerFunc{busy}, borrow, 4, false},
		"a lease, a proxy that names a time":  {[]http.HandlerFunc{proxyFor(0), lease}, borrow, 1, false},
		"a lease, a proxy being busy":         {[]http.HandlerFunc{proxy, lease}, borrow, 1, false},
		"a lease, a proxy that speaks JSON":   {[]http.HandlerFunc{says(503, "Retry-After: 0", map[string]any{"code": "overloaded"}), lease}, borrow, 1, false},
		"a lease, the server names no time":   {[]http.HandlerFunc{says(503, "", api.Problem{Code: "unavailable", Status: 503}), lease}, borrow, 1, false},
		"a lease, too many at once":           {[]http.HandlerFunc{says(429, "Retry-After: 0", api.Problem{Code: "rate_limited", Status: 429}), lease}, borrow, 2, true},
		"a question, a proxy being busy":      {[]http.HandlerFunc{proxy, token}, current, 2, true},
		"a lease that is refused":             {[]http.HandlerFunc{says(403, "", api.Problem{Code: "grant_missing", Status: 403}), lease}, borrow, 1, false},
		"an end whose answer got lost":        {[]http.HandlerFunc{breaksOff, says(204, "", nil)}, revoke, 1, false},
		"a question that a fault answers":     {[]http.HandlerFunc{says(500, "", api.Problem{Code: "internal", Status: 500}), token}, current, 1, false},
		"a question that leads somewhere":     {[]http.HandlerFunc{says(302, "Location: /elsewhere", nil), token}, current, 1, false},
		"a question that a stranger answered": {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }}, current, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, calls := server(t, c.answers...)
			if err := c.call(made, t.Context()); (err == nil) != c.well || calls.Load() != c.calls {
				t.Errorf("%d calls, %v", calls.Load(), err)
			}
		})
	}
}

func proxyFor(seconds int) http.HandlerFunc {
	return says(503, fmt.Sprint("Retry-After: ", seconds), "gone")
}

func current(c *client.Client, ctx context.Context) error {
	_, err := c.CurrentToken(ctx)
	return err
}

func borrow(c *client.Client, ctx context.Context) error {
	_, err := c.CreateLease(ctx, api.LeaseRequest{})
	return err
}

func revoke(c *client.Client, ctx context.Context) error { return c.RevokeLease(ctx, "lease_1") }

// TestNobodyIsThere: who never reached the server tries again, also to borrow.
func TestNobodyIsThere(t *testing.T) {
	var dialled atomic.Int32
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dialled.Add(1)
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}}
	err := borrow(client.New("http://127.0.0.1:1", "kh_test").Over(transport), t.Context())
	if err == nil || dialled.Load() != 4 {
		t.Errorf("dialled %d times: %v", dialled.Load(), err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := borrow(client.New("http://127.0.0.1:1", "kh_test").Over(transport), ctx); !errors.Is(err, context.Canceled) || dialled.Load() > 5 {
		t.Errorf("who does not wait: %v, dialled %d times", err, dialled.Load())
	}
}

// TestLists go from page to page, and no further than they are read.
func TestLists(t *testing.T) {
	var queries []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.Query().Get("workspace")+" "+r.URL.Query().Get("cursor")+" "+r.Header.Get("Authorization"))
		next := map[string]string{"": "b", "b": "c"}[r.URL.Query().Get("cursor")]
		says(200, "", api.Page[api.Location]{Items: []api.Location{{ID: "1" + next}, {ID: "2" + next}}, Next: next})(w, r)
	}))
	t.Cleanup(s.Close)
	all := client.New(s.URL, "kh_test").In("demo").Locations(t.Context())
	for range 2 { // a list may be read again
		var ids string
		for l, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			ids += l.ID + " "
		}
		if ids != "1b 2b 1c 2c 1 2 " {
			t.Errorf("items %s", ids)
		}
	}
	for range all {
		break
	}
	want := "demo  Bearer kh_test|demo b Bearer kh_test|demo c Bearer kh_test"
	if got := strings.Join(queries, "|"); got != want+"|"+want+"|demo  Bearer kh_test" {
		t.Errorf("asked %s", got)
	}
}

// TestNamesArePartsOfAPath, whatever stands in them.
func TestNamesArePartsOfAPath(t *testing.T) {
	var path string
	c, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { path = r.URL.EscapedPath() })
	if err := c.RemoveWorkspaceMember(t.Context(), "a/../b", "c?d%2Fe"); err != nil {
		t.Fatal(err)
	}
	if path != "/api/v1/workspaces/a%2F..%2Fb/members/c%3Fd%252Fe" {
		t.Error(path)
	}
}

// TestARefusalIsAProblem that programs can read.
func TestARefusalIsAProblem(t *testing.T) {
	c, _ := server(t, says(404, "", api.Problem{Code: "location_not_found", Status: 404, Detail: "it does not exist"}))
	_, err := c.Location(t.Context(), "alpha")
	var p *api.Problem
	if !errors.As(err, &p) || p.Code != "location_not_found" || err.Error() != "it does not exist" {
		t.Errorf("%v", err)
	}
}

// TestStrangersRefuseNothing: what a proxy answers in the server's place is no refusal,
// whatever it says, so that nobody gives up a lease for it.
func TestStrangersRefuseNothing(t *testing.T) {
	for what, answer := range map[string]http.HandlerFunc{
		"a page":               func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403); fmt.Fprint(w, "<html>forbidden") },
		"nothing":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) },
		"JSON of its own":      says(403, "", map[string]any{"code": "waf_blocked", "message": "blocked"}),
		"another status in it": says(502, "", api.Problem{Code: "access_not_granted", Status: 403}),
	} {
		c, _ := server(t, answer)
		_, err := c.CreateLease(t.Context(), api.LeaseRequest{})
		var p *api.Problem
		if err == nil || errors.As(err, &p) {
			t.Errorf("%s is taken for %#v", what, err)
		}
	}
}

// TestNamesThatAreNone lead nowhere: the server was said not to know the call.
func TestNamesThatAreNone(t *testing.T) {
	c, calls := server(t, says(200, "", api.User{}))
	for _, name := range []string{"", ".", ".."} {
		_, err := c.User(t.Context(), name)
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != 422 {
			t.Errorf("%q: %v", name, err)
		}
		if err := c.RemoveGroupMember(t.Context(), name, "ada"); err == nil {
			t.Errorf("%q in the middle is taken", name)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls", calls.Load())
	}
	for _, name := range []string{"...", ".a", "a.", "a..b"} {
		if _, err := c.User(t.Context(), name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
