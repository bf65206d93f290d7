package upstream

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// attempt is something that a store which holds a condition does right.
type attempt struct {
	there bool // whether there is an object to write to before
	value func(object) string
	meets bool // whether it is to be done
}

// object is what is known of one.
type object struct {
	there          bool
	etag, modified string
}

// Values of conditions, which are about an object.
var (
	anything = func(object) string { return "*" }
	another  = func(object) string { return `"00000000000000000000000000000000"` }
	itself   = func(o object) string { return o.etag }
	itsTime  = func(o object) string { return o.modified }
	longAgo  = func(object) string { return "Sat, 01 Jan 2000 00:00:00 GMT" }
)

// test is what is tried: a condition, and the form of its value.
type test struct {
	condition string
	form      form
}

var attempts = map[test][]attempt{
	{"If-Match", plain}:                            {{true, another, false}, {true, itself, true}, {false, another, false}},
	{"If-Match", wildcard}:                         {{true, anything, true}, {false, anything, false}},
	{"If-None-Match", wildcard}:                    {{true, anything, false}, {false, anything, true}},
	{sourceConditions + "Match", plain}:            {{true, another, false}, {true, itself, true}},
	{sourceConditions + "None-Match", plain}:       {{true, itself, false}, {true, another, true}},
	{sourceConditions + "Modified-Since", plain}:   {{true, itsTime, false}, {true, longAgo, true}},
	{sourceConditions + "Unmodified-Since", plain}: {{true, longAgo, false}, {true, itsTime, true}},
}

// trial tries a claim on objects of our own in the folder of the object that was
// asked for: there the store lets our keys write, or nothing comes of the request.
type trial struct {
	store  *Store
	ctx    context.Context
	claim  claim
	target string // path of the object that is written to
	source string // and of the one that copies are made of
	from   string // the same as a header
	upload string // id of the one that is open, marked
}

// try tells whether the store holds a condition. It fails where that cannot be told
// now, or not beside this object.
func (s *Store) try(ctx context.Context, beside string, c claim) (bool, error) {
	tried := attempts[test{c.condition, c.form}]
	if len(tried) == 0 {
		return false, nil
	}
	t, err := s.newTrial(ctx, beside, c)
	if err != nil {
		return false, err
	}
	defer t.clear()
	if c.copies() {
		if err := t.make(t.source); err != nil {
			return false, err
		}
	}
	for _, a := range tried {
		if right, err := t.attempt(a); err != nil || !right {
			return false, err
		}
	}
	return true, nil
}

// newTrial names what is tried on. That is held to what is asked of everybody's names.
func (s *Store) newTrial(ctx context.Context, beside string, c claim) (*trial, error) {
	name := beside[:strings.LastIndexByte(beside, '/')+1] + ".keyhatch-" + strings.ToLower(rand.Text()[:16])
	t := &trial{store: s, ctx: ctx, claim: c, target: name + "-target", source: name + "-source"}
	for _, path := range []string{t.target, t.source} {
		if _, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); keyhatch.CheckKey(key) != nil {
			return nil, untriable // there is no room for it in a long folder
		}
	}
	if c.copies() {
		source, err := s3wire.ParseSource(escapePath(t.source))
		if err != nil {
			return nil, untriable
		}
		t.from = source.Header()
	}
	return t, nil
}

func (c claim) copies() bool { return c.operation == copying || c.operation == copyPart }

// attempt tells whether the store does it right: what the condition allows is done,
// and what it forbids is refused and has changed nothing.
func (t *trial) attempt(a attempt) (bool, error) {
	prepare := t.remove
	if a.there {
		prepare = t.make
	}
	if err := prepare(t.target); err != nil {
		return false, err
	}
	before, err := t.look(t.target, nil)
	if err != nil {
		return false, err
	}
	about := before
	if strings.HasPrefix(t.claim.condition, sourceConditions) {
		if about, err = t.look(t.source, nil); err != nil {
			return false, err
		}
	}
	told, err := t.act(t.claim.condition, a.value(about))
	if err != nil {
		return false, err
	}
	if a.meets {
		return told.status < http.StatusMultipleChoices, nil
	}
	after, err := t.look(t.target, nil)
	if err != nil {
		return false, err
	}
	refused := told.status == http.StatusPreconditionFailed
	if !a.there { // stores also say that it is not there; to delete it is to do nothing
		refused = refused || told.status == http.StatusNotFound || t.claim.operation == deleting
	}
	return refused && after == before, nil
}

// act does what the claim is about, under a condition.
func (t *trial) act(condition, value string) (told reply, err error) {
	from := []string{condition, value, sourceHeader, t.from}
	switch t.claim.operation {
	case putting:
		return t.send(http.MethodPut, t.target, nil, "new", condition, value)
	case deleting:
		return t.send(http.MethodDelete, t.target, nil, "", condition, value)
	case copying:
		return t.send(http.MethodPut, t.target, nil, "", from...)
	}
	if err := t.begin(); err != nil {
		return reply{}, err
	}
	part := url.Values{"uploadId": {t.upload}, "partNumber": {"1"}}
	if t.claim.operation == copyPart {
		return t.send(http.MethodPut, t.target, part, "", from...)
	}
	if told, err = t.must(t.send(http.MethodPut, t.target, part, "new")); err != nil {
		return told, err
	}
	const list = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>"
	return t.send(http.MethodPost, t.target, url.Values{"uploadId": {t.upload}}, fmt.Sprintf(list, told.object.etag), condition, value)
}

// begin begins an upload. The one before it is over, or was refused its end.
func (t *trial) begin() error {
	t.abort()
	made, err := t.must(t.send(http.MethodPost, t.target, url.Values{"uploads": {""}}, ""))
	t.upload = t.store.marked(uploadID, bucketOf(t.target), made.upload)
	return err
}

func (t *trial) abort() {
	if t.upload != "" {
		_, _ = t.send(http.MethodDelete, t.target, url.Values{"uploadId": {t.upload}}, "") // it may be over
		t.upload = ""
	}
}

// clear takes away what the trial has made, also when who asked has left.
func (t *trial) clear() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), lookFor)
	defer cancel()
	t.ctx = ctx
	t.abort()
	for _, made := range []string{t.target, t.source} {
		if err := t.remove(made); err != nil {
			t.store.log.Warn("what was made to try a condition may be left in the store", "object", made, "error", err)
		}
	}
}

func (t *trial) make(at string) error {
	_, err := t.must(t.send(http.MethodPut, at, nil, "old"))
	return err
}

func (t *trial) remove(at string) error {
	_, err := t.must(t.send(http.MethodDelete, at, nil, ""))
	return err
}

// look tells what is at a path.
func (t *trial) look(at string, version url.Values) (object, error) {
	told, err := t.send(http.MethodHead, at, version, "")
	if err == nil && told.status == http.StatusNotFound {
		return object{}, nil
	}
	told, err = t.must(told, err)
	told.object.there = err == nil
	return told.object, err
}

// reply is what a store has answered.
type reply struct {
	status int
	object object
	upload string // that it has made
}

// must makes an error of a refusal.
func (t *trial) must(told reply, err error) (reply, error) {
	if err == nil && told.status >= http.StatusMultipleChoices {
		err = failed
	}
	return told, err
}

// send makes a request in the way of all others. headers are names and values in
// turn. A refusal that says nothing of conditions is an error.
func (t *trial) send(method, path string, query url.Values, body string, headers ...string) (told reply, err error) {
	r := (&http.Request{
		Method: method, URL: &url.URL{Path: path, RawQuery: query.Encode()}, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}).WithContext(t.ctx)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out, err := t.store.translate(r)
	if err != nil {
		return told, err
	}
	defer close(out.over)
	answer, err := t.store.ask(r, out)
	if err != nil {
		return told, err
	}
	defer answer.Body.Close()
	told.status, told.object.etag, told.object.modified = answer.StatusCode, answer.Header.Get("Etag"), answer.Header.Get("Last-Modified")
	var e refusal
	if told.status >= http.StatusMultipleChoices {
		e = t.store.refusal(r, answer)
	} else {
		text, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
		if err != nil {
			return told, err
		}
		said, is := readError(text)
		if !is {
			var made struct{ UploadId string }
			_ = xml.Unmarshal(text, &made) // there may be none
			told.upload = made.UploadId
			return told, nil
		}
		e = t.store.told(r, http.StatusOK, said)
	}
	if told.status = e.status; !slices.Contains(telling, e.status) {
		return told, e
	}
	return told, nil
}

// telling are the refusals that say something of a condition. Any other may be for a
// bad moment, or for our keys.
var telling = []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusNotImplemented}
