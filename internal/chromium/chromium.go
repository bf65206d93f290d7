// Package chromium drives Debian's Chromium for tests: the few things that a person does with a
// page. It speaks the DevTools protocol over a pipe. A library for that (chromedp) brings the
// whole protocol as Go code, in sixty packages, which every run of CI would compile for these calls.
//
// Source: Chrome DevTools Protocol, tip of tree: Target, Page, Runtime, Input, Emulation.
package chromium

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Variable names the environment variable with the path of the program; tools/setup.sh
// exports it.
const Variable = "KEYHATCH_CHROMIUM"

// patience is how long a page may take on a machine that does much else.
const patience = time.Minute

// Browser is a running browser.
type Browser struct {
	to io.WriteCloser

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	pages   map[string]*Page
	gone    chan struct{}
}

type message struct {
	ID      int             `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// AnyCertificate has a browser take every certificate, for servers whose authority is a test's.
const AnyCertificate = "--ignore-certificate-errors"

// Start starts a browser that ends with the test. The test is left out where there is none.
func Start(t testing.TB, flags ...string) *Browser {
	t.Helper()
	program := os.Getenv(Variable)
	if program == "" {
		t.Skip(Variable + " names no browser: tools/setup.sh installs one")
	}
	arguments := []string{
		"--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(), "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en",
	}
	arguments = append(arguments, flags...)
	if os.Getuid() == 0 {
		arguments = append(arguments, "--no-sandbox") // Chromium has none for root; it sees our own pages alone
	}
	ctx, stop := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, arguments...)
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.ExtraFiles = []*os.File{commandsOut, answersIn}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	commandsOut.Close()
	answersIn.Close()
	b := &Browser{to: commandsIn, waiting: map[int]chan message{}, pages: map[string]*Page{}, gone: make(chan struct{})}
	go b.read(answersOut)
	t.Cleanup(func() {
		commandsIn.Close() // which ends it
		select {
		case <-b.gone:
		case <-time.After(patience):
		}
		stop()
		_ = c.Wait() // killed or not, it is gone
		answersOut.Close()
	})
	return b
}

func (b *Browser) read(from io.Reader) {
	defer close(b.gone)
	lines := bufio.NewReader(from)
	for {
		text, err := lines.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answer, page := b.waiting[m.ID], b.pages[m.Session]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case m.ID != 0 && answer != nil:
			answer <- m
		case page != nil && m.Method == "Page.loadEventFired":
			select {
			case page.loaded <- struct{}{}:
			default:
			}
		}
	}
}

func (b *Browser) call(t testing.TB, session, method string, params, result any) {
	t.Helper()
	b.mu.Lock()
	b.last++
	id, answer := b.last, make(chan message, 1)
	b.waiting[id] = answer
	text, err := json.Marshal(message{ID: id, Method: method, Params: params, Session: session})
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
	case <-b.gone:
		t.Fatalf("%s: the browser has gone", method)
	case <-time.After(patience):
		t.Fatalf("%s: no answer", method)
	}
}

// Page is a window with cookies of its own.
type Page struct {
	b       *Browser
	t       testing.TB
	session string
	loaded  chan struct{}
}

// Look is how a page is looked at.
type Look struct {
	Width, Height int // of the window, in CSS pixels; zero: 800 by 600
	Dark          bool
	Script        bool // whether pages may run scripts
}

type object = map[string]any

// Open opens a window.
func (b *Browser) Open(t testing.TB, l Look) *Page {
	t.Helper()
	var in struct {
		BrowserContextID string `json:"browserContextId"`
	}
	b.call(t, "", "Target.createBrowserContext", object{}, &in)
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call(t, "", "Target.createTarget", object{"url": "about:blank", "browserContextId": in.BrowserContextID}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.call(t, "", "Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &Page{b: b, t: t, session: attached.SessionID, loaded: make(chan struct{}, 1)}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	p.do("Page.enable", object{}, nil)
	p.Look(l)
	return p
}

func (p *Page) do(method string, params, result any) {
	p.t.Helper()
	p.b.call(p.t, p.session, method, params, result)
}

// Look changes how the page is looked at.
func (p *Page) Look(l Look) {
	p.t.Helper()
	if l.Width == 0 {
		l.Width, l.Height = 800, 600
	}
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	p.do("Emulation.setDeviceMetricsOverride", object{"width": l.Width, "height": l.Height, "deviceScaleFactor": 1, "mobile": false}, nil)
	p.do("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	p.do("Emulation.setScriptExecutionDisabled", object{"value": !l.Script}, nil)
}

// leads does what leads to another page, and waits until that is there.
func (p *Page) leads(act func()) {
	p.t.Helper()
	select {
	case <-p.loaded:
	default:
	}
	act()
	select {
	case <-p.loaded:
	case <-time.After(patience):
		p.t.Fatalf("no page comes: %s", p.Text("document.location.href"))
	}
}

// Go opens an address, and waits until the page is there.
func (p *Page) Go(address string) {
	p.t.Helper()
	p.leads(func() { p.do("Page.navigate", object{"url": address}, nil) })
}

// Eval tells what an expression is of the page: of the one who looks, whether or not pages may run
// scripts.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	var answer struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	p.do("Runtime.evaluate", object{"expression": expression, "returnByValue": true}, &answer)
	if answer.Exception != nil {
		p.t.Fatalf("%s: %s %s", expression, answer.Exception.Text, answer.Exception.Exception.Description)
	}
	if err := json.Unmarshal(answer.Result.Value, into); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
}

// Text is Eval for a text.
func (p *Page) Text(expression string) (text string) {
	p.t.Helper()
	p.Eval(expression, &text)
	return text
}

// Await waits until an expression is true of the page: what a browser does when it draws a
// page, as giving a field the focus, comes after it has loaded.
func (p *Page) Await(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var is bool
		if p.Eval(expression, &is); is {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("it never holds at %s: %s", p.Text("document.location.href"), expression)
		}
	}
}

// Type types into what has the focus.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.do("Input.insertText", object{"text": text}, nil)
}

// keyCodes are those of keys that are no letters.
var keyCodes = map[string]int{"Tab": 9, "Enter": 13}

// Press presses Tab, or Enter where that leads nowhere.
func (p *Page) Press(key string) {
	p.t.Helper()
	text := ""
	if key == "Enter" {
		text = "\r"
	}
	for _, kind := range []string{"keyDown", "keyUp"} {
		p.do("Input.dispatchKeyEvent", object{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": keyCodes[key], "text": text}, nil)
	}
}

// Enter presses the key in what has the focus, and waits for the page to which that leads.
func (p *Page) Enter() {
	p.t.Helper()
	p.leads(func() { p.Press("Enter") })
}

// Focus puts the focus on the first element that a CSS selector finds.
func (p *Page) Focus(selector string) {
	p.t.Helper()
	var found bool
	p.Eval(fmt.Sprintf("(e => { if (e) e.focus(); return document.activeElement === e })(document.querySelector(%q))", selector), &found)
	if !found {
		p.t.Fatalf("there is no %s at %s: %s", selector, p.Text("document.location.href"), p.Text("document.body.innerText"))
	}
}

// Click clicks with the mouse on the first element that a CSS selector finds, and waits for the page to
// which that leads.
func (p *Page) Click(selector string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.Focus(selector)
	p.Eval(fmt.Sprintf("(r => ({X: r.x + r.width / 2, Y: r.y + r.height / 2}))(document.querySelector(%q).getBoundingClientRect())", selector), &at)
	p.leads(func() {
		for _, kind := range []string{"mousePressed", "mouseReleased"} {
			p.do("Input.dispatchMouseEvent", object{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
		}
	})
}

// Picture is the page as a PNG, all of it.
func (p *Page) Picture() []byte {
	p.t.Helper()
	var answer struct {
		Data string `json:"data"`
	}
	p.do("Page.captureScreenshot", object{"format": "png", "optimizeForSpeed": false}, &answer)
	png, err := base64.StdEncoding.DecodeString(answer.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return png
}
