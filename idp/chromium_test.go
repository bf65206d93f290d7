package idp_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/chromium"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
)

// TestInChromium: people's pages in a real browser, without scripts: by mouse and by keyboard
// alone, in the light and in the dark, and in a narrow window.
func TestInChromium(t *testing.T) {
	b := chromium.Start(t)
	s, school, _ := atProviders(t)
	t.Run("a password", func(t *testing.T) { inAPassword(t, b, s) })
	t.Run("a provider", func(t *testing.T) { atAProvider(t, b, s, school) })
	t.Run("a program and a device", func(t *testing.T) { lettingAct(t, b, s) })
	t.Run("terms of use", func(t *testing.T) { acceptingTerms(t, b, s) })
	t.Run("each page", func(t *testing.T) { eachPage(t, b, s) })
}

// at checks where a page is, and its heading.
func at(t *testing.T, p *chromium.Page, path, heading string) {
	t.Helper()
	if gotPath, got := p.Text("document.location.pathname"), p.Text("document.querySelector('h1').innerText"); gotPath != path || got != heading {
		t.Fatalf("it is at %s, %q, not %s, %q: %s", gotPath, got, path, heading, p.Text("document.body.innerText"))
	}
}

// typesIn logs ann in on the page with the keyboard.
func typesIn(p *chromium.Page, with string) {
	p.Focus("#name")
	p.Type("ann")
	p.Press("Tab")
	p.Type(with)
	p.Enter()
}

// inAPassword: a wrong password, the right one, the profile, the logout; and the session is the
// browser's, out of reach of scripts.
func inAPassword(t *testing.T, b *chromium.Browser, s *site) {
	p := b.Open(t, chromium.Look{Script: true})
	p.Go(s.url + "/device")
	at(t, p, "/login", "Log in")
	typesIn(p, "wrong")
	if alert := p.Text("document.querySelector('[role=alert]').innerText"); !strings.Contains(alert, "check both") {
		t.Errorf("a wrong password: %q", alert)
	}
	typesIn(p, password)
	at(t, p, "/device", "Log in a device")
	p.Go(s.url + "/profile")
	at(t, p, "/profile", "Profile")
	if cookies := p.Text("document.cookie"); cookies != "" {
		t.Errorf("scripts read %s", cookies)
	}
	p.Click("form[action='/logout'] button")
	at(t, p, "/login", "Log in")
	p.Go(s.url + "/profile")
	at(t, p, "/login", "Log in")
}

// atAProvider: there and back, with the browser's own rules for cookies and forms; the logout leads there
// too.
func atAProvider(t *testing.T, b *chromium.Browser, s *site, school *loginprovider.Provider) {
	school.Set(func(p *loginprovider.Provider) { p.Asks = true })
	p := b.Open(t, chromium.Look{})
	p.Go(s.url + "/device?user_code=BCDF-GHJK")
	p.Click("a.button")
	at(t, p, "/authorize", "The provider")
	p.Click("#go")
	at(t, p, "/device", "Log in a device")
	p.Go(s.url + "/profile")
	if text := p.Text("document.body.innerText"); !strings.Contains(text, "jane") {
		t.Errorf("she is %s", text)
	}
	p.Click("form[action='/logout'] button")
	at(t, p, "/login", "Log in")
	if school.Left() != 1 {
		t.Error("she is logged in at the provider on")
	}
	school.Set(func(p *loginprovider.Provider) { p.Refuses = true })
	p.Click("a.button")
	p.Click("#go")
	at(t, p, "/login/school/back", "Log in")
	if alert := p.Text("document.querySelector('[role=alert]').innerText"); !strings.Contains(alert, "try it again there") {
		t.Errorf("one who is refused reads %q", alert)
	}
	school.Set(func(p *loginprovider.Provider) { p.Refuses = false })
}

// lettingAct: a program and a device are let act by somebody who has not logged in yet.
func lettingAct(t *testing.T, b *chromium.Browser, s *site) {
	p := b.Open(t, chromium.Look{})
	p.Go(s.url + "/oauth/authorize?" + wanted("client_id", "app", "redirect_uri", "http://127.0.0.1:1/back").Encode())
	typesIn(p, password)
	at(t, p, "/oauth/authorize", "Let a program act for you?")
	p.Go(s.url + "/profile")
	device, err := s.Broker.OAuth.StartDevice(t.Context(), appProof, wantedByDevice)
	s.must(err)
	p.Go(s.url + "/device")
	p.Await("document.activeElement.id === 'code'")
	p.Type(strings.ToLower(strings.ReplaceAll(device.Code, "-", " ")))
	p.Enter()
	at(t, p, "/device", "Is this your device?")
	p.Click("button[value=allow]")
	if text := p.Text("document.body.innerText"); !strings.Contains(text, "device") || strings.Contains(text, "did not work") {
		t.Errorf("it says %s", text)
	}
	p.Go(s.url + "/profile")
	if text := p.Text("document.body.innerText"); !strings.Contains(text, "app") {
		t.Errorf("the profile says %s", text)
	}
	p.Click("form[action='/profile/end'] button")
	if text := p.Text("document.body.innerText"); strings.Contains(text, "End this") {
		t.Errorf("it is not ended: %s", text)
	}
}

// withTerms is the page of terms of a location that ann may read.
func withTerms(t *testing.T, s *site, name string) string {
	t.Helper()
	ws := s.Workspace(t, name)
	ann, err := s.Broker.Passwords.Authenticate(t.Context(), "ann", password)
	s.must(err)
	l := s.Location(t, ws, "s3://"+name+"-data/forest/")
	s.Grant(t, l, ann, keyhatch.Read)
	_, err = s.Broker.Terms.Set(t.Context(), s.Admin, "", l.ID, "Terms of use of the forest data", `1. Name the data where you show what you made of it:
   https://doi.example.org/10.99999/forest-plots-of-all-years-and-of-all-stations-measured-by-hand-and-by-laser.v12

2. Do not tell where the rare plants grow.
3. Ask before you publish what nobody has published yet.`)
	s.must(err)
	return keyhatch.TermsPage(l.ID)
}

// acceptingTerms: somebody who comes by a link logs in, reads, accepts with the keyboard alone, and is told
// so from then on.
func acceptingTerms(t *testing.T, b *chromium.Browser, s *site) {
	path := withTerms(t, s, "plots")
	p := b.Open(t, chromium.Look{Width: 360, Height: 640})
	p.Go(s.url + path)
	at(t, p, "/login", "Log in")
	typesIn(p, password)
	at(t, p, path, "Terms of use of the forest data")
	if text := p.Text("document.querySelector('.terms').innerText"); !strings.Contains(text, "v12\n\n2. Do not tell") {
		t.Errorf("the lines of the text are %q", text)
	}
	p.Press("Tab")
	if focus := p.Text("document.activeElement.innerText"); focus != "I, ann, accept these terms" {
		t.Fatalf("the keyboard goes to %q", focus)
	}
	p.Enter()
	at(t, p, path, "Terms of use of the forest data")
	if text := p.Text("document.body.innerText"); !strings.Contains(text, "You, ann, accepted them at") || strings.Contains(text, "accept these terms") {
		t.Errorf("it says %s", text)
	}
}

// picturesVariable names a folder into which the pictures of docs/login.md are made anew: docs/pages for
// make pictures.
const picturesVariable = "KEYHATCH_PICTURES"

// shown are the pictures that the documentation shows.
var shown = []string{"login", "login-dark-narrow", "refused", "consent", "confirm-dark", "profile", "terms", "terms-dark-narrow"}

// maxPicture is what a picture has at most, in bytes: they are in every clone.
const maxPicture = 60 << 10

// eachPage looks at all pages in each way, for what can be told without an eye.
func eachPage(t *testing.T, b *chromium.Browser, s *site) {
	device, err := s.Broker.OAuth.StartDevice(t.Context(), appProof, wantedByDevice)
	s.must(err)
	s.client(keyhatch.OAuthClient{
		Name: "portal", Title: "The data portal", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{"https://portal.example.org/back"},
		Scopes: []keyhatch.Scope{"leases", "locations:read"}, AccessLife: 3600e9,
	})
	consent := "/oauth/authorize?" + wanted("client_id", "portal", "redirect_uri", "https://portal.example.org/back").Encode()
	p := b.Open(t, chromium.Look{})
	for _, page := range []struct {
		name, path string
		signedIn   bool
	}{
		{"login", "/login", false},
		{"refused", "/login/school/back?state=x", false},
		{"none", "/login/nowhere", false},
		{"device", "/device", true},
		{"confirm", "/device?" + url.Values{"user_code": {device.Code}}.Encode(), true},
		{"consent", consent, true},
		{"profile", "/profile", true},
		{"terms", withTerms(t, s, "stands"), true},
	} {
		if page.signedIn {
			if p.Go(s.url + "/login"); p.Text("document.location.pathname") == "/login" {
				typesIn(p, password)
			}
		}
		p.Go(s.url + page.path)
		if page.name == "confirm" && p.Text("document.querySelector('h1').innerText") != "Is this your device?" {
			p.Focus("#code")
			p.Enter()
		}
		for _, look := range []chromium.Look{{}, {Dark: true}, {Width: 360, Height: 640}, {Width: 360, Height: 640, Dark: true}} {
			p.Look(look)
			var wrong []string
			if p.Eval(inspection, &wrong); len(wrong) > 0 {
				t.Errorf("%s, %+v: %s", page.name, look, strings.Join(wrong, "; "))
			}
			picture(t, p, page.name, look)
		}
		p.Look(chromium.Look{})
		order := keyboardOrder(p)
		if len(order) == 0 && page.name != "none" {
			t.Errorf("%s: nothing is reached with the keyboard", page.name)
		}
		for i := 1; i < len(order); i++ {
			if order[i] < order[i-1] {
				t.Errorf("%s: the keyboard goes %v", page.name, order)
			}
		}
	}
}

// keyboardOrder presses Tab through the page, and tells which of its elements have the focus in turn, by
// their place in the document.
func keyboardOrder(p *chromium.Page) (order []int) {
	var n int
	p.Eval("[...document.querySelectorAll('a[href], button, input:not([type=hidden])')].length", &n)
	p.Eval("(document.body.tabIndex = -1, document.body.focus(), 0)", new(int)) // from the beginning
	for range n {
		p.Press("Tab")
		var at int
		p.Eval("[...document.querySelectorAll('a[href], button, input:not([type=hidden])')].indexOf(document.activeElement)", &at)
		order = append(order, at)
	}
	return order
}

func picture(t *testing.T, p *chromium.Page, name string, l chromium.Look) {
	t.Helper()
	if l.Dark {
		name += "-dark"
	}
	if l.Width != 0 {
		name += "-narrow"
	}
	folder := os.Getenv(picturesVariable)
	if folder == "" || !slices.Contains(shown, name) {
		return
	}
	png := p.Picture()
	if len(png) > maxPicture {
		t.Errorf("the picture %s has %d bytes", name, len(png))
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Error(err)
	}
}

// TestPictures: the documentation has the pictures that are made for it, with words for who does not see
// them, and no others; they are small.
func TestPictures(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "docs", "pages")
	var doc []byte
	for _, name := range []string{"login.md", "terms.md"} {
		text, err := os.ReadFile("../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		doc = append(doc, text...)
	}
	kept, err := os.ReadDir(folder)
	if err != nil || len(kept) != len(shown) {
		t.Errorf("there are %d pictures, not %d: %v", len(kept), len(shown), err)
	}
	for _, name := range shown {
		info, err := os.Stat(filepath.Join(folder, name+".png"))
		if err != nil || info.Size() > maxPicture {
			t.Errorf("%s: %v, or it is too large: make pictures", name, err)
		}
		if before, _, found := strings.Cut(string(doc), "](pages/"+name+".png)"); !found || len(before)-strings.LastIndex(before, "![") < 20 {
			t.Errorf("neither docs/login.md nor docs/terms.md shows %s, or does not say what is to be seen", name)
		}
	}
}

// inspection are the rules of accessible pages that a program can hold: it tells what is broken.
//
// Source: WCAG 2.2, success criteria 1.3.1, 1.4.3, 1.4.10, 2.4.2, 2.4.6, 2.5.8, 3.1.1, 3.3.2, 4.1.2.
var inspection = fmt.Sprintf(`(() => {
	const wrong = [], all = q => [...document.querySelectorAll(q)];
	const need = (ok, what) => { if (!ok) wrong.push(what) };
	need(document.title.trim() !== '', 'no title');
	need(document.documentElement.lang === 'en', 'no language');
	need(all('h1').length === 1 && all('main').length === 1, 'one h1 and one main');
	let level = 0;
	for (const h of all('h1, h2, h3, h4')) { const l = +h.tagName[1]; need(l <= level + 1, 'a heading is skipped'); level = l }
	need(all('script, iframe, object, embed, [style], style').length === 0, 'something runs');
	for (const e of all('*')) for (const a of e.attributes) need(!a.name.startsWith('on') && !/^\s*javascript:/i.test(a.value), 'a script in ' + a.name);
	for (const e of all('input:not([type=hidden])')) need(e.labels.length === 1 && e.labels[0].innerText.trim() !== '', 'no label for ' + e.name);
	for (const e of all('button, a')) need(e.innerText.trim() !== '', 'a button without words');
	for (const e of all('button, input:not([type=hidden]), a.button')) need(e.getBoundingClientRect().height >= 24, 'too small: ' + e.outerHTML);
	const ids = all('[id]').map(e => e.id);
	need(new Set(ids).size === ids.length, 'an id twice');
	need(document.documentElement.scrollWidth <= innerWidth, 'wider than the window by ' + (document.documentElement.scrollWidth - innerWidth));
	const color = c => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 } };
	const light = rgb => { const [r, g, b] = rgb.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const behind = e => { for (; e; e = e.parentElement) { const c = color(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb } return [255, 255, 255] };
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05) };
	for (const e of all('body *')) {
		const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== '');
		if (!own && e.tagName !== 'INPUT') continue;
		const c = contrast(color(getComputedStyle(e).color).rgb, behind(e));
		need(c >= %[1]v, 'contrast ' + c.toFixed(1) + ' of ' + e.outerHTML.slice(0, 80));
	}
	for (const e of all('input:not([type=hidden])')) {
		const c = contrast(color(getComputedStyle(e).borderTopColor).rgb, behind(e.parentElement));
		need(c >= 3, 'the border of ' + e.name + ' has contrast ' + c.toFixed(1));
	}
	return wrong;
})()`, 4.5)
