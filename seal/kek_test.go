package seal_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/seal"
)

// TestGuessableKeysAreRefused: zeros, what a manual shows, what somebody typed.
func TestGuessableKeysAreRefused(t *testing.T) {
	row := make([]byte, 32)
	for i := range row {
		row[i] = byte(i)
	}
	down := make([]byte, 32)
	for i := range down {
		down[i] = byte(250 - 3*i)
	}
	for name, raw := range map[string][]byte{
		"zeros":       make([]byte, 32),
		"ones":        bytes.Repeat([]byte{0xff}, 32),
		"a row":       row,
		"a row down":  down,
		"text":        []byte("change me, change me, changeme!!"),
		"hexadecimal": []byte("0123456789abcdef0123456789abcdeF"),
		"a word":      bytes.Repeat([]byte("\x00\x01\xfe\xff"), 8),
		"two words":   bytes.Repeat([]byte("\x00\x01\xfe\xffkeys"), 4),
	} {
		line := "keyhatch-kek-1 kek_01234567 " + base64.StdEncoding.EncodeToString(raw)
		kek, err := seal.ReadKeyFile(writeKeyFile(t, line+"\n"))
		if err == nil || kek != (seal.KEK{}) || !strings.Contains(err.Error(), "anybody can guess it") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		silent(t, name, err.Error(), raw)
		t.Setenv("KEYHATCH_TEST_KEY", line)
		if _, err := seal.TakeKeyVariable("KEYHATCH_TEST_KEY"); err == nil || !strings.Contains(err.Error(), "anybody can guess it") {
			t.Errorf("%s in a variable: %v", name, err)
		}
	}
}

// TestS5_KeyVariables hold what a key file does, and children do not inherit it.
func TestS5_KeyVariables(t *testing.T) {
	in := install(t)
	const name = "KEYHATCH_TEST_KEY"
	text, raw := in.text(t)
	for form, text := range map[string]string{"a file's text": text, "its line": text[strings.Index(text, "keyhatch-kek"):]} {
		t.Setenv(name, text)
		kek, err := seal.TakeKeyVariable(name)
		if err != nil || kek.ID != in.kek.ID {
			t.Errorf("%s: %v", form, err)
		} else if _, err := seal.OpenKeyring(kek, in.sets); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if _, found := os.LookupEnv(name); found {
			t.Errorf("%s: children inherit the key", form)
		}
	}
	for what, text := range map[string]string{
		"missing": "", "blank": " \n", "a key alone": base64.StdEncoding.EncodeToString(raw), "a path": in.path,
		"cut": text[:len(text)-8],
	} {
		t.Setenv(name, text)
		_, err := seal.TakeKeyVariable(name)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		silent(t, what, err.Error(), raw)
	}
}

func TestKeyLines(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		line := seal.NewKeyLine()
		seen[line.Reveal()] = true
		kek, err := seal.ReadKeyFile(writeKeyFile(t, line.Reveal()))
		if err != nil || !strings.Contains(line.Reveal(), " "+kek.ID+" ") {
			t.Errorf("%v", err)
		}
	}
	if len(seen) != 20 {
		t.Errorf("of 20 lines %d differ", len(seen))
	}
}
