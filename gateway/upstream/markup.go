package upstream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"slices"
)

// errDocument is that of a document that is no markup, or has what no answer of a
// store has need of: a document type, whose entities whoever reads on could be made
// to unfold.
var errDocument = errors.New("the document cannot be told apart")

// scanner takes a document apart into tags and what is between them. It does not
// parse: stores write characters in keys that no parser of XML takes.
type scanner struct{ text []byte }

// tag is that of an element; or a remark, an instruction or verbatim text, which
// neither begin nor end one.
type tag struct {
	text         []byte
	full, name   string // the name with what is before its colon, and without
	begins, ends bool   // both: <a/>
}

// maxPiece bounds a tag, and a text that is read: what is read is held once more. A
// name has 1,024 bytes, however they are written.
const maxPiece = 64 << 10

// next is the next tag and what is before it. The error is io.EOF behind the last.
func (s *scanner) next() (before []byte, t tag, err error) {
	begin := bytes.IndexByte(s.text, '<')
	if begin < 0 {
		before, s.text = s.text, nil
		return before, tag{}, io.EOF
	}
	end := endOfTag(s.text[begin:])
	if end < 0 {
		return nil, tag{}, errDocument
	}
	before, t.text, s.text = s.text[:begin], s.text[begin:begin+end], s.text[begin+end:]
	inner := t.text[1 : end-1]
	if len(inner) == 0 || inner[0] == '!' || inner[0] == '?' {
		return before, t, nil
	}
	if len(inner) > maxPiece {
		return nil, tag{}, errDocument
	}
	t.begins, t.ends = true, inner[len(inner)-1] == '/'
	if inner[0] == '/' {
		t.begins, t.ends, inner = false, true, inner[1:]
	}
	if i := bytes.IndexAny(inner, " \t\r\n/"); i >= 0 {
		inner = inner[:i]
	}
	t.full, t.name = string(inner), string(inner[bytes.IndexByte(inner, ':')+1:])
	return before, t, nil
}

// rootOf is the name of a document's first element, empty if there is none.
func rootOf(text []byte) (string, error) {
	for s := (scanner{text}); ; {
		_, t, err := s.next()
		switch {
		case err == io.EOF:
			return "", nil
		case err != nil:
			return "", err
		case t.begins:
			return t.name, nil
		}
	}
}

// content is what is in the element that a tag has begun. The next tag is the one
// behind the element.
func (s *scanner) content(begun tag) ([]byte, error) {
	all := s.text
	for depth := 1; ; {
		_, end, err := s.next()
		if err != nil {
			return nil, errDocument
		}
		if end.begins {
			depth++
		}
		if end.ends {
			depth--
		}
		if depth > 0 {
			continue
		}
		if end.full != begun.full {
			return nil, errDocument
		}
		return all[:len(all)-len(s.text)-len(end.text)], nil
	}
}

// verbatim are what is no tag, and how it ends.
var verbatim = [...]struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}}

// endOfTag is where the tag that the text begins with ends, or the remark, the
// instruction or the verbatim text; -1 when it does not, or is none of these.
func endOfTag(text []byte) int {
	for _, v := range verbatim {
		if bytes.HasPrefix(text, []byte(v.begin)) {
			if i := bytes.Index(text[len(v.begin):], []byte(v.end)); i >= 0 {
				return len(v.begin) + i + len(v.end)
			}
			return -1
		}
	}
	if bytes.HasPrefix(text, []byte("<!")) {
		return -1
	}
	quote := byte(0)
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}

// textOf is the text of an element that has none in it. Where it holds characters
// that XML has not, references are read all the same.
func textOf(content []byte) (string, error) {
	if len(content) > maxPiece {
		return "", errDocument
	}
	for s := (scanner{content}); ; {
		_, t, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil || t.begins || t.ends {
			return "", errDocument
		}
	}
	var text string
	err := xml.Unmarshal(slices.Concat([]byte("<t>"), content, []byte("</t>")), &text)
	if err != nil && bytes.IndexByte(content, '<') < 0 {
		return html.UnescapeString(string(content)), nil
	}
	return text, err
}
