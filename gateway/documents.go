package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/gateway/document"
	"github.com/keyhatch/keyhatch/gateway/limit"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// readDocument reads a verified XML body whole, which has to come within the
// patience for a transfer: it is held in memory.
func readDocument(a *answer, v *visit, into *limit.Buffer) error {
	if a.body != nil {
		a.body.whole = time.Now().Add(a.patience)
	}
	if v.body.Len() > s3wire.MaxDocument {
		return errDocumentTooLarge
	}
	_, err := into.ReadFrom(v.body)
	if ended := a.standing.failure(); ended != nil {
		return ended
	}
	switch {
	case errors.Is(err, limit.ErrTooLong):
		return errDocumentTooLarge
	case errors.Is(err, limit.ErrNoMemory):
		return err
	}
	return brokenOff(err)
}

// deleteResult is S3's DeleteResult.
type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedKey
	Error   []deleteError
}

type deletedKey struct{ Key string }

type deleteError struct{ Key, Code, Message string }

// deleteObjects removes the keys that the lease opens and tells of each other one
// that it does not.
func (g *Gateway) deleteObjects(a *answer, r *http.Request, v *visit) error {
	// The store is done with it also when the sender has left: what became of the
	// keys goes on record.
	watched, stop := g.watch(a, r.WithContext(context.WithoutCancel(r.Context())), v)
	defer stop()
	text := g.memory.Buffer(watched.Context(), s3wire.MaxDocument)
	defer text.Free()
	if err := readDocument(a, v, text); err != nil {
		return err
	}
	asked, err := document.ParseDelete(text.Bytes())
	if err != nil {
		return err
	}
	// The body took its time: there may be no room for its records any more, and what
	// is open may have changed.
	if err := g.awaitRecord(r.Context()); err != nil {
		return err
	}
	if v.open, _, err = v.by.standing(r.Context(), v.named()...); err != nil {
		return err
	}
	if err := g.charge(v, len(asked.Object)); err != nil { // each key is a request, also on record
		return err
	}
	allowed := document.Deletion{Quiet: false}
	var result deleteResult
	for _, o := range asked.Object {
		refused := v.mayDelete(o)
		if refused == nil {
			allowed.Object = append(allowed.Object, document.DeletedObject{Key: o.Key})
			v.touch(a, r, o.Key, 0, "") // until it is known
			continue
		}
		result.Error = append(result.Error, deleteError{o.Key, refused.Code, refused.Message})
		v.touch(a, r, o.Key, refused.Status, refused.Code)
	}
	if len(allowed.Object) > 0 {
		g.begin(a, r, v) // with what it touches
		if err := g.forwardDelete(a, watched, v, allowed, &result); err != nil {
			return err
		}
	}
	if asked.Quiet {
		result.Deleted = nil
	}
	a.status = http.StatusOK
	a.sendXML(r, result)
	return nil
}

// mayDelete decides one key of a batch.
func (v *visit) mayDelete(o document.DeletedObject) *s3wire.Error {
	opens := v.open.AllowsObject(v.Access, v.Bucket, o.Key) && keyhatch.CheckKey(o.Key) == nil
	switch {
	case !opens && v.open.ElsewhereAlone(v.Bucket, o.Key):
		return errNotFromHere
	case !opens:
		return cmp.Or(v.locked(o.Key), errNotOpen)
	case !v.policies.Allow(sessionpolicy.Request{Operation: "DeleteObject", Bucket: v.Bucket, Key: o.Key, Versioned: o.VersionID != ""}):
		return errPolicy
	case o.VersionID != "" && o.VersionID != s3wire.NullVersion:
		return classify.ErrVersionKept
	}
	return nil
}

// forwardDelete removes the keys that are allowed, while the lease stands.
func (g *Gateway) forwardDelete(a *answer, r *http.Request, v *visit, allowed document.Deletion, result *deleteResult) error {
	backend, err := g.Backends.For(v.store)
	if err != nil {
		return err
	}
	text, err := xml.Marshal(allowed)
	if err != nil {
		return err
	}
	if err := a.standing.failure(); err != nil {
		return err
	}
	told := &kept{header: http.Header{}, text: g.memory.Buffer(r.Context(), maxTold)}
	defer told.text.Free()
	v.forwarded = true
	backend.ServeHTTP(told, cleaned(r, v, io.NopCloser(bytes.NewReader(text)), int64(len(text))))
	a.standing.stop() // it has come to its end, one way or the other
	err = result.add(told, v.touched)
	if a.standing.failure() != nil {
		return errCutShort
	}
	return err
}

// add adds what a store told, and notes it of the keys that were touched.
func (d *deleteResult) add(told *kept, keys touched) error {
	switch {
	case errors.Is(told.failed, limit.ErrNoMemory):
		return errNotHeld
	case told.failed != nil:
		return told.failed
	case told.status != http.StatusOK:
		return refusalOf(told.status, told.text.Bytes())
	}
	done, err := readDeleted(told.text.Bytes(), keys.unknown())
	if err != nil {
		return err
	}
	d.Deleted = append(d.Deleted, done.Deleted...)
	d.Error = append(d.Error, done.Error...)
	for _, gone := range done.Deleted {
		keys.became(gone.Key, http.StatusNoContent, "")
	}
	for _, e := range done.Error {
		keys.became(e.Key, statusOf(e.Code), e.Code)
	}
	return nil
}

// deleted is what a store told of the keys of a batch.
type deleted struct {
	Deleted []deletedKey
	Error   []deleteError
}

var errOthersDeleted = errors.New("the store tells of keys that it was not asked to delete")

// readDeleted reads a store's answer to a batch delete. A store that tells of other
// keys, or of many more, is not believed.
func readDeleted(text []byte, asked map[string]bool) (out deleted, err error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for some := false; ; some = true {
		token, err := d.Token()
		if err == io.EOF && some {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		start, _ := token.(xml.StartElement)
		gone := start.Name.Local == "Deleted"
		if !gone && start.Name.Local != "Error" {
			continue
		}
		var of deleteError
		if err := d.DecodeElement(&of, &start); err != nil {
			return out, err
		}
		switch {
		case gone && of.Key == "": // as MinIO tells of a key that was named twice
		case !asked[of.Key], len(out.Deleted)+len(out.Error) == s3wire.MaxDeletes:
			return out, errOthersDeleted
		case gone:
			out.Deleted = append(out.Deleted, deletedKey{of.Key})
		default:
			out.Error = append(out.Error, of)
		}
	}
}

// maxTold bounds what a store may tell of a batch delete: 1,000 keys of 1,024 bytes,
// each of which may be written in six, and what became of them.
const maxTold = 8 << 20

// kept is a store's answer that is read before it is passed on.
type kept struct {
	header http.Header
	status int
	text   *limit.Buffer
	failed error // why it could not be kept
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *kept) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	n, err := k.text.Write(p)
	if err != nil {
		k.failed = err
	}
	return n, err
}

// statusOf is the status that a refusal of one key would have had by itself.
func statusOf(code string) int {
	switch code {
	case "AccessDenied":
		return http.StatusForbidden
	case "InternalError":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
