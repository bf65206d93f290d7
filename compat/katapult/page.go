package katapult

import (
	"iter"

	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// paging are the arguments of every list.
var paging = []arguments.Argument{
	{Name: "page", Kind: arguments.Integer, Otherwise: int64(1), Rules: []arguments.Rule{positive}},
	{Name: "per_page", Kind: arguments.Integer, Otherwise: int64(30), Rules: []arguments.Rule{positive, {Name: "less_than_or_equal_to_one_hundred", Holds: func(v any) bool { return v.(int64) <= maxPage }}}},
}

var positive = arguments.Rule{Name: "greater_than_zero", Holds: func(v any) bool { return v.(int64) > 0 }}

// maxPage is how many a page has at most. The name of the rule that says so is older than
// the number, in the format too.
const maxPage = 200

// largeSet is how many things a list can have of which it is told how many there are.
const largeSet = 1000

// pagination is how a list tells which part of it this is.
type pagination struct {
	CurrentPage int64  `json:"current_page"`
	TotalPages  *int64 `json:"total_pages"` // null of a large set
	Total       *int64 `json:"total"`       // likewise
	PerPage     int64  `json:"per_page"`
	LargeSet    bool   `json:"large_set"`
}

// paged is the page of all items that the arguments ask for. More than it needs to know
// is not looked at.
func paged[T, W any](a arguments.Values, all iter.Seq2[T, error], encode func(T) W) (items []W, p pagination, err error) {
	page, _ := arguments.Get[int64](a, "page")
	size, _ := arguments.Get[int64](a, "per_page")
	p = pagination{CurrentPage: page, PerPage: size}
	page = min(page, 1<<40) // of which there are none
	items = []W{}
	var n int64
	for item, err := range all {
		if err != nil {
			return nil, p, err
		}
		if n >= (page-1)*size && n < page*size {
			items = append(items, encode(item))
		}
		if n++; n > largeSet && n >= page*size {
			break
		}
	}
	if p.LargeSet = n > largeSet; !p.LargeSet {
		pages := (n + size - 1) / size
		p.Total, p.TotalPages = &n, &pages
	}
	return items, p, nil
}
