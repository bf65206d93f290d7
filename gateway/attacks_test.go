package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// row is one attack.
type row struct {
	name   string
	attack request
	// want is the status and the code of the answer, "403 AccessDenied"; several
	// with "or" between them, where stores may differ.
	want string
	// control differs from the attack in nothing but what makes it one, and has
	// to succeed: else the refusal would prove nothing. It may change what is
	// inside, but not what other rows need. In a group it is made once.
	control request
}

// group is a heading of the table.
type group struct {
	name string
	rows []row
}

// none is the control of an attack that has nothing harmless beside it.
var none request

// table is every attack that is made on every ground.
func table() []group {
	return slices.Concat(
		keyAttacks(), targetAttacks(), copyAttacks(), uploadAttacks(), listAttacks(), deleteAttacks(), operationAttacks(),
		holderAttacks(), presignedAttacks(), signatureAttacks(), tokenAttacks(),
		wireAttacks(), bodyAttacks(), documentAttacks(), metadataAttacks(),
	)
}

// The attacks on the endpoint. Each is refused with the right code, changes
// nothing in the store, and is told nothing that is not the attacker's.
func TestAttacks(t *testing.T) {
	count, all := 0, table()
	for _, g := range all {
		count += len(g.rows)
	}
	if count < 150 {
		t.Fatalf("the table has %d attacks", count)
	}
	t.Logf("%d attacks in %d groups", count, len(all))
	for _, g := range grounds() {
		t.Run(g.name(), func(t *testing.T) {
			a := newArena(t, g)
			a.fight(t, all)
			t.Run("over TLS", a.fightOverTLS)
		})
	}
}

func (a *arena) fight(t *testing.T, all []group) {
	a.last = "" // whoever was here before has worked
	for _, g := range slices.Concat(all, a.ground.groups()) {
		t.Run(g.name, func(t *testing.T) {
			if !slices.ContainsFunc(g.rows, func(r row) bool { return r.control.method != "" }) {
				t.Error("no row of this group has a control")
			}
			before := a.foreignLines(t)
			defer func() {
				if after := a.foreignLines(t); after != before {
					t.Errorf("what is foreign has changed:\n%s", difference(before, after))
				}
			}()
			made := map[string]bool{}
			for _, r := range g.rows {
				t.Run(r.name, func(t *testing.T) {
					if control := fmt.Sprintf("%+v", r.control); r.control.method != "" && !made[control] {
						made[control] = true
						a.control(t, r.control)
					}
					a.round(t, r)
				})
			}
		})
	}
	t.Run("nothing is told by a refusal", a.oracles)
	t.Run("the endpoint still works", a.works)
}

// foreignLines is what the store holds of others, all of it.
func (a *arena) foreignLines(t *testing.T) string {
	var out strings.Builder
	for line := range strings.Lines(a.ground.whole(t)) {
		own := strings.Contains(line, ".keyhatch") || strings.Contains(line, "data/a/") && !strings.Contains(line, "vault")
		if !own {
			out.WriteString(line)
		}
	}
	return out.String()
}

// round makes one attack.
func (a *arena) round(t *testing.T, r row) {
	if a.last == "" {
		a.last = a.ground.snapshot(t)
	}
	before, asked := a.last, a.asked.Load()
	got := a.send(t, r.attack)
	a.quiet(t)
	after := before
	if a.ground.name() == "directory" || a.asked.Load() > asked { // else nobody asked the store for anything
		after = a.ground.snapshot(t)
	}
	a.last = after
	if !slices.Contains(strings.Split(r.want, " or "), got.outcome()) {
		t.Errorf("answered %q, want %q: %s\nto %s", got.outcome(), r.want, got.text, got.sent)
	}
	if after != before {
		t.Errorf("the store has changed:\n%s", difference(before, after))
	}
	a.checkLeaks(t, got)
}

// control makes a request that has to succeed.
func (a *arena) control(t *testing.T, r request) {
	t.Helper()
	got := a.send(t, r)
	if ok := got.outcome(); ok != "200" && ok != "204" && ok != "206" {
		t.Errorf("the control is refused: %s\nto %s", got.text, got.sent)
	}
	a.checkLeaks(t, got)
	a.quiet(t)
	if r.method != "GET" && r.method != "HEAD" {
		a.last = ""
	}
}

// answered is what came back, with what was sent for it.
type answered struct {
	sent, signature string
	text            string // all of it, as it came
	status          int
	header          http.Header
	body            string
	broken          bool   // it was shorter than it said
	more            string // what came behind the answer
}

// outcome is the status and the code; of several codes, as a batch delete has,
// each one once. What no answer should have is said too.
func (g answered) outcome() string {
	if g.status == 0 {
		return "none"
	}
	out := said(g.status, g.body)
	if g.broken {
		out += " broken off"
	}
	for _, word := range internals {
		if strings.Contains(strings.ToLower(g.text), strings.ToLower(word)) {
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
	got := answered{}
	got.sent, got.signature = r.wire(t, k, a.address, a.known)
	c := a.dial(t, r.asked)
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	go func() {
		io.WriteString(c, got.sent) // the endpoint may hang up before it has read all
		switch {
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
	if err != nil {
		got.text = err.Error()
		return got
	}
	body, err := io.ReadAll(answer.Body)
	got.broken = err != nil
	c.CloseWrite() // nothing more comes: it answers what it has, and hangs up
	more, _ := io.ReadAll(answers)
	got.status, got.header, got.body, got.more, got.text = answer.StatusCode, answer.Header, string(body), string(more), text.String()
	return got
}

// internals are words that no answer holds: they come from below.
var internals = []string{
	"goroutine ", "panic", "runtime error", ".go:", "no such file", "not a directory", "permission denied", "lstat", "openat", "unlinkat",
	"strconv.", "invalid syntax", "syntax error", "unmarshal", "expected element", "unexpected EOF", "context canceled", "i/o timeout", "sqlite",
	"<CanonicalRequest>", "<StringToSign>", "<StackTrace>",
}

// checkLeaks looks for what the attacker must not see, in the answer and in the
// log.
func (a *arena) checkLeaks(t *testing.T, got answered) {
	t.Helper()
	known := got.sent
	for range 3 { // encoded however often
		if decoded, err := url.QueryUnescape(known); err == nil {
			known += decoded
		}
	}
	known += html.UnescapeString(noText.ReplaceAllString(got.sent, ""))
	log := a.log.Take()
	for _, canary := range a.secrets {
		if strings.Contains(got.text, canary) {
			t.Errorf("the answer tells %q: %s", canary, got.text)
		}
	}
	for who, k := range a.keys {
		for _, secret := range []string{k.secret, k.token} {
			if secret != "" && strings.Contains(log, secret) {
				t.Errorf("the log tells a secret of %s: %s", who, log)
			}
		}
	}
	if got.signature != "" && (strings.Contains(log, got.signature) || strings.Contains(got.text, got.signature)) {
		t.Errorf("the signature is told: %s\n%s", got.text, log)
	}
	for _, name := range a.foreign {
		if strings.Contains(got.text, name) && !strings.Contains(known, name) {
			t.Errorf("the answer tells %q, which the attacker did not know: %s", name, got.text)
		}
	}
	if strings.Contains(log, "panic") {
		t.Errorf("something has panicked: %s", log)
	}
}

// noText is what XML does not count as text.
var noText = regexp.MustCompile(`<!--.*?-->|<!\[CDATA\[|\]\]>`)

// oracles: whether something foreign exists cannot be told from a refusal.
func (a *arena) oracles(t *testing.T) {
	for _, ask := range []func(key string) request{
		func(key string) request { return get("/lab/data/b/" + key) },
		func(key string) request { return head("/lab/data/b/" + key) },
		func(key string) request { return get("/lab/data/b/"+key).with("If-None-Match", "*") },
		func(key string) request { return get("/lab/data/b/"+key).with("Range", "bytes=0-0") },
		func(key string) request { return get("/lab/data/b/" + key + "?tagging") },
		func(key string) request { return get("/lab/data/b/" + key + "?uploadId={theirs}") },
		func(key string) request { return put("/lab/data/b/"+key, "x").with("If-None-Match", "*") },
		func(key string) request { return put("/lab/data/b/"+key, "x").with("If-Match", `"x"`) },
		func(key string) request { return del("/lab/data/b/" + key) },
		func(key string) request { return copied("/lab/data/b/"+key, "/lab/data/a/copy") },
		func(key string) request {
			return copied("/lab/data/b/"+key, "/lab/data/a/copy").with("X-Amz-Copy-Source-If-Match", `"x"`)
		},
		func(key string) request { return get("/lab?list-type=2&prefix=data/b/" + key) },
		func(key string) request { return get("/lab/data/b/" + key + "/below") },
	} {
		there, gone := a.send(t, ask("canary-b.txt")), a.send(t, ask("canary-c.txt"))
		for _, got := range []*answered{&there, &gone} {
			got.header.Del("Date")
			got.header.Del("X-Amz-Request-Id")
			got.body = requestID.ReplaceAllString(got.body, "")
		}
		if there.status != http.StatusForbidden || there.status != gone.status || there.body != gone.body || fmt.Sprint(there.header) != fmt.Sprint(gone.header) {
			t.Errorf("%s\nof what is there: %s\nof what is not: %s", there.sent, there.text, gone.text)
		}
	}
}

var requestID = regexp.MustCompile(`<RequestId>[^<]*</RequestId>`)

// works: after all that, an ordinary caller is served.
func (a *arena) works(t *testing.T) {
	if got := a.send(t, put("/lab/data/a/last.txt", "the last")); got.status != http.StatusOK {
		t.Fatal(got.text)
	}
	if got := a.send(t, get("/lab/data/a/last.txt").as("reader")); got.body != "the last" {
		t.Error(got.text)
	}
	if got := a.send(t, get("/lab?list-type=2&prefix=data/a/").as("reader")); !strings.Contains(got.body, "<Key>data/a/last.txt</Key>") {
		t.Error(got.text)
	}
	if got := a.send(t, del("/lab/data/a/last.txt")); got.status != http.StatusNoContent {
		t.Error(got.text)
	}
	if got := a.send(t, get("/lab/data/b/canary-tagged.txt").as("neighbour")); got.body != canaryOf("lab", "data/b/canary-tagged.txt") {
		t.Error(got.text)
	}
}

// difference is the lines that two snapshots do not share.
func difference(before, after string) string {
	var out strings.Builder
	for line := range strings.Lines(before) {
		if !strings.Contains(after, line) {
			out.WriteString("- " + line)
		}
	}
	for line := range strings.Lines(after) {
		if !strings.Contains(before, line) {
			out.WriteString("+ " + line)
		}
	}
	return out.String()
}
