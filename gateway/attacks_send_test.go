package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// answered is what came back, with what was sent for it.
type answered struct {
	sent, signature string
	text            string // all of it, as it came
	status          int
	header          http.Header
	body            string
	broken          bool   // it was shorter than it said
	hangs           bool   // it did not come for as long as was waited
	more            string // what came behind the answer
}

// outcome is the status and the code; of several codes, as a batch delete has,
// each one once. What no answer should have is said too.
func (g answered) outcome() string {
	switch {
	case g.status == 0 && g.hangs:
		return "nothing, and the connection stays"
	case g.status == 0:
		return "none"
	}
	out := said(g.status, g.body)
	if g.broken {
		out += " broken off"
	}
	text := strings.ToLower(g.text)
	for _, word := range internals {
		if strings.Contains(text, strings.ToLower(word)) {
			out += " with " + word
		}
	}
	if g.more != "" {
		out += " and more"
		if next, err := http.ReadResponse(bufio.NewReader(strings.NewReader(g.more)), nil); err == nil {
			body, _ := io.ReadAll(next.Body)
			out = strings.TrimSuffix(out, "more") + said(next.StatusCode, string(body))
		}
	}
	return out
}

func said(status int, body string) string {
	out := []string{fmt.Sprint(status)}
	for _, m := range codeElement.FindAllStringSubmatch(body, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return strings.Join(out, " ")
}

var codeElement = regexp.MustCompile(`<Code>([^<]*)</Code>`)

// element is the text of the first element of that name.
func (g answered) element(name string) string {
	_, rest, _ := strings.Cut(g.body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}

// oldVersion is the second version of a list, of which the first is the newest.
func (g answered) oldVersion(t *testing.T) string {
	t.Helper()
	found := versionElement.FindAllStringSubmatch(g.body, -1)
	if len(found) != 2 {
		t.Fatalf("not two versions: %s", g.text)
	}
	return found[1][1]
}

var versionElement = regexp.MustCompile(`<VersionId>([^<]*)</VersionId>`)

// send makes a request, again while the endpoint says that it is too busy: that
// is what it says when the record cannot be written for a second, as on a machine
// with much else to do.
func (a *arena) send(t *testing.T, r request) answered {
	t.Helper()
	for try := 1; ; try++ {
		got := a.sendOnce(t, r)
		if try == 50 || got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "<Code>SlowDown</Code>") {
			return got
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// sendOnce makes a request on a connection of its own.
func (a *arena) sendOnce(t *testing.T, r request) answered {
	t.Helper()
	who := r.by
	if who == "" {
		who = "writer"
	}
	k, ok := a.keys[who]
	if !ok {
		t.Fatalf("nobody is called %q", who)
	}
	at, whole, signature := a.entrance, "", ""
	if r.stalls || r.drips {
		at = a.hasty.body
	}
	whole, signature = r.uncut(t, k, at.address, a.known)
	if (r.stalls || r.drips) && !strings.Contains(whole[:len(whole)-r.cut], "\r\n\r\n") {
		at = a.hasty.head
		whole, signature = r.uncut(t, k, at.address, a.known)
	}
	sent, rest := whole[:len(whole)-r.cut], whole[len(whole)-r.cut:]
	got := answered{sent: sent, signature: signature}
	c, err := at.dial(r.asked)
	if err != nil && at == a.hasty.head { // it was too hasty for the handshake, too
		return got
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(longest))
	go func() {
		io.WriteString(c, sent) // the endpoint may hang up before it has read all
		switch {
		case r.drips:
			trickle(c, rest)
		case r.stalls:
		case r.abrupt:
			c.below.CloseWrite()
		case r.cut > 0:
			c.CloseWrite()
		}
	}()
	var text bytes.Buffer
	answers := bufio.NewReader(io.TeeReader(c, &text))
	method := r.method
	if method == "" {
		method, _, _ = strings.Cut(r.raw, " ")
	}
	answer, err := http.ReadResponse(answers, &http.Request{Method: method})
	for err == nil && answer.StatusCode == http.StatusContinue {
		answer, err = http.ReadResponse(answers, &http.Request{Method: method})
	}
	if err != nil {
		got.text, got.hangs = err.Error(), errors.Is(err, os.ErrDeadlineExceeded)
		return got
	}
	body, err := io.ReadAll(answer.Body)
	got.broken = err != nil
	c.CloseWrite() // nothing more comes: it answers what it has, and hangs up
	more, _ := io.ReadAll(answers)
	got.status, got.header, got.body, got.more, got.text = answer.StatusCode, answer.Header, string(body), string(more), text.String()
	return got
}

// longest is how long an answer is waited for.
const longest = 30 * time.Second

// trickle sends a letter now and then, for as long as somebody takes them.
func trickle(to io.Writer, text string) {
	for _, letter := range []byte(text) {
		if _, err := to.Write([]byte{letter}); err != nil {
			return
		}
		time.Sleep(haste / 10)
	}
}
