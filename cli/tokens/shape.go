package tokens

import (
	"errors"
	"fmt"
	"io"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// What can be told of a token's text without a server.

// shownSecret is how a command is given a token's secret: never by what stands on the
// command line, where others see it and where the shell keeps it.
type shownSecret struct {
	From string `arg:"" optional:"" name:"input" help:"-, which is the terminal or standard input, as it is without it. A secret itself is refused here: others can read command lines."`
}

func (f shownSecret) read(s ask.Streams, prompt string) (string, error) {
	if f.From != "" && f.From != "-" {
		return "", ask.UsageError{Err: errors.New("a secret does not belong on the command line: it is read from the terminal or from standard input")}
	}
	return ask.Secret(s, prompt)
}

type tokenInspect struct {
	ask.Format
	shownSecret
}

// Help is what --help says beside the flags.
func (tokenInspect) Help() string {
	return `Nothing is sent anywhere. That a token is whole does not mean that there is one, or that it works: whoami tells that
of yours. The exit status is 1 for a look-alike.`
}

// inspected is what the text of a whole token says.
type inspected struct {
	WellFormed bool   `json:"well_formed"`
	Spelling   string `json:"spelling"`
	Token      string `json:"token,omitempty"`
	Workspace  string `json:"workspace,omitempty"`
}

var inspections = ask.Sheet[inspected]{
	{Title: "TOKEN", Cell: func(*ask.Names, inspected) string { return "whole: its checksum fits" }},
	{Title: "SPELLING", Cell: func(_ *ask.Names, i inspected) string { return i.Spelling }},
	{Title: "ID", Cell: func(_ *ask.Names, i inspected) string { return i.Token }},
	{Title: "WORKSPACE", Cell: func(_ *ask.Names, i inspected) string { return i.Workspace }},
}

// Run tells what it is, and nothing of the secret itself.
func (t tokenInspect) Run(s ask.Streams) error {
	text, err := t.read(s, "Token: ")
	if err != nil {
		return err
	}
	if why := ask.WhyNoToken(text); why != "" {
		return errors.New(why)
	}
	shown, _ := keyhatch.ParseTokenSecret(text)
	out := inspected{WellFormed: true, Spelling: "bare", Token: shown.Token, Workspace: shown.Workspace}
	switch {
	case shown.Token != "":
		out.Spelling = "with its id, as clients of Arvados write it"
	case shown.Workspace != "":
		out.Spelling = "with a workspace, as clients of TileDB take it"
	}
	return t.Write(s.Out, out, func(to io.Writer) error { return inspections.Show(to, nil, out) })
}

type tokenGenerate struct{}

// Help is what --help says beside the flags.
func (tokenGenerate) Help() string {
	return `No server knows it: it is what arvados.system_root_token_file has to hold, and what tests can use.`
}

// Run prints a secret.
func (tokenGenerate) Run(s ask.Streams) error {
	_, err := fmt.Fprintln(s.Out, keyhatch.NewTokenSecret().Reveal())
	return err
}
