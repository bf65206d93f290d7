package idp_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/logins"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
	"github.com/keyhatch/keyhatch/issuers"
	"github.com/keyhatch/keyhatch/providers"
)

// atProviders is a site at which people log in at two providers: all with an account at the one,
// staff at the other, of whom the rules give some a group, some the installation.
func atProviders(t *testing.T) (s *site, school, staff *loginprovider.Provider) {
	t.Helper()
	s = newSite(t)
	school, staff = loginprovider.Start(t), loginprovider.Start(t)
	staff.User = map[string]any{"sub": "s-1", "preferred_username": "sue", "groups": []string{"staff"}}
	names := issuers.Subject{Claim: "preferred_username", Template: "{}"}
	group := func(value string) providers.Claim { return providers.Claim{Name: "groups", Value: value} }
	p, err := providers.New([]providers.Provider{
		{Name: "school", Title: "The school", Issuer: school.URL, ClientID: loginprovider.ClientID, Secret: loginprovider.ClientSecret, Names: names, Anybody: true},
		{
			Name: "staff", Title: "Staff", Issuer: staff.URL, ClientID: loginprovider.ClientID, Secret: loginprovider.ClientSecret, Names: names,
			Users: map[string]string{"s-ann": "ann", "s-nobody": "nobody"}, Allow: []providers.Claim{group("staff")},
			Rules: []providers.Rule{{Claim: group("readers"), Workspace: "lab", Group: "readers"}, {Claim: group("lab"), Workspace: "lab"}, {Claim: group("admins"), Admin: true}},
		},
	}, http.DefaultTransport)
	s.must(err)
	s.Providers = p
	s.reopen()
	return s, school, staff
}

// chooses clicks on the button of a provider, and goes wherever that leads.
func (b *browser) chooses(provider, next string) answer {
	b.s.t.Helper()
	b.CheckRedirect = nil
	page := b.get("/login?" + url.Values{"next": {next}}.Encode())
	link := "/login/" + provider + "?next=" + url.QueryEscape(next)
	if !strings.Contains(page.body, `href="`+strings.ReplaceAll(link, "&", "&amp;")+`"`) {
		b.s.t.Fatalf("there is no button %s: %s", link, page.body)
	}
	return b.get(link)
}

func (s *site) user(name string) keyhatch.User {
	s.t.Helper()
	u, err := s.Broker.People.User(s.t.Context(), s.Admin, name)
	s.must(err)
	return u
}

func (s *site) lastEvent(a keyhatch.Action) keyhatch.Event {
	s.t.Helper()
	l, err := s.Broker.Record.Events(s.t.Context(), s.Admin, record.EventFilter{Action: a}, kernel.Page{Limit: 100})
	s.must(err)
	if len(l.Items) == 0 {
		s.t.Errorf("there is no event %s", a)
		return keyhatch.Event{}
	}
	return l.Items[0]
}

// TestLoginAtProvider: who logs in at a provider is a user here, the same one each time whatever
// it is called there, and is led to where it was; what began it is in the record.
func TestLoginAtProvider(t *testing.T) {
	t.Parallel()
	s, school, _ := atProviders(t)
	school.User["email"], school.User["email_verified"], school.User["name"] = "jane@school.example", true, "Jane Doe"
	b := s.browser()
	if a := b.chooses("school", "/device"); a.Request.URL.Path != "/device" || a.StatusCode != http.StatusOK {
		t.Fatalf("she is at %s: %d %s", a.Request.URL, a.StatusCode, a.body)
	}
	jane := s.user("jane")
	if jane.Email != "jane@school.example" || jane.FullName != "Jane Doe" || jane.Admin {
		t.Errorf("%+v", jane)
	}
	begun := s.lastEvent("session.begin")
	if begun.User != jane.ID || begun.Detail["issuer"] != school.URL || begun.Detail["subject"] != "248289761001" || s.lastEvent(logins.Linked).Target != jane.ID {
		t.Errorf("the record has %+v", begun)
	}
	name := "jane.doe"
	_, err := s.Broker.People.UpdateUser(t.Context(), s.Admin, jane.ID, people.UserChange{Name: &name})
	s.must(err)
	school.Set(func(p *loginprovider.Provider) { p.User["preferred_username"] = "somebody-else" })
	if a := s.browser().chooses("school", "/profile"); !strings.Contains(a.body, "jane.doe") {
		t.Errorf("the second time she is somebody else: %s", a.body)
	}
	s.reopen()
	page := b.get("/profile")
	if a := b.post("/logout", url.Values{"return_to": {"/login"}}); a.Request.URL.Path != "/login" || school.Left() != 1 {
		t.Errorf("logged out she is at %s, and has left the provider %d times; the page had %q", a.Request.URL, school.Left(), page.Header.Get("Content-Security-Policy"))
	}
	if csp := page.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' "+school.URL) {
		t.Errorf("browsers hold the logout back: %s", csp)
	}
	if a := b.get("/profile"); a.Request.URL.Path != "/login" {
		t.Errorf("she is signed in on: %s", a.body)
	}
}

// TestProvidersAreNotBelieved: what a provider sends that does not count lets nobody in. The page says
// what to do next, and the record has the reason.
func TestProvidersAreNotBelieved(t *testing.T) {
	t.Parallel()
	s, school, staff := atProviders(t)
	issue := func(change func(header, claims map[string]any)) func(*loginprovider.Provider) {
		return func(p *loginprovider.Provider) { p.Issues = change }
	}
	for _, c := range []struct {
		what    string
		reason  keyhatch.LoginRefusal
		arrange func(p *loginprovider.Provider)
		says    string
	}{
		{"expired", keyhatch.RefusedExpired, issue(func(_, c map[string]any) { c["exp"] = time.Now().Add(-time.Second).Unix() }), "log in again"},
		{"without an end", keyhatch.RefusedExpired, issue(func(_, c map[string]any) { delete(c, "exp") }), "log in again"},
		{"wrong audience", keyhatch.RefusedAudience, issue(func(_, c map[string]any) { c["aud"] = "another" }), "client_id"},
		{"made for another, who lets us read it", keyhatch.RefusedAudience, issue(func(_, c map[string]any) {
			c["aud"] = []string{"another", loginprovider.ClientID}
			c["azp"] = "another"
		}), "client_id"},
		{"wrong nonce", keyhatch.RefusedNonce, issue(func(_, c map[string]any) { c["nonce"] = "another" }), "log in again"},
		{"no nonce", keyhatch.RefusedNonce, issue(func(_, c map[string]any) { delete(c, "nonce") }), "log in again"},
		{"unknown kid", keyhatch.RefusedSignature, issue(func(h, _ map[string]any) { h["kid"] = "k2" }), "no key that it publishes"},
		{"alg none", keyhatch.RefusedAlgorithm, issue(func(h, _ map[string]any) { h["alg"] = "none" }), "RS256"},
		{"HS256 with the public key", keyhatch.RefusedAlgorithm, issue(func(h, _ map[string]any) { h["alg"] = "HS256" }), "RS256"},
		{"wrong issuer", keyhatch.RefusedIssuer, issue(func(_, c map[string]any) { c["iss"] = staff.URL }), "another provider"},
		{"no subject", keyhatch.RefusedAnswer, issue(func(_, c map[string]any) { delete(c, "sub") }), "installation admin"},
		{"a code that it does not take", keyhatch.RefusedCode, func(p *loginprovider.Provider) { p.Answer = func(v url.Values) { v.Set("code", "another") } }, "log in again"},
		{"mixed up", keyhatch.RefusedIssuer, func(p *loginprovider.Provider) { p.Answer = func(v url.Values) { v.Set("iss", staff.URL) } }, "another provider"},
		{"says no", keyhatch.RefusedThere, func(p *loginprovider.Provider) { p.Refuses = true }, "try it again there"},
		{"without a name", keyhatch.RefusedNameless, func(p *loginprovider.Provider) {
			p.User = map[string]any{"sub": "9", "preferred_username": "Two Words"}
		}, "name you in the configuration"},
	} {
		plain := map[string]any{"sub": "1" + c.what, "preferred_username": "new"}
		school.Set(func(p *loginprovider.Provider) {
			p.User, p.Issues, p.Answer, p.Refuses = plain, nil, nil, false
			c.arrange(p)
		})
		b := s.browser()
		a := b.chooses("school", "/device")
		if a.StatusCode != http.StatusUnauthorized || !strings.Contains(strings.ToLower(a.body), strings.ToLower(c.says)) || !strings.Contains(a.body, `role="alert"`) || a.field("next") != "/device" {
			t.Errorf("%s: %d %s", c.what, a.StatusCode, a.body)
		}
		if e := s.lastEvent(logins.Refused); e.Detail["reason"] != string(c.reason) || e.Target != "school" {
			t.Errorf("%s: the record has %+v", c.what, e)
		}
		if a := b.get("/profile"); a.Request.URL.Path != "/login" {
			t.Errorf("%s: somebody is signed in", c.what)
		}
	}
	if _, err := s.Broker.People.User(t.Context(), s.Admin, "new"); err == nil {
		t.Error("one who was refused is a user")
	}
	school.Set(func(p *loginprovider.Provider) { p.Refuses, p.Answer, p.Down = false, nil, true })
	p, err := providers.New([]providers.Provider{{Name: "school", Issuer: school.URL, ClientID: "c", Users: map[string]string{"1": "ann"}}}, http.DefaultTransport)
	s.must(err)
	s.Providers = p
	s.reopen()
	for range 2 {
		if a := s.browser().chooses("school", "/device"); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "try again in a while") {
			t.Errorf("a provider that is down: %d %s", a.StatusCode, a.body)
		}
	}
}

// TestS11_StateIsSingleUseAndBound: what comes back counts once, in the browser that has begun it, for
// the provider at which it was begun.
func TestS11_StateIsSingleUseAndBound(t *testing.T) {
	t.Parallel()
	s, _, staff := atProviders(t)
	begin := func() (*browser, *url.URL) {
		b := s.browser()
		sent := b.get("/login/school?next=%2Fdevice")
		at, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sent.Header.Get("Location"), nil)
		s.must(err)
		answered := (&browser{s: s, Client: http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}})
		got, err := answered.Do(at)
		s.must(err)
		got.Body.Close()
		back, err := got.Location()
		s.must(err)
		return b, back
	}
	wrong := func(what string, b *browser, path string) {
		t.Helper()
		if a := b.get(path); a.StatusCode != http.StatusUnauthorized || !strings.Contains(strings.ToLower(a.body), "log in again") {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
		if a := b.get("/profile"); a.Request.URL.Path != "/login" {
			t.Errorf("%s: somebody is signed in", what)
		}
	}
	_, back := begin()
	other, _ := begin()
	wrong("in a browser that has begun nothing", s.browser(), back.RequestURI())
	wrong("in a browser that has begun another", other, back.RequestURI())

	b, back := begin()
	q := back.Query()
	q.Set("state", "made-up")
	wrong("another state", b, back.Path+"?"+q.Encode())
	wrong("at another provider", b, "/login/staff/back?"+back.RawQuery)
	cookies := b.Jar.Cookies(back)
	if a := b.get(back.RequestURI()); a.Request.URL.Path != "/device" {
		t.Fatalf("it does not work: %s", a.body)
	}
	replay := s.browser()
	replay.Jar.SetCookies(back, slices.DeleteFunc(cookies, func(c *http.Cookie) bool { return c.Name == "keyhatch" }))
	wrong("a second time, with all that the browser had", replay, back.RequestURI())

	b, back = begin()
	s.SQL(t, "update begun_logins set expires_at = 1")
	wrong("too late", b, back.RequestURI())

	staff.Set(func(p *loginprovider.Provider) { p.Names, p.Answer = true, func(v url.Values) { v.Del("iss") } })
	if a := s.browser().chooses("staff", "/profile"); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "Another provider") {
		t.Errorf("one that always names itself does not: %d %s", a.StatusCode, a.body)
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", "/login/school", "/\\evil.example", ""} {
		if a := s.browser().chooses2("school", next); a.Request.URL.Path != "/profile" {
			t.Errorf("S11: next %q leads to %s", next, a.Request.URL)
		}
	}
}

// chooses2 goes past the page, with whatever it is to lead on to.
func (b *browser) chooses2(provider, next string) answer {
	b.s.t.Helper()
	b.CheckRedirect = nil
	return b.get("/login/" + provider + "?" + url.Values{"next": {next}}.Encode())
}

// TestNobodyIsTakenOver: a name or an e-mail address of a user here, said by a provider, makes
// nobody that user; the configuration does.
func TestNobodyIsTakenOver(t *testing.T) {
	t.Parallel()
	s, school, staff := atProviders(t)
	mail := "bob@example.org"
	_, err := s.Broker.People.UpdateUser(t.Context(), s.Admin, "bob", people.UserChange{Email: &mail})
	s.must(err)
	as := func(p *loginprovider.Provider, user map[string]any) answer {
		p.Set(func(p *loginprovider.Provider) { p.User = user })
		name := "school"
		if p == staff {
			name = "staff"
		}
		return s.browser().chooses(name, "/profile")
	}
	for what, name := range map[string]string{"a name": "bob", "an admin's": "admin", "an e-mail address": "bob@example.org", "in capitals": "BOB@example.org"} {
		a := as(school, map[string]any{"sub": "1", "preferred_username": name, "email": mail, "email_verified": true})
		if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "somebody&#39;s name here already") {
			t.Errorf("%s: %d %s", what, a.StatusCode, a.body)
		}
	}
	if a := as(school, map[string]any{"sub": "2", "preferred_username": "robert", "email": "Bob@example.org", "email_verified": true}); !strings.Contains(a.body, "robert") || s.user("robert").Email != "" {
		t.Errorf("with the e-mail address of another: %s %+v", a.body, s.user("robert"))
	}
	if a := as(school, map[string]any{"sub": "3", "preferred_username": "una", "email": "una@example.org"}); a.StatusCode != http.StatusOK || s.user("una").Email != "" {
		t.Errorf("an address that is not verified: %+v", s.user("una"))
	}
	if a := as(staff, map[string]any{"sub": "s-ann", "preferred_username": "whoever"}); !strings.Contains(a.body, "<strong>ann</strong>") {
		t.Errorf("whom the configuration names: %s", a.body)
	}
	if a := as(school, map[string]any{"sub": "s-ann", "preferred_username": "sann"}); !strings.Contains(a.body, "<strong>sann</strong>") {
		t.Errorf("the same subject of another issuer: %s", a.body)
	}
	if a := as(staff, map[string]any{"sub": "s-nobody"}); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "who is not there") {
		t.Errorf("whom the configuration names and is not there: %s", a.body)
	}
	if a := as(staff, map[string]any{"sub": "s-9", "preferred_username": "guest", "groups": []string{"staffers", "Staff", "staff "}}); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "you may not log in here") {
		t.Errorf("who is let in by no rule: %s", a.body)
	}
}

// TestDisabledAndRemoved: who was disabled or removed here is not let in by a provider, and an admin
// lets it in again.
func TestDisabledAndRemoved(t *testing.T) {
	t.Parallel()
	s, _, staff := atProviders(t)
	login := func() answer { return s.browser().chooses("staff", "/profile") }
	login()
	no, yes := false, true
	_, err := s.Broker.People.UpdateUser(t.Context(), s.Admin, "sue", people.UserChange{Active: &no})
	s.must(err)
	if a := login(); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "activate") {
		t.Errorf("disabled: %d %s", a.StatusCode, a.body)
	}
	_, err = s.Broker.People.UpdateUser(t.Context(), s.Admin, "sue", people.UserChange{Active: &yes})
	s.must(err)
	if a := login(); a.StatusCode != http.StatusOK {
		t.Errorf("active again: %s", a.body)
	}
	s.must(s.Broker.People.DeleteUser(t.Context(), s.Admin, "sue"))
	for range 2 {
		if a := login(); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "was removed") {
			t.Errorf("removed: %d %s", a.StatusCode, a.body)
		}
	}
	staff.Set(func(p *loginprovider.Provider) { p.User["sub"] = "s-ann" })
	login()
	s.must(s.Broker.People.DeleteUser(t.Context(), s.Admin, "ann"))
	if a := login(); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("removed, and nobody of the name: %s", a.body)
	}
	s.User(t, "ann")
	if a := login(); !strings.Contains(a.body, "<strong>ann</strong>") {
		t.Errorf("named by the configuration again: %d %s", a.StatusCode, a.body)
	}
}

// TestRulesFollow: what the rules give is given and taken at each login, and nothing else.
func TestRulesFollow(t *testing.T) {
	t.Parallel()
	s, _, staff := atProviders(t)
	ctx := t.Context()
	lab := s.Workspace(t, "lab")
	readers, err := s.Broker.People.CreateGroup(ctx, s.Admin, lab.ID, "readers")
	s.must(err)
	writers, err := s.Broker.People.CreateGroup(ctx, s.Admin, lab.ID, "writers")
	s.must(err)
	var sue keyhatch.User
	has := func(groups ...string) (member, reader, writer, admin bool) {
		t.Helper()
		staff.Set(func(p *loginprovider.Provider) { p.User["groups"] = append([]string{"staff"}, groups...) })
		if a := s.browser().chooses("staff", "/profile"); a.StatusCode != http.StatusOK {
			t.Fatalf("%v: %s", groups, a.body)
		}
		sue = s.user("sue")
		in := func(circle string) bool { _, err := s.DB.CircleMember(ctx, circle, sue.ID); return err == nil }
		_, err := s.DB.WorkspaceMember(ctx, lab.ID, sue.ID)
		return err == nil, in(readers.ID), in(writers.ID), sue.Admin
	}
	type standing struct{ member, reader, writer, admin bool }
	want := func(what string, w standing, groups ...string) {
		t.Helper()
		var got standing
		if got.member, got.reader, got.writer, got.admin = has(groups...); got != w {
			t.Errorf("%s: %+v, want %+v", what, got, w)
		}
	}
	want("nothing", standing{})
	want("a group", standing{member: true, reader: true}, "readers", "writers")
	want("the workspace alone", standing{member: true}, "lab")
	want("gone", standing{}, "READERS", "reader", "readers*")
	want("the installation", standing{admin: true}, "admins")
	want("no more", standing{})
	s.Member(t, lab, keyhatch.Caller{User: sue}, keyhatch.MemberRole)
	for _, g := range []string{readers.ID, writers.ID} {
		_, err := s.Broker.People.PutGroupMember(ctx, s.Admin, lab.ID, g, sue.ID)
		s.must(err)
	}
	want("by hand, said too", standing{member: true, reader: true, writer: true}, "readers")
	want("by hand, not said", standing{member: true, reader: true, writer: true})
	s.must(s.Broker.People.RemoveWorkspaceMember(ctx, s.Admin, lab.ID, sue.ID))
	want("a group", standing{member: true, reader: true}, "readers")
	s.Member(t, lab, keyhatch.Caller{User: sue}, keyhatch.AdminRole)
	want("another role meanwhile", standing{member: true})
	s.must(s.Broker.People.DeleteGroup(ctx, s.Admin, lab.ID, readers.ID))
	want("a group that is not there", standing{member: true}, "readers")
}

// TestWithoutPasswords: where the configuration says so, no page asks for a password, and none is taken.
func TestWithoutPasswords(t *testing.T) {
	t.Parallel()
	s, _, _ := atProviders(t)
	s.NoPasswords = true
	s.reopen()
	b := s.browser()
	page := b.get("/login")
	if strings.Contains(page.body, "password") || !strings.Contains(page.body, "The school") || !strings.Contains(page.body, "Staff") {
		t.Errorf("the page is %s", page.body)
	}
	form := b.get("/profile").field("form")
	if a := b.post("/login", url.Values{"form": {form}, "name": {"ann"}, "password": {password}}); a.StatusCode == http.StatusOK {
		t.Errorf("a password is taken: %d", a.StatusCode)
	}
	// Once the programs' way in was left open: a browser asks for what Basic takes, too.
	ask := "/oauth/authorize?" + wanted("client_id", "trusted", "redirect_uri", "https://own.example.org/back", "app_type", "401").Encode()
	refused := func(what string, a answer) {
		t.Helper()
		if a.StatusCode != http.StatusForbidden || a.Header.Get("WWW-Authenticate") != "" || !strings.Contains(a.body, "Passwords are not asked for here") {
			t.Errorf("a program's password, %s: %d %s", what, a.StatusCode, a.body)
		}
	}
	refused("by Basic", s.browser().get(ask, func(r *http.Request) { r.SetBasicAuth("ann", password) }))
	refused("in a form", s.browser().post(ask, url.Values{"credentials": {base64.StdEncoding.EncodeToString([]byte("ann:" + password))}}))
	refused("asked for", s.browser().get(ask))
}
