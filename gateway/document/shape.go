package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// shape is what a document may hold: the paths of its elements.
type shape struct {
	root string
	// branches may come any number of times, leaves once in each branch.
	branches, leaves []string
}

var (
	deleteShape = shape{
		"Delete",
		[]string{"Delete/Object"},
		[]string{
			"Delete/Quiet", "Delete/Object/Key", "Delete/Object/VersionId",
			"Delete/Object/ETag", "Delete/Object/LastModifiedTime", "Delete/Object/Size",
		},
	}
	completionShape = shape{
		"CompleteMultipartUpload",
		[]string{"CompleteMultipartUpload/Part"},
		[]string{
			"CompleteMultipartUpload/Part/PartNumber", "CompleteMultipartUpload/Part/ETag",
			"CompleteMultipartUpload/Part/ChecksumCRC32", "CompleteMultipartUpload/Part/ChecksumCRC32C", "CompleteMultipartUpload/Part/ChecksumCRC64NVME",
			"CompleteMultipartUpload/Part/ChecksumSHA1", "CompleteMultipartUpload/Part/ChecksumSHA256",
		},
	}
	taggingShape = shape{
		"Tagging",
		[]string{"Tagging/TagSet", "Tagging/TagSet/Tag"},
		[]string{"Tagging/TagSet/Tag/Key", "Tagging/TagSet/Tag/Value"},
	}
)

// parse reads a document of the shape, and refuses what another reader could
// read in another way: elements that it does not have or has twice, text or
// elements where there are none, a document type, anything behind the end.
func (s shape) parse(text []byte, into any) error {
	if err := s.check(text); err != nil {
		return s3wire.ErrMalformedXML
	}
	if err := xml.Unmarshal(text, into); err != nil {
		return s3wire.ErrMalformedXML
	}
	return nil
}

var errShape = errors.New("the document has another shape")

func (s shape) check(text []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.Entity = nil // none but XML's own five
	var path []string
	seen := []map[string]bool{{}} // the leaves of each open element
	begun := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && begun && len(path) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(path) == 0 && begun || !onlyNamespaces(token.Attr) {
				return errShape
			}
			begun = true
			path = append(path, token.Name.Local)
			here := strings.Join(path, "/")
			leaf := slices.Contains(s.leaves, here)
			if !leaf && here != s.root && !slices.Contains(s.branches, here) || leaf && seen[len(seen)-1][here] {
				return errShape
			}
			seen[len(seen)-1][here] = true
			seen = append(seen, map[string]bool{})
		case xml.EndElement:
			path, seen = path[:len(path)-1], seen[:len(seen)-1]
		case xml.CharData:
			if !slices.Contains(s.leaves, strings.Join(path, "/")) && len(bytes.TrimSpace(token)) > 0 {
				return errShape
			}
		case xml.ProcInst:
			if token.Target != "xml" || begun {
				return errShape
			}
		case xml.Comment:
			// says nothing
		default:
			return errShape // a document type
		}
	}
}

// onlyNamespaces tells whether the attributes are at most one declaration of the
// namespace.
func onlyNamespaces(attributes []xml.Attr) bool {
	return len(attributes) == 0 || len(attributes) == 1 && (attributes[0].Name.Local == "xmlns" || attributes[0].Name.Space == "xmlns")
}
