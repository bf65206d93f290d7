package dirstore

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/rclone/gofakes3"
)

// uploads are the multipart uploads that gofakes3 knows of. Those of an earlier
// process it has to be told of; see adopt.
type uploads struct {
	mu    sync.Mutex
	known map[string]*tree.Upload
}

// add remembers an upload. The caller has the lock.
func (m *uploads) add(u *tree.Upload) {
	if m.known == nil {
		m.known = map[string]*tree.Upload{}
	}
	m.known[u.ID] = u
}

// forget drops an upload that gofakes3 drops as well.
func (m *uploads) forget(u *tree.Upload) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, u.ID)
}

// upload returns an upload that gofakes3 knows of.
func (s *Store) upload(bucket, key string, id gofakes3.UploadID) (*tree.Upload, error) {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	u := s.uploads.known[string(id)]
	if u == nil || u.Bucket != bucket || u.Key != key {
		return nil, tree.ErrNoUpload
	}
	return u, nil
}

// adopt makes an upload of an earlier process known to gofakes3. That has no
// door for it, so it is sent a request to begin an upload, for which the backend
// gives out the old id.
func (s *Store) adopt(bucket, key, id string) {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	if s.uploads.known[id] != nil {
		return
	}
	u, err := s.tree.Upload(bucket, key, id)
	if err != nil {
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

// CreateMultipartUpload begins an upload.
func (b backend) CreateMultipartUpload(ctx context.Context, bucket, key string, header map[string]string) (gofakes3.UploadID, error) {
	if id := requestOf(ctx).adopts; id != "" {
		return gofakes3.UploadID(id), nil
	}
	u, err := b.s.tree.BeginUpload(bucket, key, keptHeader(header))
	if err != nil {
		return "", answer(err)
	}
	b.s.uploads.mu.Lock()
	defer b.s.uploads.mu.Unlock()
	b.s.uploads.add(u)
	return gofakes3.UploadID(u.ID), nil
}

// UploadPart stores a part.
func (b backend) UploadPart(ctx context.Context, bucket, key string, id gofakes3.UploadID, number int, size int64, body io.Reader) (string, error) {
	u, err := b.s.upload(bucket, key, id)
	if err != nil {
		return "", answer(err)
	}
	part, err := u.PutPart(number, bodyOf(ctx, body), size)
	if err != nil {
		return "", answer(err)
	}
	return quoted(part.ETag), nil
}

// CompleteMultipartUpload publishes the parts as one object. It goes on when the
// client does not wait: the same request sent again finds it done.
func (b backend) CompleteMultipartUpload(ctx context.Context, bucket, key string, id gofakes3.UploadID, asked *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	u, err := b.s.upload(bucket, key, id)
	if err != nil {
		return "", "", answer(err)
	}
	var parts []tree.Part
	for _, p := range asked.Parts {
		parts = append(parts, tree.Part{Number: p.PartNumber, ETag: strings.Trim(p.ETag, `"`)})
	}
	rec, err := u.Complete(parts, conditions(ctx))
	if err != nil {
		return "", "", answer(err)
	}
	b.s.uploads.forget(u)
	return "", quoted(rec.ETag), nil
}

// AbortMultipartUpload forgets an upload and its parts.
func (b backend) AbortMultipartUpload(ctx context.Context, bucket, key string, id gofakes3.UploadID) error {
	if requestOf(ctx).adopts != "" {
		return nil // gofakes3 knew the upload after all
	}
	u, err := b.s.upload(bucket, key, id)
	if err != nil {
		return answer(err)
	}
	defer b.s.uploads.forget(u)
	return answer(u.Abort())
}
