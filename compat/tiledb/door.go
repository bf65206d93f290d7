package tiledb

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
)

// Door serves the wire.
type Door struct {
	people      *people.Service
	credentials *credentials.Service
	places      *places.Service
	guard       *auth.Guard
	log         *slog.Logger
}

// New makes the door.
func New(b *broker.Broker, log *slog.Logger) *Door {
	return &Door{people: b.People, credentials: b.Credentials, places: b.Places, guard: auth.NewGuard(b.People).WithPasswords(b.Passwords), log: log}
}

// Mount adds the door's paths. It takes the whole of /v4/, so that what there is not
// under it answers in this format too.
func (d *Door) Mount(mux *http.ServeMux) { mux.HandleFunc(base, d.serve) }

// call is a request whose caller is known.
type call struct {
	ctx    context.Context
	caller keyhatch.Caller
	query  url.Values
	body   []byte
	// What the path names, or a header or the token for it; empty when nothing does.
	workspace, name string
}

// maxBody bounds what is read of a request. A service account's key file, the longest
// that belongs into one, has some thousand bytes.
const maxBody = 1 << 20

func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	status, answer, err := d.do(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	d.send(w, r, status, answer)
}

// do walks the request's way: what it asks is told from the path as it was escaped,
// then who calls and whether the token's scopes allow that, and then the rest is read.
func (d *Door) do(w http.ResponseWriter, r *http.Request) (status int, answer any, err error) {
	route, c, err := find(r)
	if err != nil {
		if errors.Is(err, errMethod) {
			w.Header().Set("Allow", strings.Join(allowedOn(r), ", "))
		}
		return 0, nil, err
	}
	first, also := route.scopes(r)
	c.caller, err = d.guard.Admit(r.Context(), r.Header, first, also...)
	auth.TellAllowance(w.Header(), c.caller.Allowance)
	if err != nil {
		return 0, nil, err
	}
	if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return 0, nil, invalid("the query cannot be read", "")
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return 0, nil, errTooLarge
		}
		return 0, nil, invalid("the body could not be read", "")
	}
	c.ctx = r.Context()
	answer, err = route.run(d, c)
	return route.status, answer, err
}

// decode reads the body. Fields that are not known here are left alone, as clients
// send more than is published; null is nothing said.
func decode[T any](c *call) (v T, err error) {
	if err := json.Unmarshal(c.body, &v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return v, invalid("a field has another type than it should", wrong.Field)
		}
		return v, invalid("the body is no JSON", "")
	}
	return v, nil
}

func (d *Door) send(w http.ResponseWriter, r *http.Request, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	text, err := json.Marshal(v)
	if err != nil { // our own answers always encode
		status, text = http.StatusInternalServerError, []byte("{}")
		d.log.ErrorContext(r.Context(), "answer not encoded", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}

// data is how an answer holds one thing, or all of a list.
type data[T any] struct {
	Data T `json:"data"`
}

// page is a part of a list. Clients read the metadata before they look at the items.
type page[T any] struct {
	Data     []T      `json:"data"`
	Metadata metadata `json:"pagination_metadata"`
}

type metadata struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	TotalPages int `json:"total_pages"`
	TotalItems int `json:"total_items"`
}

const (
	defaultPage = 10
	maxPage     = 1000
)

// paged is the page of all items that the query asks for.
func paged[T any](q url.Values, all []T) (page[T], error) {
	number, err := positive(q, "page", 1, 1<<30)
	if err != nil {
		return page[T]{}, err
	}
	size, err := positive(q, "per_page", defaultPage, maxPage)
	if err != nil {
		return page[T]{}, err
	}
	first := min((number-1)*size, len(all))
	return page[T]{
		Data:     append([]T{}, all[first:min(first+size, len(all))]...), // [] when there are none
		Metadata: metadata{Page: number, PerPage: size, TotalPages: (len(all) + size - 1) / size, TotalItems: len(all)},
	}, nil
}

func positive(q url.Values, name string, otherwise, most int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalid(name+" is a number from 1 to "+strconv.Itoa(most), name)
	}
	return n, nil
}
