// Package snippets tells what to paste into tools so that they use a lease.
package snippets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"text/template"
	"unicode"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
)

// Tools are what Of knows.
func Tools() []string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.name
	}
	return names
}

// Renews tells whether the snippet that uses a profile renews its lease. A tool that
// cannot run a profile's command gets the lease's own values in both cases.
func Renews(tool string) bool {
	t, ok := findTool(tool)
	return ok && t.profile != ""
}

// Of tells what to paste into a tool so that it uses a lease: through a profile
// that WriteProfile has written, which renews it, or, without a profile's name, by
// the lease's own values, its secrets among them, which end with it.
//
// The lease's values are quoted for the tool's language. Those that no language has
// a use for, such as control characters, are refused.
func Of(tool, profile string, l api.Lent) (string, error) {
	t, ok := findTool(tool)
	if !ok {
		return "", fmt.Errorf("there is no snippet for %q: choose one of %s", tool, strings.Join(Tools(), ", "))
	}
	if profile != "" {
		if err := deliver.CheckProfileName(profile); err != nil {
			return "", err
		}
	}
	fill, err := fillOf(profile, l)
	if err != nil {
		return "", err
	}
	text := t.values
	if profile != "" && t.profile != "" {
		text = t.profile
	}
	parsed, err := template.New(tool).Delims("‹", "›").Funcs(languages).Parse(strings.TrimPrefix(text, "\n"))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, fill); err != nil {
		return "", err
	}
	return out.String(), nil
}

type tool struct {
	name    string
	profile string // empty: the tool cannot use one
	values  string
}

func findTool(name string) (tool, bool) {
	for _, t := range tools {
		if t.name == name {
			return t, true
		}
	}
	return tool{}, false
}

// fill is what the templates are filled with.
type fill struct {
	Profile string
	api.Lent
	Host   string // of the endpoint, with its port
	TLS    bool
	Bucket string // of the first prefix of the lease
	Prefix string
	URL    string // that prefix
}

func fillOf(profile string, l api.Lent) (fill, error) {
	if err := deliver.CheckLent(l); err != nil {
		return fill{}, err
	}
	if len(l.Prefixes) == 0 {
		return fill{}, fmt.Errorf("prefixes: %w", deliver.ErrUnfit)
	}
	first := l.Prefixes[0]
	place, ok := strings.CutPrefix(first, "s3://")
	if !ok || strings.ContainsFunc(first, unicode.IsControl) {
		return fill{}, fmt.Errorf("prefixes: %w", deliver.ErrUnfit)
	}
	bucket, prefix, _ := strings.Cut(place, "/")
	u, err := url.Parse(l.Endpoint)
	if err != nil {
		return fill{}, deliver.ErrUnfit
	}
	return fill{Profile: profile, Lent: l, Host: u.Host, TLS: u.Scheme == "https", Bucket: bucket, Prefix: prefix, URL: first}, nil
}

// languages quote a value, each for the language of a template.
var languages = template.FuncMap{
	"py":  quoteJSON, // Python reads what JSON writes
	"sql": func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" },
	"hcl": func(s string) (string, error) {
		quoted, err := quoteJSON(s)
		return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted), err
	},
	"sh":  func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	"add": func(a, b string) string { return a + b },
}

func quoteJSON(s string) (string, error) {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return strings.TrimSuffix(out.String(), "\n"), err
}
