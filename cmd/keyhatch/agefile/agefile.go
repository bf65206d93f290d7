// Package agefile writes and reads files that are compressed and encrypted with age
// (https://age-encryption.org/v1): nothing of them is on a disk in the clear.
package agefile

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"
)

// Recipients are those who can read: each word is a recipient (age1…), and each file has
// some, one a line. There must be one.
func Recipients(words, files []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, w := range words {
		r, err := recipient(w)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("recipients: %w", err)
		}
		some, err := age.ParseRecipients(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("recipients in %s: %w", name, err)
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, errors.New("nobody could read it: name a recipient, --recipient age1…, which `age-keygen` makes")
	}
	return all, nil
}

// recipient never repeats what was given: it could be the identity.
func recipient(word string) (age.Recipient, error) {
	if r, err := age.ParseX25519Recipient(word); err == nil {
		return r, nil
	}
	if r, err := age.ParseHybridRecipient(word); err == nil {
		return r, nil
	}
	return nil, errors.New("a recipient is the public key of an identity, and begins with age1: `age-keygen -y IDENTITY` prints it")
}

// Identities are those of a file, with which what was written for them is read.
func Identities(name string) ([]age.Identity, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer f.Close()
	all, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("%s is no file of age identities, which `age-keygen` makes", name) // its error repeats lines
	}
	return all, nil
}

// Writer writes a file. End it with Commit or Abandon.
type Writer struct {
	path   string
	file   *os.File // of another name, until it is whole
	sealed io.WriteCloser
	packed *gzip.Writer
}

// Create begins a file that its owner alone can read. One of the name is never overwritten.
func Create(path string, to []age.Recipient) (*Writer, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s exists already, and is not overwritten: name another file", path)
		}
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return nil, err
	}
	w := &Writer{path: path, file: f}
	if w.sealed, err = age.Encrypt(f, to...); err != nil {
		return nil, errors.Join(err, w.Abandon())
	}
	if w.packed, err = gzip.NewWriterLevel(w.sealed, gzip.BestSpeed); err != nil {
		return nil, errors.Join(err, w.Abandon())
	}
	return w, nil
}

// Write adds to the file.
func (w *Writer) Write(b []byte) (int, error) { return w.packed.Write(b) }

// Commit gives the file its name when all of it is on the disk, and returns its size.
func (w *Writer) Commit() (size int64, err error) {
	for _, step := range []func() error{w.packed.Close, w.sealed.Close, w.file.Sync} {
		if err := step(); err != nil {
			return 0, errors.Join(err, w.Abandon())
		}
	}
	info, err := w.file.Stat()
	if err != nil {
		return 0, errors.Join(err, w.Abandon())
	}
	if err := os.Rename(w.file.Name(), w.path); err != nil {
		return 0, errors.Join(err, w.Abandon())
	}
	return info.Size(), errors.Join(w.file.Close(), syncFolder(filepath.Dir(w.path)))
}

// Abandon leaves nothing of the file.
func (w *Writer) Abandon() error {
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Reader reads a file.
type Reader struct {
	file   *os.File
	opened *gzip.Reader
}

// Open begins to read a file. What it reads is not known to be whole before its end.
func Open(path string, with []age.Identity) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: f}
	if err := r.open(with); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return r, nil
}

func (r *Reader) open(with []age.Identity) error {
	sealed, err := age.Decrypt(r.file, with...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return errors.New("it was written for other recipients: name the identity of one of them")
	}
	if err != nil {
		return fmt.Errorf("it is no file that age has written, or is damaged: %w", err)
	}
	if r.opened, err = gzip.NewReader(sealed); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	return nil
}

// Read reads on.
func (r *Reader) Read(b []byte) (int, error) { return r.opened.Read(b) }

// Close ends reading.
func (r *Reader) Close() error { return r.file.Close() }
