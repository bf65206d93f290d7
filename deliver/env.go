package deliver

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// Env are the variables ("NAME=value") that give a program the lease as it is, for
// as long as it lives: no client renews what it has from its environment.
//
// Both names of the region are there because botocore looks at the one, newer SDKs
// at the other. A host name of the endpoint is a client's own matter: botocore puts
// the bucket into the path when it is given an endpoint, other SDKs before the host.
func Env(l api.Lent) ([]string, error) {
	if err := CheckLent(l); err != nil {
		return nil, err
	}
	return append([]string{
		"AWS_ACCESS_KEY_ID=" + l.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + l.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + l.SessionToken,
		"AWS_CREDENTIAL_EXPIRATION=" + expiration(l),
	}, place(l)...), nil
}

// place are the variables that tell where a lease is used.
func place(l api.Lent) []string {
	return []string{
		"AWS_REGION=" + l.Region,
		"AWS_DEFAULT_REGION=" + l.Region,
		"AWS_ENDPOINT_URL_S3=" + l.Endpoint,
	}
}

func expiration(l api.Lent) string { return l.ExpiresAt.UTC().Format(time.RFC3339) }

// inTheWay are variables that would make clients look past what Env sets: another
// session token that botocore takes first, profiles that some SDKs take before the
// environment, and the switch that turns endpoints from the environment off.
var inTheWay = []string{
	"AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
}

// ShellWord is a word that a POSIX shell reads as it is meant.
func ShellWord(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + shells[POSIX].quote.Replace(s) + "'"
}

// plain needs no quotes in any shell, nor where there is none.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Shell is the language that WriteShell writes.
type Shell string

// The shells.
const (
	POSIX      Shell = "sh" // also bash, zsh, dash, ksh
	Fish       Shell = "fish"
	PowerShell Shell = "powershell"
)

// ShellOf tells which shell a program is, from its name or path as $SHELL has it.
func ShellOf(program string) (Shell, bool) {
	name := program[strings.LastIndexAny(program, `/\`)+1:]
	switch strings.TrimSuffix(strings.ToLower(name), ".exe") {
	case "sh", "bash", "rbash", "zsh", "dash", "ksh", "mksh", "ash", "yash":
		return POSIX, true
	case "fish":
		return Fish, true
	case "powershell", "pwsh":
		return PowerShell, true
	}
	return "", false
}

// shells tell how each language says it. A semicolon ends a line for who evals the text
// without quotes around it, which makes one line of it: fish then showed it all, secrets
// included, for a mistake.
var shells = map[Shell]struct {
	unset, set string
	quote      *strings.Replacer // inside '…'
}{
	POSIX:      {"unset %s;\n", "export %s='%s';\n", strings.NewReplacer(`'`, `'\''`)},
	Fish:       {"set -e %s;\n", "set -gx %s '%s';\n", strings.NewReplacer(`\`, `\\`, `'`, `\'`)},
	PowerShell: {"Remove-Item Env:%s -ErrorAction SilentlyContinue\n", "$Env:%s = '%s'\n", strings.NewReplacer(`'`, `''`)},
}

// WriteShell writes the commands that set Env in a shell, for it to eval. They can
// do nothing else, whatever the lease's values are.
func WriteShell(w io.Writer, shell Shell, l api.Lent) error {
	language, ok := shells[shell]
	if !ok {
		return fmt.Errorf("there is no shell %q here: choose %s, %s or %s", shell, POSIX, Fish, PowerShell)
	}
	env, err := Env(l)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, name := range inTheWay {
		fmt.Fprintf(&text, language.unset, name)
	}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&text, language.set, name, language.quote.Replace(value))
	}
	_, err = io.WriteString(w, text.String())
	return err
}
