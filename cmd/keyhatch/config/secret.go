package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// secretIn reads a secret from a file that nobody else can read. missing is what to do when there
// is none in it.
func secretIn(setting, file, missing string) (keyhatch.Secret, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s: %s is missing: %s", setting, file, missing)
	case err != nil:
		return "", fmt.Errorf("%s: %w", setting, err)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s: %s can be read by others: chmod 600 it", setting, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s: %s is empty: %s", setting, file, missing)
	}
	return keyhatch.Secret(secret), nil
}
