package dirstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/rclone/gofakes3"
)

// uploads are the multipart uploads that this process has had to do with, which
// are those that gofakes3 knows. All are on the disk.
type uploads struct {
	mu    sync.Mutex
	known map[string]*upload
}

// upload is a multipart upload: a folder with upload.json and a file for each
// part, "00001-<md5>". A part that is sent again takes the place of the former.
type upload struct {
	ID      string            `json:"-"`
	Bucket  string            `json:"bucket"`
	Key     string            `json:"key"`
	Header  map[string]string `json:"header,omitempty"`
	Started time.Time         `json:"started"`

	mu    sync.Mutex
	gone  bool // completed or aborted
	parts map[int]part
}

type part struct {
	tag      string
	size     int64
	modified time.Time
}

const uploadFile = "upload.json"

var validID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (u *upload) folder() string { return filepath.Join(uploadsFolder, u.Bucket, u.ID) }

func (u *upload) partPath(number int, tag string) string {
	return filepath.Join(u.folder(), fmt.Sprintf("%05d-%s", number, tag))
}

// CreateMultipartUpload begins an upload. Ids begin with their time, so that
// their order is that of the beginnings.
func (b backend) CreateMultipartUpload(ctx context.Context, bucket, key string, header map[string]string) (_ gofakes3.UploadID, err error) {
	defer answerTo(&err)
	if id := requestOf(ctx).adopts; id != "" {
		return gofakes3.UploadID(id), nil
	}
	p, err := locate(bucket, key)
	if err != nil {
		return "", err
	}
	if p.marker {
		return "", errMarkerBody
	}
	u := &upload{Bucket: bucket, Key: key, Started: time.Now().UTC(), parts: map[int]part{}}
	if u.Header, err = keptHeader(header); err != nil {
		return "", err
	}
	random := make([]byte, 10)
	rand.Read(random)
	u.ID = fmt.Sprintf("%012x", u.Started.UnixMilli()) + hex.EncodeToString(random)
	text, err := json.Marshal(u)
	if err != nil {
		return "", err
	}
	if err := b.s.replaceOwn(u.folder(), uploadFile, text); err != nil {
		return "", err
	}
	b.s.uploads.mu.Lock()
	defer b.s.uploads.mu.Unlock()
	b.s.uploads.add(u)
	return gofakes3.UploadID(u.ID), nil
}

func (m *uploads) add(u *upload) {
	if m.known == nil {
		m.known = map[string]*upload{}
	}
	m.known[u.ID] = u
}

// upload returns an upload that this process knows.
func (s *Store) upload(bucket, key string, id gofakes3.UploadID) (*upload, error) {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	u := s.uploads.known[string(id)]
	if u == nil || u.Bucket != bucket || u.Key != key {
		return nil, errNoUpload
	}
	return u, nil
}

// adopt makes an upload of an earlier process known to this one. gofakes3 has no
// door for that, so it is sent a request to begin an upload, for which the
// backend gives out the old id.
func (s *Store) adopt(bucket, key, id string) {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	if s.uploads.known[id] != nil {
		return
	}
	u, err := s.loadUpload(bucket, id)
	if err != nil || u.Key != key {
		return // gofakes3 will say that there is none
	}
	ctx := context.WithValue(context.Background(), requestKey{}, &request{adopts: id})
	begin := (&http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/" + bucket + "/" + key, RawQuery: "uploads"}, Header: http.Header{}, Body: http.NoBody}).WithContext(ctx)
	s.wire.ServeHTTP(&nowhere{header: http.Header{}}, begin)
	s.uploads.add(u)
}

// nowhere takes an answer that nobody reads.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             {}

// loadUpload reads an upload from the disk, with its parts.
func (s *Store) loadUpload(bucket, id string) (*upload, error) {
	u, err := s.readUpload(bucket, id)
	if err != nil {
		return nil, err
	}
	f, err := s.root.Open(u.folder())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var number int
		var tag string
		if n, _ := fmt.Sscanf(name, "%05d-%32s", &number, &tag); n != 2 || !validTag.MatchString(tag) {
			continue
		}
		info, err := s.root.Lstat(filepath.Join(u.folder(), name))
		if err != nil {
			return nil, err
		}
		// A crash can leave a part and the one that was to take its place.
		if was, ok := u.parts[number]; !ok || info.ModTime().After(was.modified) {
			u.parts[number] = part{tag, info.Size(), info.ModTime()}
		}
	}
	return u, nil
}

// readUpload reads what upload.json says.
func (s *Store) readUpload(bucket, id string) (*upload, error) {
	if keyhatch.CheckBucketName(bucket) != nil || !validID.MatchString(id) {
		return nil, errNoUpload
	}
	u := &upload{parts: map[int]part{}}
	text, err := s.root.ReadFile(filepath.Join(uploadsFolder, bucket, id, uploadFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoUpload
	}
	if err == nil {
		err = json.Unmarshal(text, u)
	}
	if err != nil {
		return nil, fmt.Errorf("read upload %s: %w", id, err)
	}
	u.ID, u.Bucket = id, bucket
	return u, nil
}

// UploadPart stores a part, durably: its name says what is in it, and after a
// crash that has to be true.
func (b backend) UploadPart(ctx context.Context, bucket, key string, id gofakes3.UploadID, number int, size int64, body io.Reader) (_ string, err error) {
	defer answerTo(&err)
	u, err := b.s.upload(bucket, key, id)
	if err != nil {
		return "", err
	}
	d, err := b.s.receive(ctx, body, size)
	if err != nil {
		return "", err
	}
	defer d.discard()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return "", errNoUpload
	}
	if err := b.s.root.Rename(d.path, u.partPath(number, d.md5)); err != nil {
		return "", err
	}
	if was, ok := u.parts[number]; ok && was.tag != d.md5 {
		b.s.root.Remove(u.partPath(number, was.tag))
	}
	u.parts[number] = part{d.md5, d.info.Size(), d.info.ModTime()}
	return quoted(d.md5), nil
}

// CompleteMultipartUpload publishes the parts as one object. If it fails the
// upload stays as it was; if the process ends after the object is there and
// before the upload is gone, completing again puts the same object there. It goes
// on when the client does not wait: the same request sent again finds it done.
func (b backend) CompleteMultipartUpload(ctx context.Context, bucket, key string, id gofakes3.UploadID, asked *gofakes3.CompleteMultipartUploadRequest) (_ gofakes3.VersionID, _ string, err error) {
	defer answerTo(&err)
	u, err := b.s.upload(bucket, key, id)
	if err != nil {
		return "", "", err
	}
	p, err := locate(bucket, key)
	if err != nil {
		return "", "", err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return "", "", errNoUpload
	}
	rec, err := u.join(asked.Parts)
	if err != nil {
		return "", "", err
	}
	d, err := b.s.newDraft(func(f *os.File) (string, error) {
		for _, c := range asked.Parts {
			if err := b.s.appendPart(f, u, c.PartNumber); err != nil {
				return "", err
			}
		}
		return "", nil
	})
	if err != nil {
		return "", "", err
	}
	defer d.discard()
	if err := b.s.publish(ctx, p, d, rec); err != nil {
		return "", "", err
	}
	if err := b.s.drop(u); err != nil {
		b.s.log.Error("directory store: remove a completed upload: " + err.Error())
	}
	return "", quoted(rec.ETag), nil
}

// join checks the parts that a client wants joined and describes the result.
func (u *upload) join(asked []gofakes3.CompletedPart) (record, error) {
	rec := record{Header: u.Header}
	if len(asked) == 0 {
		return rec, gofakes3.ErrorMessage(gofakes3.ErrMalformedXML, "Name the parts to complete the upload with.")
	}
	var tags []string
	for i, c := range asked {
		if i > 0 && c.PartNumber <= asked[i-1].PartNumber {
			return rec, gofakes3.ErrorMessage(gofakes3.ErrInvalidPartOrder, "The parts must be in ascending order.")
		}
		have, ok := u.parts[c.PartNumber]
		if !ok || strings.Trim(c.ETag, `"`) != have.tag {
			return rec, gofakes3.ErrorMessagef(gofakes3.ErrInvalidPart, "Part %d is missing, or was uploaded with another ETag.", c.PartNumber)
		}
		tags = append(tags, have.tag)
		rec.Parts = append(rec.Parts, have.size)
	}
	rec.ETag = partsTag(tags)
	return rec, nil
}

// appendPart copies a part to the end of f, in the kernel where it can.
func (s *Store) appendPart(f *os.File, u *upload, number int) error {
	have := u.parts[number]
	from, err := s.root.Open(u.partPath(number, have.tag))
	if err != nil {
		return err
	}
	defer from.Close()
	n, err := io.Copy(f, from)
	if err == nil && n != have.size {
		err = fmt.Errorf("part %d of upload %s has %d bytes instead of %d", number, u.ID, n, have.size)
	}
	return err
}

// AbortMultipartUpload forgets an upload and its parts.
func (b backend) AbortMultipartUpload(ctx context.Context, bucket, key string, id gofakes3.UploadID) (err error) {
	defer answerTo(&err)
	if requestOf(ctx).adopts != "" {
		return nil // gofakes3 knew the upload after all
	}
	u, err := b.s.upload(bucket, key, id)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return errNoUpload
	}
	return b.s.drop(u)
}

// drop removes an upload that the caller has locked.
func (s *Store) drop(u *upload) error {
	u.gone = true
	s.uploads.mu.Lock()
	delete(s.uploads.known, u.ID)
	s.uploads.mu.Unlock()
	return s.removeUpload(u.Bucket, u.ID)
}

// removeUpload removes an upload at one stroke, so that a crash leaves none
// without some of its parts.
func (s *Store) removeUpload(bucket, id string) error {
	trash := filepath.Join(tempFolder, rand.Text())
	err := s.root.MkdirAll(tempFolder, 0o700)
	if err == nil {
		err = s.root.Rename(filepath.Join(uploadsFolder, bucket, id), trash)
	}
	if err != nil {
		return err
	}
	return s.root.RemoveAll(trash)
}
