package ask

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxSecret bounds what is read of a secret.
const maxSecret = 4096

// Secret reads a line that is not for other eyes: from a terminal without
// showing it, else from standard input.
func Secret(s Streams, prompt string) (string, error) {
	if f, ok := s.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(s.Err, Printable(prompt))
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Err)
		return strings.TrimSpace(string(text)), err
	}
	line, err := bufio.NewReader(io.LimitReader(s.In, maxSecret)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", UsageError{errors.Join(errors.New("nothing was given: the secret is read from standard input"), notEnd(err))}
	}
	return line, nil
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// AtTerminal tells whether a person types what is read.
func AtTerminal(s Streams) bool {
	f, ok := s.In.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Passwords reads a line for each prompt, as it is but for its end: a password may begin
// and end with spaces, and may be empty.
func Passwords(s Streams, prompts ...string) ([]string, error) {
	out := make([]string, 0, len(prompts))
	if f, ok := s.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		for _, prompt := range prompts {
			fmt.Fprint(s.Err, Printable(prompt))
			text, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(s.Err)
			if err != nil {
				return nil, err
			}
			out = append(out, string(text))
		}
		return out, nil
	}
	lines := bufio.NewReader(io.LimitReader(s.In, maxSecret))
	for range prompts {
		line, err := lines.ReadString('\n')
		if line == "" && err != nil {
			return nil, UsageError{errors.Join(fmt.Errorf("standard input has to hold %d lines, and holds %d", len(prompts), len(out)), notEnd(err))}
		}
		out = append(out, strings.TrimRight(line, "\r\n"))
	}
	return out, nil
}
