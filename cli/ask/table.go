package ask

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"golang.org/x/term"
)

// Column is how people see one thing of a T. Lists leave out what is detail,
// unless they are to be wide.
type Column[T any] struct {
	Title  string
	Detail bool
	Cut    int // to what a terminal has room for, but not to less than this; 0 for never
	Cell   func(*Names, T) string
}

// Sheet is how people see a T: its columns, in their order.
type Sheet[T any] []Column[T]

// shape is how much of a list is shown.
type shape struct {
	wide  bool
	width int // of a line; 0 for any
}

func (l Listing) shape(out io.Writer) shape {
	if l.Wide {
		return shape{wide: true}
	}
	return shape{width: widthOf(out)}
}

// widthOf is that of a terminal, as it says itself unless COLUMNS does; 0 where there
// is none: what programs read is never cut.
func widthOf(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Table writes a line for each item of an answer, and all of it.
func (s Sheet[T]) Table(to io.Writer, n *Names, items []T) error {
	return s.list(to, n, items, shape{wide: true})
}

// list writes a line for each item.
func (s Sheet[T]) list(to io.Writer, n *Names, items []T, as shape) error {
	if len(items) == 0 {
		return nil
	}
	rows := make([][]string, 1+len(items))
	var cut []cuttable
	for _, c := range s {
		if c.Detail && !as.wide {
			continue
		}
		if c.Cut > 0 {
			cut = append(cut, cuttable{len(rows[0]), c.Cut})
		}
		rows[0] = append(rows[0], c.Title)
		for i, item := range items {
			rows[1+i] = append(rows[1+i], Printable(c.Cell(n, item)))
		}
	}
	if as.width > 0 {
		fit(rows, cut, as.width)
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

// between is how many spaces are between columns.
const between = 2

// cuttable is a column that may be cut, and how many characters it keeps.
type cuttable struct{ column, least int }

// fit cuts columns until the rows are no wider than a line, the one with the most to
// give first, as far as they may be.
func fit(rows [][]string, cut []cuttable, width int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	over := between*(len(widths)-1) - width
	for _, w := range widths {
		over += w
	}
	spare := func(c cuttable) int { return widths[c.column] - c.least }
	for ; over > 0 && len(cut) > 0; over-- {
		most := slices.MaxFunc(cut, func(a, b cuttable) int { return spare(a) - spare(b) })
		if spare(most) <= 0 {
			break
		}
		widths[most.column]--
	}
	for _, row := range rows {
		for _, c := range cut {
			if text := []rune(row[c.column]); len(text) > widths[c.column] {
				row[c.column] = string(text[:widths[c.column]-1]) + "…"
			}
		}
	}
}

// Columns writes rows whose columns stand below each other.
func Columns(to io.Writer, rows [][]string) error {
	w := tabwriter.NewWriter(to, 0, 0, between, ' ', 0)
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
