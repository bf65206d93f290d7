package devserver

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// Redacted stands where a secret stood.
const Redacted = "[redacted]"

// outputLimit bounds what is kept of a server's output, in bytes. The end is
// what tells why it failed.
const outputLimit = 1 << 20

// output collects what a process prints, and gives it back without secrets.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets []string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if extra := o.text.Len() - outputLimit; extra > 0 {
		o.text.Next(extra)
	}
	return len(p), nil
}

// forget drops what was printed: another process begins.
func (o *output) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

// hide adds a secret that must not be given back.
func (o *output) hide(secret string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secrets = append(o.secrets, secret)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Redact(o.text.String(), o.secrets...)
}

// Redact replaces the secrets, and whatever else looks like one of ours, in
// text that is about to be shown.
func Redact(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, Redacted)
		}
	}
	text = tokens.ReplaceAllString(text, Redacted)
	return assignments.ReplaceAllString(text, "${1}"+Redacted)
}

// What a server may print for its user to paste: API tokens, and the values of
// the settings that hold keys, in a shell's and in JSON's spelling.
var (
	tokens      = regexp.MustCompile(`\bkh(?:_|-ws_[0-9a-z]{15}-)[0-9A-Za-z]{49}\b`)
	assignments = regexp.MustCompile(`(?i)((?:secret_access_key|session_token)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',]+)`)
)
