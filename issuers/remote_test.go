package issuers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

const (
	discovery = "https://issuer.test/.well-known/openid-configuration"
	keysAt    = "https://keys.test/set"
)

// web is what is fetched, by URL.
type web struct {
	mu      sync.Mutex
	pages   map[string]string
	broken  bool          // nothing can be reached
	hangs   bool          // nothing answers
	fetched []string      // in turn
	slow    time.Duration // each answer
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.fetched = append(w.fetched, r.URL.String())
	text, found := w.pages[r.URL.String()]
	broken, hangs, slow := w.broken, w.hangs, w.slow
	w.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	time.Sleep(slow)
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}
	switch {
	case broken:
		return nil, errors.New("connection refused")
	case !found:
		answer.StatusCode = http.StatusNotFound
	case strings.HasPrefix(text, "to "):
		answer.StatusCode = http.StatusFound
		answer.Header.Set("Location", text[len("to "):])
	}
	return answer, nil
}

func (w *web) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *web) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.fetched)
}

// site has an issuer whose keys are those of the names.
func site(t testing.TB, names ...string) *web {
	return &web{pages: map[string]string{
		discovery: fmt.Sprintf(`{"issuer":"https://issuer.test","jwks_uri":%q}`, keysAt), keysAt: set(t, names...),
	}}
}

func set(t testing.TB, names ...string) string {
	var keys []jose.JSONWebKey
	for _, name := range names {
		keys = append(keys, jose.JSONWebKey{Key: public(name), KeyID: name})
	}
	return string(setOf(t, keys...))
}

// away is an issuer whose keys are fetched.
func away(t testing.TB, w *web) *issuers.Verifier {
	t.Helper()
	v, err := issuers.New([]issuers.Issuer{rules()}, w, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// at is a token of now, in the clock of the test.
func at(t testing.TB, name string) keyhatch.Secret {
	alg := map[string]string{"ed": "EdDSA", "other": "EdDSA", "p256": "ES256", "rsa": "RS256"}[name]
	return sign(t, pairs()[name], object{"alg": alg, "kid": name}, but(goodClaims(), object{
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}))
}

func works(t testing.TB, v *issuers.Verifier, jwt keyhatch.Secret) bool {
	t.Helper()
	_, err := v.Verify(t.Context(), jwt, time.Now())
	if err != nil && !errors.Is(err, keyhatch.Unauthenticated) {
		t.Error(err)
	}
	return err == nil
}

// TestRotation: a key that is new is found at once, but for what asks for unknown ones more
// than once a minute; one that has gone is used for an hour at most.
func TestRotation(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		w := site(t, "ed", "p256")
		v := away(t, w)
		if !works(t, v, at(t, "ed")) || !works(t, v, at(t, "p256")) || w.count() != 2 {
			t.Fatalf("to begin with: fetched %v", w.fetched)
		}
		time.Sleep(time.Minute)
		w.set(func() { w.pages[keysAt] = set(t, "p256", "other") })
		if !works(t, v, at(t, "other")) || w.count() != 4 {
			t.Errorf("a new key: fetched %v", w.fetched)
		}
		if works(t, v, at(t, "ed")) {
			t.Error("a key that has gone works after the keys were fetched")
		}
		for range 100 {
			if works(t, v, at(t, "rsa")) {
				t.Fatal("a key that there is not")
			}
		}
		if w.count() != 4 {
			t.Errorf("unknown keys made it fetch %d documents within a minute", w.count()-4)
		}
		time.Sleep(time.Minute)
		for range 100 {
			works(t, v, at(t, "rsa"))
		}
		if w.count() != 6 {
			t.Errorf("a minute later: %d documents", w.count()-4)
		}
		w.set(func() { w.pages[keysAt] = set(t, "p256") })
		time.Sleep(time.Hour - time.Second)
		if !works(t, v, at(t, "other")) {
			t.Error("fresh keys are not used")
		}
		time.Sleep(time.Second)
		if works(t, v, at(t, "other")) {
			t.Error("a key that has gone is used after an hour")
		}
	})
}

// TestOutage: the keys of before are used for a day, and fetched again as soon as that can
// be, once a minute at most.
func TestOutage(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		w := site(t, "ed")
		v := away(t, w)
		if !works(t, v, at(t, "ed")) {
			t.Fatal("to begin with")
		}
		w.set(func() { w.broken = true })
		for range 23 {
			time.Sleep(time.Hour)
			for range 2 {
				if !works(t, v, at(t, "ed")) {
					t.Fatal("keys of before are not used")
				}
			}
		}
		if w.count() != 2+23 {
			t.Errorf("%d documents were asked for in 23 hours", w.count()-2)
		}
		w.set(func() { w.broken, w.hangs = false, true })
		time.Sleep(time.Hour - time.Second - 5*time.Second)
		if begun := time.Now(); !works(t, v, at(t, "ed")) || time.Since(begun) != 5*time.Second {
			t.Errorf("what hangs was waited for %v", time.Since(begun))
		}
		time.Sleep(time.Second)
		if works(t, v, at(t, "ed")) {
			t.Error("keys of a day ago are used")
		}
		w.set(func() { w.hangs = false })
		if works(t, v, at(t, "ed")) {
			t.Error("it was tried again within the minute")
		}
		time.Sleep(time.Minute)
		if !works(t, v, at(t, "ed")) {
			t.Error("it is not tried again")
		}
	})
}

// TestManyAtOnce: who comes while the keys are fetched waits, and one who gives up stops
// nobody else.
func TestManyAtOnce(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		w := site(t, "ed")
		w.slow = time.Second
		v := away(t, w)
		gone, leave := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := v.Verify(gone, at(t, "ed"), time.Now()); err == nil {
				t.Error("who has gone was let in")
			}
		})
		synctest.Wait()
		for range 50 {
			waiting.Go(func() {
				if !works(t, v, at(t, "ed")) {
					t.Error("not let in")
				}
			})
		}
		synctest.Wait()
		leave()
		waiting.Wait()
		if w.count() != 2 {
			t.Errorf("fetched %v", w.fetched)
		}
	})
}

// TestRoom: so many signatures are checked at a time; who does not wait is refused.
func TestRoom(t *testing.T) {
	pairs()
	synctest.Test(t, func(t *testing.T) {
		v := away(t, site(t, "ed"))
		v.Fetch(t.Context())
		empty := v.FillRoom()
		ended := make(chan bool)
		go func() { ended <- works(t, v, at(t, "ed")) }()
		gone, leave := context.WithCancel(t.Context())
		go func() {
			_, err := v.Verify(gone, at(t, "ed"), time.Now())
			ended <- err == nil
		}()
		synctest.Wait()
		leave()
		if <-ended {
			t.Error("let in without being checked")
		}
		empty()
		if !<-ended {
			t.Error("who has waited is refused")
		}
	})
}

// TestHostileDocuments: whatever an issuer's server answers, nothing is trusted that is not
// its keys, nothing is read without end, and no other server is asked.
func TestHostileDocuments(t *testing.T) {
	pairs()
	good := site(t, "ed").pages
	keys := set(t, "ed")
	ed := strings.TrimSuffix(strings.TrimPrefix(keys, `{"keys":[`), `]}`)
	others := strings.Replace(ed, `"kid":"ed"`, `"kid":"older"`, 1) + ","
	list := func(n int) string { return `{"keys":[` + strings.Repeat(others, n-1) + ed + `]}` }
	for what, c := range map[string]struct {
		page, text string
		works      bool
	}{
		"as it is":                      {discovery, good[discovery], true},
		"no discovery":                  {discovery, "", false},
		"another's discovery":           {discovery, `{"issuer":"https://evil.test","jwks_uri":"` + keysAt + `"}`, false},
		"issuer with a slash":           {discovery, `{"issuer":"https://issuer.test/","jwks_uri":"` + keysAt + `"}`, false},
		"no keys' place":                {discovery, `{"issuer":"https://issuer.test"}`, false},
		"keys by http":                  {discovery, `{"issuer":"https://issuer.test","jwks_uri":"http://keys.test/set"}`, false},
		"keys in a file":                {discovery, `{"issuer":"https://issuer.test","jwks_uri":"file:///set"}`, false},
		"keys on loopback by http":      {discovery, `{"issuer":"https://issuer.test","jwks_uri":"http://127.0.0.1/set"}`, true}, // S10 is the transport's
		"a discovery that leads away":   {discovery, "to https://evil.test/d", false},
		"keys that lead away":           {keysAt, "to https://evil.test/k", false},
		"a page in place of the keys":   {keysAt, "<html>", false},
		"keys that are null":            {keysAt, `{"keys":null}`, false},
		"no keys":                       {keysAt, `{"keys":[]}`, false},
		"a list":                        {keysAt, `[` + ed + `]`, false},
		"as many keys as may be":        {keysAt, list(32), true},
		"too many keys":                 {keysAt, list(33), false},
		"as long as may be":             {keysAt, keys + strings.Repeat(" ", 256<<10-len(keys)), true},
		"too long":                      {keysAt, keys + strings.Repeat(" ", 256<<10-len(keys)+1), false},
		"deep":                          {keysAt, `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"keys":[` + ed + `]}`, false},
		"something behind":              {keysAt, keys + "{}", false},
		"a key that is deep, beside it": {keysAt, `{"keys":[{"kty":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `},` + ed + `]}`, true},
		"keys that are not known":       {keysAt, `{"keys":[{"kty":"AKP"},1,null,"x",{},` + ed + `]}`, true},
		"a giant RSA key beside it":     {keysAt, `{"keys":[{"kty":"RSA","kid":"rsa","e":"AQAB","n":"` + strings.Repeat("_", 20_000) + `"},` + ed + `]}`, true},
		"a shared secret with its id":   {keysAt, `{"keys":[{"kty":"oct","kid":"ed","k":"AAAA"}]}`, false},
		"a point beside the curve":      {keysAt, `{"keys":[{"kty":"EC","crv":"P-256","kid":"p","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},` + ed + `]}`, true},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := site(t, "ed")
				w.pages["http://127.0.0.1/set"], w.pages["https://evil.test/k"], w.pages["https://evil.test/d"] = keys, keys, good[discovery]
				if w.pages[c.page] = c.text; c.text == "" {
					delete(w.pages, c.page)
				}
				if got := works(t, away(t, w), at(t, "ed")); got != c.works {
					t.Errorf("works: %v", got)
				}
				if slices.ContainsFunc(w.fetched, func(url string) bool { return strings.Contains(url, "evil") }) {
					t.Errorf("asked: %v", w.fetched)
				}
			})
		})
	}
}
