package kernel

import (
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// Page asks for a part of a list: at most Limit items after the cursor.
type Page = db.Page

// List is a part of a list. Next is the cursor of the part that follows, empty
// at the end.
type List[T any] struct {
	Items []T
	Next  string
}

// The size of a page.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// Paged fetches one item more than asked to know whether there is a next page.
// id gives the item's place in the list, an id of the kind.
func Paged[T any](p Page, kind keyhatch.IDKind, id func(T) string, fetch func(Page) ([]T, error)) (List[T], error) {
	if p.Limit <= 0 {
		p.Limit = DefaultPage
	}
	p.Limit = min(p.Limit, MaxPage)
	if _, ok := keyhatch.IDPayload(kind, p.After); p.After != "" && !ok {
		return List[T]{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidCursor,
			"the cursor is not one that this list gave: begin again without it").In("cursor")
	}
	items, err := fetch(Page{After: p.After, Limit: p.Limit + 1})
	if err != nil {
		return List[T]{}, err
	}
	if len(items) <= p.Limit {
		return List[T]{Items: items}, nil
	}
	items = items[:p.Limit]
	return List[T]{Items: items, Next: id(items[len(items)-1])}, nil
}

// Set changes the field to what the request says, when it says something.
func Set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}
