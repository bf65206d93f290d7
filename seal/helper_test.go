package seal_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/seal"
)

// installation is a key file with data keys, as init makes them.
type installation struct {
	path string
	kek  seal.KEK
	sets []keyhatch.Keyset
	keys *seal.Keyring
}

func install(t testing.TB) installation {
	t.Helper()
	in := installation{path: filepath.Join(t.TempDir(), "key")}
	var err error
	if in.kek, err = seal.CreateKeyFile(in.path); err != nil {
		t.Fatal(err)
	}
	if in.sets, err = seal.NewKeysets(in.kek); err != nil {
		t.Fatal(err)
	}
	if in.keys, err = seal.OpenKeyring(in.kek, in.sets); err != nil {
		t.Fatal(err)
	}
	return in
}

// text is the key file's, and raw its key.
func (in installation) text(t testing.TB) (text string, raw []byte) {
	t.Helper()
	b, err := os.ReadFile(in.path)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b))
	if raw, err = base64.StdEncoding.DecodeString(fields[len(fields)-1]); err != nil || len(raw) != 32 {
		t.Fatalf("the key file's last word is no key of 32 bytes: %v", err)
	}
	return string(b), raw
}

func cloned(sets []keyhatch.Keyset) []keyhatch.Keyset {
	out := slices.Clone(sets)
	for i := range out {
		out[i].Wrapped = slices.Clone(out[i].Wrapped)
	}
	return out
}

// writeKeyFile writes a file that only its owner can read.
func writeKeyFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// silent demands that no form of a secret is in the text.
func silent(t testing.TB, what, text string, secrets ...[]byte) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{
			string(s), fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprint(s), strings.Trim(fmt.Sprint(s), "[]"), fmt.Sprintf("%#v", s),
			base64.StdEncoding.EncodeToString(s), base64.RawURLEncoding.EncodeToString(s),
		} {
			if len(form) >= 4 && strings.Contains(text, form) {
				t.Errorf("%s: a secret is in %q", what, text)
				return
			}
		}
	}
}
