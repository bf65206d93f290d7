package cli

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

	"github.com/keyhatch/keyhatch/client"
)

// output is how a command shows what it was told. Commands embed it.
type output struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"Write a table for people, or json for programs."`
}

// question is what a command that asks a server begins with.
type question struct {
	connection
	output
}

// listing is a question whose answer is a list.
type listing struct {
	question
	Limit int  `default:"1000" help:"At most so many; 0 for all."`
	Wide  bool `help:"Show all columns."`
}

// column is how people see one thing of a T. Lists leave out what is detail,
// unless they are to be wide.
type column[T any] struct {
	title  string
	detail bool
	cell   func(*names, T) string
}

// sheet is how people see a T: its columns, in their order.
type sheet[T any] []column[T]

// list asks for a list and writes it.
func list[T any](ctx context.Context, s Streams, l listing, sheet sheet[T], ask func(*client.Client) iter.Seq2[T, error]) error {
	c, err := l.client()
	if err != nil {
		return err
	}
	all := []T{} // which is [] in JSON
	more := false
	for item, err := range ask(c) {
		if err != nil {
			return l.explain(err)
		}
		if more = l.Limit > 0 && len(all) == l.Limit; more {
			break
		}
		all = append(all, item)
	}
	if err := l.write(s.Out, all, func(to io.Writer) error { return sheet.list(to, newNames(ctx, c), all, l.Wide) }); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(s.Err, "there is more: these are the first %d; --limit 0 shows all\n", len(all))
	}
	return nil
}

// show asks for one thing and writes it.
func show[T any](ctx context.Context, s Streams, q question, sheet sheet[T], ask func(*client.Client) (T, error)) error {
	c, err := q.client()
	if err != nil {
		return err
	}
	answer, err := ask(c)
	if err != nil {
		return q.explain(err)
	}
	return q.write(s.Out, answer, func(to io.Writer) error { return sheet.show(to, newNames(ctx, c), answer) })
}

// end asks for what has no answer, and tells people that it is done.
func end(s Streams, q question, done string, ask func(*client.Client) error) error {
	c, err := q.client()
	if err != nil {
		return err
	}
	if err := ask(c); err != nil {
		return q.explain(err)
	}
	if q.Output == "json" {
		return nil
	}
	_, err = fmt.Fprintln(s.Out, done)
	return err
}

// write writes the answer, as JSON or by its table.
func (o output) write(to io.Writer, answer any, table func(io.Writer) error) error {
	if o.Output != "json" {
		return table(to)
	}
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(answer)
}

// list writes a line for each item.
func (s sheet[T]) list(to io.Writer, n *names, items []T, wide bool) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(to, "None.")
		return err
	}
	rows := make([][]string, 1+len(items))
	for _, c := range s {
		if c.detail && !wide {
			continue
		}
		rows[0] = append(rows[0], c.title)
		for i, item := range items {
			rows[1+i] = append(rows[1+i], c.cell(n, item))
		}
	}
	return columns(to, rows)
}

// show writes a line for each thing that there is to say.
func (s sheet[T]) show(to io.Writer, n *names, item T) error {
	var rows [][]string
	for _, c := range s {
		if cell := c.cell(n, item); cell != "" {
			rows = append(rows, []string{strings.ToLower(c.title), cell})
		}
	}
	return columns(to, rows)
}

// columns writes rows whose columns stand below each other.
func columns(to io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = printable(cell); cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// printable is a text without anything that would move a terminal's cursor or
// turn its line around.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// How times, choices and lives are written.

func timeOf(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func timeOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return timeOf(*t)
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
