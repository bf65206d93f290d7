package tree

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Check is asked whether a write may go on, when nobody else can write the key:
// old is what the key names, nil if nothing. Its error is that of the write. A
// nil Check has no objection.
type Check func(old *Record) error

func (c Check) ask(old *Object) error {
	switch {
	case c == nil:
		return nil
	case old == nil:
		return c(nil)
	}
	return c(&old.Record)
}

// Put makes what body holds the object of a key, and returns its record. The
// body has size bytes, or any number if that is negative. What body itself fails
// with comes back as it is; then, as after every error, nothing has happened. A
// marker takes no bytes. The values in header are UTF-8; it is kept as it is when
// the body has ended, so what is known only then can be put in by the body.
func (t *Tree) Put(bucket, key string, header map[string]string, body io.Reader, size int64, check Check) (Record, error) {
	p, err := locate(bucket, key)
	if err != nil {
		return Record{}, err
	}
	if err := checkHeader(header); err != nil {
		return Record{}, err
	}
	if p.marker && size > 0 {
		return Record{}, ErrMarkerBody
	}
	d, err := t.disk.Receive(body, size)
	if err != nil {
		return Record{}, err
	}
	defer d.Discard()
	rec := Record{ETag: d.MD5, Header: header}
	if !p.marker {
		return rec.bind(d.Info), t.publish(p, d, rec, check)
	}
	if d.Info.Size() > 0 {
		return Record{}, ErrMarkerBody
	}
	rec.Mtime = time.Now().UnixNano()
	return rec, t.publishMarker(p, rec, check)
}

func checkHeader(header map[string]string) error {
	for _, value := range header {
		if !utf8.ValidString(value) {
			return ErrNotText // JSON would keep another
		}
	}
	return nil
}

// publish makes the draft what the key names, with a record that has the ETag,
// header and parts of rec. The draft is used up if it succeeds.
func (t *Tree) publish(p place, d *disk.Draft, rec Record, check Check) error {
	defer t.keys.Lock(p.id())()
	old, err := t.find(p, false)
	if errors.Is(err, ErrFolder) {
		// An empty folder that is no marker, such as a crash leaves, is in
		// nobody's way.
		t.prune(p.bucket, p.segments())
		old, err = t.find(p, false)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := check.ask(old); err != nil {
		return err
	}
	records := []Record{rec.bind(d.Info)}
	if old != nil {
		records = append(records, old.Record)
	}
	if err := t.writeSidecar(p.bucket, p.key, records...); err != nil {
		return err
	}

	t.folders.RLock()
	folder, err := t.makeFolder(p.bucket, p.folders)
	if err == nil {
		defer folder.Close()
		err = d.MoveTo(folder, p.name, filepath.FromSlash(p.bucket+"/"+p.key))
	}
	t.folders.RUnlock()
	if err != nil {
		return err
	}
	return disk.SyncFolder(folder)
}

// publishMarker makes a folder a key.
func (t *Tree) publishMarker(p place, rec Record, check Check) error {
	defer t.keys.Lock(p.id())()
	old, err := t.find(p, false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := check.ask(old); err != nil {
		return err
	}
	t.folders.RLock()
	defer t.folders.RUnlock()
	folder, err := t.makeFolder(p.bucket, p.segments())
	if err != nil {
		return err
	}
	folder.Close()
	return t.writeSidecar(p.bucket, p.key, rec)
}

// SetHeader replaces one value in an object's header, or removes it if the value
// is empty. The object stays what it is otherwise.
func (t *Tree) SetHeader(bucket, key, name, value string) error {
	p, err := locate(bucket, key)
	if err != nil {
		return err
	}
	if err := checkHeader(map[string]string{name: value}); err != nil {
		return err
	}
	defer t.keys.Lock(p.id())()
	o, err := t.find(p, false)
	if err != nil {
		return lookError(err)
	}
	header := map[string]string{}
	maps.Copy(header, o.Header)
	delete(header, name)
	if value != "" {
		header[name] = value
	}
	o.Header = header
	return t.writeSidecar(bucket, key, o.Record)
}
