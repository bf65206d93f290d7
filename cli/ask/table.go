package ask

import (
	"fmt"
	"io"
	"os"
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
	Cut    bool // to what a terminal has room for
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

// list writes a line for each item.
func (s Sheet[T]) list(to io.Writer, n *Names, items []T, as shape) error {
	if len(items) == 0 {
		return nil
	}
	rows := make([][]string, 1+len(items))
	var cut []int
	for _, c := range s {
		if c.Detail && !as.wide {
			continue
		}
		if c.Cut {
			cut = append(cut, len(rows[0]))
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

const (
	between = 2  // columns, in spaces
	least   = 10 // of a column that is cut
)

// fit cuts columns until the rows are no wider than a line, the widest one first.
func fit(rows [][]string, cut []int, width int) {
	if len(cut) == 0 {
		return
	}
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
	for ; over > 0; over-- {
		widest := cut[0]
		for _, i := range cut {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			break
		}
		widths[widest]--
	}
	for _, row := range rows {
		for _, i := range cut {
			if text := []rune(row[i]); len(text) > widths[i] {
				row[i] = string(text[:widths[i]-1]) + "…"
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
