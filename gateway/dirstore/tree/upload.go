package tree

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore/openuploads"
)

// Upload is a multipart upload: a folder with upload.json and a file for each
// part, "00001-<md5>". There is one Upload for each id, however often it is asked
// for, until the upload ends.
type Upload struct {
	UploadInfo
	t *Tree

	// completing has room for the one completion that copies the parts. It is taken
	// before mu, which is held for moments only.
	completing chan struct{}

	mu    sync.Mutex
	gone  bool // completed, aborted or expired
	parts map[int]Part
}

// UploadInfo is what was said when an upload began.
type UploadInfo struct {
	ID      string            `json:"-"` // 32 hex digits
	Bucket  string            `json:"bucket"`
	Key     string            `json:"key"`
	Header  map[string]string `json:"header,omitempty"`
	Started time.Time         `json:"started"`
}

// uploads are those that this process has had to do with. All are on the disk.
type uploads struct {
	mu    sync.Mutex
	known map[string]*Upload
	open  map[string]*openUploads // by bucket
}

// register returns the Upload to use for u's id. The caller has the lock.
func (m *uploads) register(u *Upload) *Upload {
	if other := m.known[u.ID]; other != nil {
		return other
	}
	if m.known == nil {
		m.known = map[string]*Upload{}
	}
	m.known[u.ID] = u
	return u
}

const uploadFile = "upload.json"

var validID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (t *Tree) newUpload(info UploadInfo) *Upload {
	return &Upload{UploadInfo: info, t: t, completing: make(chan struct{}, 1), parts: map[int]Part{}}
}

func (u *UploadInfo) open() openuploads.Upload {
	return openuploads.Upload{Key: u.Key, ID: u.ID, Started: u.Started}
}

func (u *UploadInfo) folder() string { return filepath.Join(uploadsFolder, u.Bucket, u.ID) }

// BeginUpload begins an upload of what will be the object of a key. Ids begin
// with their time, so that their order is that of the beginnings.
func (t *Tree) BeginUpload(bucket, key string, header map[string]string) (*Upload, error) {
	p, err := locate(bucket, key)
	if err != nil {
		return nil, err
	}
	if p.marker {
		return nil, ErrMarkerBody
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	info := UploadInfo{Bucket: bucket, Key: key, Header: header, Started: time.Now().UTC()}
	random := make([]byte, 10)
	rand.Read(random)
	info.ID = fmt.Sprintf("%012x", info.Started.UnixMilli()) + hex.EncodeToString(random)
	text, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	if err := t.disk.ReplaceOwn(info.folder(), uploadFile, text); err != nil {
		return nil, err
	}
	t.uploads.openIn(bucket).begun(info.open())
	t.uploads.mu.Lock()
	defer t.uploads.mu.Unlock()
	return t.uploads.register(t.newUpload(info)), nil
}

// Upload returns an upload that is under way, also one of an earlier process:
// ErrNoUpload if there is none of this id for this key.
func (t *Tree) Upload(bucket, key, id string) (*Upload, error) {
	t.uploads.mu.Lock()
	defer t.uploads.mu.Unlock()
	u := t.uploads.known[id]
	if u == nil {
		var err error
		if u, err = t.loadUpload(bucket, id); err != nil {
			return nil, err
		}
	}
	if u.Bucket != bucket || u.Key != key {
		return nil, ErrNoUpload
	}
	return t.uploads.register(u), nil
}

// loadUpload reads an upload from the disk, with its parts.
func (t *Tree) loadUpload(bucket, id string) (*Upload, error) {
	info, err := t.readUpload(bucket, id)
	if err != nil {
		return nil, err
	}
	u := t.newUpload(info)
	f, err := t.disk.Root.Open(u.folder())
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
		info, err := t.disk.Root.Lstat(filepath.Join(u.folder(), name))
		if err != nil {
			return nil, err
		}
		// A crash can leave a part and the one that was to take its place.
		if was, ok := u.parts[number]; !ok || info.ModTime().After(was.Modified) {
			u.parts[number] = Part{number, tag, info.Size(), info.ModTime()}
		}
	}
	return u, nil
}

// readUpload reads what upload.json says.
func (t *Tree) readUpload(bucket, id string) (UploadInfo, error) {
	if keyhatch.CheckBucketName(bucket) != nil || !validID.MatchString(id) {
		return UploadInfo{}, ErrNoUpload
	}
	var info UploadInfo
	text, err := t.disk.Root.ReadFile(filepath.Join(uploadsFolder, bucket, id, uploadFile))
	if errors.Is(err, fs.ErrNotExist) {
		return UploadInfo{}, ErrNoUpload
	}
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err != nil {
		return UploadInfo{}, fmt.Errorf("read upload %s: %w", id, err)
	}
	info.ID, info.Bucket = id, bucket
	return info, nil
}
