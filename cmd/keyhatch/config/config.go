package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/db"
)

// Config is keyhatch.yaml. A relative path is relative to the file's folder.
// Unknown keys are errors.
type Config struct {
	// Database holds everything but the objects and the key: an SQLite file, or a
	// PostgreSQL (14 or later) at postgres://USER@HOST/DATABASE, which any number of
	// servers share. A file must be on a local disk: SQLite's locks do not work on
	// network file systems. Default: keyhatch.db.
	Database string `yaml:"database"`

	// DatabasePasswordFile holds the password of PostgreSQL's user, readable by its
	// owner only. Without it the user needs none (a socket, a certificate), or it is
	// where PostgreSQL's own programs have it (PGPASSWORD, a passfile). Default: none.
	DatabasePasswordFile string `yaml:"database_password_file"`

	// DatabaseConnections is how many a server opens to PostgreSQL at most, to read; it
	// opens three more. Default: four for each processor.
	DatabaseConnections int `yaml:"database_connections"`

	// DatabaseTimeout is how long a statement may take at PostgreSQL before it is given
	// up, from 1s to 10m. Whoever waits for its turn to write waits for four fifths of it,
	// and who has the turn and is lost loses it after half of it. Default: 10s.
	DatabaseTimeout string `yaml:"database_timeout"`

	// MemoryMaxAge is how long a server answers from memory when it cannot ask the
	// database, from 1s to 1h. What was revoked at another server meanwhile works at this
	// one for so long. Default: 1s.
	MemoryMaxAge string `yaml:"memory_max_age"`

	// KeyFile holds the key-encryption key, readable by its owner only. Whoever
	// has it and the database has every secret; without it the database opens
	// for nobody. Keep a copy apart from the database's backups. Default:
	// keyhatch.key, unless Keys names another place.
	KeyFile string `yaml:"key_file"`

	// Keys is where the key-encryption key is when it is in no file, and where the
	// one before is while it is being replaced.
	Keys Keys `yaml:"keys"`

	// API is the listener of the API, and of the pages on which people log in. Default:
	// 127.0.0.1:8750.
	API APIListener `yaml:"api"`

	// S3 is the listener of the S3 endpoint. It needs a port, and in public a
	// host name, of its own: objects are other people's files, and a browser
	// must not take them for pages of the API. Default: 127.0.0.1:8751.
	S3 S3Listener `yaml:"s3"`

	// Metrics is the listener that tells Prometheus how the server does.
	Metrics MetricsListener `yaml:"metrics"`

	// DirectoryRoots are the folders inside which directory stores may lie.
	// The API can make stores of any folder below them and of no other, so
	// never name one that holds more than objects. Default: objects.
	DirectoryRoots []string `yaml:"directory_roots"`

	// OutboundNetworks are the networks (CIDR), besides all public addresses, in
	// which S3 stores may lie. Name the one of a store that stands beside this
	// server, and nothing wider: the API can make the server talk to any address
	// in them, but for the metadata services of clouds, which hand out keys: such
	// an address counts only if it is named alone, as /32 or /128. Default: none.
	OutboundNetworks []string `yaml:"outbound_networks"`

	// AWS is what Keyhatch itself is there.
	AWS AWS `yaml:"aws"`

	// Tokens are what API tokens may at most.
	Tokens Tokens `yaml:"tokens"`

	// Issuers are those whose signed tokens (JWTs) are accepted in place of API tokens.
	// Default: none.
	Issuers []Issuer `yaml:"issuers"`

	// Login is how people log in with a browser, at other providers too.
	Login Login `yaml:"login"`

	// Arvados is what clients of Arvados need besides their tokens.
	Arvados Arvados `yaml:"arvados"`

	// Earthdata is what clients of Earthdata are answered.
	Earthdata Earthdata `yaml:"earthdata"`

	// Audit is what is kept of the audit record.
	Audit Audit `yaml:"audit"`

	// TrustedProxies are the networks (CIDR) whose X-Forwarded-For is believed.
	// Client addresses go into the audit record: believing anybody would let
	// clients choose theirs. Default: none.
	TrustedProxies []string `yaml:"trusted_proxies"`

	// Drain is how long the server goes on serving after it was told to stop, as in 10s, at most
	// 5m. Meanwhile GET /readyz answers 503: it is the time in which a load balancer notices and
	// sends requests to other servers. Default: none.
	Drain time.Duration `yaml:"drain"`

	// LogFormat is how the log on stderr is written: text or json. Default:
	// text.
	LogFormat string `yaml:"log_format"`

	// ShortestLease is of keyhatch dev, and of no file: what is served in earnest
	// has the least that there is. Zero is that.
	ShortestLease time.Duration `yaml:"-"`
}

// Audit is what is kept of the audit record.
type Audit struct {
	// KeepRequests is how long object requests are kept, who read and wrote what at
	// the S3 endpoint: a number of days, as in "400d", at least 1; or "forever".
	// Older ones are removed in the background, and an event says so. What was
	// decided, who was given what and who borrowed, is kept in any case. Default:
	// forever, since nothing is removed that nobody asked to remove; the file that
	// init writes says 400d: a year, and the time to audit it.
	KeepRequests string `yaml:"keep_requests"`
}

// forever is how long what is counted in days lasts where nobody says anything else.
const forever = "forever"

func (a Audit) RequestsKept() (time.Duration, error) {
	return daysOf("audit.keep_requests", a.KeepRequests)
}

// daysOf reads a number of days; for ever is 0.
func daysOf(key, text string) (time.Duration, error) {
	if text == forever {
		return 0, nil
	}
	number, inDays := strings.CutSuffix(text, "d")
	days, err := strconv.ParseUint(number, 10, 16) // 179 years
	if err != nil || !inDays || days < 1 {
		return 0, fmt.Errorf(`%s must be a number of days, as in 400d, or "forever"`, key)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

// Default is the file that init writes.
const Default = `# Keyhatch. Every key is explained in docs/configuration.md.
database: keyhatch.db
key_file: keyhatch.key
api:
  listen: 127.0.0.1:8750
s3:
  listen: 127.0.0.1:8751
directory_roots: [objects]
audit:
  keep_requests: 400d
`

// Read reads and completes a configuration file.
func Read(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fmt.Errorf("configuration %s is missing; `keyhatch init --config %s` makes one", path, path)
	}
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c, err := Parse(text, filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

func Parse(text []byte, folder string) (Config, error) {
	var c Config
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return Config{}, errors.New(withoutPasswords(strings.TrimSpace(yaml.FormatError(err, false, true))))
	}
	if err := c.complete(folder); err != nil {
		return Config{}, err
	}
	return c, nil
}

// complete fills in defaults and makes paths absolute.
func (c *Config) complete(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if c.Keys.Env == "" && c.Keys.KMS == "" && c.KeyFile == "" {
		c.KeyFile = "keyhatch.key"
	}
	for _, d := range []struct {
		field    *string
		fallback string
	}{
		{&c.Database, "keyhatch.db"},
		{&c.API.Listen, "127.0.0.1:8750"},
		{&c.S3.Listen, "127.0.0.1:8751"},
		{&c.S3.Region, "us-east-1"},
		{&c.LogFormat, "text"},
		{&c.Audit.KeepRequests, forever},
		{&c.Tokens.Longest, forever},
	} {
		if *d.field == "" {
			*d.field = d.fallback
		}
	}
	for _, d := range []struct {
		field    *int
		fallback int
	}{{&c.API.Connections, 4096}, {&c.S3.Connections, 4096}, {&c.S3.Concurrent, 256}, {&c.S3.PerSecond, 1000}} {
		if *d.field == 0 {
			*d.field = d.fallback
		}
	}
	if len(c.DirectoryRoots) == 0 {
		c.DirectoryRoots = []string{"objects"}
	}
	paths := []*string{&c.Arvados.SystemRootTokenFile, &c.Earthdata.Login.ClientSecretFile, &c.AWS.WebIdentityTokenFile, &c.DatabasePasswordFile, &c.KeyFile, &c.Keys.Previous.File, &c.API.TLSCert, &c.API.TLSKey, &c.S3.TLSCert, &c.S3.TLSKey}
	if !db.OnServer(c.Database) {
		paths = append(paths, &c.Database)
	}
	if c.S3.RequestLog != "-" {
		paths = append(paths, &c.S3.RequestLog)
	}
	for i := range c.Issuers {
		for k := range c.Issuers[i].Keys {
			paths = append(paths, &c.Issuers[i].Keys[k])
		}
	}
	for i := range c.Login.Providers {
		paths = append(paths, &c.Login.Providers[i].ClientSecretFile)
	}
	for i := range c.DirectoryRoots {
		paths = append(paths, &c.DirectoryRoots[i])
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
	return c.Check()
}

// Check refuses what cannot work.
func (c *Config) Check() error {
	if err := c.checkDatabase(); err != nil {
		return err
	}
	if err := c.Earthdata.check(); err != nil {
		return err
	}
	if _, err := c.AWS.budget(); err != nil {
		return err
	}
	for _, l := range []struct {
		name string
		Listener
	}{{"api", c.API.Listener}, {"s3", c.S3.Listener}} {
		if _, _, err := net.SplitHostPort(l.Listen); err != nil {
			return fmt.Errorf("%s.listen must be host:port: %w", l.name, err)
		}
		if (l.TLSCert == "") != (l.TLSKey == "") {
			return fmt.Errorf("%s.tls_cert and %s.tls_key go together: give both or neither", l.name, l.name)
		}
	}
	if min(c.API.Connections, c.S3.Connections, c.S3.Concurrent, c.S3.PerSecond) < 1 {
		return errors.New("connections, concurrent and per_second must be at least 1")
	}
	for name, address := range map[string]string{"s3.url": c.S3.URL, "api.url": c.API.URL} {
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
			return fmt.Errorf("%s must be http://host or https://host, with a port where needed and nothing behind it", name)
		}
	}
	if host, _, _ := net.SplitHostPort(c.S3.Listen); c.S3.URL == "" && (host == "" || isUnspecified(host)) {
		return errors.New("s3.url is needed: s3.listen takes any address, so clients must be told which to use")
	}
	if err := c.Metrics.check(); err != nil {
		return err
	}
	if err := c.checkKeys(); err != nil {
		return err
	}
	if c.Drain < 0 || c.Drain > longestDrain {
		return fmt.Errorf("drain must be a time of at most %s, as in 10s", longestDrain)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return errors.New(`log_format must be "text" or "json"`)
	}
	for _, root := range c.DirectoryRoots {
		for _, file := range []string{c.Database, c.DatabasePasswordFile, c.KeyFile, c.Keys.Previous.File} {
			if rel, err := filepath.Rel(root, file); file != "" && err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
				return fmt.Errorf("directory_roots: %s holds %s, which a store must never serve: name another folder, or move that", root, file)
			}
		}
	}
	if _, err := c.Audit.RequestsKept(); err != nil {
		return err
	}
	if _, err := c.Tokens.Limits(); err != nil {
		return err
	}
	if _, err := Networks("outbound_networks", c.OutboundNetworks); err != nil {
		return err
	}
	_, err := Networks("trusted_proxies", c.TrustedProxies)
	return err
}

// longestDrain is the longest that may be served on.
const longestDrain = 5 * time.Minute

// ClearText is the warning about a listener that is InTheClear.
const ClearText = "keys and tokens on their way to and from clients can be read and changed: the listener has no TLS, and is not on loopback"

// Networks reads a list of the configuration.
func Networks(key string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (c *Config) Logger(s ask.Streams) *slog.Logger {
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.Err, nil))
	}
	return slog.New(slog.NewTextHandler(s.Err, nil))
}
