package rgw

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/iam"
)

// record is all that the gateway has on record of a user, secrets and policies too.
//
// Keys are changed by writing it anew as a whole. The Admin Ops API's own calls for a
// user's keys throw its policies away in some of the gateway's releases: whoever
// works with a key that is to stay would be shut out from then until the policy is
// back, for good if we end in between.
//
// Source: Ceph Documentation, "Admin Operations"; https://tracker.ceph.com/issues/48761.
type record struct {
	name string
	all  map[string]json.RawMessage // what we do not know stays as it is
	data map[string]json.RawMessage
	keys []json.RawMessage
}

var errNoRecord = errors.New("metadata user: the answer is no record of the user")

// record asks for a user that is there.
func (g gateway) record(ctx context.Context, name string) (*record, error) {
	text, err := g.ask(ctx, "GET metadata user", http.MethodGet, g.address(url.Values{"key": {name}}, "metadata", "user"), nil, "")
	if err != nil {
		return nil, err
	}
	r := &record{name: name}
	var id string
	if json.Unmarshal(text, &r.all) != nil || json.Unmarshal(r.all["data"], &r.data) != nil ||
		json.Unmarshal(r.data["user_id"], &id) != nil || json.Unmarshal(r.data["keys"], &r.keys) != nil || id != name {
		return nil, iam.NoAnswer(errNoRecord)
	}
	return r, nil
}

// replace writes a record in the place of the one that is there.
func (g gateway) replace(ctx context.Context, r *record) error {
	var err error
	if r.data["keys"], err = json.Marshal(r.keys); err == nil {
		r.all["data"], err = json.Marshal(r.data)
	}
	text, all := json.Marshal(r.all)
	if err = errors.Join(err, all); err != nil {
		return iam.NoAnswer(errNoRecord)
	}
	_, err = g.ask(ctx, "PUT metadata user", http.MethodPut, g.address(url.Values{"key": {r.name}}, "metadata", "user"), text, "application/json")
	return err
}

// add adds a pair.
func (r *record) add(pair keyhatch.KeyPair) {
	key, err := json.Marshal(map[string]string{
		"user": r.name, "access_key": pair.AccessKeyID, "secret_key": pair.SecretAccessKey.Reveal(),
	})
	if err != nil {
		panic(err) // texts always can be encoded
	}
	r.keys = append(r.keys, key)
}

// remove removes pairs.
func (r *record) remove(ids []string) {
	r.keys = slices.DeleteFunc(r.keys, func(text json.RawMessage) bool {
		var key struct {
			AccessKey string `json:"access_key"`
		}
		return json.Unmarshal(text, &key) == nil && slices.Contains(ids, key.AccessKey)
	})
	if r.keys == nil {
		r.keys = []json.RawMessage{}
	}
}

// is tells whether the user has a mark.
func (r *record) is(mark string) bool {
	switch string(r.data[mark]) {
	case "true", `"true"`, "1":
		return true
	}
	return false
}
