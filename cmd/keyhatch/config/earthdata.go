package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/earthdata"
)

// Earthdata is what clients of Earthdata are answered at /s3credentials.
type Earthdata struct {
	// Workspace and Location are what is read where a caller names nothing, and all that it
	// may read is more than one lease can say: in several stores or workspaces, or at too many
	// places. Default: then the answer is an error, which lists what there is.
	Workspace string `yaml:"workspace"`
	Location  string `yaml:"location"`

	// Login is an Earthdata Login where people log in, in place of this server. Its tokens
	// count by the rules that issuers has for it. Browsers have to reach the API over TLS, or on
	// loopback, where they bring the codes. Default: none.
	Login EarthdataLogin `yaml:"login"`
}

// EarthdataLogin is an Earthdata Login of others.
type EarthdataLogin struct {
	// URL is where it is, such as https://urs.earthdata.nasa.gov. http is for loopback alone: the
	// secret and the codes go there.
	URL string `yaml:"url"`

	// ClientID is as which this server is registered there, with the address of its /redirect,
	// and ClientSecretFile holds the secret.
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"`
}

func (c Earthdata) check() error {
	if (c.Workspace == "") != (c.Location == "") {
		return errors.New("earthdata: name the workspace and the location, or neither")
	}
	if c.Login == (EarthdataLogin{}) {
		return nil
	}
	u, err := url.Parse(c.Login.URL)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !keyhatch.IsLoopback(u.Hostname())) || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("earthdata.login.url must be https://host, with nothing behind it; http is for loopback alone")
	}
	if c.Login.ClientID == "" || c.Login.ClientSecretFile == "" {
		return errors.New("earthdata.login needs client_id and client_secret_file")
	}
	return nil
}

// Elsewhere is where people log in, for an API that listens at an address; nil: nowhere else than here.
func (c *Config) Elsewhere(listening string, transport http.RoundTripper) (*earthdata.Elsewhere, error) {
	l := c.Earthdata.Login
	_, none := c.LoginURL(listening)
	switch {
	case l.URL == "":
		return nil, nil
	case c.isOwn(l.URL, listening):
		return nil, errors.New("earthdata.login.url is this server, which logs its own users in when there is no earthdata.login: leave that out")
	case none != "":
		return nil, fmt.Errorf("earthdata.login needs an address of this API to which browsers bring their codes over TLS, or on loopback, and there is none: %s", none)
	}
	secret, err := secretIn("earthdata.login.client_secret_file", l.ClientSecretFile, "put the secret there that the client was registered with")
	if err != nil {
		return nil, err
	}
	return &earthdata.Elsewhere{URL: l.URL, Client: l.ClientID, Secret: secret, Transport: transport}, nil
}
