package upstream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const ifSource = sourceConditions + "Match"

// A trial sends no copy source that the endpoint refuses from everybody: some stores
// read another object and a version out of it. What a store made of such a one counted
// for its whole bucket.
func TestNoTrialBesideVersionInTheKey(t *testing.T) {
	t.Parallel()
	const odd = "/bucket/x%3FversionId=null/"
	for name, path := range map[string]string{"copy": odd + "k", "copy of a part": odd + "k?partNumber=1&uploadId=id.mark"} {
		s := &shelf{}
		store := s.before(t)
		if got := ask(store, http.MethodPut, path, sourceHeader, "/bucket/a/key", ifSource, tagOf("other")); got != http.StatusNotImplemented || s.asked != 0 {
			t.Errorf("%s: %d, and the store was asked %d times", name, got, s.asked)
		}
	}
	s := &shelf{}
	store := s.before(t)
	_ = ask(store, http.MethodPut, odd+"k", sourceHeader, "/bucket/a/key", ifSource, tagOf("other"))
	if got := ask(store, http.MethodPut, "/bucket/b/copy", sourceHeader, "/bucket/a/key", ifSource, tagOf("other")); got != http.StatusPreconditionFailed {
		t.Errorf("elsewhere in the bucket: %d", got)
	}
	for _, source := range s.sources {
		if plain, err := url.PathUnescape(source); err != nil || strings.Contains(plain, "?versionId=") {
			t.Errorf("the store was sent the source %s", source)
		}
	}
	if got := ask(store, http.MethodPut, odd+"k", "If-Match", tagOf("other")); got != http.StatusPreconditionFailed {
		t.Errorf("what copies nothing: %d", got)
	}
}

// A condition cannot be tried in a folder in which no name of ours has room. It was
// said that the store had failed, and to try again.
func TestNoTrialInFolderWithLongName(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{900: http.StatusPreconditionFailed, 1000: http.StatusNotImplemented} {
		s := &shelf{}
		store := s.before(t)
		path := "/bucket/" + strings.Repeat("x", length-1) + "/k"
		got := ask(store, http.MethodPut, path, "If-Match", tagOf("other"))
		if got != want || want == http.StatusNotImplemented && s.asked != 0 {
			t.Errorf("%d bytes: %d, want %d; the store was asked %d times", length, got, want, s.asked)
		}
	}
}

// What says nothing of a condition does not count as one that is not held: it was
// refused for ten minutes for one bad moment of the store.
func TestTrialInABadMoment(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{
		http.StatusBadRequest:         http.StatusBadRequest,
		http.StatusRequestTimeout:     http.StatusBadRequest, // S3's RequestTimeout
		http.StatusConflict:           http.StatusConflict,
		http.StatusTooManyRequests:    http.StatusServiceUnavailable,
		http.StatusNotFound:           http.StatusNotImplemented,
		http.StatusNotImplemented:     http.StatusNotImplemented,
		http.StatusPreconditionFailed: http.StatusOK, // as it should be
	} {
		s := &shelf{breaks: 3, broken: status} // when what is forbidden is tried
		store := s.before(t)
		if got := ask(store, http.MethodPut, "/bucket/a/key", "If-Match", tagOf("old")); got != want {
			t.Errorf("%d: %d, want %d", status, got, want)
		}
		next := http.StatusOK
		if want == http.StatusNotImplemented {
			next = want // for a while
		}
		s.objects["/bucket/a/key"] = "old"
		if got := ask(store, http.MethodPut, "/bucket/a/key", "If-Match", tagOf("old")); got != next {
			t.Errorf("%d, and again: %d, want %d", status, got, next)
		}
	}
}
