package figures

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	const head, tail = "# A page\n\n<!-- make other writes what follows -->\nkept\n<!-- end -->\n", "\nThe rest.\n<!-- end -->\n"
	page := func(text string) string {
		return head + "<!-- make it writes what follows -->\n\n" + text + "\n\n<!-- end -->" + tail
	}
	if err := os.WriteFile(file, []byte(page("| old |")), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if err := Write(file, "make it", "| new |\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != page("| new |") {
			t.Errorf("%v\n%s", err, got)
		}
	}
	if err := Write(file, "make nothing", "| new |"); err == nil {
		t.Error("it was written where there is no place")
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1_000: "1,000", 12_345: "12,345", 10_000_000: "10,000,000"} {
		if got := Grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
