package tree

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

func (s *site) begin(key string, header ...string) *Upload {
	s.Helper()
	kept := map[string]string{}
	for i := 0; i < len(header); i += 2 {
		kept[header[i]] = header[i+1]
	}
	u, err := s.tree.BeginUpload(bucket, key, kept)
	if err != nil {
		s.Fatal(err)
	}
	return u
}

func (s *site) upload(key, id string) *Upload {
	s.Helper()
	u, err := s.tree.Upload(bucket, key, id)
	if err != nil {
		s.Fatal(err)
	}
	return u
}

func (s *site) part(u *Upload, number int, body string) Part {
	s.Helper()
	p, err := u.PutPart(number, strings.NewReader(body), int64(len(body)))
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *site) wantNoUploads() {
	s.Helper()
	entries, _ := os.ReadDir(s.path(uploadsFolder, bucket))
	if len(entries) != 0 {
		s.Errorf("%d uploads are left", len(entries))
	}
	s.wantClean()
}

func TestUpload(t *testing.T) {
	s := newSite(t)
	u := s.begin("d/k", "m", "1")
	three := s.part(u, 3, "three")
	old := s.part(u, 1, "to be replaced")
	two := s.part(u, 2, filler(70_000))
	one := s.part(u, 1, "one")
	if u != s.upload("d/k", u.ID) {
		t.Error("there are two Uploads of one id")
	}
	for _, c := range []struct {
		parts []Part
		want  error
	}{
		{nil, ErrNoParts},
		{[]Part{two, one}, ErrPartOrder},
		{[]Part{one, one}, ErrPartOrder},
		{[]Part{old, two}, ErrPart},
		{[]Part{one, {Number: 4, ETag: three.ETag}}, ErrPart},
	} {
		_, err := u.Complete(context.Background(), c.parts, nil, nil)
		s.wantIs(err, c.want)
	}
	s.wantKeys()

	s = s.restart() // another process takes over
	u = s.upload("d/k", u.ID)
	parts := u.Parts()
	if len(parts) != 3 || parts[0].ETag != one.ETag || parts[2].Size != int64(len("three")) {
		t.Fatalf("parts: %v", parts)
	}
	rec, err := u.Complete(context.Background(), parts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, got := s.get("d/k")
	if body != "one"+filler(70_000)+"three" || got.ETag != rec.ETag || !strings.HasSuffix(rec.ETag, "-3") || got.Header["m"] != "1" || len(got.Parts) != 3 {
		t.Errorf("%d bytes, %v, want %v", len(body), got, rec)
	}
	s.wantNoUploads()
	_, err = u.Complete(context.Background(), parts, nil, nil)
	s.wantIs(err, ErrNoUpload)
	s.wantIs(u.Abort(), ErrNoUpload)
	_, err = u.PutPart(4, strings.NewReader("late"), 4)
	s.wantIs(err, ErrNoUpload)
	_, err = s.tree.Upload(bucket, "d/k", u.ID)
	s.wantIs(err, ErrNoUpload)
	s.wantNoUploads()
}

// What a client is told to do otherwise leaves the upload as it was.
func TestRefusedCompletionLeavesTheUpload(t *testing.T) {
	s := newSite(t)
	no := errors.New("no")
	u := s.begin("k")
	p := s.part(u, 1, "x")
	_, err := u.Complete(context.Background(), []Part{p}, nil, func(*Record) error { return no })
	s.wantIs(err, no)
	s.put("file", "x")
	below := s.begin("file/below")
	q := s.part(below, 1, "x")
	_, err = below.Complete(context.Background(), []Part{q}, nil, nil)
	s.wantIs(err, ErrFileAbove)
	s.wantKeys("file")
	s.wantClean()
	if _, err := u.Complete(context.Background(), []Part{p}, nil, nil); err != nil {
		t.Error(err)
	}
	s.remove("file")
	if _, err := below.Complete(context.Background(), []Part{q}, nil, nil); err != nil {
		t.Error(err)
	}
	s.wantKeys("file/below", "k")
	s.wantNoUploads()
}

// An upload whose request is over at the last moment is not published, and can be
// completed later.
func TestCompletionEndsWithItsContext(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	p := s.part(u, 1, "x")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := u.Complete(ctx, []Part{p}, nil, nil)
	s.wantIs(err, context.Canceled)
	s.wantKeys()
	s.wantClean()
	if _, err := u.Complete(context.Background(), []Part{p}, nil, nil); err != nil {
		t.Error(err)
	}
	s.wantKeys("k")
}

func TestUploadsAreConfined(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	for _, restart := range []bool{false, true} {
		if restart {
			s = s.restart()
		}
		for _, id := range []string{"../" + bucket + "/" + u.ID, "../../tmp", strings.Repeat("0", 32), strings.ToUpper(u.ID), ""} {
			_, err := s.tree.Upload(bucket, "k", id)
			s.wantIs(err, ErrNoUpload)
		}
		_, err := s.tree.Upload(bucket, "other", u.ID)
		s.wantIs(err, ErrNoUpload)
		_, err = s.tree.Upload("other", "k", u.ID)
		s.wantIs(err, ErrNoUpload)
		s.upload("k", u.ID)
	}
	_, err := s.tree.BeginUpload(bucket, "marker/", nil)
	s.wantIs(err, ErrMarkerBody)
}

func TestUploadsInOrderAndTheirEnd(t *testing.T) {
	s := newSite(t)
	want := func(us ...*Upload) {
		t.Helper()
		infos := s.openUploads("", "")
		if len(infos) != len(us) {
			t.Fatalf("uploads: %v", infos)
		}
		for i, u := range us {
			if infos[i].ID != u.ID || infos[i].Key != u.Key {
				t.Errorf("upload %d is %v, want %v", i, infos[i], u.UploadInfo)
			}
		}
	}
	want()
	b1 := s.begin("b")
	time.Sleep(2 * time.Millisecond) // ids tell milliseconds
	a, b2 := s.begin("a/x"), s.begin("b")
	want(a, b1, b2)
	if err := b1.Abort(); err != nil {
		t.Fatal(err)
	}
	want(a, b2)

	s = s.restart()
	known := s.upload("a/x", a.ID)
	old := time.Now().Add(-48 * time.Hour)
	os.MkdirAll(s.path(uploadsFolder, bucket, "half-made"), 0o700)
	for _, id := range []string{a.ID, b2.ID, "half-made"} {
		os.Chtimes(s.path(uploadsFolder, bucket, id), old, old)
	}
	c := s.begin("c")
	if ended, err := s.tree.ExpireUploads(time.Now().Add(-24 * time.Hour)); len(ended) != 3 || err != nil {
		t.Errorf("%v expired, %v", ended, err)
	}
	want(c)
	_, err := known.PutPart(1, strings.NewReader("x"), 1)
	s.wantIs(err, ErrNoUpload)
	if ended, err := s.tree.ExpireUploads(time.Now().Add(time.Hour)); len(ended) != 1 || ended[0] != c.ID || err != nil {
		t.Errorf("%v expired, %v", ended, err)
	}
	s.wantNoUploads()
}

func TestFailedPartLeavesTheFormer(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	p := s.part(u, 1, "good")
	mine := errors.New("the reader's own")
	_, err := u.PutPart(1, io.MultiReader(strings.NewReader("ba"), iotest.ErrReader(mine)), 4)
	s.wantIs(err, mine)
	_, err = u.PutPart(1, strings.NewReader("sh"), 4)
	s.wantIs(err, ErrBodyLength)
	s.wantClean()
	// A crash left the part that was replaced beside the one that replaced it.
	s = s.restart()
	stale := s.path(uploadsFolder, bucket, u.ID, "00001-"+strings.Repeat("0", 32))
	os.WriteFile(stale, []byte("stale"), 0o600)
	old := time.Now().Add(-time.Hour)
	os.Chtimes(stale, old, old)
	if _, err := s.upload("k", u.ID).Complete(context.Background(), []Part{p}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if body, _ := s.get("k"); body != "good" {
		t.Errorf("k is %q", body)
	}
	if _, err := os.Stat(filepath.Dir(stale)); !os.IsNotExist(err) {
		t.Error("the upload's folder is left")
	}
}

// Parts arrive at once, and of completions at once one does it.
func TestConcurrentPartsAndCompletions(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	parts := make([]Part, 8)
	var want strings.Builder
	var wg sync.WaitGroup
	for i := range parts {
		want.WriteString(version(i))
		wg.Go(func() { parts[i] = s.part(s.upload("k", u.ID), i+1, version(i)) })
	}
	wg.Wait()
	s = s.restart()
	results := make(chan error, 4)
	for range cap(results) {
		wg.Go(func() {
			u, err := s.tree.Upload(bucket, "k", u.ID)
			if err == nil {
				_, err = u.Complete(context.Background(), parts, nil, nil)
			}
			results <- err
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else {
			s.wantIs(err, ErrNoUpload)
		}
	}
	if won != 1 {
		t.Errorf("%d completions won", won)
	}
	if body, _ := s.get("k"); body != want.String() {
		t.Errorf("k has %d bytes, want %d", len(body), want.Len())
	}
	s.wantNoUploads()
}

// An upload that has ended is told by the object that it became, and by no other.
func TestCompleted(t *testing.T) {
	s := newSite(t)
	u := s.begin("k")
	parts := []Part{s.part(u, 1, "one"), s.part(u, 2, "two")}
	if _, err := s.tree.Completed(bucket, "k", u.ID, parts); !errors.Is(err, ErrNoUpload) {
		t.Errorf("before it was completed: %v", err)
	}
	rec, err := u.Complete(context.Background(), parts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s = s.restart()
	if err := s.tree.SetHeader(bucket, "k", "m", "1"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.tree.Completed(bucket, "k", u.ID, parts); err != nil || got.ETag != rec.ETag || got.Header["m"] != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	s.put("other", "onetwo")
	s.file("plain", "onetwo")
	for name, err := range map[string]error{
		"fewer parts":  second(s.tree.Completed(bucket, "k", u.ID, parts[:1])),
		"no parts":     second(s.tree.Completed(bucket, "k", u.ID, nil)),
		"another id":   second(s.tree.Completed(bucket, "k", strings.Repeat("0", 32), parts)),
		"no id":        second(s.tree.Completed(bucket, "plain", "", parts)),
		"another key":  second(s.tree.Completed(bucket, "other", u.ID, parts)),
		"nothing":      second(s.tree.Completed(bucket, "none", u.ID, parts)),
		"not an ETag":  second(s.tree.Completed(bucket, "k", u.ID, []Part{{ETag: "x"}, {ETag: "y"}})),
		"other bucket": second(s.tree.Completed("other", "k", u.ID, parts)),
	} {
		if !errors.Is(err, ErrNoUpload) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.put("k", "another")
	if _, err := s.tree.Completed(bucket, "k", u.ID, parts); !errors.Is(err, ErrNoUpload) {
		t.Errorf("after another took its place: %v", err)
	}
}

func second(_ Record, err error) error { return err }
