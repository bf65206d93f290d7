package config

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/issuers"
	"github.com/keyhatch/keyhatch/providers"
)

// Login is how people log in with a browser.
type Login struct {
	// PasswordForm has the login page ask for a name and a password. Without it there has to be a
	// provider; passwords still work over the API. Default: true.
	PasswordForm *bool `yaml:"password_form"`

	// ConsentLife is how long what people let programs do lasts at most who have logged in at a provider, however often
	// a program refreshes its tokens: the provider does not tell when an account there ends. 1h to 365d.
	// Default: 30d.
	ConsentLife string `yaml:"consent_life"`

	// Providers are those of OpenID Connect at which people can log in besides; the login page
	// has a button for each. Default: none.
	Providers []Provider `yaml:"providers"`
}

// Provider is one at which people log in, with the rules for who is let in, as whom, and
// to what. Nothing in it is a pattern: values are compared letter by letter.
type Provider struct {
	// Name stands in paths: a-z, 0-9 and '-'. The provider has to lead browsers back to
	// URL/login/NAME/back, with the URL of api.url, and after a logout to URL/login.
	Name string `yaml:"name"`

	// Title is what the button says. Default: the name.
	Title string `yaml:"title"`

	// Issuer is the URL that the provider is known by, to the letter, below which its discovery
	// document is. http is for loopback alone. One in a private network has to be in
	// outbound_networks.
	Issuer string `yaml:"issuer"`

	// ClientID is what the provider has registered this server as.
	ClientID string `yaml:"client_id"`

	// ClientSecretFile is a file that only its owner can read, and ClientSecretEnv a variable of the
	// environment, with the secret of that client. Default: none, for a public client.
	ClientSecretFile string `yaml:"client_secret_file"`
	ClientSecretEnv  string `yaml:"client_secret_env"`

	// Scopes are asked for. Default: openid, profile and email.
	Scopes []string `yaml:"scopes"`

	// Users are the names of users by the claim sub: those are let in, and are these users when they
	// log in for the first time, or their user was removed. The users have to be there.
	Users map[string]string `yaml:"users"`

	// UserName says what a user is called that is made for somebody who logs in for the first time,
	// and is none of Users. A name that somebody has is refused. Default: nobody is made.
	UserName UserName `yaml:"user_name"`

	// Allow are claims of which one lets somebody in who is none of Users. It or AllowAnybody
	// is needed with UserName.
	Allow []ClaimIs `yaml:"allow"`

	// AllowAnybody lets in whoever has an account at the provider. Default: false.
	AllowAnybody bool `yaml:"allow_anybody"`

	// Rules give places here for claims. They are followed at each login: what one has given is
	// taken when the claim is gone. Default: none.
	Rules []Rule `yaml:"rules"`
}

// UserName says what a new user is called.
type UserName struct {
	// Claim is the one that tells. Default: sub.
	Claim string `yaml:"claim"`

	// Template is the name, with {} where the claim's value is to stand.
	Template string `yaml:"template"`
}

// ClaimIs is a claim of the ID token that is the value, or a list with it.
type ClaimIs struct {
	Claim string `yaml:"claim"`
	Value string `yaml:"value"`
}

// Rule gives who has the claim one of two things.
type Rule struct {
	ClaimIs `yaml:",inline"`

	// Workspace is one to be a member of, and Group one of its groups, by name.
	Workspace string `yaml:"workspace"`
	Group     string `yaml:"group"`

	// Admin makes an installation admin.
	Admin bool `yaml:"admin"`
}

// HasPasswordForm tells whether the login page asks for a password.
func (l Login) HasPasswordForm() bool { return l.PasswordForm == nil || *l.PasswordForm }

// ConsentLives tells how long what programs are let do at a login elsewhere lasts; zero where nothing is said.
func (l Login) ConsentLives() (time.Duration, error) {
	if l.ConsentLife == "" {
		return 0, nil
	}
	d, err := spanOf("login.consent_life", l.ConsentLife)
	if err == nil && (d < oauth.MinLifeElsewhere || d > oauth.MostLifeElsewhere) {
		err = errors.New("login.consent_life must be 1h to 365d")
	}
	return d, err
}

// LoginProviders makes what talks to providers, for the pages of the server that listens there. The
// transport is that by which they are asked.
func (c *Config) LoginProviders(listening string, transport http.RoundTripper) (*providers.Providers, error) {
	_, none := c.LoginURL(listening)
	switch {
	case !c.Login.HasPasswordForm() && len(c.Login.Providers) == 0:
		return nil, errors.New("login.password_form is false and login.providers is empty: nobody could log in: set one of them")
	case len(c.Login.Providers) > 0 && none != "":
		return nil, fmt.Errorf("login.providers needs the login page, which has their buttons, and there is none: %s", none)
	}
	var list []providers.Provider
	for n, config := range c.Login.Providers {
		p, err := config.provider()
		if err == nil && c.isOwn(p.Issuer, listening) {
			err = errors.New("that is this server, which would send people to itself: leave it out")
		}
		if err != nil {
			return nil, fmt.Errorf("login.providers[%d] (%s): %w", n, config.Name, err)
		}
		list = append(list, p)
	}
	all, err := providers.New(list, transport)
	if err != nil {
		return nil, fmt.Errorf("login.%w", err)
	}
	return all, nil
}

func (p Provider) provider() (out providers.Provider, err error) {
	out = providers.Provider{
		Name: p.Name, Title: p.Title, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, Users: p.Users,
		Names: issuers.Subject{Claim: p.UserName.Claim, Template: p.UserName.Template}, Anybody: p.AllowAnybody,
	}
	for _, a := range p.Allow {
		out.Allow = append(out.Allow, providers.Claim{Name: a.Claim, Value: a.Value})
	}
	for _, r := range p.Rules {
		out.Rules = append(out.Rules, providers.Rule{Claim: providers.Claim{Name: r.Claim, Value: r.Value}, Workspace: r.Workspace, Group: r.Group, Admin: r.Admin})
	}
	out.Secret, err = p.secret()
	return out, err
}

func (p Provider) secret() (keyhatch.Secret, error) {
	switch {
	case p.ClientSecretFile != "" && p.ClientSecretEnv != "":
		return "", errors.New("give client_secret_file or client_secret_env, not both")
	case p.ClientSecretEnv != "":
		if secret := os.Getenv(p.ClientSecretEnv); secret != "" {
			return keyhatch.Secret(secret), nil
		}
		return "", errors.New("client_secret_env: the environment has no such variable: set it for the server")
	case p.ClientSecretFile == "":
		return "", nil
	}
	return secretIn("client_secret_file", p.ClientSecretFile, "put the secret there that the provider has given")
}
