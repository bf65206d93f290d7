package upstream

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// ifSourceMatches is what clients ask who copy a large object in parts, so that all
// parts are of the same one: boto3 always does.
const ifSourceMatches = sourceConditions + "Match"

// canLook tells whether a condition can be held by looking at the source before and
// after. That is so of a part: nothing of it is published, and it is told as refused
// when the source was changed meanwhile.
func (c claim) canLook() bool {
	return c.operation == copyPart && c.condition == ifSourceMatches && c.form == plain
}

func canLook(claims []claim) bool {
	return !slices.ContainsFunc(claims, func(c claim) bool { return !c.canLook() })
}

// copyLooking copies a part from an object with the entity tag that is asked for, on a
// store that does not look itself.
func (s *Store) copyLooking(w http.ResponseWriter, r *http.Request) {
	source, err := s3wire.ParseSource(r.Header.Get(sourceHeader))
	if err != nil { // the gateway has read it
		refuse(w, failed)
		return
	}
	before, err := s.lookAt(r, source)
	switch {
	case err != nil:
		refuse(w, asRefusal(err))
		return
	case before.there && before.etag != quoted(r.Header.Get(ifSourceMatches)):
		refuse(w, unmet)
		return
	}
	plainly := r.Clone(r.Context())
	plainly.Header.Del(ifSourceMatches)
	s.ServeHTTP(&lastLook{ResponseWriter: w, unchanged: func() error {
		after, err := s.lookAt(r, source)
		if err == nil && after != before {
			err = unmet
		}
		return err
	}}, plainly)
}

func quoted(tag string) string { return `"` + strings.Trim(tag, `"`) + `"` }

func (s *Store) lookAt(r *http.Request, source s3wire.Source) (object, error) {
	var version url.Values
	if source.Version != "" {
		version = url.Values{"versionId": {source.Version}}
	}
	t := &trial{store: s, ctx: r.Context()}
	return t.look("/"+source.Bucket+"/"+source.Key, version)
}

// lastLook is an answer that turns into a refusal when something was changed meanwhile.
type lastLook struct {
	http.ResponseWriter
	unchanged func() error
	refused   bool
	begun     bool
}

func (l *lastLook) WriteHeader(status int) {
	l.begun = true
	if status < http.StatusMultipleChoices {
		if err := l.unchanged(); err != nil {
			l.refused = true
			l.Header().Del("Content-Length")
			refuse(l.ResponseWriter, asRefusal(err))
			return
		}
	}
	l.ResponseWriter.WriteHeader(status)
}

func (l *lastLook) Write(p []byte) (int, error) {
	if !l.begun { // as net/http has it
		l.WriteHeader(http.StatusOK)
	}
	if l.refused {
		return len(p), nil
	}
	return l.ResponseWriter.Write(p)
}

func (l *lastLook) Unwrap() http.ResponseWriter { return l.ResponseWriter }
