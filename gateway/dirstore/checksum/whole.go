package checksum

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Whole is the checksum of an upload in parts, in the making.
type Whole struct {
	header    string
	composite bool
	make      func() hash.Hash
	want      []byte
	wantParts string // how many there must be, empty: any number

	all   hash.Hash
	parts int
}

// WholeOf reads the checksum that the end of an upload tells of it: nil when there
// is none. What is not said of its type shows in its value, or goes without saying.
func WholeOf(h http.Header) (*Whole, error) {
	header, value, err := Told(h)
	if header == "" || err != nil {
		return nil, err
	}
	value, parts, dashed := strings.Cut(value, "-")
	a := algorithms[header]
	kind := cmp.Or(h.Get(typeHeader), a.types[0])
	if dashed && h.Get(typeHeader) == "" {
		kind = composite
	}
	if !slices.Contains(a.types, kind) || dashed && kind != composite {
		return nil, ErrType
	}
	w := &Whole{header: header, composite: kind == composite, make: a.make, wantParts: parts, all: a.make()}
	if w.want, err = decode(value, w.all); err != nil || dashed && parts == "" {
		return nil, ErrHeader
	}
	return w, nil
}

// Add reads the next part.
func (w *Whole) Add(part io.Reader) error {
	w.parts++
	if !w.composite {
		_, err := io.Copy(w.all, part)
		return err
	}
	one := w.make()
	_, err := io.Copy(one, part)
	w.all.Write(one.Sum(nil))
	return err
}

// Kept is the header and the value to keep with the object that the parts become,
// and false when they have another checksum than was told.
func (w *Whole) Kept() (header, value string, ok bool) {
	sum := w.all.Sum(nil)
	value = base64.StdEncoding.EncodeToString(sum)
	parts := fmt.Sprint(w.parts)
	if w.composite {
		value += "-" + parts
	}
	return w.header, value, bytes.Equal(sum, w.want) && (w.wantParts == "" || w.wantParts == parts)
}
