package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Listener is where one part listens.
type Listener struct {
	// Listen is the address, host:port.
	Listen string `yaml:"listen"`

	// TLSCert and TLSKey are PEM files. Without them the listener speaks plain
	// HTTP, which belongs behind a proxy or on loopback: tokens and keys travel
	// through it.
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`

	// Connections bounds how many are open at a time: each takes up to 100 KiB. For one more, the one
	// gives way that has rested for the longest; while none rests it waits. Default: 4096.
	Connections int `yaml:"connections"`
}

// APIListener is where the API listens.
type APIListener struct {
	Listener `yaml:",inline"`

	// URL is where browsers and clients reach it. It stands in what is signed for others, and
	// login pages lead there: without it, where the address is none that they can use, as
	// behind a proxy or on 0.0.0.0, there are no login pages and no authorization server. Nor are
	// there where it is plain HTTP over a network: passwords would travel in the clear, and browsers
	// keep no session there. Default: made from the address.
	URL string `yaml:"url"`
}

// S3Listener is where the S3 endpoint listens.
type S3Listener struct {
	Listener `yaml:",inline"`

	// URL is where clients reach the endpoint; it goes into every lease.
	// Needed when the address is not one that clients can use, as behind a
	// proxy or on 0.0.0.0. Default: made from the address.
	URL string `yaml:"url"`

	// Region is the one that clients sign for. Default: us-east-1, which most
	// clients take when nothing is said.
	Region string `yaml:"region"`

	// RequestLog is a file that gets a line of JSON about each request, refused
	// ones of unknown senders included; "-" is stdout. Those of known senders are
	// in the audit record anyway. Default: none.
	RequestLog string `yaml:"request_log"`

	// Concurrent and PerSecond bound what one lease may ask: how many requests at a
	// time, and how many a second on average. More is answered SlowDown, which
	// clients understand. Default: 256 and 1000.
	Concurrent int `yaml:"concurrent"`
	PerSecond  int `yaml:"per_second"`
}

// PublicURL is where browsers and clients reach the API, which listens at an address; empty:
// it is not known.
func (c *Config) PublicURL(listening string) string {
	if host, _, _ := net.SplitHostPort(c.API.Listen); c.API.URL == "" && (host == "" || isUnspecified(host)) {
		return ""
	}
	return cmp.Or(c.API.URL, listening)
}

// isOwn tells whether an address is that of this server, whose API listens at another, as far as
// that is known.
func (c *Config) isOwn(address, listening string) bool {
	a, err := url.Parse(address)
	own, ownErr := url.Parse(c.PublicURL(listening))
	if err != nil || ownErr != nil || own.Host == "" {
		return false
	}
	ports := map[string]string{"http": "80", "https": "443"}
	sameHost := strings.EqualFold(a.Hostname(), own.Hostname()) || keyhatch.IsLoopback(a.Hostname()) && keyhatch.IsLoopback(own.Hostname())
	return a.Scheme == own.Scheme && sameHost && cmp.Or(a.Port(), ports[a.Scheme]) == cmp.Or(own.Port(), ports[own.Scheme]) &&
		strings.TrimSuffix(a.Path, "/") == strings.TrimSuffix(own.Path, "/")
}

// ListeningAt is where the API would listen, for who takes no address.
func (c *Config) ListeningAt() string {
	scheme := "http"
	if c.API.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + c.API.Listen
}

// LoginURL is where people log in; empty, and why: there are no pages.
func (c *Config) LoginURL(listening string) (text, why string) {
	text = c.PublicURL(listening)
	u, err := url.Parse(text)
	switch {
	case text == "" || err != nil:
		return "", "api.url does not say where browsers reach the API"
	case u.Scheme == "https" || keyhatch.IsLoopback(u.Hostname()):
		return text, ""
	}
	return "", "browsers reach the API by plain HTTP: set tls_cert and tls_key, or in api.url the https address of the proxy in front"
}

// InTheClear are the listeners without TLS that others than this machine may reach.
func (c *Config) InTheClear() (names []string) {
	for _, l := range []struct {
		name string
		Listener
	}{{"api", c.API.Listener}, {"s3", c.S3.Listener}} {
		if host, _, err := net.SplitHostPort(l.Listen); err == nil && l.TLSCert == "" && !keyhatch.IsLoopback(host) {
			names = append(names, l.name)
		}
	}
	return names
}

// Remark is something that is allowed, and seldom meant.
type Remark struct {
	Text  string
	About []any // as a log has it
	Next  string
}

// Remarks are what an operator should know.
func (c *Config) Remarks() (out []Remark) {
	out = c.databaseRemarks()
	for _, name := range c.InTheClear() {
		out = append(out, Remark{ClearText, []any{"listener", name}, "give " + name + ".tls_cert and " + name + ".tls_key, or listen on 127.0.0.1 behind a proxy that has TLS"})
	}
	return out
}

// Warn logs the remarks.
func (c *Config) Warn(log *slog.Logger) {
	for _, r := range c.Remarks() {
		log.Warn(r.Text, append(r.About, "next", r.Next)...)
	}
}

func isUnspecified(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsUnspecified()
}

// TLS loads the listener's certificate, nil for none.
func (l Listener) TLS() (*tls.Config, error) {
	if l.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(l.TLSCert, l.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
