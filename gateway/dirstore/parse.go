package dirstore

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// The documents of requests.
type (
	deleteDocument struct {
		XMLName xml.Name `xml:"Delete"`
		Quiet   bool
		Objects []struct {
			Key, ETag string
			VersionID string `xml:"VersionId"`
			// Conditions of directory buckets, which are not held here.
			LastModifiedTime, Size *string
		} `xml:"Object"`
	}
	completeDocument struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Parts   []struct {
			PartNumber int
			ETag       string
		} `xml:"Part"`
	}
	tagsDocument struct { // of answers, too
		XMLName   xml.Name `xml:"Tagging"`
		Namespace string   `xml:"xmlns,attr"`
		TagSet    *tagSet
	}
	tagSet struct {
		Tags []s3wire.Tag `xml:"Tag"`
	}
)

// readDocument reads the XML of a request, to its verified end.
func readDocument(r *request, into any) error {
	b, err := bodyOf(r, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(b, s3wire.MaxDocument+1))
	if err != nil {
		return err
	}
	if len(text) > s3wire.MaxDocument {
		return errDocumentTooLong
	}
	return parse(text, into)
}

// parse reads one element. It knows no entities but XML's own five.
func parse(text []byte, into any) error {
	if !utf8.Valid(text) || !isOneElement(text) || xml.Unmarshal(text, into) != nil {
		return errMalformedXML
	}
	return nil
}

// isOneElement tells whether that, comments and white space are all there is.
// encoding/xml would pass over what comes behind it, and over directives, such as
// those that define entities.
func isOneElement(text []byte) bool {
	elements, depth := 0, 0
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		t, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF) && elements == 1
		}
		switch t := t.(type) {
		case xml.Directive:
			return false
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return false
			}
		case xml.StartElement:
			if depth++; depth == 1 {
				elements++
			}
		case xml.EndElement:
			depth--
		}
	}
}
