package arvados_test

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

// TestTranscripts sends what clients of Arvados send, byte for byte but for the tokens
// and the ids, and compares what they are answered. A file is a client; its comment says
// which and where the requests are from. Requests and answers alternate. In requests
// TOKEN is ann's, SECRET and UUID are those of the newest token that was made; in answers
// what changes from run to run is a word in angle brackets.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			w := newWorld(t)
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			words := map[string]string{"TOKEN": w.ann, "ADMIN": w.admin}
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

// replay sends a request as it is written and writes down what is answered.
func (w *world) replay(text string, words map[string]string) string {
	w.t.Helper()
	for word, means := range words {
		text = strings.ReplaceAll(text, word, means)
	}
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	wire := strings.ReplaceAll(head, "\n", "\r\n") + "\r\nHost: x\r\n"
	if body != "" {
		wire += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire + "\r\n" + body)))
	if err != nil {
		w.t.Fatalf("%s: %v", head, err)
	}
	r.URL.Scheme, r.URL.Host, r.RequestURI, r.Host = "http", strings.TrimPrefix(w.url, "http://"), "", "keys.example.org"
	a := w.do(r.WithContext(w.t.Context()))
	if secret := a.string("api_token"); secret != "" && a.status == 200 {
		words["SECRET"], words["UUID"] = secret, a.string("uuid")
	}
	out := fmt.Sprintf("%d\nX-Request-Id: %s\n\n", a.status, a.header.Get("X-Request-Id"))
	if a.text != "" {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(a.text), "", "  "); err != nil {
			w.t.Fatal(err)
		}
		out += pretty.String() + "\n"
	}
	for _, c := range changing {
		out = c.what.ReplaceAllString(out, c.word)
	}
	return out
}

// changing is what differs from run to run.
var changing = []struct {
	what *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`kh_[0-9A-Za-z]{49}`), "<secret>"},
	{regexp.MustCompile(`zzzzz-(gj3su|tpzed)-0m[0-9a-z]{13}`), "<$1>"},
	{regexp.MustCompile(`"etag": "[0-9a-z]+"`), `"etag": "<etag>"`},
	{regexp.MustCompile(`"20[0-9]{2}-[0-9-]{5}T[0-9:]{8}\.[0-9]{6}000Z"`), `"<time>"`},
	{regexp.MustCompile(`"[0-9]{10}\+[0-9a-f]{8}"`), `"<error token>"`},
	{regexp.MustCompile(`req-[0-9a-f]{20}`), "<request>"},
}
