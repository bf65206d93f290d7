package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

// Issuer is one whose signed tokens (JWTs) are accepted in place of API tokens.
type Issuer struct {
	// Issuer is the claim iss, to the letter, and an https URL below which the discovery
	// document is; or, with Keys, any text. http is for loopback alone. A server in a private
	// network has to be in outbound_networks.
	Issuer string `yaml:"issuer"`

	// Keys are files with the issuer's public keys (PEM, a JWK, or a JWK set): nothing is
	// fetched then. They are read when the server starts. Default: none, and the keys are
	// fetched.
	Keys []string `yaml:"keys"`

	// KeysURL is where the JWK set is fetched of an issuer that has no discovery document.
	// Default: where that says.
	KeysURL string `yaml:"keys_url"`

	// Algorithms are those that tokens may be signed with: RS256, RS384, RS512, PS256, PS384,
	// PS512, ES256, ES384, ES512, EdDSA. Default: RS256, ES256 and EdDSA.
	Algorithms []string `yaml:"algorithms"`

	// Audience is for whom tokens have to be. Always needed: what an issuer has signed for
	// others must not open anything here.
	Audience Audience `yaml:"audience"`

	// Subject tells whose token it is. Always needed.
	Subject Subject `yaml:"subject"`

	// Workspaces are those in which tokens work, by id or name: whatever their users may
	// Elsewhere. Always needed.
	Workspaces []string `yaml:"workspaces"`

	// WorkspaceClaim is the claim that says in which of them. Default: workspace.
	WorkspaceClaim string `yaml:"workspace_claim"`

	// ScopesClaim is the claim that says what a token may, as a list or a text with spaces.
	// Default: none, and every token may what Scopes say.
	ScopesClaim string `yaml:"scopes_claim"`

	// Scopes are those of a token that says none, and the most that one can say. Needed
	// without ScopesClaim. Default: a token can say any, and one that says none may do
	// nothing.
	Scopes []string `yaml:"scopes"`

	// Networks are those (CIDR) from which tokens work, and what is borrowed with them at
	// the S3 endpoint. Default: everywhere.
	Networks []string `yaml:"networks"`

	// Longest is how long tokens live at most, from iat to exp, as in 30m, 12h or 60d; 90d at
	// most, and no longer than tokens.longest. Others are refused. Default: 24h.
	Longest string `yaml:"longest"`
}

// Audience is for whom tokens have to be.
type Audience struct {
	// Claim is where that stands. Default: aud.
	Claim string `yaml:"claim"`

	// Values are those of which one must be in it, to the letter.
	Values []string `yaml:"values"`
}

// Subject tells whose token it is: by one of Users, Template and Logins.
type Subject struct {
	// Claim is the one that tells. Default: sub.
	Claim string `yaml:"claim"`

	// Users are the names of users by the claim's value, to the letter.
	Users map[string]string `yaml:"users"`

	// Template is the user's name, with {} where the claim's value is to stand: {} alone is
	// for a provider that names its users as they are named here. Whoever can choose the
	// claim's value there is whom it names here.
	Template string `yaml:"template"`

	// Logins has tokens be of the user who logs in with a browser at the same issuer
	// (login.providers) with the same sub.
	Logins bool `yaml:"logins"`
}

// Trusted makes what checks signed tokens, for an API that listens at an address. The transport
// is that by which keys are fetched.
func (c *Config) Trusted(listening string, transport http.RoundTripper, log *slog.Logger) (*issuers.Verifier, error) {
	longestToken, err := daysOf("tokens.longest", c.Tokens.Longest)
	if err != nil {
		return nil, err
	}
	var list []issuers.Issuer
	for n, config := range c.Issuers {
		i, err := config.issuer()
		if err == nil && longestToken > 0 && i.Longest > longestToken {
			err = errors.New("longest is more than tokens.longest: set it to that at most")
		}
		if err == nil && c.isOwn(i.URL, listening) {
			err = errors.New("that is this server, which knows its own tokens: trusted as an issuer, its ID tokens would let in too, and what was revoked: leave it out")
		}
		if err != nil {
			return nil, fmt.Errorf("issuers[%d] (%s): %w", n, config.Issuer, err)
		}
		list = append(list, i)
	}
	return issuers.New(list, transport, log)
}

func (i Issuer) issuer() (out issuers.Issuer, err error) {
	out = issuers.Issuer{
		URL: i.Issuer, KeysURL: i.KeysURL, Algorithms: i.Algorithms, Audience: issuers.Audience(i.Audience), Subject: issuers.Subject(i.Subject),
		Workspaces: i.Workspaces, WorkspaceClaim: i.WorkspaceClaim, ScopesClaim: i.ScopesClaim, Longest: issuers.DefaultLongest,
	}
	for _, s := range i.Scopes {
		out.Scopes = append(out.Scopes, keyhatch.Scope(s))
	}
	for _, text := range i.Networks {
		n, err := keyhatch.ParseNetwork(text)
		if err != nil {
			return out, fmt.Errorf("networks: %w", err)
		}
		out.Networks = append(out.Networks, n)
	}
	if i.Longest != "" {
		if out.Longest, err = spanOf("longest", i.Longest); err != nil {
			return out, err
		}
	}
	for _, path := range i.Keys {
		text, err := readKeyFile(path)
		if err != nil {
			return out, fmt.Errorf("keys: %w", err)
		}
		out.Keys = append(out.Keys, text)
	}
	return out, nil
}

// maxKeyFile bounds a file of public keys, in bytes.
const maxKeyFile = 1 << 20

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = errors.New(path + " is longer than 1 MiB: name a file with nothing but the keys")
	}
	return text, err
}

// spanOf reads a time span, in days too.
func spanOf(key, text string) (time.Duration, error) {
	if strings.HasSuffix(text, "d") {
		return daysOf(key, text)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New(key + " must be a time, as in 30m, 12h or 60d")
	}
	return d, nil
}
