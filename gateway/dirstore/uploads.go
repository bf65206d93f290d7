package dirstore

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/rclone/gofakes3"
)

// The answers to ListMultipartUploads and ListParts (Amazon S3 API Reference).
type (
	uploadList struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket             string
		KeyMarker          string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		Prefix             string
		MaxUploads         int
		IsTruncated        bool
		Uploads            []uploadEntry `xml:"Upload"`
	}
	uploadEntry struct {
		Key          string
		UploadID     string `xml:"UploadId"`
		StorageClass string
		Initiated    string
	}
	partList struct {
		XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket               string
		Key                  string
		UploadID             string `xml:"UploadId"`
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Parts                []partEntry `xml:"Part"`
	}
	partEntry struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int64
	}
)

const (
	maxPage   = 1000
	isoMillis = "2006-01-02T15:04:05.000Z"
)

// number reads a bound from a query.
func number(q url.Values, name string, otherwise, most int) (int, error) {
	v := q.Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, gofakes3.ErrorMessage(gofakes3.ErrInvalidArgument, name+" must be a number that is not negative.")
	}
	return min(n, most), nil
}

// listUploads lists the open uploads of a bucket by key, and those of one key by
// their beginning.
func (s *Store) listUploads(bucket string, q url.Values) (any, error) {
	if keyhatch.CheckBucketName(bucket) != nil {
		return nil, gofakes3.BucketNotFound(bucket)
	}
	if q.Get("delimiter") != "" {
		return nil, gofakes3.ErrorMessage(gofakes3.ErrNotImplemented, "Uploads are listed by prefix, without a delimiter.")
	}
	most, err := number(q, "max-uploads", maxPage, maxPage)
	if err != nil {
		return nil, err
	}
	out := uploadList{Bucket: bucket, MaxUploads: most, KeyMarker: q.Get("key-marker"), UploadIDMarker: q.Get("upload-id-marker"), Prefix: q.Get("prefix")}
	open, err := s.tree.Uploads(bucket)
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(u tree.UploadInfo) bool {
		behind := u.Key < out.KeyMarker || u.Key == out.KeyMarker && (out.UploadIDMarker == "" || u.ID <= out.UploadIDMarker)
		return behind || !strings.HasPrefix(u.Key, out.Prefix)
	})
	if len(open) > most {
		open, out.IsTruncated = open[:most], true
	}
	for _, u := range open {
		out.Uploads = append(out.Uploads, uploadEntry{u.Key, u.ID, string(gofakes3.StorageStandard), u.Started.Format(isoMillis)})
	}
	if n := len(open); out.IsTruncated && n > 0 {
		out.NextKeyMarker, out.NextUploadIDMarker = open[n-1].Key, open[n-1].ID
	}
	return out, nil
}

// listParts lists the parts of an upload by number.
func (s *Store) listParts(bucket, key string, q url.Values) (any, error) {
	id := q.Get("uploadId")
	marker, err := number(q, "part-number-marker", 0, 1<<30)
	if err != nil {
		return nil, err
	}
	most, err := number(q, "max-parts", maxPage, maxPage)
	if err != nil {
		return nil, err
	}
	s.adopt(bucket, key, id)
	u, err := s.upload(bucket, key, gofakes3.UploadID(id))
	if err != nil {
		return nil, err
	}
	out := partList{
		Bucket: bucket, Key: key, UploadID: id, StorageClass: string(gofakes3.StorageStandard),
		PartNumberMarker: marker, MaxParts: most,
	}
	for _, have := range u.Parts() {
		if have.Number <= marker {
			continue
		}
		if len(out.Parts) == most {
			out.IsTruncated = true
			break
		}
		out.NextPartNumberMarker = have.Number
		out.Parts = append(out.Parts, partEntry{have.Number, have.Modified.UTC().Format(isoMillis), quoted(have.ETag), have.Size})
	}
	return out, nil
}
