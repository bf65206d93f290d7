package tree

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Part is a part of an upload.
type Part struct {
	Number   int    // from 1 to 10,000
	ETag     string // without quotes
	Size     int64
	Modified time.Time
}

func (u *Upload) partPath(number int, tag string) string {
	return filepath.Join(u.folder(), fmt.Sprintf("%05d-%s", number, tag))
}

// Parts are the parts that are there, by number.
func (u *Upload) Parts() []Part {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []Part
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		out = append(out, u.parts[number])
	}
	return out
}

// PutPart stores a part, durably: its name says what is in it, and after a crash
// that has to be true. A part that is sent again takes the place of the former.
// Body and size are as with Put.
func (u *Upload) PutPart(number int, body io.Reader, size int64) (Part, error) {
	d, err := u.t.disk.Receive(body, size)
	if err != nil {
		return Part{}, err
	}
	defer d.Discard()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return Part{}, ErrNoUpload
	}
	if err := u.t.disk.Root.Rename(d.Path, u.partPath(number, d.MD5)); err != nil {
		return Part{}, err
	}
	if was, ok := u.parts[number]; ok && was.ETag != d.MD5 {
		u.t.disk.Root.Remove(u.partPath(number, was.ETag))
	}
	u.parts[number] = Part{number, d.MD5, d.Info.Size(), d.Info.ModTime()}
	return u.parts[number], nil
}

// begun is join of an upload that is under way.
func (u *Upload) begun(asked []Part, header map[string]string) (Record, []Part, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return Record{}, nil, ErrNoUpload
	}
	return u.join(asked, header)
}

// join checks the parts that are to be joined, and returns them and what describes
// the result. The caller has the lock.
func (u *Upload) join(asked []Part, header map[string]string) (rec Record, parts []Part, err error) {
	rec = Record{Header: map[string]string{}, Upload: u.ID}
	maps.Copy(rec.Header, u.Header)
	maps.Copy(rec.Header, header)
	if len(asked) == 0 {
		return rec, nil, ErrNoParts
	}
	var tags []string
	for i, a := range asked {
		if i > 0 && a.Number <= asked[i-1].Number {
			return rec, nil, ErrPartOrder
		}
		have, err := u.part(a)
		if err != nil {
			return rec, nil, err
		}
		tags = append(tags, have.ETag)
		parts = append(parts, have)
		rec.Parts = append(rec.Parts, have.Size)
	}
	rec.ETag = partsTag(tags)
	return rec, parts, nil
}

// Check tells whether parts can be joined, as Complete would, and reads none of them.
func (u *Upload) Check(asked []Part) error {
	_, _, err := u.begun(asked, nil)
	return err
}

// part finds a part by its number and its ETag.
func (u *Upload) part(asked Part) (Part, error) {
	have, ok := u.parts[asked.Number]
	if !ok || asked.ETag != have.ETag {
		return have, refuse(ErrPart, "Part %d is missing, or was uploaded with another ETag.", asked.Number)
	}
	return have, nil
}

// OpenPart opens a part, of which the number and the ETag are looked at.
func (u *Upload) OpenPart(asked Part) (*os.File, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return nil, ErrNoUpload
	}
	have, err := u.part(asked)
	if err != nil {
		return nil, err
	}
	return u.t.disk.Root.Open(u.partPath(have.Number, have.ETag))
}

// appendStride is how much is copied before it is asked again whether to go on.
const appendStride = 64 << 20

// appendPart copies a part to the end of f, in the kernel where it can, until ctx ends.
func (u *Upload) appendPart(ctx context.Context, f *os.File, part Part) error {
	from, err := u.t.disk.Root.Open(u.partPath(part.Number, part.ETag))
	if err != nil {
		return err
	}
	defer from.Close()
	var sent int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(f, from, appendStride)
		sent += n
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if sent != part.Size {
		return fmt.Errorf("part %d of upload %s has %d bytes instead of %d", part.Number, u.ID, sent, part.Size)
	}
	return nil
}
