package katapult_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is answered into the transcripts")

// TestTranscripts sends requests as clients write them, byte for byte but for tokens and
// ids, and compares what they are answered. Requests and answers alternate. In requests
// words in braces are the tokens of those who are in the world, and the newest token's id;
// in answers what changes from run to run is a word in angle brackets.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			w := newWorld(t)
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			words := map[string]string{"{lab}": w.lab.ID, "{shop}": w.shop.ID}
			for who, key := range w.key {
				words["{"+who+"}"] = key
			}
			for i := 0; i+1 < len(archive.Files); i += 2 {
				question, answer := archive.Files[i], &archive.Files[i+1]
				got := w.replay(string(question.Data), words)
				if *update {
					answer.Data = []byte(got)
				} else if diff := cmp.Diff(string(answer.Data), got); diff != "" {
					t.Errorf("%s (-recorded +got):\n%s", question.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// shown are the headers that transcripts have; the others are checked everywhere.
var shown = []string{"Cache-Control", "Etag", "Retry-After", "X-Api-Schema", "X-Ratelimit-Permitted", "X-Ratelimit-Remaining", "X-Request-Id"}

var newest = regexp.MustCompile(`"(?:id|api_token_id)":"(tok_[0-9a-z]{15})"`)

// replay sends a request as it is written and writes down what is answered.
func (w *world) replay(text string, words map[string]string) string {
	w.t.Helper()
	for word, means := range words {
		text = strings.ReplaceAll(text, word, means)
	}
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	wire := strings.ReplaceAll(strings.TrimSuffix(head, "\n"), "\n", "\r\n") + "\r\nHost: x\r\n"
	if body != "" {
		wire += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire + "\r\n" + body)))
	if err != nil {
		w.t.Fatalf("%s: %v", head, err)
	}
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", strings.TrimPrefix(w.url, "http://"), ""
	a := w.do(r.WithContext(w.t.Context()))
	if id := newest.FindStringSubmatch(a.body); id != nil {
		words["{token}"] = id[1]
	}
	if secret := secrets.FindString(a.body); secret != "" {
		words["{secret}"] = secret
	}
	out := fmt.Sprintf("%d\n", a.status)
	for _, name := range shown {
		if v := a.header.Get(name); v != "" {
			out += name + ": " + v + "\n"
		}
	}
	if a.body != "" {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(a.body), "", "  "); err != nil {
			w.t.Fatal(err)
		}
		out += "\n" + pretty.String() + "\n"
	}
	for _, c := range changing {
		out = c.what.ReplaceAllString(out, c.word)
	}
	return out
}

var secrets = regexp.MustCompile(`kh_[0-9A-Za-z]{49}`)

// changing is what differs from run to run.
var changing = []struct {
	what *regexp.Regexp
	word string
}{
	{secrets, "<secret>"},
	{regexp.MustCompile(`"(ws|tok|user)_0[0-9a-z]{14}"`), `"<$1>"`},
	{regexp.MustCompile(`W/"[0-9a-f]{32}"`), "<tag>"},
	{regexp.MustCompile(`"created_at": [0-9]{10}`), `"created_at": "<time>"`},
	{regexp.MustCompile(`(Retry-After|X-Ratelimit-Remaining): [0-9]+`), "$1: <n>"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}`), "<request>"},
}
