package katapult

import (
	"net/url"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// What the calls on access keys take.
var (
	accessKeyLookup = arguments.Argument{Name: "access_key", Kind: arguments.Lookup, Required: true, Fields: []arguments.Argument{{Name: "id"}}}
	keyProperties   = arguments.Argument{Name: "properties", Kind: arguments.Object, Required: true, Fields: []arguments.Argument{
		{Name: "name", Required: true},
		{Name: "all_buckets_read", Kind: arguments.Boolean},
		{Name: "all_objects_read", Kind: arguments.Boolean},
		{Name: "all_objects_write", Kind: arguments.Boolean},
	}}
)

// accessKey is one as answers have it.
type accessKey struct {
	ID              string   `json:"id"`
	Name            string   `json:"name"`
	CreatedAt       int64    `json:"created_at"`
	Region          string   `json:"region"`
	State           string   `json:"state"`
	AllBucketsRead  bool     `json:"all_buckets_read"`
	AllObjectsRead  bool     `json:"all_objects_read"`
	AllObjectsWrite bool     `json:"all_objects_write"`
	ReadBuckets     []string `json:"read_buckets"`  // none if all objects are read
	WriteBuckets    []string `json:"write_buckets"` // likewise
	// These are null before the key has a pair; the secret is of who has just been given
	// it.
	ServerURL       *string `json:"server_url"`
	AccessKeyID     *string `json:"s3_access_key_id"`
	SecretAccessKey *string `json:"s3_secret_access_key"`
}

// oneAccessKey is the answer about a key.
type oneAccessKey struct {
	AccessKey accessKey `json:"object_storage_access_key"`
}

func encodeAccessKey(k accesskeys.Described) accessKey {
	out := accessKey{
		ID: k.ID, Name: k.Name, CreatedAt: k.CreatedAt.Unix(), Region: k.StoreName, State: keyState(k.State),
		AllBucketsRead: k.Rights.SeeAll, AllObjectsRead: k.Rights.ReadAll, AllObjectsWrite: k.Rights.WriteAll,
		ReadBuckets: []string{}, WriteBuckets: []string{},
	}
	if !k.Rights.ReadAll {
		out.ReadBuckets = k.Read
	}
	if !k.Rights.WriteAll {
		out.WriteBuckets = k.Write
	}
	if len(k.Pairs) > 0 {
		server := serverOf(k.Endpoint)
		out.ServerURL, out.AccessKeyID = &server, &k.Pairs[0].AccessKeyID
	}
	return out
}

// keyState is the state in the format's words, which has none for a key that the store
// refuses.
func keyState(s keyhatch.AccessKeyState) string {
	if s == keyhatch.AccessKeyConfigured {
		return "configured"
	}
	return "pending"
}

// serverOf is an endpoint as the format has it: the host and the port, always, and no
// scheme.
func serverOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "": // no endpoint of ours
		return endpoint
	case u.Port() != "":
		return u.Host
	case u.Scheme == "http":
		return u.Host + ":80"
	}
	return u.Host + ":443"
}

// createAccessKey makes a key, which opens no bucket but by its flags: buckets name the
// keys that they are opened to.
func (d *Door) createAccessKey(c *call) (any, error) {
	a, on, err := d.account(c)
	if err != nil {
		return nil, err
	}
	n := accesskeys.NewKey{Workspace: a.Workspace, Store: on.ID}
	said := keyChange(c)
	kernel.Set(&n.Name, said.Name)
	kernel.Set(&n.Rights.SeeAll, said.OnAll.SeeAll)
	kernel.Set(&n.Rights.ReadAll, said.OnAll.ReadAll)
	kernel.Set(&n.Rights.WriteAll, said.OnAll.WriteAll)
	key, err := d.keys.Create(c.ctx, c.caller, n)
	if err != nil {
		return nil, err
	}
	return d.describe(c, key.ID)
}

// keyChange reads what is said of a key. What is not said stays, and null is nothing said.
func keyChange(c *call) (out accesskeys.Change) {
	said, _ := arguments.Get[arguments.Values](c.Values, "properties")
	name, _ := arguments.Get[string](said, "name")
	out.Name = &name
	out.OnAll = accesskeys.OnAll{SeeAll: flag(said, "all_buckets_read"), ReadAll: flag(said, "all_objects_read"), WriteAll: flag(said, "all_objects_write")}
	return out
}

// describe is the answer about the key of the id.
func (d *Door) describe(c *call, id string) (oneAccessKey, error) {
	key, err := d.keys.DescribedKey(c.ctx, c.caller, "", id)
	return oneAccessKey{encodeAccessKey(key)}, err
}

// listAccessKeys lists the organization's keys in all regions that the caller may see:
// those of a workspace that it manages, else its own.
func (d *Door) listAccessKeys(c *call) (any, error) {
	ws, err := d.workspace(c)
	if err != nil {
		return nil, err
	}
	all := everything(func(p kernel.Page) (kernel.List[accesskeys.Described], error) {
		return d.keys.DescribedKeys(c.ctx, c.caller, accesskeys.Filter{Workspace: ws.ID}, p)
	})
	items, p, err := paged(c.Values, all, encodeAccessKey)
	return struct {
		Pagination pagination  `json:"pagination"`
		AccessKeys []accessKey `json:"object_storage_access_keys"`
	}{p, items}, err
}

// accessKeyID is the key that a call is about.
func (c *call) accessKeyID() (string, error) {
	id := c.Reference("access_key", keyhatch.KeyID)
	if id == "" {
		return "", fail(accessKeyNotFound)
	}
	return id, nil
}

func (d *Door) getAccessKey(c *call) (any, error) {
	id, err := c.accessKeyID()
	if err != nil {
		return nil, err
	}
	return d.describe(c, id)
}

func (d *Door) updateAccessKey(c *call) (any, error) {
	id, err := c.accessKeyID()
	if err != nil {
		return nil, err
	}
	if _, err := d.keys.Update(c.ctx, c.caller, "", id, keyChange(c)); err != nil {
		return nil, err
	}
	return d.describe(c, id)
}

// succeeded is the answer of calls after which there is nothing to tell.
type succeeded struct {
	Success bool `json:"success"`
}

func (d *Door) deleteAccessKey(c *call) (any, error) {
	id, err := c.accessKeyID()
	if err != nil {
		return nil, err
	}
	return succeeded{true}, d.keys.Delete(c.ctx, c.caller, "", id)
}

// generateCredentials issues a pair. The one before ends at once.
func (d *Door) generateCredentials(c *call) (any, error) {
	id, err := c.accessKeyID()
	if err != nil {
		return nil, err
	}
	described, err := d.keys.DescribedKey(c.ctx, c.caller, "", id)
	if err != nil {
		return nil, err
	}
	key, pair, err := d.keys.Issue(c.ctx, c.caller, "", id, 0)
	if err != nil {
		return nil, err
	}
	// What is told is this pair, whatever another call does meanwhile.
	described.AccessKey = key
	answer := oneAccessKey{encodeAccessKey(described)}
	shown := pair.SecretAccessKey.Reveal()
	answer.AccessKey.AccessKeyID, answer.AccessKey.SecretAccessKey = &pair.AccessKeyID, &shown
	return answer, nil
}
