package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// output is how a command shows what it was told. Commands embed it.
type output struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"Write a table for people, or json for programs."`
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

// columns writes rows whose columns stand below each other. The first row is the
// heading.
func columns(to io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = shown(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// shown is a text without anything that would move a terminal's cursor or turn its
// line around.
func shown(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
