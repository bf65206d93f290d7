package tiledb

import (
	"net/url"
	"strings"
)

// orderOf reads in which order teamspaces are wanted; by default as they were made.
func orderOf(q url.Values) (func(a, b teamspace) int, error) {
	var by func(a, b teamspace) int
	switch q.Get("order_by") {
	case "", "created_at", "updated_at": // what is changed of one is not dated
		by = func(a, b teamspace) int { return a.CreatedAt.Compare(b.CreatedAt) }
	case "name":
		by = func(a, b teamspace) int { return strings.Compare(a.Name, b.Name) }
	default:
		return nil, invalid("order_by is name, created_at or updated_at", "order_by")
	}
	switch q.Get("order") {
	case "", "asc":
		return by, nil
	case "desc":
		return func(a, b teamspace) int { return by(b, a) }, nil
	}
	return nil, invalid("order is asc or desc", "order")
}
