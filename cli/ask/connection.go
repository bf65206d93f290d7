package ask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

// Connection is how a command talks to a server, as one of its users. Commands
// embed it. The token is no flag: everybody on the machine can read flags.
type Connection struct {
	Server    string `group:"Connection" env:"KEYHATCH_SERVER" placeholder:"URL" help:"Address of the server's API (${env}). Default: the one that login kept, else http://127.0.0.1:8750. The token is that of KEYHATCH_TOKEN, for a server that is named, else the one that login kept."`
	Workspace string `group:"Connection" env:"KEYHATCH_WORKSPACE" placeholder:"NAME" help:"Workspace, by name or id (${env}). Default: that of the token, else your only one."`
}

const (
	// TokenVariable is where the token of the user comes from, before what login
	// kept.
	TokenVariable  = "KEYHATCH_TOKEN"
	serverVariable = "KEYHATCH_SERVER"
	localServer    = "http://127.0.0.1:8750"
)

// Session is a connection that is open: a server, and who one is to it.
type Session struct {
	*client.Client
	Server string
	Token  string
	Kept   bool // the token is what login kept
}

// Client makes one for the server and the token.
func (c Connection) Client() (*client.Client, error) {
	s, err := c.Open()
	return s.Client, err
}

// Open finds the server, and the token for it. A token of the environment is for the
// server of the environment, where that is there, and goes to no other.
func (c Connection) Open() (Session, error) { return c.open(false) }

// OpenKept is Open for a command that names its server and stands in a file, as that of
// a profile does: a token of the environment that says of no server that it is for it
// comes after the one that login kept for this one.
func (c Connection) OpenKept() (Session, error) { return c.open(true) }

func (c Connection) open(keptFirst bool) (Session, error) {
	kept, err := ReadLogins()
	if err != nil {
		return Session{}, err
	}
	s := Session{Token: strings.TrimSpace(os.Getenv(TokenVariable))}
	if s.Server, err = c.ServerURL(kept); err != nil {
		return Session{}, err
	}
	own := kept.Tokens[s.Server]
	its := os.Getenv(serverVariable) // the server of the environment's token
	switch {
	case s.Token == "":
		s.Token, s.Kept = own, true
	case c.Server == "" && s.Server != localServer:
		// The server of the last login may be another's than that of the token.
		return Session{}, UsageError{fmt.Errorf("which server is the token in %s for? Name it with --server or %s: it is not sent to %s, where you are logged in, unless you say so", TokenVariable, serverVariable, s.Server)}
	case its != "" && !isServer(its, s.Server):
		if own == "" {
			return Session{}, UsageError{fmt.Errorf("the token in %s is for the server in %s, and not sent to %s: `keyhatch login --server %s --token` keeps one for it", TokenVariable, serverVariable, s.Server, s.Server)}
		}
		s.Token, s.Kept = own, true
	case its == "" && keptFirst && own != "":
		s.Token, s.Kept = own, true
	}
	if s.Token == "" {
		return Session{}, UsageError{fmt.Errorf("no token for %s: `keyhatch login --token` keeps yours, or put it into the environment variable %s (keyhatch dev keeps its admin's in the file admin-token)", s.Server, TokenVariable)}
	}
	s.Client = client.New(s.Server, s.Token).In(c.Workspace)
	return s, nil
}

// ServerURL is the address that was asked for, in one spelling.
func (c Connection) ServerURL(kept Logins) (string, error) {
	asked := c.Server
	if asked == "" {
		asked = kept.Server
	}
	if asked == "" {
		asked = localServer
	}
	return spelled(asked)
}

// isServer tells whether an address, in any spelling, is the server's.
func isServer(address, server string) bool {
	other, err := spelled(address)
	return err == nil && other == server
}

// spelled is an address in one spelling.
func spelled(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", UsageError{errors.New("--server must be http://host or https://host, with a port where needed")}
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/"), nil
}

// Explain says of a call that failed what to do next on the command line.
func (c Connection) Explain(err error) error {
	var p *api.Problem
	var unreached *url.Error
	switch {
	case errors.Is(err, context.Canceled): // which is how serving ends well
		return errors.New("interrupted before the server answered")
	case errors.As(err, &p) && sayings[keyhatch.Code(p.Code)] != "":
		return saying{p, sayings[keyhatch.Code(p.Code)]}
	case errors.As(err, &p) && p.Code == string(keyhatch.CodeRouteNotFound):
		return saying{p, "the server does not know this call: it is older than this program"}
	case errors.As(err, &p):
		return saying{p, Printable(forPeople(err.Error()))}
	case errors.As(err, &unreached):
		return fmt.Errorf("no server answers at %s (%w): start it, or name another with --server or KEYHATCH_SERVER", address(unreached.URL), unreached.Err)
	}
	return err
}

// forPeople says in verbs and hours what the API says in calls and seconds.
func forPeople(text string) string {
	text = apiList.ReplaceAllStringFunc(text, inVerbs)
	return apiSeconds.ReplaceAllStringFunc(text, func(span string) string {
		return number.ReplaceAllStringFunc(strings.TrimSuffix(span, " seconds"), func(n string) string {
			seconds, err := strconv.Atoi(n)
			if err != nil {
				return n
			}
			return Seconds(seconds)
		})
	})
}

// apiSeconds is how the API tells limits, which it takes in seconds.
var (
	apiSeconds = regexp.MustCompile(`(\d+ to )?\d+ seconds|at most \d+ now`)
	number     = regexp.MustCompile(`\d+`)
)

// apiList is how the API says where to look.
var apiList = regexp.MustCompile(`GET /api/v1/([a-z-]+)s(\?action=([a-z.]+))?`)

// inVerbs is what of the command line does the same.
func inVerbs(call string) string {
	part := apiList.FindStringSubmatch(call)
	switch {
	case part[1] == "event" && part[3] != "":
		return "`keyhatch audit events --action " + part[3] + "`"
	case part[1] == "event":
		return "`keyhatch audit events`"
	case part[1] == "access-key":
		return "`keyhatch key list`"
	case part[1] == "key":
		return "`keyhatch keys list`"
	case part[1] == "access-key":
		return "`keyhatch key list`"
	}
	return "`keyhatch " + part[1] + " list`"
}

// address is the server's part of a URL.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "the address"
	}
	return u.Scheme + "://" + u.Host
}

// sayings are what the command line says of problems that the API tells in words
// of HTTP.
var sayings = map[keyhatch.Code]string{
	keyhatch.CodeWorkspaceRequired: "say which workspace is meant: add --workspace NAME, or use a token of that workspace",
	keyhatch.CodeTokenMalformed:    "the token in " + TokenVariable + " is incomplete or mistyped: `keyhatch token inspect` tells what is wrong with it",
}

// saying is a problem in the words of the command line.
type saying struct {
	*api.Problem
	text string
}

func (s saying) Error() string { return s.text }
func (s saying) Unwrap() error { return s.Problem }

// UsageError is a mistake in how the command was called.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// The exit statuses.
const (
	ExitDone         = 0
	ExitFailed       = 1
	ExitUsage        = 2
	ExitNotPermitted = 3
	ExitNotFound     = 4
	ExitUnwell       = 5 // of keyhatch doctor, which has found something
)

// exitStatuses are those of what a server refuses; what is not here has failed.
var exitStatuses = map[int]int{
	http.StatusUnauthorized:        ExitNotPermitted,
	http.StatusForbidden:           ExitNotPermitted,
	http.StatusNotFound:            ExitNotFound,
	http.StatusUnprocessableEntity: ExitUsage,
}

// StatusError ends the command with a status of its own.
type StatusError struct {
	Err    error
	Status int
}

func (e StatusError) Error() string { return e.Err.Error() }
func (e StatusError) Unwrap() error { return e.Err }

// ExitStatus is that of a command that ended with the error.
func ExitStatus(err error) int {
	var own StatusError
	if errors.As(err, &own) {
		return own.Status
	}
	var p *api.Problem
	if errors.As(err, &p) {
		if status, ok := exitStatuses[p.Status]; ok {
			return status
		}
	}
	if errors.As(err, &UsageError{}) {
		return ExitUsage
	}
	return ExitFailed
}
