package providers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

// Provider is one at which people log in, with the rules for them.
type Provider struct {
	// Name stands in paths, Title on the button: both are unique. An empty title is the name.
	Name, Title string
	// Issuer is the URL that the provider is known by, to the letter.
	Issuer string
	// ClientID is what we are called there. Without a Secret we are a public client.
	ClientID string
	Secret   keyhatch.Secret
	// Scopes are asked for. Empty: openid, profile and email.
	Scopes []string
	// Users are the names of users by the claim sub, to the letter.
	Users map[string]string
	// Names tells what a new user is called. Without Users it is needed.
	Names issuers.Subject
	// Allow are the claims of which one lets somebody in who is none of Users; Anybody lets in
	// whoever has an account there. One of the two is needed with Names.
	Allow   []Claim
	Anybody bool
	Rules   []Rule
}

// Claim is a claim that is a value, or a list with it, to the letter.
type Claim struct{ Name, Value string }

// Rule gives who has the claim a place, or the installation to administer.
type Rule struct {
	Claim
	Workspace, Group string
	Admin            bool
}

// check refuses rules that are missing or cannot work: without them, everybody with an account
// at the provider would be let in.
func (p *Provider) check() error {
	if p.Title == "" {
		p.Title = p.Name
	}
	if len(p.Scopes) == 0 {
		p.Scopes = []string{"openid", "profile", "email"}
	}
	for _, rule := range []struct {
		broken bool
		why    string
	}{
		{strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || p.Name == "" || len(p.Name) > 40, "name must be 1 to 40 of a-z, 0-9 and '-': it stands in paths"},
		{keyhatch.CheckText("title", p.Title) != nil || len(p.Title) > 80, "title must have at most 80 bytes"},
		{p.ClientID == "", "client_id is missing: it is what the provider has registered this server as"},
		{!slices.Contains(p.Scopes, "openid"), "scopes must hold openid: without it the provider does not say who has logged in"},
		{len(p.Users) == 0 && p.Names.Template == "", "users and user_name are missing: say by one of them which user somebody is"},
		{len(p.Names.Users) > 0, "user_name takes a template; users names users by the claim sub"},
		{p.Names.Template != "" && len(p.Allow) == 0 && !p.Anybody, "allow is missing: say which claim lets people in; or say allow_anybody, if everybody with an account there may come in"},
		{len(p.Allow) > 0 && p.Anybody, "give allow or allow_anybody, not both"},
		{p.Names.Template == "" && (len(p.Allow) > 0 || p.Anybody), "user_name is missing: say what those are called whom users does not name"},
		{slices.ContainsFunc(p.Allow, Claim.incomplete), "allow: each has a claim and a value"},
	} {
		if rule.broken {
			return errors.New(rule.why)
		}
	}
	if err := issuers.CheckURL(p.Issuer, false); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if err := (issuers.Subject{Users: p.Users}).Check(); err != nil {
		return errors.New("users: to each value of the claim sub belongs the name of a user")
	}
	if p.Names.Claim == "" {
		p.Names.Claim = "sub"
	}
	if err := p.Names.Check(); err != nil {
		return fmt.Errorf("user_name: %w", err)
	}
	for n, r := range p.Rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("rules[%d]: %w", n, err)
		}
	}
	return nil
}

func (c Claim) incomplete() bool { return c.Name == "" || c.Value == "" }

func (r Rule) check() error {
	switch {
	case r.incomplete():
		return errors.New("it has a claim and a value")
	case r.Admin == (r.Workspace != ""):
		return errors.New("it gives one of two things: a workspace, with a group or without, or admin: true")
	case r.Group != "" && r.Workspace == "":
		return errors.New("a group is one of a workspace: name that too")
	}
	return nil
}

// members are those of an ID token.
type members map[string]json.RawMessage

// has tells whether the claim is there. What is neither a text nor a list of texts is no value.
func (m members) has(c Claim) bool {
	values, err := issuers.Texts(m, c.Name)
	return err == nil && slices.Contains(values, c.Value)
}

// text is a claim that is one text, else empty.
func (m members) text(name string) string {
	values, err := issuers.Texts(m, name)
	if err != nil || len(values) != 1 || keyhatch.CheckText(name, values[0]) != nil {
		return ""
	}
	return values[0]
}

// time is a claim that is a time, else zero.
//
// Source: OpenID Connect Core 1.0, section 2: seconds, of which some providers send fractions.
func (m members) time(name string) time.Time {
	var seconds float64
	if json.Unmarshal(m[name], &seconds) != nil || seconds < 1 || seconds > maxTime {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// maxTime is the end of the year 9999.
const maxTime = 253402300799

// read tells what an ID token says by the rules.
func (p *Provider) read(m members) keyhatch.LoginStatement {
	s := keyhatch.LoginStatement{Issuer: p.Issuer, Subject: m.text("sub"), FullName: m.text("name")}
	s.Known = p.Users[s.Subject]
	s.Allowed = s.Known != "" || p.Anybody || slices.ContainsFunc(p.Allow, m.has)
	if value := m.text(p.Names.Claim); value != "" && p.Names.Template != "" {
		s.Name, _ = p.Names.User(value)
	}
	s.LoggedIn = m.time("auth_time")
	var verified bool
	if json.Unmarshal(m["email_verified"], &verified) == nil && verified {
		s.Email = m.text("email")
	}
	for _, r := range p.Rules {
		switch {
		case !m.has(r.Claim):
		case r.Admin:
			s.Admin = true
		default:
			s.Places = append(s.Places, keyhatch.LoginPlace{Workspace: r.Workspace, Group: r.Group})
		}
	}
	return s
}
