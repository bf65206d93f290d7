package dirstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/gateway/dirstore/checksum"
	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// getObject serves GetObject and HeadObject: all that they tell is of the one
// version that is found here.
func (s *Store) getObject(w http.ResponseWriter, r *request) (any, error) {
	look := s.tree.Open
	if r.Method == http.MethodHead {
		look = s.tree.Stat
	}
	o, err := look(r.bucket, r.key)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	h := w.Header()
	if err := holds(r.Header, "", o.Record); err != nil {
		if err == errNotModified {
			tellValidators(h, o.Record)
		}
		return nil, err
	}
	part, partial, err := asked(r, o.Record)
	if err == errInvalidRange {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
	}
	if err != nil {
		return nil, err
	}
	if o.File != nil {
		if _, err := o.File.Seek(part.start, io.SeekStart); err != nil {
			return nil, err
		}
	}
	tellObject(h, o.Record)
	for _, name := range keptHeaders {
		if v := r.query.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
	if tags, _ := s3wire.ParseTags(o.Header[s3wire.TagsHeader]); len(tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(tags)))
	}
	if r.query.Has("partNumber") && len(o.Parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.Parts)))
	}
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", part.contentRange(o.Size))
	}
	if part.length == o.Size && r.Header.Get(checksum.ModeHeader) == "ENABLED" {
		checksum.Tell(h, o.Header)
	}
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	w.WriteHeader(status)
	if o.File == nil {
		return sent, nil // a HEAD, or a marker, which has no bytes
	}
	// The server can send a file without copying it if it is given just this.
	_, err = io.Copy(w, &io.LimitedReader{R: o.File, N: part.length})
	var disk *fs.PathError
	if errors.As(err, &disk) { // and not a client that has gone
		s.log.Error("directory store: "+r.name, "error", err)
	}
	return sent, nil
}

// putObject stores an object, or a folder marker.
func (s *Store) putObject(w http.ResponseWriter, r *request) (any, error) {
	kept, err := describe(r.Header)
	if err != nil {
		return nil, err
	}
	check, err := writeCheck(r.Header, true)
	if err != nil {
		return nil, err
	}
	body, err := bodyOf(r, kept)
	if err != nil {
		return nil, err
	}
	rec, err := s.tree.Put(r.bucket, r.key, kept, body, r.ContentLength, check)
	if err != nil {
		return nil, err
	}
	w.Header().Set("ETag", quoted(rec.ETag))
	checksum.Tell(w.Header(), rec.Header)
	return nil, nil
}

// deleteObject removes an object; one that is not there is no error, unless it is
// a condition that it is.
func (s *Store) deleteObject(_ http.ResponseWriter, r *request) (any, error) {
	check, err := writeCheck(r.Header, false)
	if err != nil {
		return nil, err
	}
	return nil, s.remove(r.bucket, r.key, check)
}

// remove removes an object if what is there passes the check.
func (s *Store) remove(bucket, key string, check tree.Check) error {
	if check == nil {
		return s.tree.Remove(bucket, key)
	}
	defer s.tree.Lock(bucket, key)()
	o, err := s.tree.Stat(bucket, key)
	switch {
	case err == nil:
		err = check(&o.Record)
	case errors.Is(err, tree.ErrNoObject):
		err = check(nil)
	}
	if err != nil {
		return err
	}
	return s.tree.RemoveLocked(bucket, key)
}

// deleteObjects removes many objects, and tells of each how it went; with Quiet
// only of those that are still there.
func (s *Store) deleteObjects(_ http.ResponseWriter, r *request) (any, error) {
	var asked deleteDocument
	if err := readDocument(r, &asked); err != nil {
		return nil, err
	}
	if len(asked.Objects) == 0 || len(asked.Objects) > s3wire.MaxDeletes {
		return nil, errMalformedXML
	}
	var out deletedDocument
	for _, o := range asked.Objects {
		err := r.Context().Err() // who asked may not any more
		var check tree.Check
		switch {
		case err != nil:
		case o.VersionID != "" && o.VersionID != s3wire.NullVersion:
			err = errNoSuchVersion
		case o.LastModifiedTime != nil || o.Size != nil:
			err = errNotImplemented
		case o.ETag != "":
			check, err = writeCheck(http.Header{"If-Match": {o.ETag}}, false)
		}
		if err == nil {
			err = s.remove(r.bucket, o.Key, check)
		}
		if err != nil {
			e := s.answer(r.name, err)
			out.Errors = append(out.Errors, deletedEntry{o.Key, o.VersionID, e.Code, e.Message})
		} else if !asked.Quiet {
			out.Deleted = append(out.Deleted, deletedEntry{Key: o.Key, VersionID: o.VersionID})
		}
	}
	return out, nil
}

// getAttributes tells of an object what the header x-amz-object-attributes names.
// Of parts that were uploaded without checksums, and those of parts are not kept,
// S3 tells only how many there were.
func (s *Store) getAttributes(w http.ResponseWriter, r *request) (any, error) {
	o, err := s.tree.Stat(r.bucket, r.key)
	if err != nil {
		return nil, err
	}
	var out attributesDocument
	for name := range strings.SplitSeq(strings.Join(r.Header.Values("X-Amz-Object-Attributes"), ","), ",") {
		switch strings.TrimSpace(name) {
		case "ETag":
			out.ETag = o.ETag
		case "Checksum":
			if text := checksum.Elements(o.Header); text != "" {
				out.Checksum = &verbatim{text}
			}
		case "ObjectParts":
			if n := len(o.Parts); n > 0 {
				out.ObjectParts = &struct{ PartsCount int }{n}
			}
		case "StorageClass":
			out.StorageClass = standard
		case "ObjectSize":
			out.ObjectSize = &o.Size
		default:
			return nil, invalidArgument("x-amz-object-attributes must name ETag, Checksum, ObjectParts, StorageClass or ObjectSize.")
		}
	}
	w.Header().Set("Last-Modified", lastModified(o.Record).Format(http.TimeFormat))
	return out, nil
}
