package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

// connection is how a command talks to a server, as one of its users. Commands
// embed it. The token is no flag: everybody on the machine can read flags.
type connection struct {
	Server    string `default:"http://127.0.0.1:8750" env:"KEYHATCH_SERVER" placeholder:"URL" help:"Address of the server's API (${env}; default: ${default})."`
	Workspace string `placeholder:"NAME" help:"Workspace, by name or id. Default: that of the token, else your only one."`
}

// tokenVariable is where the token of the user comes from.
const tokenVariable = "KEYHATCH_TOKEN"

// client makes one for the server and the token.
func (c connection) client() (*client.Client, error) {
	u, err := url.Parse(c.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, usageError{errors.New("--server must be http://host or https://host, with a port where needed")}
	}
	token := strings.TrimSpace(os.Getenv(tokenVariable))
	if token == "" {
		return nil, usageError{errors.New("no token: put yours into the environment variable " + tokenVariable + " (keyhatch dev keeps its admin's in the file admin-token)")}
	}
	return client.New(c.Server, token), nil
}

// explain says of a call that failed what to do next on the command line.
func (c connection) explain(err error) error {
	var p *api.Problem
	var unreached *url.Error
	switch {
	case errors.Is(err, context.Canceled): // which is how serving ends well
		return errors.New("interrupted before the server answered")
	case errors.As(err, &p) && sayings[keyhatch.Code(p.Code)] != "":
		return saying{p, sayings[keyhatch.Code(p.Code)]}
	case errors.As(err, &p) && p.Code == string(keyhatch.CodeRouteNotFound):
		return fmt.Errorf("the server at %s does not know this question: it is older than this program", c.Server)
	case errors.As(err, &unreached):
		return fmt.Errorf("no server answers at %s (%w): start it, or name another with --server or KEYHATCH_SERVER", c.Server, unreached.Err)
	}
	return err
}

// sayings are what the command line says of problems that the API tells in words
// of HTTP.
var sayings = map[keyhatch.Code]string{
	keyhatch.CodeWorkspaceRequired: "say which workspace is meant: add --workspace NAME, or use a token of that workspace",
	keyhatch.CodeTokenMalformed:    "the token in " + tokenVariable + " is incomplete or mistyped: it begins with kh_ and has 52 characters",
}

// saying is a problem in the words of the command line.
type saying struct {
	*api.Problem
	text string
}

func (s saying) Error() string { return s.text }
func (s saying) Unwrap() error { return s.Problem }

// usageError is a mistake in how the command was called.
type usageError struct{ error }

// exitStatuses are those of what a server refuses; what is not here has failed.
var exitStatuses = map[int]int{
	http.StatusUnauthorized:        exitNotPermitted,
	http.StatusForbidden:           exitNotPermitted,
	http.StatusNotFound:            exitNotFound,
	http.StatusUnprocessableEntity: exitUsage,
}

// exitStatus is that of a command that ended with the error.
func exitStatus(err error) int {
	var p *api.Problem
	if errors.As(err, &p) {
		if status, ok := exitStatuses[p.Status]; ok {
			return status
		}
	}
	if errors.As(err, &usageError{}) {
		return exitUsage
	}
	return exitFailed
}
