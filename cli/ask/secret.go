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
