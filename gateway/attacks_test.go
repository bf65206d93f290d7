package gateway_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The attacks on the endpoint. Each is refused with the right code, changes
// nothing in the store, and is told nothing that is not the attacker's.
func TestAttacks(t *testing.T) {
	all := table()
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
			before := foreignLines(a.ground.snapshot(t))
			defer func() {
				if after := foreignLines(a.ground.snapshot(t)); after != before {
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

// foreignLines is what a snapshot has of others.
func foreignLines(snapshot string) string {
	var out strings.Builder
	for line := range strings.Lines(snapshot) {
		own := strings.Contains(line, ".keyhatch") || strings.Contains(line, "data/a/") && !strings.Contains(line, "vault")
		if !own {
			out.WriteString(line)
		}
	}
	return out.String()
}

// round makes one attack.
func (a *arena) round(t *testing.T, r row) {
	looks := r.attack.reaches || a.ground.inProcess() // else the store must not have been asked, which is cheaper to see
	if looks && a.last == "" {
		a.last = a.ground.snapshot(t)
	}
	asked := a.asked.Load()
	got := a.send(t, r.attack)
	a.quiet(t)
	if want := r.want.on(a.ground.name()); got.outcome() != want {
		t.Errorf("answered %q, want %q: %s\nto %.3000s", got.outcome(), want, got.text, got.sent)
	}
	if reached := a.asked.Load() > asked; reached != r.attack.reaches && !a.ground.inProcess() {
		t.Errorf("the store was asked: %t, want %t", reached, r.attack.reaches)
	}
	if looks {
		before := a.last
		a.last = a.ground.snapshot(t)
		if a.last != before {
			t.Errorf("the store has changed:\n%s", difference(before, a.last))
		}
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
	known := sync.OnceValue(func() string { // which few answers make necessary, and takes long of a large body
		known := got.sent
		for range 3 { // encoded however often
			if decoded, err := url.QueryUnescape(known); err == nil {
				known += decoded
			}
		}
		return known + html.UnescapeString(noText.ReplaceAllString(got.sent, ""))
	})
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
		if strings.Contains(got.text, name) && !strings.Contains(known(), name) {
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
