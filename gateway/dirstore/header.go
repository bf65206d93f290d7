package dirstore

import (
	"maps"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/dirstore/checksum"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// keptHeaders are the headers that stay with an object, besides its own metadata,
// its tags and its checksum; the parameter of a GET that replaces each in the
// answer is named after it.
var keptHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

// describe is what a request says about the object that it makes, tags included.
func describe(h http.Header) (map[string]string, error) {
	kept, err := s3wire.Metadata(h)
	if err != nil {
		return nil, err
	}
	for _, name := range keptHeaders {
		if v := h.Get(name); v != "" {
			kept[name] = v
		}
	}
	tags, err := s3wire.HeaderTags(h)
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		kept[s3wire.TagsHeader] = s3wire.FormatTags(tags)
	}
	return kept, nil
}

// tellObject puts the headers that describe an object into an answer. The names
// of metadata go out in lower case, as S3's do: some clients hand them on as they
// come.
func tellObject(h http.Header, rec tree.Record) {
	h.Set("Content-Type", "binary/octet-stream") // else net/http would guess one from the first bytes
	for _, name := range keptHeaders {
		if v := rec.Header[name]; v != "" {
			h.Set(name, v)
		}
	}
	for name, value := range rec.Header {
		if strings.HasPrefix(name, s3wire.MetadataPrefix) {
			h[strings.ToLower(name)] = []string{value}
		}
	}
	tellValidators(h, rec)
	h.Set("Accept-Ranges", "bytes")
}

// tellValidators puts into an answer what conditions are held against, and how
// long a copy is good: all that is told of an object that a client has already.
func tellValidators(h http.Header, rec tree.Record) {
	for _, name := range []string{"Cache-Control", "Expires"} {
		if v := rec.Header[name]; v != "" {
			h.Set(name, v)
		}
	}
	h.Set("ETag", quoted(rec.ETag))
	h.Set("Last-Modified", lastModified(rec).Format(http.TimeFormat))
}

// copied is what the copy of an object is kept with: its own headers or, if they
// are to be replaced, those of the request; likewise its tags. The checksum is
// that of the same bytes. To copy an object onto itself makes sense only with
// other headers.
func copied(h http.Header, from tree.Record, itself bool) (map[string]string, error) {
	kept, err := describe(h)
	if err != nil {
		return nil, err
	}
	replaceHeader, err := directive(h, "X-Amz-Metadata-Directive")
	if err != nil {
		return nil, err
	}
	replaceTags, err := directive(h, "X-Amz-Tagging-Directive")
	if err != nil {
		return nil, err
	}
	if itself && !replaceHeader {
		return nil, errOntoItself
	}
	tags := from.Header[s3wire.TagsHeader]
	if replaceTags {
		tags = kept[s3wire.TagsHeader]
	}
	if !replaceHeader {
		kept = map[string]string{}
		maps.Copy(kept, from.Header)
	}
	if kept[s3wire.TagsHeader] = tags; tags == "" {
		delete(kept, s3wire.TagsHeader)
	}
	header, value := checksum.OfBytes(from.Header)
	checksum.Keep(kept, header, value)
	return kept, nil
}

// directive tells whether a part of the source's description is to be replaced.
func directive(h http.Header, name string) (replace bool, err error) {
	v := h.Get(name)
	if v != "" && v != "COPY" && v != "REPLACE" {
		return false, invalidArgument("A directive of a copy is COPY or REPLACE.")
	}
	return v == "REPLACE", nil
}
