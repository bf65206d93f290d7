package ask

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/keyhatch/keyhatch/client"
)

// Streams are what a command reads and writes: what it is for to Out, all else to
// Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Format is how a command shows what it was told. Commands embed it.
type Format struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"Write a table for people, or json for programs."`
}

// Question is what a command that asks a server begins with.
type Question struct {
	Connection
	Format
}

// Listing is a Question whose answer is a list.
type Listing struct {
	Question
	Limit int  `default:"1000" help:"At most so many; 0 for all."`
	Wide  bool `help:"Show all columns, and nothing cut to the width of the terminal."`
}

// List asks for a list and writes it.
func List[T any](ctx context.Context, s Streams, l Listing, sheet Sheet[T], ask func(*client.Client) iter.Seq2[T, error]) error {
	c, err := l.Client()
	if err != nil {
		return err
	}
	all := []T{} // which is [] in JSON
	more := false
	for item, err := range ask(c) {
		if err != nil {
			return l.Explain(err)
		}
		if more = l.Limit > 0 && len(all) == l.Limit; more {
			break
		}
		all = append(all, item)
	}
	if err := l.Write(s.Out, all, func(to io.Writer) error { return sheet.list(to, NewNames(ctx, c), all, l.shape(s.Out)) }); err != nil {
		return err
	}
	if len(all) == 0 && l.Output != "json" {
		fmt.Fprintln(s.Err, "None.") // which is no line for who counts them
	}
	if more {
		fmt.Fprintf(s.Err, "there is more: these are the first %d; --limit 0 shows all\n", len(all))
	}
	return nil
}

// Show asks for one thing and writes it.
func Show[T any](ctx context.Context, s Streams, q Question, sheet Sheet[T], ask func(*client.Client) (T, error)) error {
	c, err := q.Client()
	if err != nil {
		return err
	}
	answer, err := ask(c)
	if err != nil {
		return q.Explain(err)
	}
	return q.Write(s.Out, answer, func(to io.Writer) error { return sheet.Show(to, NewNames(ctx, c), answer) })
}

// Ended is what a command tells that ended something, in the words of the audit record.
type Ended struct {
	Action string `json:"action"`
	Target string `json:"target"` // as it was named
	User   string `json:"user,omitempty"`
}

// End asks for what has no answer, and tells that it is done.
func End(s Streams, q Question, ended Ended, done string, ask func(*client.Client) error) error {
	c, err := q.Client()
	if err != nil {
		return err
	}
	if err := ask(c); err != nil {
		return q.Explain(err)
	}
	return q.Say(s.Out, ended, done)
}

// Say writes the answer as JSON, or a line of text.
func (o Format) Say(to io.Writer, answer any, text string) error {
	return o.Write(to, answer, func(to io.Writer) error {
		_, err := fmt.Fprintln(to, Printable(text))
		return err
	})
}

// Write writes the answer, as JSON or by its table.
func (o Format) Write(to io.Writer, answer any, table func(io.Writer) error) error {
	if o.Output != "json" {
		return table(to)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		return err
	}
	_, err := io.WriteString(to, printableJSON(text.String()))
	return err
}

// printableJSON is the same JSON, in which characters that a terminal would obey are
// written as escapes: encoding/json does that with some of them.
func printableJSON(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}
