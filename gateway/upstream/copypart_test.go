package upstream

import (
	"net/http"
	"testing"
)

// A copy of a part from an object of some entity tag is refused when it has another
// one, before or after: on a store that passes over the condition, boto3's copies of
// large objects were refused whatever they were of.
func TestPartOfChangedSource(t *testing.T) {
	t.Parallel()
	const (
		source = "/bucket/a/source"
		target = "/bucket/a/key?partNumber=1&uploadId=id.mark"
	)
	for name, c := range map[string]struct {
		tag     string
		changed string // what the source is after it was copied
		gone    bool
		want    int
		asked   bool // whether the store is asked to copy
	}{
		"as it was":             {tagOf("data"), "data", false, http.StatusOK, true},
		"as it was, tag bare":   {"64617461", "data", false, http.StatusOK, true},
		"another before":        {tagOf("other"), "data", false, http.StatusPreconditionFailed, false},
		"another after":         {tagOf("data"), "other", false, http.StatusPreconditionFailed, true},
		"gone after":            {tagOf("data"), "", true, http.StatusPreconditionFailed, true},
		"nothing there":         {tagOf(""), "", true, http.StatusOK, true}, // the store says so itself
		"several tags, refused": {`"x", "y"`, "data", false, http.StatusNotImplemented, false},
	} {
		s := &shelf{deaf: true}
		store := s.before(t)
		if name != "nothing there" {
			s.objects[source] = "data"
		}
		if got := ask(store, http.MethodPut, target, sourceHeader, source, ifSource, tagOf("x")); name != "nothing there" && got != http.StatusPreconditionFailed {
			t.Errorf("%s: at first %d", name, got) // it was tried now
		}
		s.sources = nil
		s.copied = func() {
			if s.objects[source] = c.changed; c.gone {
				delete(s.objects, source)
			}
		}
		if got := ask(store, http.MethodPut, target, sourceHeader, source, ifSource, c.tag); got != c.want || len(s.sources) > 0 != c.asked {
			t.Errorf("%s: %d, and the store was asked to copy %q", name, got, s.sources)
		}
	}
}

// What is made from the whole of a copy would be there: it is not looked at, but
// refused.
func TestCopyIsNotLookedAt(t *testing.T) {
	t.Parallel()
	s := &shelf{deaf: true}
	store := s.before(t)
	s.objects["/bucket/a/source"] = "data"
	if got := ask(store, http.MethodPut, "/bucket/a/key", sourceHeader, "/bucket/a/source", ifSource, tagOf("data")); got != http.StatusNotImplemented || s.objects["/bucket/a/key"] != "old" {
		t.Errorf("%d, and %q is there", got, s.objects["/bucket/a/key"])
	}
}
