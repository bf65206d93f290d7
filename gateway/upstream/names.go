package upstream

import (
	"bytes"
	"encoding/xml"
	"net/http"
)

// lists are the documents whose names are percent-encoded when that is asked for.
//
// Source: Amazon S3 API reference, "encoding-type" of ListObjects, ListObjectsV2,
// ListObjectVersions and ListMultipartUploads.
var lists = []string{"ListBucketResult", "ListVersionsResult", "ListMultipartUploadsResult"}

// encoded are their elements that hold names, or parts of them.
var encoded = []string{"Key", "Prefix", "Delimiter", "StartAfter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker"}

// encodeNames encodes the names of a list where the store was asked to and has
// not, as versitygw does not: there are clients that decode without a look at what
// came.
func encodeNames(r *http.Request, text []byte) []byte {
	if r.URL.Query().Get("encoding-type") != "url" || bytes.Contains(text, []byte("<EncodingType>url</EncodingType>")) {
		return text
	}
	for _, list := range lists {
		begin, end, found := bytes.Cut(text, []byte("</"+list+">"))
		if !found {
			continue
		}
		for _, empty := range []string{"<EncodingType></EncodingType>", "<EncodingType/>"} {
			begin = bytes.ReplaceAll(begin, []byte(empty), nil)
		}
		for _, tag := range encoded {
			begin = encodeElements(begin, tag)
		}
		return append(begin, "<EncodingType>url</EncodingType></"+list+">"+string(end)...)
	}
	return text
}

// encodeElements encodes the content of every element of the tag. Spaces become
// %20: clients disagree on what a plus stands for.
func encodeElements(text []byte, tag string) []byte {
	begin, end := []byte("<"+tag+">"), []byte("</"+tag+">")
	var out []byte
	for {
		before, rest, found := bytes.Cut(text, begin)
		content, after, closed := bytes.Cut(rest, end)
		if !found || !closed {
			return append(out, text...)
		}
		out = append(append(out, before...), begin...)
		var name string
		if err := xml.Unmarshal(text[len(before):len(text)-len(after)], &name); err == nil {
			content = []byte(escapePath(name))
		}
		out = append(append(out, content...), end...)
		text = after
	}
}
