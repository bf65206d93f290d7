package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// maxDocument bounds a list of 1,000 keys of 1,024 bytes, percent-encoded twice
// over.
const maxDocument = 16 << 20

// passDocument hands a list or a result on, without what the store says of its
// accounts and hosts in it, the names of objects encoded as was asked for. It is
// read whole before: some operations say that
// they are well and then fail.
func (s *Store) passDocument(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	switch packing := answer.Header.Get("Content-Encoding"); {
	case err != nil:
		s.log.Warn("a document broke off", "bytes", len(text), "error", err)
		refuse(w, unreachable)
		return
	case len(text) > maxDocument, packing != "" && packing != "identity":
		s.log.Error("a document is too long, or packed", "encoding", packing)
		refuse(w, misconfigured)
		return
	}
	if e, is := readError(text); is {
		refuse(w, s.told(r, http.StatusOK, e))
		return
	}
	if text, err = s.rewritten(r, text); err != nil {
		s.log.Error("a document cannot be read", "error", err)
		refuse(w, misconfigured)
		return
	}
	text = encodeNames(r, text)
	s.passHeaders(w, r, answer)
	w.Header().Del("Content-Encoding")
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.StatusCode)
	if len(text) > 0 {
		_, _ = w.Write(text) // the connection is all that can fail here
	}
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

var errDocument = errors.New("an element has no end")

// rewritten gives the elements their text of ours, and ids their marks. It does
// not parse: stores write characters in keys that no parser of XML takes.
func (s *Store) rewritten(r *http.Request, text []byte) ([]byte, error) {
	out := make([]byte, 0, len(text)+256)
	for {
		begin := bytes.IndexByte(text, '<')
		if begin < 0 {
			return append(out, text...), nil
		}
		out, text = append(out, text[:begin]...), text[begin:]
		end := endOfTag(text)
		if end < 0 {
			return nil, errDocument
		}
		tag := text[:end]
		text = text[end:]
		full := tag[1:]
		if i := bytes.IndexAny(full, " \t\r\n/>"); i >= 0 {
			full = full[:i]
		}
		name := string(full[bytes.IndexByte(full, ':')+1:])
		instead, found := ours[name]
		kind, isID := idElements[name]
		if empty := bytes.HasSuffix(tag, []byte("/>")); !found && !isID || empty && isID {
			out = append(out, tag...)
			continue
		} else if empty {
			out = append(out, "<"+name+">"+instead+"</"+name+">"...)
			continue
		}
		content, after, closed := bytes.Cut(text, slices.Concat([]byte("</"), full))
		over := bytes.IndexByte(after, '>')
		if !closed || over < 0 {
			return nil, errDocument
		}
		if isID {
			marked, err := s.markElement(kind, bucketOf(r.URL.Path), content)
			if err != nil {
				return nil, err
			}
			instead = string(marked)
		}
		out = append(out, "<"+name+">"+instead+"</"+name+">"...)
		text = after[over+1:]
	}
}

// endOfTag is where the tag that the text begins with ends, or the remark, the
// instruction or the verbatim text; -1 when it does not.
func endOfTag(text []byte) int {
	for begin, end := range map[string]string{"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"} {
		if bytes.HasPrefix(text, []byte(begin)) {
			if i := bytes.Index(text, []byte(end)); i >= 0 {
				return i + len(end)
			}
			return -1
		}
	}
	quote := byte(0)
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case strings.IndexByte(`"'`, c) >= 0:
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}
