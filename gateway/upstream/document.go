package upstream

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/keyhatch/keyhatch/gateway/limit"
)

// maxDocument bounds a list of 1,000 keys of 1,024 bytes, percent-encoded twice
// over.
const maxDocument = 16 << 20

// What is held of documents at a time, by all requests together and by those of one
// user: a longest one is held as it came and as it goes on, and moves while it grows.
const (
	heldByAll  = 192 << 20
	heldByEach = 48 << 20
)

// passDocument hands a list or a result on, without what the store says of its
// accounts and hosts in it, the names of objects encoded as was asked for. It is
// read whole before: some operations say that they are well and then fail.
func (s *Store) passDocument(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	came := s.client.memory.Buffer(r.Context(), maxDocument)
	defer came.Free()
	gone := s.client.memory.Buffer(r.Context(), maxDocument)
	defer gone.Free()
	if e, ok := s.readDocument(r, answer, came, gone); !ok {
		refuse(w, e)
		return
	}
	came.Free() // the client may take its time
	s.passHeaders(w, r, answer)
	w.Header().Del("Content-Encoding")
	w.Header().Del("Content-Length")
	text := gone.Bytes()
	if len(text) > 0 {
		w.Header().Set("Content-Type", "application/xml") // and nothing that a browser shows
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(answer.StatusCode)
	if len(text) > 0 {
		_, _ = w.Write(text) // the connection is all that can fail here
	}
}

// readDocument reads a document and writes it anew, or tells why not.
func (s *Store) readDocument(r *http.Request, answer *http.Response, came, gone *limit.Buffer) (refusal, bool) {
	if packing := answer.Header.Get("Content-Encoding"); packing != "" && packing != "identity" {
		s.log.Error("a document is packed", "encoding", packing)
		return misconfigured, false
	}
	n, err := came.ReadFrom(answer.Body)
	if err == nil {
		if e, is := readError(came.Bytes()); is {
			return s.told(r, http.StatusOK, e), false
		}
		if root, _ := rootOf(came.Bytes()); root == "" && tells(r) {
			s.log.Error("the store does not say what it has done", "bytes", n)
			return misconfigured, false
		}
		if err = s.rewrite(r, came.Bytes(), gone); err == nil {
			return refusal{}, true
		}
	}
	switch {
	case errors.Is(err, limit.ErrNoMemory):
		s.log.Warn("there is no room for a document", "bytes", n)
		return crowded, false
	case errors.Is(err, errDocument), errors.Is(err, errBeside), errors.Is(err, limit.ErrTooLong):
		s.log.Error("a document cannot be handed on", "bytes", n, "error", err)
		return misconfigured, false
	}
	s.log.Warn("a document broke off", "bytes", n, "error", err)
	return unreachable, false
}

// tells says whether the answer to a request is a document in any case. Its status
// comes before the store has done anything.
func tells(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodPost || r.Header.Get(sourceHeader) != ""
}

// ours is what stands in each element of these names. The store's text in them
// are its accounts, at some stores even access key ids, its address, and messages
// with both.
var ours = map[string]string{
	"Owner":     "<ID>keyhatch</ID><DisplayName>keyhatch</DisplayName>",
	"Initiator": "<ID>keyhatch</ID><DisplayName>keyhatch</DisplayName>",
	"Location":  "",
	"Message":   "The store behind this endpoint refuses it.",
}

// rewriting is a document on its way.
type rewriting struct {
	store  *Store
	bucket string
	names  names
	from   scanner
	to     io.Writer
}

// rewrite writes a document anew: elements get their text of ours, ids their marks,
// and names are looked at, and encoded where the store has forgotten it.
func (s *Store) rewrite(r *http.Request, text []byte, to io.Writer) error {
	listed, err := namesOf(r, text)
	if err != nil {
		return err
	}
	w := rewriting{s, bucketOf(r.URL.Path), listed, scanner{text}, to}
	return w.run()
}

func (w *rewriting) run() error {
	for depth := 0; ; {
		before, t, err := w.from.next()
		if err == io.EOF {
			_, err = w.to.Write(before)
			return err
		}
		if err != nil {
			return err
		}
		begin, end := t.text, []byte(nil)
		if instead := w.insteadOf(t.name); instead != nil && t.begins {
			if begin, err = w.element(t, instead); err != nil {
				return err
			}
		} else {
			if t.begins {
				depth++
			}
			if t.ends {
				depth--
			}
			if depth == 0 && t.ends && !t.begins {
				begin, end = w.names.rest(), t.text
			}
		}
		for _, part := range [][]byte{before, begin, end} {
			if _, err := w.to.Write(part); err != nil {
				return err
			}
		}
	}
}

// insteadOf makes the content of elements of a name of what came in them, nil where
// that stays.
func (w *rewriting) insteadOf(name string) func(content []byte) ([]byte, error) {
	if text, found := ours[name]; found {
		return func([]byte) ([]byte, error) { return []byte(text), nil }
	}
	if kind, found := idElements[name]; found {
		return func(content []byte) ([]byte, error) { return w.store.markElement(kind, w.bucket, content) }
	}
	return w.names.insteadOf(name)
}

// element is the element that a tag has begun, with another content.
func (w *rewriting) element(t tag, instead func([]byte) ([]byte, error)) (whole []byte, err error) {
	var content []byte
	if !t.ends {
		if content, err = w.from.content(t); err != nil {
			return nil, err
		}
	}
	if content, err = instead(content); err != nil {
		return nil, err
	}
	if t.ends && len(content) == 0 {
		return []byte("<" + t.name + "/>"), nil
	}
	return slices.Concat([]byte("<"+t.name+">"), content, []byte("</"+t.name+">")), nil
}
