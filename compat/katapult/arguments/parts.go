package arguments

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
)

// parseParts reads a form that is sent in parts, as multipart/form-data, into nested
// values. Nothing takes a file.
//
// Source: RFC 7578; Rack, Multipart::Parser, which makes parameters of a query and of
// parts alike.
func parseParts(media string, body []byte) (map[string]any, error) {
	_, said, err := mime.ParseMediaType(media)
	if err != nil || said["boundary"] == "" {
		return nil, Unreadable("it is not told what is between its parts")
	}
	var all []parameter
	for parts := multipart.NewReader(bytes.NewReader(body), said["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF { // itself: one with words around is an end that should not be there
			return nest(all)
		}
		if err != nil {
			return nil, Unreadable("it is not in parts")
		}
		if len(all) == maxParameters {
			return nil, tooMany
		}
		if part.FileName() != "" {
			return nil, Unreadable("a part of it is a file")
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, Unreadable("it ends within a part")
		}
		all = append(all, parameter{part.FormName(), string(text)})
	}
}
