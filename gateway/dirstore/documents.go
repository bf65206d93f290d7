package dirstore

import (
	"encoding/xml"
	"io"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
)

// The documents of answers. Elements are in Amazon S3's order, and have its
// namespace where its have one.
//
// Source: Amazon S3 API reference, "Response Syntax" and samples of each action.
type (
	errorDocument struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}

	// listDocument is that of the three lists of objects, each of which has some
	// elements of its own.
	listDocument struct {
		XMLName                                              xml.Name // ListBucketResult or ListVersionsResult
		Name, Prefix                                         string
		Marker, KeyMarker                                    *string
		VersionIDMarker                                      *string `xml:"VersionIdMarker"`
		NextMarker, NextKeyMarker                            string  `xml:",omitempty"`
		NextVersionIDMarker                                  string  `xml:"NextVersionIdMarker,omitempty"`
		StartAfter, ContinuationToken, NextContinuationToken string  `xml:",omitempty"`
		KeyCount                                             *int
		MaxKeys                                              int
		Delimiter, EncodingType                              string `xml:",omitempty"`
		IsTruncated                                          bool
		Contents                                             []objectEntry
		Versions                                             []objectEntry `xml:"Version"`
		CommonPrefixes                                       []prefixEntry
	}
	objectEntry struct {
		Key          string
		VersionID    string `xml:"VersionId,omitempty"`
		IsLatest     bool   `xml:",omitempty"`
		LastModified string
		ETag         verbatim
		Size         int64
		Owner        *owner
		StorageClass string
	}
	prefixEntry struct{ Prefix string }

	deletedDocument struct {
		XMLName xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deletedEntry `xml:"Deleted"`
		Errors  []deletedEntry `xml:"Error"`
	}
	deletedEntry struct {
		Key           string
		VersionID     string `xml:"VersionId,omitempty"`
		Code, Message string `xml:",omitempty"` // of an error
	}

	copyDocument struct {
		XMLName      xml.Name // CopyObjectResult or CopyPartResult
		LastModified string
		ETag         verbatim
		Checksum     string `xml:",innerxml"`
	}
	attributesDocument struct {
		XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
		ETag         string   `xml:",omitempty"` // here S3 does not quote it
		Checksum     *verbatim
		ObjectParts  *struct{ PartsCount int }
		StorageClass string `xml:",omitempty"`
		ObjectSize   *int64
	}

	createdDocument struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}
	completedDocument struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location, Bucket, Key string
		ETag                  verbatim
		Checksum              string `xml:",innerxml"`
	}

	uploadsDocument struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket, KeyMarker  string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string `xml:",omitempty"`
		Prefix             string
		Delimiter          string `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		MaxUploads         int
		EncodingType       string `xml:",omitempty"`
		IsTruncated        bool
		Uploads            []uploadEntry `xml:"Upload"`
		CommonPrefixes     []prefixEntry
	}
	uploadEntry struct {
		Key              string
		UploadID         string `xml:"UploadId"`
		Initiator, Owner owner
		StorageClass     string
		Initiated        string
	}

	partsDocument struct {
		XMLName                                          xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket, Key                                      string
		UploadID                                         string `xml:"UploadId"`
		Initiator, Owner                                 owner
		StorageClass                                     string
		PartNumberMarker, NextPartNumberMarker, MaxParts int
		EncodingType                                     string `xml:",omitempty"`
		IsTruncated                                      bool
		Parts                                            []partEntry `xml:"Part"`
	}
	partEntry struct {
		PartNumber   int
		LastModified string
		ETag         verbatim
		Size         int64
	}
)

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

func s3Name(local string) xml.Name { return xml.Name{Space: s3Namespace, Local: local} }

const (
	standard = "STANDARD" // the only class of storage
)

// owner is who everything belongs to: to this store there is nobody else.
type owner struct{ ID, DisplayName string }

var keyhatchOwner = owner{"keyhatch", "keyhatch"}

// verbatim is an element whose content is XML already.
type verbatim struct {
	Text string `xml:",innerxml"`
}

// tagElement is a quoted ETag. Some clients find the quotes by S3's spelling of
// them, which encoding/xml would not choose; the tree's ETags need no escaping.
func tagElement(tag string) verbatim { return verbatim{"&quot;" + tag + "&quot;"} }

// quoted is an ETag as headers have it.
func quoted(tag string) string { return `"` + tag + `"` }

// timeElement is a time as S3's documents have it: to the second, as in headers.
func timeElement(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
}

// lastModified is when an object became what it is, in whole seconds: lists,
// headers and conditions agree.
func lastModified(rec tree.Record) time.Time { return rec.Modified().UTC().Truncate(time.Second) }

func writeXML(w http.ResponseWriter, status int, document any) {
	text, err := xml.Marshal(document)
	if err != nil { // our own types always encode
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header)
	w.Write(text)
}
