package doortest

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

// Replay is how the requests of a transcript are sent, and their answers written down.
type Replay struct {
	// URL is the server's.
	URL string
	// Words of requests stand for what differs from run to run, such as tokens.
	Words map[string]string
	// Do sends a request to the door, and may put into Words what the answer brings.
	Do func(*http.Request) Answer
	// Meanwhile are what can be the matter while a request is answered, by what stands in
	// parentheses at the end of its name. Each returns what ends it.
	Meanwhile map[string]func() (mend func())
	// Shown are the headers that answers are written with, if they have them.
	Shown []string
	// Changing is what differs in answers from run to run.
	Changing []Changing
}

// Changing is a pattern, and what is written for what matches it.
type Changing struct {
	What *regexp.Regexp
	Word string
}

// Transcripts sends what clients send, byte for byte but for words, and compares what they
// are answered, in each file of testdata/transcripts, of which there are so many. A file
// has a world of its own, which start makes; its comment says which client that is and
// where the requests are from. Requests and answers alternate. With -update, what is
// answered is written into the files.
func Transcripts(t *testing.T, files int, start func(*testing.T) Replay) {
	t.Helper()
	names, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(names) != files {
		t.Fatalf("%d transcripts, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			replay := start(t)
			archive, err := txtar.ParseFile(name)
			if err != nil || len(archive.Files) == 0 || len(archive.Files)%2 != 0 {
				t.Fatalf("%d requests and answers, %v", len(archive.Files), err)
			}
			for i := 0; i < len(archive.Files); i += 2 {
				question, answer := archive.Files[i], &archive.Files[i+1]
				got := replay.once(t, question.Name, string(question.Data))
				if *update {
					answer.Data = []byte(got)
				} else if diff := cmp.Diff(string(answer.Data), got); diff != "" {
					t.Errorf("%s (-recorded +got):\n%s", question.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// once sends a request as it is written and writes down what is answered.
func (p Replay) once(t *testing.T, name, text string) string {
	t.Helper()
	if _, matter, ok := strings.Cut(strings.TrimSuffix(name, ")"), " ("); ok {
		begin := p.Meanwhile[matter]
		if begin == nil {
			t.Fatalf("%s: nobody knows what is the matter", name)
		}
		defer begin()()
	}
	for word, means := range p.Words {
		text = strings.ReplaceAll(text, word, means)
	}
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	wire := strings.ReplaceAll(strings.TrimSuffix(head, "\n"), "\n", "\r\n") + "\r\nHost: keys.example.org\r\n"
	if body != "" {
		wire += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire + "\r\n" + body)))
	if err != nil {
		t.Fatalf("%s: %v", head, err)
	}
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", strings.TrimPrefix(p.URL, "http://"), ""
	a := p.Do(r.WithContext(t.Context()))
	out := fmt.Sprintf("%d\n", a.Status)
	for _, name := range p.Shown {
		if v := a.Header.Get(name); v != "" {
			out += name + ": " + v + "\n"
		}
	}
	if a.Body != "" {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(a.Body), "", "  "); err != nil {
			t.Fatal(err)
		}
		out += "\n" + pretty.String() + "\n"
	}
	for _, c := range p.Changing {
		out = c.What.ReplaceAllString(out, c.Word)
	}
	return out
}
