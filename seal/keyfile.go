package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const keyFileNote = "# Keyhatch key-encryption key. With the database it opens every secret;\n" +
	"# without it nothing can be opened. Keep a copy apart from the database's backups.\n"

// CreateKeyFile makes a key-encryption key and writes it to a new file that
// only its owner can read. An existing file is an error.
func CreateKeyFile(path string) (KEK, error) {
	line := NewKeyLine()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return KEK{}, fmt.Errorf("key file: %w", err)
	}
	_, err = f.WriteString(keyFileNote + line.Reveal() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return KEK{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return parseKey(line.Reveal())
}

// ReadKeyFile reads a key-encryption key. A file that others than its owner may
// read is refused, so that a leaked key is not taken into use.
func ReadKeyFile(path string) (KEK, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return KEK{}, fmt.Errorf("key file %s is missing; without it no secret can be opened: put it back from your copy", path)
	}
	if err != nil {
		return KEK{}, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return KEK{}, fmt.Errorf("key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return KEK{}, fmt.Errorf("key file %s can be read by others (mode %04o): chmod 600 it, and make a new key if it may have leaked", path, mode)
	}
	if info.Size() > 4096 {
		return KEK{}, fmt.Errorf("key file %s is not a Keyhatch key file", path)
	}
	text := make([]byte, info.Size())
	if _, err := f.ReadAt(text, 0); err != nil {
		return KEK{}, fmt.Errorf("key file: %w", err)
	}
	kek, err := parseKey(string(text))
	if err != nil {
		return KEK{}, fmt.Errorf("key file %s is not a Keyhatch key file: %w", path, err)
	}
	return kek, nil
}
