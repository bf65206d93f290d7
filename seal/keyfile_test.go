package seal_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/seal"
)

func TestKeyFileIsItsOwnersAlone(t *testing.T) {
	in := install(t)
	info, err := os.Lstat(in.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want a plain file of 0600", info.Mode())
	}
	if !regexp.MustCompile(`^kek_[0-9a-f]{8}$`).MatchString(in.kek.ID) {
		t.Errorf("id %q", in.kek.ID)
	}
	text, _ := in.text(t)
	if !strings.HasPrefix(text, "#") || !strings.Contains(text, "keyhatch-kek-1 "+in.kek.ID+" ") || !strings.HasSuffix(text, "\n") {
		t.Errorf("its text: %q", text)
	}
}

func TestKeyFilesDiffer(t *testing.T) {
	ids, keys := map[string]bool{}, map[string]bool{}
	for range 20 {
		in := install(t)
		_, raw := in.text(t)
		ids[in.kek.ID], keys[string(raw)] = true, true
	}
	if len(ids) != 20 || len(keys) != 20 {
		t.Errorf("of 20 there are %d ids and %d keys", len(ids), len(keys))
	}
}

func TestKeyFileIsNeverOverwritten(t *testing.T) {
	in := install(t)
	before, raw := in.text(t)
	if _, err := seal.CreateKeyFile(in.path); err == nil {
		t.Error("an existing key file is taken")
	} else {
		silent(t, "existing", err.Error(), raw)
	}
	if after, _ := in.text(t); after != before {
		t.Error("the existing key file changed")
	}

	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.CreateKeyFile(empty); err == nil {
		t.Error("an existing empty file is taken")
	}

	target, link := filepath.Join(t.TempDir(), "target"), filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.CreateKeyFile(link); err == nil {
		t.Error("a link is followed")
	}
	if _, err := os.Lstat(target); err == nil {
		t.Error("a key was written where a link points")
	}
	if _, err := seal.CreateKeyFile(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("a folder is made up")
	}
}

func TestKeyFileIsReadAsItWasWritten(t *testing.T) {
	in := install(t)
	text, _ := in.text(t)
	for name, text := range map[string]string{
		"as written":            text,
		"without its comment":   text[strings.Index(text, "keyhatch-kek"):],
		"without the last line": strings.TrimSuffix(text, "\n"),
		"with CRLF":             strings.ReplaceAll(text, "\n", "\r\n"),
		"with more around":      "\n\n  # note\n" + text + "\n# end\n",
		"with tabs":             strings.ReplaceAll(text, " kek_", "\tkek_"),
		"of 4096 bytes":         strings.Repeat("#", 4095-len(text)) + "\n" + text,
	} {
		kek, err := seal.ReadKeyFile(writeKeyFile(t, text))
		if err != nil || kek.ID != in.kek.ID {
			t.Errorf("%s: %q, %v", name, kek.ID, err)
			continue
		}
		if _, err := seal.OpenKeyring(kek, in.sets); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyFileOfOthersIsRefused(t *testing.T) {
	in := install(t)
	_, raw := in.text(t)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o606, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777, 0o440, 0o404} {
		if err := os.Chmod(in.path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := seal.ReadKeyFile(in.path)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode)) || !strings.Contains(err.Error(), in.path) {
			t.Errorf("%04o: %v", mode, err)
			continue
		}
		silent(t, fmt.Sprintf("%04o", mode), err.Error(), raw)
	}
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
		if err := os.Chmod(in.path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.ReadKeyFile(in.path); err != nil {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

func TestKeyFileThatIsNoneIsRefused(t *testing.T) {
	in := install(t)
	text, raw := in.text(t)
	key := base64.StdEncoding.EncodeToString(raw)
	line := "keyhatch-kek-1 " + in.kek.ID + " "
	for name, text := range map[string]string{
		"empty":                 "",
		"blank":                 "\n \n",
		"comments only":         "# keyhatch-kek-1 " + in.kek.ID + " " + key + "\n",
		"another version":       strings.Replace(text, "kek-1", "kek-2", 1),
		"no tag":                in.kek.ID + " " + key,
		"key alone":             key,
		"no key":                line,
		"no id":                 "keyhatch-kek-1 " + key,
		"four words":            line + key + " more",
		"key cut":               line + key[:40],
		"key without padding":   line + strings.TrimRight(key, "="),
		"31 bytes":              line + base64.StdEncoding.EncodeToString(raw[:31]),
		"33 bytes":              line + base64.StdEncoding.EncodeToString(append(raw[:32:32], 1)),
		"no bytes":              line + "=",
		"hexadecimal":           line + fmt.Sprintf("%x", raw),
		"key twice":             line + key + key,
		"a letter damaged":      line + "!" + key[1:],
		"a NUL inside":          line + key[:20] + "\x00" + key[21:],
		"binary":                "\x00\xff\xfe" + string(raw),
		"damaged before a good": "keyhatch-kek-1 x y\n" + text,
		"4097 bytes":            strings.Repeat("#", 4096-len(text)) + "\n" + text,
		"a mebibyte":            text + strings.Repeat("#\n", 1<<19),
	} {
		path := writeKeyFile(t, text)
		kek, err := seal.ReadKeyFile(path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "not a Keyhatch key file") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if kek != (seal.KEK{}) {
			t.Errorf("%s: refused, and returns a key", name)
		}
		silent(t, name, err.Error(), raw, raw[:31])
	}
}

func TestKeyFileThatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	_, err := seal.ReadKeyFile(path)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("reading made one")
	}
	if _, err := seal.ReadKeyFile(t.TempDir()); err == nil {
		t.Error("a folder is read")
	}
}

// TestS5_KeysDoNotPrint: a key that is logged by mistake shows nothing.
func TestS5_KeysDoNotPrint(t *testing.T) {
	in := install(t)
	_, raw := in.text(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		silent(t, format, fmt.Sprintf(format, in.kek), raw)
		silent(t, format, fmt.Sprintf(format, &in.kek), raw)
		silent(t, format, fmt.Sprintf(format, in.keys), raw)
		silent(t, format, fmt.Sprintf(format, []any{in.keys}), raw)
	}
}
