package dirstore

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/dirstore/checksum"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// createUpload begins an upload in parts.
func (s *Store) createUpload(_ http.ResponseWriter, r *request) (any, error) {
	kept, err := describe(r.Header)
	if err != nil {
		return nil, err
	}
	u, err := s.tree.BeginUpload(r.bucket, r.key, kept)
	if err != nil {
		return nil, err
	}
	return createdDocument{Bucket: r.bucket, Key: r.key, UploadID: u.ID}, nil
}

// uploadOf finds the upload and the number of a part that is to be stored.
func (s *Store) uploadOf(r *request) (*tree.Upload, int, error) {
	number, err := partNumber(r)
	if err != nil {
		return nil, 0, err
	}
	u, err := s.tree.Upload(r.bucket, r.key, r.query.Get("uploadId"))
	return u, number, err
}

// uploadPart stores a part.
func (s *Store) uploadPart(w http.ResponseWriter, r *request) (any, error) {
	u, number, err := s.uploadOf(r)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{} // told, not kept
	body, err := bodyOf(r, sums)
	if err != nil {
		return nil, err
	}
	part, err := u.PutPart(number, body, r.ContentLength)
	if err != nil {
		return nil, err
	}
	w.Header().Set("ETag", quoted(part.ETag))
	if name, value := checksum.Of(sums); name != "" {
		w.Header().Set(name, value)
	}
	return nil, nil
}

// completeUpload publishes the parts as one object, until the request's context ends.
func (s *Store) completeUpload(_ http.ResponseWriter, r *request) (any, error) {
	var asked completeDocument
	if err := readDocument(r, &asked); err != nil {
		return nil, err
	}
	if len(asked.Parts) > s3wire.MaxParts {
		return nil, errMalformedXML
	}
	check, err := writeCheck(r.Header, true)
	if err != nil {
		return nil, err
	}
	whole, err := checksum.WholeOf(r.Header)
	if err != nil {
		return nil, err
	}
	var parts []tree.Part
	for _, p := range asked.Parts {
		parts = append(parts, tree.Part{Number: p.PartNumber, ETag: strings.Trim(strings.TrimSpace(p.ETag), `"`)})
	}
	id := r.query.Get("uploadId")
	u, err := s.tree.Upload(r.bucket, r.key, id)
	var rec tree.Record
	if err == nil {
		check, err = checkSize(r, u, parts, check)
	}
	kept := map[string]string{}
	if err == nil && whole != nil {
		err = addParts(r.Context(), whole, u, parts, kept)
	}
	if err == nil {
		rec, err = u.Complete(r.Context(), parts, kept, check)
	}
	if errors.Is(err, tree.ErrNoUpload) {
		rec, err = s.tree.Completed(r.bucket, r.key, id, parts)
	}
	if err != nil {
		return nil, err
	}
	return completedDocument{
		Location: (&url.URL{Path: "/" + r.bucket + "/" + r.key}).EscapedPath(),
		Bucket:   r.bucket, Key: r.key, ETag: tagElement(rec.ETag), Checksum: checksum.Elements(rec.Header),
	}, nil
}

// addParts looks whether the parts have the checksum that is told of their whole,
// and keeps it. All of them are to be read for that: a list that will be refused, as
// one that has the same part ten thousand times, is refused before.
func addParts(ctx context.Context, whole *checksum.Whole, u *tree.Upload, asked []tree.Part, kept map[string]string) error {
	if err := u.Check(asked); err != nil {
		return err
	}
	for _, a := range asked {
		f, err := u.OpenPart(a)
		if err != nil {
			return err
		}
		err = whole.Add(whileAsked{ctx, f})
		f.Close()
		if err != nil {
			return err
		}
	}
	header, value, ok := whole.Kept()
	if !ok {
		return errBadDigest
	}
	kept[header] = value
	return nil
}

// checkSize adds to the check of an upload's completion that its parts, of which
// the tree makes sure before, have the size that the request says.
func checkSize(r *request, u *tree.Upload, asked []tree.Part, also tree.Check) (tree.Check, error) {
	text := r.Header.Get("X-Amz-Mp-Object-Size")
	if text == "" {
		return also, nil
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 {
		return nil, invalidArgument("The value of x-amz-mp-object-size is not a size.")
	}
	sizes := map[int]int64{}
	for _, have := range u.Parts() {
		sizes[have.Number] = have.Size
	}
	for _, a := range asked {
		size -= sizes[a.Number]
	}
	return func(old *tree.Record) error {
		switch {
		case size != 0:
			return errCompletedSize
		case also != nil:
			return also(old)
		}
		return nil
	}, nil
}

// abortUpload forgets an upload and its parts.
func (s *Store) abortUpload(_ http.ResponseWriter, r *request) (any, error) {
	u, err := s.tree.Upload(r.bucket, r.key, r.query.Get("uploadId"))
	if err != nil {
		return nil, err
	}
	return nil, u.Abort()
}

// listUploads lists the open uploads of a bucket by key, and those of one key by
// their beginning. The upload of the marker counts only beside its key; without
// it, all uploads of that key are behind.
func (s *Store) listUploads(_ http.ResponseWriter, r *request) (any, error) {
	l, err := readListing(r, "max-uploads")
	if err != nil {
		return nil, err
	}
	marker, markerID := r.query.Get("key-marker"), r.query.Get("upload-id-marker")
	out := uploadsDocument{
		Bucket: r.bucket, KeyMarker: l.encode(marker), UploadIDMarker: markerID, Prefix: l.encode(l.prefix),
		Delimiter: l.encode(l.delimiter), MaxUploads: l.most, EncodingType: l.encoding,
	}
	var prefixes []string
	var nextKey, nextID string // the last result
	for u, err := range s.tree.Uploads(r.bucket, l.prefix, marker) {
		if err != nil {
			return nil, err
		}
		common := ""
		if i := strings.Index(u.Key[len(l.prefix):], l.delimiter); i >= 0 && l.delimiter != "" {
			common = u.Key[:len(l.prefix)+i+len(l.delimiter)]
		}
		switch {
		case common != "" && (common <= marker || common == nextKey):
			continue
		case common == "" && (u.Key < marker || u.Key == marker && (markerID == "" || u.ID <= markerID)):
			continue
		}
		if len(out.Uploads)+len(prefixes) == l.most {
			out.IsTruncated = l.most > 0
			break
		}
		if common != "" {
			prefixes = append(prefixes, common)
			nextKey, nextID = common, ""
			continue
		}
		out.Uploads = append(out.Uploads, uploadEntry{l.encode(u.Key), u.ID, keyhatchOwner, keyhatchOwner, standard, timeElement(u.Started)})
		nextKey, nextID = u.Key, u.ID
	}
	out.CommonPrefixes = l.prefixes(prefixes)
	if out.IsTruncated {
		out.NextKeyMarker, out.NextUploadIDMarker = l.encode(nextKey), nextID
	}
	return out, nil
}

// listParts lists the parts of an upload by number.
func (s *Store) listParts(_ http.ResponseWriter, r *request) (any, error) {
	l, err := readListing(r, "max-parts")
	if err != nil {
		return nil, err
	}
	marker, err := number(r, "part-number-marker", 0, s3wire.MaxParts)
	if err != nil {
		return nil, err
	}
	u, err := s.tree.Upload(r.bucket, r.key, r.query.Get("uploadId"))
	if err != nil {
		return nil, err
	}
	out := partsDocument{
		Bucket: r.bucket, Key: l.encode(r.key), UploadID: u.ID, Initiator: keyhatchOwner, Owner: keyhatchOwner, StorageClass: standard,
		PartNumberMarker: marker, MaxParts: l.most, EncodingType: l.encoding,
	}
	for _, have := range u.Parts() {
		if have.Number <= marker {
			continue
		}
		if len(out.Parts) == l.most {
			out.IsTruncated = l.most > 0
			break
		}
		out.NextPartNumberMarker = have.Number
		out.Parts = append(out.Parts, partEntry{have.Number, timeElement(have.Modified), tagElement(have.ETag), have.Size})
	}
	return out, nil
}
