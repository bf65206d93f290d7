package issuers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// Issuer is one whose signed tokens are accepted, with the rules for them.
type Issuer struct {
	// URL is the claim iss, to the letter. Where Keys are given it can be any text.
	URL string
	// Keys are the issuer's public keys, each a PEM block, a JWK or a JWK set. Without
	// them the keys are fetched.
	Keys [][]byte
	// KeysURL is where they are fetched; empty: where the discovery document says.
	KeysURL string
	// Algorithms are those that its tokens may be signed with. Empty: DefaultAlgorithms.
	Algorithms []string
	Audience   Audience
	Subject    Subject
	// Workspaces are those in which its users may be, by id or name.
	Workspaces []string
	// WorkspaceClaim is the claim that says in which one. Empty: "workspace".
	WorkspaceClaim string
	// ScopesClaim is the claim that says the scopes; empty: none does. Scopes are those of
	// a token that says none, and the most that one can say; without them it is
	// everything that can be said, and nothing for one that says none.
	ScopesClaim string
	Scopes      []keyhatch.Scope
	// Networks are those from which its tokens work; none: from everywhere.
	Networks []netip.Prefix
	// Longest is how long its tokens live at most, from iat to exp. Zero: DefaultLongest.
	Longest time.Duration
}

// Audience is for whom a token has to be: one of the claim's values must be one of Values.
type Audience struct {
	Claim  string // empty: aud
	Values []string
}

// Subject tells the user from a claim's value, by one of these: in Users, as
// the Template says, in which "{}" stands for the value, or the one that has logged in with a browser
// at the issuer with the same sub.
type Subject struct {
	Claim    string            // empty: sub
	Users    map[string]string // a value, to the letter → the user's name
	Template string
	Logins   bool `json:",omitempty"` // rules that were written before there was this stay the same
}

// The defaults of an Issuer.
var DefaultAlgorithms = []string{"RS256", "ES256", "EdDSA"}

// DefaultLongest and MaxLongest bound how long signed tokens live.
const (
	DefaultLongest = 24 * time.Hour
	MaxLongest     = 90 * 24 * time.Hour
)

const placeholder = "{}"

// complete fills in the defaults.
func (i *Issuer) complete() {
	if len(i.Algorithms) == 0 {
		i.Algorithms = DefaultAlgorithms
	}
	for _, d := range []struct {
		field    *string
		fallback string
	}{{&i.Audience.Claim, "aud"}, {&i.Subject.Claim, "sub"}, {&i.WorkspaceClaim, "workspace"}} {
		if *d.field == "" {
			*d.field = d.fallback
		}
	}
	if i.Longest == 0 {
		i.Longest = DefaultLongest
	}
}

// check refuses rules that are missing or cannot work. Without the first three, anybody
// who has some token of the issuer would be let in.
func (i *Issuer) check() error {
	for _, rule := range []struct {
		broken bool
		why    string
	}{
		{len(i.Audience.Values) == 0, "audience.values is missing: say for whom its tokens have to be, or one for anybody else would do"},
		{len(i.Subject.Users) == 0 && i.Subject.Template == "" && !i.Subject.Logins, "subject is missing: say by users, template or logins which user a token is of"},
		{len(i.Workspaces) == 0, "workspaces is missing: say in which workspaces its users may be"},
		{slices.Contains(i.Audience.Values, ""), "audience.values holds an empty one"},
		{len(i.Subject.Users) > 0 && i.Subject.Template != "", "subject: give users or template, not both"},
		{i.Subject.Logins && (len(i.Subject.Users) > 0 || i.Subject.Template != "" || i.Subject.Claim != "sub"), "subject: logins goes by the claim sub, without users and template"},
		{slices.Contains(i.Workspaces, ""), "workspaces holds an empty one"},
		{len(i.Scopes) == 0 && i.ScopesClaim == "", "scopes and scopes_claim are missing: without one of them its tokens could do nothing"},
		{i.Longest < time.Minute || i.Longest > MaxLongest, "longest must be from 1m to 90d"},
		{len(i.Keys) > 0 && i.KeysURL != "", "give keys or keys_url, not both"},
	} {
		if rule.broken {
			return errors.New(rule.why)
		}
	}
	for _, name := range i.Algorithms {
		if _, known := algorithms[name]; !known {
			return errors.New("algorithms: there are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA; none and HS256 are never accepted")
		}
	}
	if err := i.Subject.Check(); err != nil {
		return err
	}
	if _, err := policy.ParseScopes(i.Scopes); err != nil {
		return fmt.Errorf("scopes: %w", err)
	}
	if err := keyhatch.CheckNetworks(i.Networks); err != nil {
		return err
	}
	if len(i.Keys) > 0 {
		return nil
	}
	if err := CheckURL(i.URL, false); err != nil {
		return fmt.Errorf("issuer: %w; or give its keys", err)
	}
	if i.KeysURL == "" {
		return nil
	}
	if err := CheckURL(i.KeysURL, strings.HasPrefix(i.URL, "http:")); err != nil {
		return fmt.Errorf("keys_url: %w", err)
	}
	return nil
}

// Check refuses rules that name nobody.
func (s Subject) Check() error {
	for value, user := range s.Users {
		if err := keyhatch.CheckName(user); err != nil || value == "" {
			return errors.New("subject.users: to each value of the claim belongs the name of a user")
		}
	}
	if s.Template == "" {
		return nil
	}
	before, after, ok := strings.Cut(s.Template, placeholder)
	if !ok || strings.Contains(after, placeholder) || keyhatch.CheckName(before+"x"+after) != nil {
		return errors.New(`subject.template must be the name of a user with "{}" once, where the claim's value is to stand`)
	}
	return nil
}

// User is the name of the user of a claim's value.
func (s Subject) User(value string) (string, error) {
	if s.Template == "" {
		if user, ok := s.Users[value]; ok {
			return user, nil
		}
		return "", errors.New("subject.users has no user for its subject")
	}
	user := strings.Replace(s.Template, placeholder, value, 1)
	if keyhatch.CheckName(user) != nil {
		return "", errors.New("its subject makes no name of a user by subject.template")
	}
	return user, nil
}

// CheckURL takes https, and http on loopback, where nobody stands between; or anywhere
// when it is told by one who was already asked by http.
func CheckURL(text string, anyHTTP bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return errors.New("it must be a URL with neither user, query nor fragment")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (anyHTTP || keyhatch.IsLoopback(u.Hostname())):
		return nil
	}
	return errors.New("it must be an https URL; http is for loopback alone")
}

// rules are the text that stands for an issuer's rules, without its keys: those are
// rotated, and what was signed stays signed.
func (i *Issuer) rules() (string, error) {
	bare := *i
	bare.Keys, bare.KeysURL = nil, ""
	text, err := json.Marshal(bare) // maps in order of their keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}
