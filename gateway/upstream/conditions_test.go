package upstream

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
)

// shelf is a store in memory. It takes no time, and holds conditions as it is told.
type shelf struct {
	mu      sync.Mutex
	objects map[string]string // by path
	asked   int
	sources []string // of copies, as they came

	deaf   bool // passes over conditions
	liar   bool // says no, and does it
	stern  bool // says no to all conditions
	breaks int  // the request of this number, from 1, fails
	broken int  // with this status; 0 for 503
	slow   time.Duration
	copied func() // is called after each copy
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	status := http.StatusOK
	old, there := s.objects[r.URL.Path]
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	met := (match == "" || there && match == tagOf(old)) && (none == "" || !there)
	if source := r.Header.Get(sourceHeader); source != "" {
		s.sources = append(s.sources, source)
		body = []byte(s.objects["/"+strings.TrimPrefix(source, "/")])
		ofSource := r.Header.Get(sourceConditions + "Match")
		met = met && (ofSource == "" || ofSource == tagOf(string(body)))
	}
	switch {
	case s.asked == s.breaks:
		status = cmp.Or(s.broken, http.StatusServiceUnavailable)
	case r.Method == http.MethodHead && !there:
		status = http.StatusNotFound
	case r.Method == http.MethodHead:
	default:
		if refuses := !met || s.stern && match+none != ""; refuses && !s.deaf {
			status = http.StatusPreconditionFailed
		}
		switch {
		case status != http.StatusOK && !s.liar:
		case r.Method == http.MethodPut:
			s.objects[r.URL.Path] = string(body)
		case r.Method == http.MethodDelete:
			delete(s.objects, r.URL.Path)
		}
	}
	said := ""
	if r.Header.Get(sourceHeader) != "" && status == http.StatusOK {
		said = "<CopyPartResult><ETag>" + tagOf(string(body)) + "</ETag></CopyPartResult>"
		if s.copied != nil {
			s.copied()
		}
	}
	if status >= http.StatusBadRequest && r.Method != http.MethodHead {
		said = fmt.Sprintf("<Error><Code>Code%d</Code></Error>", status)
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(said)), Request: r,
		Header: http.Header{"Etag": {tagOf(s.objects[r.URL.Path])}},
	}, nil
}

func tagOf(text string) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", text)) }

// before makes a store of a shelf.
func (s *shelf) before(t *testing.T) *Store {
	t.Helper()
	s.objects = map[string]string{"/bucket/a/key": "old"}
	store, err := NewClient(fixed{}, s, slog.New(slog.DiscardHandler)).
		Store(keyhatch.Store{ID: "store_1", Endpoint: "http://shelf.test", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func ask(s *Store, method, path string, header ...string) int {
	return askFor(context.Background(), s, method, path, header...)
}

func askFor(ctx context.Context, s *Store, method, path string, header ...string) int {
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader("new"))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

// A write with a condition reaches only a store that was seen to hold it, and is
// otherwise refused with nothing changed and nothing left.
func TestConditionsAreTriedFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shelf *shelf
		want  int // of what is to be done
	}{
		"holds them":                   {&shelf{}, http.StatusOK},
		"passes over them":             {&shelf{deaf: true}, http.StatusNotImplemented},
		"says no and does it":          {&shelf{liar: true}, http.StatusNotImplemented},
		"says no to what it should do": {&shelf{stern: true}, http.StatusNotImplemented},
		"fails at once":                {&shelf{breaks: 1}, http.StatusServiceUnavailable},
		"fails when it is looked at":   {&shelf{breaks: 2}, http.StatusServiceUnavailable},
		"fails when it is tried":       {&shelf{breaks: 3}, http.StatusServiceUnavailable},
		"fails after it":               {&shelf{breaks: 4}, http.StatusServiceUnavailable},
	} {
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			store := c.shelf.before(t)
			on, want := c.shelf.objects, c.want
			unmet := http.StatusPreconditionFailed
			if c.want != http.StatusOK {
				unmet = c.want
			}
			if got := ask(store, method, "/bucket/a/key", "If-Match", tagOf("other")); got != unmet || on["/bucket/a/key"] != "old" {
				t.Errorf("%s, %s that should not be: %d, and %q is there", name, method, got, on["/bucket/a/key"])
			}
			if want == http.StatusServiceUnavailable {
				want = http.StatusOK // it was a passing fault
			}
			left := "old"
			switch {
			case want == http.StatusOK && method == http.MethodPut:
				left = "new"
			case want == http.StatusOK:
				left = ""
			}
			got := ask(store, method, "/bucket/a/key", "If-Match", tagOf("old"))
			if got != want || on["/bucket/a/key"] != left {
				t.Errorf("%s, %s that should be: %d, and %q is there", name, method, got, on["/bucket/a/key"])
			}
			delete(on, "/bucket/a/key")
			if len(on) != 0 {
				t.Errorf("%s, %s: %q are left", name, method, on)
			}
			c.shelf.asked = 0
		}
	}
}

// What was seen counts for its bucket, its operation and its condition, and for an
// hour: stores are replaced.
func TestConditionsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		store := s.before(t)
		put := func(bucket, condition, value string) (trial bool) {
			t.Helper()
			s.asked = 0
			if got := ask(store, http.MethodPut, "/"+bucket+"/k", condition, value); got != http.StatusOK && got != http.StatusPreconditionFailed && got != http.StatusNotImplemented {
				t.Errorf("%s %s: %d", bucket, condition, got)
			}
			return s.asked > 1
		}
		for _, c := range []struct {
			what, bucket, condition, value string
			after                          time.Duration
			want                           bool
		}{
			{"the first", "bucket", "If-None-Match", "*", 0, true},
			{"the same again", "bucket", "If-None-Match", "*", 0, false},
			{"another condition", "bucket", "If-Match", `"x"`, 0, true},
			{"another form", "bucket", "If-Match", "*", 0, true},
			{"a form that no store is asked for", "bucket", "If-Match", `"x", "y"`, 0, false},
			{"another bucket", "other", "If-None-Match", "*", 0, true},
			{"the same within an hour", "bucket", "If-None-Match", "*", 59 * time.Minute, false},
			{"the same after it", "bucket", "If-None-Match", "*", time.Minute, true},
		} {
			time.Sleep(c.after)
			if got := put(c.bucket, c.condition, c.value); got != c.want {
				t.Errorf("%s: tried %t, want %t", c.what, got, c.want)
			}
		}
		for _, odd := range []string{`"x", "y"`, `W/"x"`} {
			if s.asked = 0; ask(store, http.MethodPut, "/bucket/k", "If-Match", odd) != http.StatusNotImplemented || s.asked != 0 {
				t.Errorf("If-Match: %s: the store was asked %d times", odd, s.asked)
			}
		}
		// A store that has forgotten its conditions is found out within the hour.
		s.deaf = true
		time.Sleep(time.Hour)
		s.objects["/bucket/k"] = "kept"
		if got := ask(store, http.MethodPut, "/bucket/k", "If-None-Match", "*"); got != http.StatusNotImplemented || s.objects["/bucket/k"] != "kept" {
			t.Errorf("%d, and %q is there", got, s.objects["/bucket/k"])
		}
	})
}

// Those who ask at the same time wait for one trial; one who leaves takes what was
// made with it, and keeps nobody from trying anew.
func TestConditionsAreTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{slow: time.Second}
		store := s.before(t)
		ctx, leave := context.WithTimeout(t.Context(), 2500*time.Millisecond) // in the third request
		defer leave()
		if got := askFor(ctx, store, http.MethodPut, "/bucket/a/key", "If-Match", tagOf("old")); got != http.StatusServiceUnavailable {
			t.Errorf("one who has left: %d", got)
		}
		if len(s.objects) != 1 || s.objects["/bucket/a/key"] != "old" {
			t.Errorf("the store has %q", s.objects)
		}
		const many = 10
		s.asked = 0
		var all sync.WaitGroup
		for n := range many {
			all.Go(func() {
				if got := ask(store, http.MethodPut, fmt.Sprint("/bucket/new", n), "If-None-Match", "*"); got != http.StatusOK {
					t.Errorf("%d", got)
				}
			})
		}
		all.Wait()
		if most := 12 + many; s.asked > most || len(s.objects) != 1+many {
			t.Errorf("the store was asked %d times, at most %d are needed; it has %d objects", s.asked, most, len(s.objects))
		}
	})
}

// A store that does not answer while it is tried keeps nobody for long.
func TestConditionsOfASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{slow: time.Hour}
		store, begun := s.before(t), time.Now()
		if got := ask(store, http.MethodPut, "/bucket/a/key", "If-Match", "*"); got != http.StatusServiceUnavailable || time.Since(begun) > 2*lookFor {
			t.Errorf("%d after %v", got, time.Since(begun))
		}
	})
}
