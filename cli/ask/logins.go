package ask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Logins is what login keeps: the server that commands talk to when none is
// named, and a token for each that was logged in to. A token goes to its own
// server only.
type Logins struct {
	Server string            `json:"server"`
	Tokens map[string]string `json:"tokens"`
}

// loginsFile is where they are kept: keyhatch/login.json in the user's folder for
// configuration.
func loginsFile() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "keyhatch", "login.json"), nil
}

// ReadLogins reads what is kept. A user without a folder for it, as in a
// container, has nothing kept.
func ReadLogins() (Logins, error) {
	none := Logins{Tokens: map[string]string{}}
	path, err := loginsFile()
	if err != nil {
		return none, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("what login kept: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return none, fmt.Errorf("what login kept: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return none, fmt.Errorf("others may read %s, which holds your tokens: chmod 600 it, and think of who may have read them", path)
	}
	kept := Logins{}
	if err := json.NewDecoder(f).Decode(&kept); err != nil {
		return none, fmt.Errorf("%s is damaged: log in again after removing it", path)
	}
	if kept.Tokens == nil {
		kept.Tokens = none.Tokens
	}
	return kept, nil
}

// Keep writes them, for their owner alone, whole or not at all.
func (l Logins) Keep() error {
	path, err := loginsFile()
	if err != nil {
		return fmt.Errorf("no place to keep the token: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".login-*") // 0600
	if err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	_, err = f.ReadFrom(bytes.NewReader(append(text, '\n')))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the token: %w", err), os.Remove(f.Name()))
	}
	return nil
}
