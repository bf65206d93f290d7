package katapult

import (
	"errors"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// What the calls on buckets take.
var (
	bucketLookup = arguments.Argument{Name: "bucket", Kind: arguments.Lookup, Required: true, Fields: []arguments.Argument{{Name: "name"}}}
	newBucket    = arguments.Argument{Name: "properties", Kind: arguments.Object, Required: true, Fields: append([]arguments.Argument{{Name: "name", Required: true}}, bucketFields...)}
	bucketChange = arguments.Argument{Name: "properties", Kind: arguments.Object, Required: true, Fields: bucketFields}
	bucketFields = []arguments.Argument{
		{Name: "label"},
		{Name: "serve_static_site", Kind: arguments.Boolean},
		{Name: "static_site_index"},
		{Name: "static_site_error"},
		{Name: "access_control_list", Kind: arguments.Object, Fields: []arguments.Argument{
			{Name: "public_read", Kind: arguments.Boolean},
			{Name: "public_list", Kind: arguments.Boolean},
			{Name: "all_keys_read", Kind: arguments.Boolean},
			{Name: "all_keys_write", Kind: arguments.Boolean},
			{Name: "read_key_ids", List: true},
			{Name: "write_key_ids", List: true},
		}},
	}
)

// bucket is one as answers have it.
type bucket struct {
	Name              string            `json:"name"`
	Label             *string           `json:"label"`
	CreatedAt         int64             `json:"created_at"`
	State             string            `json:"state"`
	ObjectCount       *int64            `json:"object_count"` // null: nobody has counted yet
	Size              *int64            `json:"size"`         // likewise
	ServeStaticSite   bool              `json:"serve_static_site"`
	StaticSiteIndex   *string           `json:"static_site_index"`
	StaticSiteError   *string           `json:"static_site_error"`
	PublicURL         string            `json:"public_url"`
	AccessControlList accessControlList `json:"access_control_list"`
	// There are none, ever.
	CustomDomains []string `json:"custom_domains"`
	CORSOrigins   []string `json:"cors_origins"`
}

type accessControlList struct {
	PublicRead   bool     `json:"public_read"`
	PublicList   bool     `json:"public_list"`
	AllKeysRead  bool     `json:"all_keys_read"`
	AllKeysWrite bool     `json:"all_keys_write"`
	ReadKeyIDs   []string `json:"read_key_ids"`
	WriteKeyIDs  []string `json:"write_key_ids"`
}

type oneBucket struct {
	Bucket bucket `json:"object_storage_bucket"`
}

// describeBucket is the answer about a bucket.
func (d *Door) describeBucket(c *call, b buckets.Bucket) (oneBucket, error) {
	on, err := d.keys.KeysOnBucket(c.ctx, c.caller, "", b.ID)
	if err != nil {
		return oneBucket{}, err
	}
	at, err := d.publicURL(c, b, "")
	if err != nil {
		return oneBucket{}, err
	}
	out := bucket{
		Name: b.Name, Label: orNull(b.Label), CreatedAt: b.CreatedAt.Unix(), State: "pending",
		ServeStaticSite: b.Site.Serve, StaticSiteIndex: orNull(b.Site.Index), StaticSiteError: orNull(b.Site.Error),
		PublicURL: at,
		AccessControlList: accessControlList{
			PublicRead: b.Public, PublicList: b.Public, AllKeysRead: b.AllKeysRead, AllKeysWrite: b.AllKeysWrite,
			ReadKeyIDs: append([]string{}, on.Read...), WriteKeyIDs: append([]string{}, on.Write...),
		},
		CustomDomains: []string{}, CORSOrigins: []string{},
	}
	if b.State == keyhatch.BucketConfigured {
		out.State = "configured"
	}
	if !b.Usage.CountedAt.IsZero() {
		out.ObjectCount, out.Size = &b.Usage.Objects, &b.Usage.Bytes
	}
	return oneBucket{out}, nil
}

// publicURL is where a key of a bucket is for who has a lease.
func (d *Door) publicURL(c *call, b buckets.Bucket, key string) (string, error) {
	endpoint, err := d.buckets.UsedAt(c.ctx, c.caller, "", b.ID)
	endpoint = strings.TrimSuffix(firstOf(endpoint, d.keys.Endpoint()), "/")
	return endpoint + "/" + b.Name + "/" + (&url.URL{Path: key}).EscapedPath(), err
}

// orNull is how the format has a text that is empty.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// bucketSaid reads what is said of a bucket. What is not said stays, and null is nothing
// said, but of texts: it is none. Lists of keys are replaced.
func bucketSaid(c *call) (out buckets.Change, err error) {
	said, _ := arguments.Get[arguments.Values](c.Values, "properties")
	for name, to := range map[string]**string{"label": &out.Label, "static_site_index": &out.StaticSiteIndex, "static_site_error": &out.StaticSiteError} {
		if v, there := said[name]; there {
			text, _ := v.(string)
			*to = &text
		}
	}
	acl, _ := arguments.Get[arguments.Values](said, "access_control_list")
	out.ServeStaticSite = flag(said, "serve_static_site")
	out.PublicRead, out.PublicList = flag(acl, "public_read"), flag(acl, "public_list")
	out.AllKeysRead, out.AllKeysWrite = flag(acl, "all_keys_read"), flag(acl, "all_keys_write")
	if out.Keys.Read, err = keyIDs(acl, "read_key_ids"); err != nil {
		return out, err
	}
	out.Keys.Write, err = keyIDs(acl, "write_key_ids")
	return out, err
}

func flag(a arguments.Values, name string) *bool {
	if is, ok := arguments.Get[bool](a, name); ok {
		return &is
	}
	return nil
}

// keyIDs are those of a list, nil when it was not given. A name is none, whatever keys are
// called.
func keyIDs(a arguments.Values, name string) (*[]string, error) {
	ids, ok := a.Texts(name)
	if !ok {
		return nil, nil
	}
	for _, id := range ids {
		if _, is := keyhatch.IDPayload(keyhatch.KeyID, id); !is {
			return nil, noSuchKey()
		}
	}
	return &ids, nil
}

// noSuchKey is what a list of keys is told that names one that is not there.
func noSuchKey() error {
	return fail(validationError, messages{[]string{"Access control list names an access key that does not exist"}})
}

// keysMissing tells of a key that a list names: the bucket is there.
func keysMissing(err error) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Code == keyhatch.CodeAccessKeyNotFound {
		return noSuchKey()
	}
	return err
}

// createBucket makes a bucket, with a location over all of it, so that grants can be given
// on it as on every other.
func (d *Door) createBucket(c *call) (any, error) {
	a, on, err := d.account(c)
	if err != nil {
		return nil, err
	}
	said, _ := arguments.Get[arguments.Values](c.Values, "properties")
	n := buckets.NewBucket{Workspace: a.Workspace, Store: on.ID, Location: true}
	n.Name, _ = arguments.Get[string](said, "name")
	if n.Change, err = bucketSaid(c); err != nil {
		return nil, err
	}
	made, err := d.buckets.Create(c.ctx, c.caller, n)
	if err != nil {
		return nil, keysMissing(err)
	}
	return d.describeBucket(c, made)
}

// bucket is the one that a call is about.
func (d *Door) bucket(c *call) (buckets.Bucket, error) {
	on, err := d.cluster(c)
	if err != nil {
		return buckets.Bucket{}, err
	}
	said, _ := arguments.Get[arguments.Values](c.Values, "bucket")
	name, _ := arguments.Get[string](said, "name")
	return d.buckets.OnStore(c.ctx, c.caller, on.ID, name)
}

func (d *Door) getBucket(c *call) (any, error) {
	b, err := d.bucket(c)
	if err != nil {
		return nil, err
	}
	usage, err := d.buckets.Usage(c.ctx, c.caller, "", b.ID)
	switch {
	case err == nil:
		b.Usage = usage
	case !errors.Is(err, keyhatch.Conflict): // it cannot be counted
		return nil, err
	}
	return d.describeBucket(c, b)
}

func (d *Door) updateBucket(c *call) (any, error) {
	b, err := d.bucket(c)
	if err != nil {
		return nil, err
	}
	change, err := bucketSaid(c)
	if err != nil {
		return nil, err
	}
	if change != (buckets.Change{}) {
		if b, err = d.buckets.Update(c.ctx, c.caller, "", b.ID, change); err != nil {
			return nil, keysMissing(err)
		}
	}
	return d.describeBucket(c, b)
}

// deleteBucket removes an empty bucket, also from the lists of keys: terraform, which ends
// what names another thing first, deletes it before them. What keeps it is told.
func (d *Door) deleteBucket(c *call) (any, error) {
	b, err := d.bucket(c)
	if err != nil {
		return nil, err
	}
	err = d.buckets.DeleteNamed(c.ctx, c.caller, "", b.ID)
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Kind == keyhatch.Conflict && (codes[e.Code] == "" || codes[e.Code] == provisioningError) {
		err = fail(bucketDeletionError, details{&e.Message})
	}
	return succeeded{true}, err
}
