package db

import (
	"strconv"
	"strings"
)

// conditions are the parts of a where clause that a list asks for. What it does
// not ask for must not stand there: "($1 = ” or x = $1)" keeps a database from
// using the index on x.
type conditions struct {
	text []string
	args []any
}

// add adds a condition, in which ? is the value, unless the value is empty.
func (c *conditions) add(condition, value string) {
	if value != "" {
		c.always(condition, value)
	}
}

// always adds a condition whatever the values, one for each ?.
func (c *conditions) always(condition string, values ...any) {
	c.text = append(c.text, c.numbered(condition, values...))
}

// sql returns the clause with what follows it, in which ? is the value.
func (c *conditions) sql(end string, value any) string {
	end = c.numbered(end, value)
	if len(c.text) == 0 {
		return " " + end
	}
	return " where " + strings.Join(c.text, " and ") + " " + end
}

func (c *conditions) numbered(text string, values ...any) string {
	for _, value := range values {
		c.args = append(c.args, value)
		text = strings.Replace(text, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	return text
}
