package katapult

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// What the calls on objects take.
var (
	objectPath    = arguments.Argument{Name: "path", Required: true}
	urlProperties = arguments.Argument{Name: "properties", Kind: arguments.Object, Fields: []arguments.Argument{{Name: "expiry_seconds", Kind: arguments.Integer, Rules: []arguments.Rule{positive}}}}
)

// objectDetails is what is told of an object, or of a folder.
type objectDetails struct {
	Filename   string `json:"filename"`
	BucketName string `json:"bucket_name"`
	FullPath   string `json:"full_path"`
	PublicURL  string `json:"public_url"`
	Size       *int64 `json:"size"` // null of a folder
	Folder     bool   `json:"folder"`
}

func (d *Door) getObject(c *call) (any, error) {
	b, err := d.bucket(c)
	if err != nil {
		return nil, err
	}
	path, _ := arguments.Get[string](c.Values, "path")
	o, err := d.buckets.Object(c.ctx, c.caller, "", b.ID, path)
	if errors.Is(err, keyhatch.Invalid) { // no object has such a key
		err = fail(objectNotFound)
	}
	if err != nil {
		return nil, err
	}
	at, err := d.publicURL(c, b, o.Key)
	if err != nil {
		return nil, err
	}
	trimmed := strings.TrimSuffix(o.Key, "/")
	out := objectDetails{
		Filename: trimmed[strings.LastIndexByte(trimmed, '/')+1:], BucketName: b.Name, FullPath: o.Key, Folder: o.Folder, PublicURL: at,
	}
	if !o.Folder {
		out.Size = &o.Size
	}
	return struct {
		Details objectDetails `json:"object_details"`
	}{out}, nil
}

// longestURL is more than any URL may work, in seconds.
const longestURL = 366 * 24 * 3600

// presignURL makes a URL with which whoever has it reads one object, there or not. It is
// signed with a lease of its own.
func (d *Door) presignURL(c *call) (any, error) {
	b, err := d.bucket(c)
	if err != nil {
		return nil, err
	}
	r := lending.PresignRequest{Workspace: b.Workspace, Bucket: b.ID}
	r.Key, _ = arguments.Get[string](c.Values, "path")
	said, _ := arguments.Get[arguments.Values](c.Values, "properties")
	if seconds, ok := arguments.Get[int64](said, "expiry_seconds"); ok {
		r.Life = time.Duration(min(seconds, longestURL)) * time.Second
	}
	made, err := d.lending.Presign(c.ctx, c.caller, r)
	return struct {
		URL string `json:"url"`
	}{made.URL.Reveal()}, err
}

// revokeURLs ends the URLs that were made of a bucket's objects until now. Where some go on
// working, since the store's own sessions have signed them, it is refused: the format has no
// other way to say so, and who is told of a success relies on it.
func (d *Door) revokeURLs(c *call) (any, error) {
	b, err := d.bucket(c)
	if err != nil {
		return nil, err
	}
	left, err := d.buckets.RevokePresigned(c.ctx, c.caller, "", b.ID)
	if err == nil && left.Count > 0 {
		why := fmt.Sprintf("%d URLs that the store itself has signed work until %s, and nothing ends them: all others are revoked", left.Count, left.Until.Format(time.RFC3339))
		err = fail(permissionDenied, details{&why})
	}
	return succeeded{true}, err
}
