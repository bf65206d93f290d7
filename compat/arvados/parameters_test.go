package arvados

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/arvados/listing"
)

// Every kind of failure has its status; clients try again what may work later, and
// nothing else.
func TestEveryKindIsMapped(t *testing.T) {
	for _, kind := range keyhatch.Kinds {
		e := asWire(keyhatch.Fail(kind, keyhatch.CodeInternal, "a message"))
		if e.status < 400 || e.message == "" {
			t.Errorf("%s is %+v", kind, e)
		}
		later := kind == keyhatch.Unavailable || kind == keyhatch.Internal || kind == keyhatch.TooMany
		if again := e.status >= 500 || slices.Contains([]int{408, 409, 423, 429}, e.status); again != later {
			t.Errorf("%s is %+v", kind, e)
		}
	}
	if len(kinds) != len(keyhatch.Kinds) {
		t.Errorf("%d kinds are mapped of %d", len(kinds), len(keyhatch.Kinds))
	}
	if e := asWire(errors.New("the cause")); e.status != 500 || strings.Contains(e.message, "cause") {
		t.Errorf("an error without a kind is %+v", e)
	}
}

// Every parameter of a method is known: where attributes stand in a JSON body beside
// parameters, one is not taken for the other.
func TestKnownParameters(t *testing.T) {
	for _, m := range wire() {
		for _, p := range m.parameters {
			if p.name != "scopes" && !slices.Contains(known, p.name) {
				t.Errorf("%s of %s is not known", p.name, m.name)
			}
		}
		if m.takes != "" && !slices.Contains(known, m.takes) {
			t.Errorf("%s is not known", m.takes)
		}
	}
	for _, name := range weighty {
		if slices.Contains(known, name) {
			t.Errorf("%s is an attribute", name)
		}
	}
}

// A fixed path is never taken for an id, with whatever method.
func TestFixedPathsAreNoIDs(t *testing.T) {
	all := wire()
	for _, m := range all {
		if strings.HasSuffix(m.path, "{uuid}") {
			continue
		}
		for _, verb := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			if got, id, err := all.route(verb, base+m.path); err == nil && (got.path != m.path || id != "") {
				t.Errorf("%s %s is %s of %q", verb, m.path, got.name, id)
			}
		}
	}
}

// FuzzParameters: whatever comes as query, type and body is read or refused as the
// client's fault; what is read is within the bounds, and no attribute is lost: scopes
// that the body has at its top are the token's.
func FuzzParameters(f *testing.F) {
	for _, seed := range [][3]string{
		{"limit=1&filters=[]", "application/json", `{"api_client_authorization":{"scopes":["all"]}}`},
		{"", "", `{"scopes":["GET /a"],"expires_at":null}`},
		{"_method=GET", "application/x-www-form-urlencoded", "order=a+desc&select=%5B%22uuid%22%5D&reader_tokens=%5B%22x%22%5D"},
		{"", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"api_client_authorization\"\r\n\r\n{}\r\n--x--\r\n"},
		{"scopes=[]", "application/json", `{"api_client_authorization":"{\"scopes\":[]}"}`},
		{"a=1&a=2", "text/plain", "x"},
		{"api_token=x&api_token=y", "application/json", `{"limit":-1,"count":"","distinct":"0"}`},
		{"", "application/json", `{"api_client_authorization":null,"scopes":[]}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, query, media, body string) {
		r := httptest.NewRequest("POST", "/arvados/v1/api_client_authorizations", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header["Content-Type"] = []string{media}
		p, err := readForms(r)
		if err == nil {
			_, err = p.verb(r)
		}
		if err == nil {
			err = p.read(r)
		}
		var a attributes
		if err == nil {
			a, err = p.attributes()
		}
		if err == nil {
			_, err = listing.Ask((&Door{cluster: "zzzzz"}).tokens(), p.values)
		}
		if err == nil {
			_, err = p.readers()
		}
		if err != nil {
			if e := asWire(err); e.status != 400 && e.status != 422 {
				t.Fatalf("%d %s", e.status, e.message)
			}
			return
		}
		var top map[string]any
		if p.form == nil && json.Unmarshal([]byte(body), &top) == nil && top["scopes"] != nil {
			if a.scopes == nil {
				t.Fatalf("scopes are lost of %q", body)
			}
			if list, ok := top["scopes"].([]any); ok && len(list) != len(*a.scopes) {
				t.Fatalf("%v became %v", list, *a.scopes)
			}
		}
		again, err := p.attributes()
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("read again it is %+v, %v", again, err)
		}
	})
}
