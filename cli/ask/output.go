package ask

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

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
	Wide  bool `help:"Show all columns."`
}

// Column is how people see one thing of a T. Lists leave out what is detail,
// unless they are to be wide.
type Column[T any] struct {
	Title  string
	Detail bool
	Cell   func(*Names, T) string
}

// Sheet is how people see a T: its columns, in their order.
type Sheet[T any] []Column[T]

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
	if err := l.Write(s.Out, all, func(to io.Writer) error { return sheet.list(to, NewNames(ctx, c), all, l.Wide) }); err != nil {
		return err
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

// End asks for what has no answer, and tells people that it is done.
func End(s Streams, q Question, done string, ask func(*client.Client) error) error {
	c, err := q.Client()
	if err != nil {
		return err
	}
	if err := ask(c); err != nil {
		return q.Explain(err)
	}
	if q.Output == "json" {
		return nil
	}
	_, err = fmt.Fprintln(s.Out, done)
	return err
}

// Write writes the answer, as JSON or by its table.
func (o Format) Write(to io.Writer, answer any, table func(io.Writer) error) error {
	if o.Output != "json" {
		return table(to)
	}
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(answer)
}

// list writes a line for each item.
func (s Sheet[T]) list(to io.Writer, n *Names, items []T, wide bool) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(to, "None.")
		return err
	}
	rows := make([][]string, 1+len(items))
	for _, c := range s {
		if c.Detail && !wide {
			continue
		}
		rows[0] = append(rows[0], c.Title)
		for i, item := range items {
			rows[1+i] = append(rows[1+i], c.Cell(n, item))
		}
	}
	return Columns(to, rows)
}

// Show writes a line for each thing that there is to say.
func (s Sheet[T]) Show(to io.Writer, n *Names, item T) error {
	var rows [][]string
	for _, c := range s {
		if cell := c.Cell(n, item); cell != "" {
			rows = append(rows, []string{strings.ToLower(c.Title), cell})
		}
	}
	return Columns(to, rows)
}

// Columns writes rows whose columns stand below each other.
func Columns(to io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = Printable(cell); cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// Printable is a text without anything that would move a terminal's cursor or
// turn its line around: such a character is written as Go writes it. What is no UTF-8
// is written byte by byte, since a terminal may take a byte for such a character.
func Printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			out.WriteString(s[:size])
		} else {
			quoted := strconv.Quote(s[:size])
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[size:]
	}
	return out.String()
}

// PrintableLines is a text of our own lines that is printable, each of them. What
// another one said in it goes through Printable first, so that its lines stay in ours.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

// TimeOf is how a time is written.
func TimeOf(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// TimeOr is how a time is written that may be missing.
func TimeOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return TimeOf(*t)
}

// Yes is how a choice is written.
func Yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
