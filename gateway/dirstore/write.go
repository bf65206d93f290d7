package dirstore

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
)

// draft is a body on the disk that no key names yet.
type draft struct {
	s    *Store
	path string
	info fs.FileInfo // as of its last change
	md5  string
}

// discard removes a draft that was not published; else there is nothing to do.
func (d *draft) discard() { d.s.root.Remove(d.path) }

// newDraft stores what fill writes, durably.
func (s *Store) newDraft(fill func(f *os.File) (md5 string, err error)) (*draft, error) {
	f, path, err := s.temp(0o666)
	if err != nil {
		return nil, err
	}
	d := &draft{s: s, path: path}
	d.md5, err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		d.info, err = s.root.Lstat(path) // closed: no file system will change the time now
	}
	if err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// receive stores a body of size bytes, or of any length if that is negative. A
// body that breaks off, or whose verification fails, leaves nothing.
func (s *Store) receive(ctx context.Context, body io.Reader, size int64) (*draft, error) {
	return s.newDraft(func(f *os.File) (string, error) {
		h := md5.New()
		from := &failing{r: body}
		room := int64(256 << 10)
		if size >= 0 {
			room = min(room, size+1)
		}
		n, err := io.CopyBuffer(io.MultiWriter(f, h), from, make([]byte, room))
		if from.err == nil {
			from.err = bodyEnd(ctx)
		}
		switch {
		case from.err != nil:
			return "", bodyAnswer(from.err)
		case err != nil:
			return "", err
		case size >= 0 && n != size:
			return "", gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody, "The body is shorter than its length says; nothing was stored.")
		}
		return fmt.Sprintf("%x", h.Sum(nil)), nil
	})
}

// failing tells an error of the body from one of the disk.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// publish makes the draft what the key names, with a record that has the ETag,
// header and parts of rec. The draft is used up if it succeeds.
func (s *Store) publish(ctx context.Context, p place, d *draft, rec record) error {
	defer s.lockKey(ctx, p)()
	old, err := s.find(p, false)
	if errors.Is(err, errFolder) {
		// An empty folder that is no marker, such as a crash leaves, is in
		// nobody's way.
		s.prune(p.bucket, p.segments())
		old, err = s.find(p, false)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := checkConditions(ctx, old); err != nil {
		return err
	}
	records := []record{rec.bind(d.info)}
	if old != nil {
		records = append(records, old.record)
	}
	if err := s.writeSidecar(p.bucket, p.key, records...); err != nil {
		return err
	}

	s.tree.RLock()
	folder, err := s.makeFolder(p.bucket, p.folders)
	if err == nil {
		defer folder.Close()
		err = s.root.Rename(d.path, p.path())
	}
	s.tree.RUnlock()
	if err != nil {
		return err
	}
	return syncFolder(folder)
}

// publishMarker makes a folder a key.
func (s *Store) publishMarker(ctx context.Context, p place, rec record) error {
	defer s.lockKey(ctx, p)()
	old, err := s.find(p, false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := checkConditions(ctx, old); err != nil {
		return err
	}
	s.tree.RLock()
	defer s.tree.RUnlock()
	folder, err := s.makeFolder(p.bucket, p.segments())
	if err != nil {
		return err
	}
	folder.Close()
	return s.writeSidecar(p.bucket, p.key, rec)
}

// put stores a body under a key and returns its record.
func (s *Store) put(ctx context.Context, bucket, key string, header map[string]string, body io.Reader, size int64) (record, error) {
	p, err := locate(bucket, key)
	if err != nil {
		return record{}, err
	}
	kept, err := keptHeader(header)
	if err != nil {
		return record{}, err
	}
	if p.marker && size > 0 {
		return record{}, errMarkerBody
	}
	d, err := s.receive(ctx, body, size)
	if err != nil {
		return record{}, err
	}
	defer d.discard()
	rec := record{ETag: d.md5, Header: kept}
	if !p.marker {
		return rec.bind(d.info), s.publish(ctx, p, d, rec)
	}
	if d.info.Size() > 0 {
		return record{}, errMarkerBody
	}
	rec.Mtime = time.Now().UnixNano()
	return rec, s.publishMarker(ctx, p, rec)
}

// keptHeader is what stays with an object of the header that gofakes3 hands over.
func keptHeader(header map[string]string) (map[string]string, error) {
	kept := make(map[string]string, len(header))
	for name, value := range header {
		// The time is the file's, and there is one class of storage.
		if name == "Last-Modified" || name == "X-Amz-Storage-Class" {
			continue
		}
		if strings.ToValidUTF8(value, "") != value {
			return nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidArgument, "The values of metadata must be UTF-8.")
		}
		kept[name] = value
	}
	return kept, nil
}

// checkConditions holds If-Match and If-None-Match against what is there, while
// the key's lock keeps it so.
func checkConditions(ctx context.Context, old *object) error {
	if old == nil {
		return gofakes3.CheckWriteConditions(ctx, false, "")
	}
	return gofakes3.CheckWriteConditions(ctx, true, packTags(old.ETag))
}

// setTags replaces the tags of an object.
func (s *Store) setTags(ctx context.Context, bucket, key, tags string) error {
	p, err := locate(bucket, key)
	if err != nil {
		return err
	}
	defer s.lockKey(ctx, p)()
	o, err := s.find(p, false)
	if err != nil {
		return readAnswer(err, key)
	}
	header := map[string]string{}
	for name, value := range o.Header {
		header[name] = value
	}
	delete(header, gofakes3.TaggingMetadataKey)
	if tags != "" {
		header[gofakes3.TaggingMetadataKey] = tags
	}
	o.Header = header
	return s.writeSidecar(bucket, key, o.record)
}
