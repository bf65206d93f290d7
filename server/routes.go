package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// routes tells which door has a route: of those that were asked for, which are as many as there are at most.
type routes struct {
	doors []mounted
	known sync.Map // pattern → the door's name
}

type mounted struct {
	name string
	mux  *http.ServeMux
}

func routesOf(doors []Door) *routes {
	out := &routes{}
	for _, d := range doors {
		mux := http.NewServeMux()
		d.Mount(mux)
		name, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprintf("%T", d), "*"), ".")
		out.doors = append(out.doors, mounted{name, mux})
	}
	return out
}

// door names the one that a request which was routed has gone to; empty: none.
func (r *routes) door(request *http.Request) string {
	if request.Pattern == "" {
		return ""
	}
	if name, ok := r.known.Load(request.Pattern); ok {
		return name.(string)
	}
	for _, d := range r.doors {
		if _, pattern := d.mux.Handler(request); pattern == request.Pattern {
			r.known.Store(request.Pattern, d.name)
			return d.name
		}
	}
	return ""
}
