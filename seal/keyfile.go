package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KEK is a key-encryption key: it wraps the data keys and nothing else.
type KEK struct {
	ID   string
	aead tink.AEAD
}

const (
	keyFileTag  = "keyhatch-kek-1" // the format's version
	keyFileNote = "# Keyhatch key-encryption key. With the database it opens every secret;\n" +
		"# without it nothing can be opened. Keep a copy apart from the database's backups.\n"
	kekBytes = 32 // XChaCha20-Poly1305
)

// CreateKeyFile makes a key-encryption key and writes it to a new file that
// only its owner can read. An existing file is an error.
func CreateKeyFile(path string) (KEK, error) {
	raw := randomBytes(kekBytes)
	id := fmt.Sprintf("kek_%x", randomBytes(4))
	text := keyFileNote + keyFileTag + " " + id + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return KEK{}, fmt.Errorf("key file: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return KEK{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return newKEK(id, raw)
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
	kek, err := parseKeyFile(string(text))
	if err != nil {
		return KEK{}, fmt.Errorf("key file %s is not a Keyhatch key file: %w", path, err)
	}
	return kek, nil
}

func parseKeyFile(text string) (KEK, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3 || fields[0] != keyFileTag {
			return KEK{}, errors.New("its line does not have the form of one")
		}
		raw, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil || len(raw) != kekBytes {
			return KEK{}, errors.New("its key is damaged")
		}
		return newKEK(fields[1], raw)
	}
	return KEK{}, errors.New("it holds no key")
}

func newKEK(id string, raw []byte) (KEK, error) {
	a, err := subtle.NewXChaCha20Poly1305(raw)
	if err != nil {
		return KEK{}, err
	}
	return KEK{ID: id, aead: a}, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
