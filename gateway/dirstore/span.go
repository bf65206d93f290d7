package dirstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// span is a part of an object.
type span struct{ start, length int64 }

// contentRange is how a header tells a span.
func (p span) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", p.start, p.start+p.length-1, size)
}

// asked is the span that a read asks for, by Range or by the number of a part,
// and whether it is only a part. Of no bytes there is none.
func asked(r *request, rec tree.Record) (part span, partial bool, err error) {
	text := r.Header.Get("Range")
	if r.query.Has("partNumber") {
		number, err := partNumber(r)
		if err == nil && text != "" {
			err = errRangeAndPart
		}
		if err == nil {
			part, err = partOf(rec, number)
		}
		return part, part.length > 0, err
	}
	if !rangeStands(r.Header, rec) {
		text = ""
	}
	return parseRange(text, rec.Size)
}

// partOf is where a part of an upload came to lie in the object. An object that
// was not uploaded in parts is its own first part.
func partOf(rec tree.Record, number int) (span, error) {
	sizes := rec.Parts
	if len(sizes) == 0 {
		sizes = []int64{rec.Size}
	}
	if number > len(sizes) {
		return span{}, errPartNumber
	}
	var p span
	for _, size := range sizes[:number-1] {
		p.start += size
	}
	p.length = sizes[number-1]
	return p, nil
}

// parseRange reads the header Range for an object of a size. S3 serves one range;
// of several, of none and of what is no range of bytes, it serves the whole object.
//
// Source: RFC 9110 §14.1.2.
func parseRange(text string, size int64) (part span, partial bool, err error) {
	whole := span{0, size}
	text, isBytes := strings.CutPrefix(strings.ToLower(text), "bytes=")
	first, last, isRange := strings.Cut(strings.TrimSpace(text), "-")
	if !isBytes || !isRange {
		return whole, false, nil
	}
	start, startOK := offset(first)
	end, endOK := offset(last)
	switch {
	case !startOK || !endOK || first == "" && last == "" || first != "" && last != "" && end < start:
		return whole, false, nil
	case first == "": // the last bytes
		start, end = size-min(end, size), size-1
	case last == "":
		end = size - 1
	}
	if start >= size {
		return span{}, false, errInvalidRange
	}
	return span{start, min(end, size-1) - start + 1}, true, nil
}

// offset reads a number of bytes; one that is too large for any object is as good
// as the largest.
func offset(s string) (n int64, ok bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, _ = strconv.ParseInt(s, 10, 64) // out of range: the largest
	return n, true
}

// parseSourceRange reads x-amz-copy-source-range, which must lie in the object.
func parseSourceRange(text string, size int64) (span, error) {
	part, partial, err := parseRange(text, size)
	if err != nil || !partial || text != fmt.Sprintf("bytes=%d-%d", part.start, part.start+part.length-1) {
		return span{}, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy, and lie in the source object.")
	}
	return part, nil
}

// partNumber reads the number of a part from the query.
func partNumber(r *request) (int, error) {
	n, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || n < 1 || n > s3wire.MaxParts {
		return 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive.")
	}
	return n, nil
}
