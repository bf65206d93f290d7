package dirstore

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/rclone/gofakes3"
)

// ExpireUploads aborts the uploads that nothing was added to since before, and
// tells how many there were. Call it from time to time: clients abandon uploads.
func (s *Store) ExpireUploads(before time.Time) (int, error) {
	buckets, err := s.ownNames(uploadsFolder)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, bucket := range buckets {
		ids, err := s.ownNames(filepath.Join(uploadsFolder, bucket))
		if err != nil {
			return n, err
		}
		for _, id := range ids {
			done, err := s.expire(bucket, id, before)
			if err != nil {
				return n, err
			}
			if done {
				n++
			}
		}
	}
	return n, nil
}

func (s *Store) expire(bucket, id string, before time.Time) (bool, error) {
	folder := filepath.Join(uploadsFolder, bucket, id)
	info, err := s.root.Lstat(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.uploads.mu.Lock()
	u := s.uploads.known[id]
	if u == nil {
		defer s.uploads.mu.Unlock() // so that nobody gets to know it meanwhile
		return true, s.removeUpload(bucket, id)
	}
	s.uploads.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return false, nil
	}
	// An error means that a client has just ended it itself.
	_ = s.s3.ForgetMultipartUpload(context.Background(), u.Bucket, u.Key, gofakes3.UploadID(id))
	return true, s.drop(u)
}

// ownNames are the names in a folder of ours, which may not be there yet.
func (s *Store) ownNames(folder string) ([]string, error) {
	f, err := s.root.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

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
	ids, err := s.ownNames(filepath.Join(uploadsFolder, bucket))
	if err != nil {
		return nil, err
	}
	var open []*upload
	for _, id := range ids {
		u, err := s.readUpload(bucket, id)
		if errors.Is(err, errNoUpload) {
			continue // ended just now
		}
		if err != nil {
			return nil, err
		}
		behind := u.Key < out.KeyMarker || u.Key == out.KeyMarker && (out.UploadIDMarker == "" || id <= out.UploadIDMarker)
		if strings.HasPrefix(u.Key, out.Prefix) && !behind {
			open = append(open, u)
		}
	}
	slices.SortFunc(open, func(a, b *upload) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID))
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
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		if n <= marker {
			continue
		}
		if len(out.Parts) == most {
			out.IsTruncated = true
			break
		}
		have := u.parts[n]
		out.NextPartNumberMarker = n
		out.Parts = append(out.Parts, partEntry{n, have.modified.UTC().Format(isoMillis), quoted(have.tag), have.size})
	}
	return out, nil
}
