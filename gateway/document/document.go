package document

import (
	"encoding/xml"
	"net/http"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// Deletion is S3's Delete.
type Deletion struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool     `xml:",omitempty"`
	Object  []DeletedObject
}

// DeletedObject is a key of a Deletion, maybe in a version.
type DeletedObject struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	// Conditions that this endpoint does not hold against the object.
	ETag, LastModifiedTime, Size string `xml:",omitempty"`
}

// completion is S3's CompleteMultipartUpload. The checksums of its parts are left
// out: they were checked when the parts came.
type completion struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Part    []completedPart
}

type completedPart struct {
	PartNumber int
	ETag       string
}

var (
	errPartNumber = s3wire.Refuse(http.StatusBadRequest, "InvalidArgument", "A part has a number of 1 to 10000.")
	errPartOrder  = s3wire.Refuse(http.StatusBadRequest, "InvalidPartOrder", "The parts must be listed in ascending order, each once.")
)

// check refuses lists of parts that S3 would, and some stores would not.
func (c completion) check() error {
	if len(c.Part) == 0 || len(c.Part) > s3wire.MaxParts {
		return s3wire.ErrMalformedXML
	}
	last := 0
	for _, p := range c.Part {
		switch {
		case p.PartNumber < 1 || p.PartNumber > s3wire.MaxParts:
			return errPartNumber
		case p.ETag == "":
			return s3wire.ErrMalformedXML
		case p.PartNumber <= last:
			return errPartOrder
		}
		last = p.PartNumber
	}
	return nil
}

// tagging is S3's Tagging.
type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	TagSet  struct{ Tag []s3wire.Tag }
}

// Rewrite reads the document of an operation and writes it anew: a store never
// sees XML that it could read in another way.
func Rewrite(operation string, text []byte) ([]byte, error) {
	switch operation {
	case "CompleteMultipartUpload":
		var c completion
		if err := completionShape.parse(text, &c); err != nil {
			return nil, err
		}
		if err := c.check(); err != nil {
			return nil, err
		}
		return xml.Marshal(c)
	case "PutObjectTagging":
		var t tagging
		if err := taggingShape.parse(text, &t); err != nil {
			return nil, err
		}
		if err := s3wire.CheckTags(t.TagSet.Tag); err != nil {
			return nil, err
		}
		return xml.Marshal(t)
	}
	return nil, s3wire.ErrNotImplemented // a document that nobody reads
}

// ParseDelete reads the keys of a batch delete.
func ParseDelete(text []byte) (Deletion, error) {
	var d Deletion
	if err := deleteShape.parse(text, &d); err != nil {
		return d, err
	}
	if len(d.Object) == 0 || len(d.Object) > s3wire.MaxDeletes {
		return d, s3wire.ErrMalformedXML
	}
	for _, o := range d.Object {
		if o.ETag != "" || o.LastModifiedTime != "" || o.Size != "" {
			return d, s3wire.ErrNotImplemented
		}
	}
	return d, nil
}
