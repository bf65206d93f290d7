package idp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch/idp"
	"github.com/keyhatch/keyhatch/server"
)

// TestManyLoginsDoNotStarveTheAPI: 200 logins side by side, from as many addresses, are let in,
// refused, or told to come again, and each call with a token that is made meanwhile is answered.
func TestManyLoginsDoNotStarveTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	log := slog.New(slog.DiscardHandler)
	handler := server.API(server.Ground{Log: log}, idp.NewServer(s.Broker, s.url, log))
	call := func(method, path, from, body string, change func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		r.RemoteAddr = from
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		change(r)
		a := httptest.NewRecorder()
		handler.ServeHTTP(a, r)
		return a
	}
	page := call("GET", "/login", "192.0.2.1:1", "", func(*http.Request) {})
	cookie := page.Header().Get("Set-Cookie")
	form := answer{body: page.Body.String()}.field("form")
	var all sync.WaitGroup
	var mu sync.Mutex
	answered := map[int]int{}
	for i := range 200 {
		all.Go(func() {
			body := url.Values{"form": {form}, "name": {fmt.Sprint("name", i%50)}, "password": {password}}
			if i%4 == 0 {
				body.Set("name", "ann")
			}
			a := call("POST", "/login", fmt.Sprintf("10.0.%d.1:1", i), body.Encode(), func(r *http.Request) { r.Header.Set("Cookie", cookie) })
			if a.Code == http.StatusServiceUnavailable && (a.Header().Get("Retry-After") == "" || !strings.Contains(a.Body.String(), "try again")) {
				t.Errorf("nobody is told when to come again: %v %s", a.Header(), a.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			answered[a.Code]++
		})
	}
	for range 200 {
		a := call("POST", "/oauth/introspect", "192.0.2.9:1", tokenForm(s.AdminSecret.Reveal()), bearer(s.AdminSecret.Reveal()))
		if a.Code != http.StatusOK || !strings.Contains(a.Body.String(), `"active":true`) {
			t.Errorf("a call with a token meanwhile: %d %s", a.Code, a.Body)
		}
	}
	all.Wait()
	n := 0
	for _, status := range []int{http.StatusSeeOther, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		n += answered[status]
	}
	if n != 200 || answered[http.StatusSeeOther] == 0 {
		t.Errorf("the logins are answered %v", answered)
	}
	if a := s.signedIn("bob").get("/profile"); a.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}
