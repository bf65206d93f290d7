package upstream

import (
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// errBeside is that of a list which names what was not asked for. A store that does
// not know a list's prefix would tell the names of everybody.
var errBeside = errors.New("the list names what is not below its prefix")

// lists are the documents whose names are percent-encoded when that is asked for.
//
// Source: Amazon S3 API reference, "encoding-type" of ListObjects, ListObjectsV2,
// ListObjectVersions and ListMultipartUploads.
var lists = []string{"ListBucketResult", "ListVersionsResult", "ListMultipartUploadsResult"}

// nameElements are their elements that hold names, or parts of them.
var nameElements = []string{"Key", "Prefix", "Delimiter", "StartAfter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker"}

// belowPrefix are those that begin with the list's prefix. The others are what the
// client has said.
var belowPrefix = []string{"Key", "Prefix"}

const encodingElement = "EncodingType"

// names are those of a list. Documents that are none have none.
type names struct {
	list   bool
	prefix string
	// encoded tells that they have come percent-encoded.
	encoded bool
	// encode tells that they were to be and are not, as versitygw's are not: there are
	// clients that decode without a look at what came.
	encode bool
	// told tells that the document has had an element that says how they are encoded.
	told bool
}

// namesOf finds out about the names of the answer to a request.
func namesOf(r *http.Request, text []byte) (names, error) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	if r.Method != http.MethodGet || key != "" || q.Has("location") {
		return names{}, nil
	}
	n, root := names{list: true, prefix: q.Get("prefix")}, ""
	for s := (scanner{text}); ; {
		_, t, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return n, err
		}
		if root == "" {
			root = t.name
		}
		if t.name != encodingElement || !t.begins || t.ends {
			continue
		}
		content, err := s.content(t)
		if err != nil {
			return n, err
		}
		how, err := textOf(content)
		if err != nil {
			return n, err
		}
		n.encoded = n.encoded || how == "url"
	}
	n.encode = q.Get("encoding-type") == "url" && !n.encoded && slices.Contains(lists, root)
	return n, nil
}

// insteadOf makes the content of elements of a name of what came in them, nil where
// that stays.
func (n *names) insteadOf(element string) func(content []byte) ([]byte, error) {
	switch {
	case !n.list:
		return nil
	case n.encode && element == encodingElement:
		n.told = true
		return func([]byte) ([]byte, error) { return []byte("url"), nil }
	case !slices.Contains(nameElements, element):
		return nil
	}
	return func(content []byte) ([]byte, error) {
		name, err := textOf(content)
		if err != nil {
			return nil, err
		}
		if slices.Contains(belowPrefix, element) && !n.below(name) {
			return nil, errBeside
		}
		if n.encode {
			return []byte(escapePath(name)), nil // with %20: clients disagree on what a plus stands for
		}
		return content, nil
	}
}

// below tells whether a name begins with the prefix that was asked for. RGW encodes
// some characters once more than it says.
func (n *names) below(name string) bool {
	spellings := []string{name}
	if n.encoded {
		for _, decode := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
			if decoded, err := decode(name); err == nil {
				spellings = append(spellings, decoded)
			}
		}
	}
	return name == "" || slices.ContainsFunc(spellings, func(s string) bool {
		return strings.HasPrefix(s, n.prefix) || strings.HasPrefix(html.UnescapeString(s), n.prefix)
	})
}

// rest is what is left to be said at the end of the list.
func (n *names) rest() []byte {
	if !n.encode || n.told {
		return nil
	}
	n.told = true
	return []byte("<" + encodingElement + ">url</" + encodingElement + ">")
}
