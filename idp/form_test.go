package idp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/broker/people"
)

// TestS13_Forms is what a form can have wrong. A refused one ends nothing.
func TestS13_Forms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, secret := w.token(people.NewToken{})
	asker := w.tokenOf("tokens:read")
	good := tokenForm(secret)
	const form = "application/x-www-form-urlencoded"
	for _, path := range []string{introspect, "/oauth/revoke", "/logout"} {
		if path == "/logout" {
			good = "api_token=" + secret
		}
		for _, tc := range []struct {
			what, query, media, body string
			status                   int
			code                     string
		}{
			{"JSON", "", "application/json", `{"token":"` + secret + `"}`, 400, "invalid_request"},
			{"plain text", "", "text/plain", good, 400, "invalid_request"},
			{"no media type", "", "", good, 400, "invalid_request"},
			{"a broken media type", "", "application/x-www-form-urlencoded; charset", good, 400, "invalid_request"},
			{"parts", "", "multipart/form-data; boundary=x", good, 400, "invalid_request"},
			{"another character set", "", form + "; charset=utf-16", good, 400, "invalid_request"},
			{"two tokens", "", form, good + "&" + good, 400, "invalid_request"},
			{"anything twice", "", form, good + "&" + canary + "=1&" + canary + "=2", 400, "invalid_request"},
			{"a token in the URL", "?" + good, form, "", 400, "invalid_request"},
			{"anything in the URL", "?" + canary, form, good, 400, "invalid_request"},
			{"a broken escape", "", form, good + "&x=%zz" + canary, 400, "invalid_request"},
			{"a semicolon", "", form, good + ";x=" + canary, 400, "invalid_request"},
			{"not UTF-8", "", form, good + "&x=%ff", 400, "invalid_request"},
			{"many parameters", "", form, good + strings.Repeat("&", 64), 400, "invalid_request"},
			{"S9: 2 MiB", "", form, good + "&x=" + strings.Repeat("x", 2<<20), 413, "invalid_request"},
		} {
			a := w.call("POST", path+tc.query, tc.body, bearer(asker), func(r *http.Request) {
				r.Header.Set("Content-Type", tc.media)
				if tc.media == "" {
					r.Header.Del("Content-Type")
				}
			})
			w.refused(path+": "+tc.what, a, tc.status, tc.code, secret)
		}
	}
	for _, path := range []string{introspect, "/oauth/revoke"} {
		for what, body := range map[string]string{"no token": "x=y", "an empty token": "token=", "a name in capitals": "Token=" + secret} {
			w.refused(path+": "+what, w.call("POST", path, body, bearer(asker)), 400, "invalid_request", secret)
		}
	}
	w.refused("GET with a body", w.call("GET", "/logout", "api_token="+secret), 400, "invalid_request", secret)
	w.refused("GET with two tokens", w.call("GET", "/logout?api_token="+secret+"&api_token="+secret, ""), 400, "invalid_request", secret)
	if !w.works(secret) || !w.works(asker) {
		t.Error("a form that was refused ended a token")
	}
	w.wantNoSecrets(secret, asker)

	hinted := tokenForm(secret) + "&token_type_hint=refresh_token&client_id=x&empty="
	if a := w.call("POST", "/oauth/revoke", hinted, with("Content-Type", form+"; charset=UTF-8")); a.Code != 200 || w.works(secret) {
		t.Errorf("what it does not know: %d %s", a.Code, a.Body)
	}
}

// TestMethods: other methods are refused, those that only look too, and end nothing.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, secret := w.token(people.NewToken{})
	for path, allowed := range map[string]string{introspect: "POST", "/oauth/revoke": "POST", "/logout": "GET, POST"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "post"} {
			if strings.Contains(allowed, method) {
				continue
			}
			var a *httptest.ResponseRecorder
			if a = w.call(method, path+"?token="+secret+"&api_token="+secret, "", bearer(secret)); a.Code != 405 || a.Header().Get("Allow") != allowed {
				t.Errorf("%s %s: %d, Allow %q", method, path, a.Code, a.Header().Get("Allow"))
			}
			w.refused(method+" "+path, a, 405, "invalid_request", secret)
		}
	}
	if !w.works(secret) {
		t.Error("it was ended")
	}
	w.wantNoSecrets(secret)
}
