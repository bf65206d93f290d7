package tiledb

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// FuzzFind: whatever a path is spelled like, what it names is what it says between its
// slashes, a slash that was escaped is part of a name, and dots are none.
func FuzzFind(f *testing.F) {
	for _, path := range []string{
		"/v4/credentials/lab", "/v4/credentials/lab/c%2Fd", "/v4/credentials/%2e%2e/x", "/v4/credentials/verify", "/v4/actions/credentials/verify",
		"/v4/credentials//x", "/v4/teamspaces/lab/%25", "/v4/tokens/", "/v4/",
	} {
		f.Add("GET", path, "lab")
		f.Add("POST", path, "")
	}
	f.Fuzz(func(t *testing.T, method, path, header string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(u.EscapedPath(), base) {
			return
		}
		r := &http.Request{Method: method, URL: u, Header: http.Header{}}
		r.Header.Set(workspaceHeader, header)
		found, c, err := find(r)
		if err != nil {
			if !errors.Is(err, errRoute) && !errors.Is(err, errMethod) {
				t.Errorf("%s %q: %v", method, path, err)
			}
			return
		}
		var said []string
		for s := range strings.SplitSeq(strings.TrimPrefix(u.EscapedPath(), base), "/") {
			plain, err := url.PathUnescape(s)
			if err != nil || plain == "" || plain == "." || plain == ".." {
				t.Fatalf("%s %q was taken", method, path)
			}
			said = append(said, plain)
		}
		if len(said) != strings.Count(found.path, "/")+1 {
			t.Errorf("%q has %d segments and was taken for %s", path, len(said), found.path)
		}
		for i, want := range strings.Split(found.path, "/") {
			switch want {
			case "{workspace}":
				want = c.workspace
			case "{name}":
				want = c.name
			}
			if said[i] != want {
				t.Errorf("%q: %q was taken for %q", path, said[i], want)
			}
		}
		if found.old && c.workspace != header {
			t.Errorf("%q: the workspace is %q, the header says %q", path, c.workspace, header)
		}
	})
}

// FuzzRequest: a body is refused, or says one authority of the provider that it names.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"name":"c","provider":"AWS","role":{"aws":{"role_arn":"a","external_id":"b"}}}`, `{"credential":{"azure":{"account_name":"x"}},"token":null}`,
		`{"token":{"gcp":{"key_text":"{}"}},"role":{}}`, `{"provider":"GCP"}`, `[]`, `{"name":1}`, `{"Name":"a","name":"b"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decode[request](&call{body: body})
		if err != nil {
			if !errors.Is(err, keyhatch.Invalid) {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		a, err := r.authority()
		switch {
		case err != nil && !errors.Is(err, keyhatch.Invalid):
			t.Errorf("%q: %v", body, err)
		case err == nil && a != nil:
			if _, err := keyhatch.FormOf(a.Provider, a.Kind); err != nil || value(r.Provider) != "" && value(r.Provider) != string(a.Provider) {
				t.Errorf("%q is taken for a %s of %s", body, a.Kind, a.Provider)
			}
		}
	})
}
