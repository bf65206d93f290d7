package conformance

import (
	"path/filepath"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// issue issues a pair for an access key, as a lease without a session token: that is all
// that clients see of one.
func issue(t *testing.T, s *devserver.Server, key string, graceSeconds int) devserver.Lease {
	t.Helper()
	var l devserver.Lease
	if err := s.Create(t.Context(), "/api/v1/access-keys/"+key+"/issue", map[string]any{"grace_seconds": graceSeconds}, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAccessKeys: every client works with a long-lived key as with a lease, in the buckets
// that the key names and as far as its rights go. Other buckets look as if they were
// forbidden. When a key gets another pair, both work for the grace, and then one does.
func TestAccessKeys(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		own, others := "own-of-"+name, "others-"+name
		for _, bucket := range []string{own, others} {
			create(t, s.Server, "/api/v1/buckets", map[string]any{"store": "local", "name": bucket})
		}
		all := create(t, s.Server, "/api/v1/access-keys", map[string]any{"store": "local", "name": "all-" + name, "rights": map[string]any{"read_all": true, "write_all": true}})
		key := create(t, s.Server, "/api/v1/access-keys", map[string]any{
			"store": "local", "name": name, "rights": map[string]any{"read": []string{s.bucket, own}, "write": []string{own}},
		})
		everything, l := issue(t, s.Server, all, 0), issue(t, s.Server, key, 0)
		inOwn, inOthers := clientOf(name)(t, own), clientOf(name)(t, others)
		theirs, file := content("theirs", 1000), filepath.Join(t.TempDir(), "download")
		inOthers.put(everything, write(t, theirs), "folder/theirs").must(t)

		data := content(name, 5000)
		inOwn.put(l, write(t, data), "folder/own").must(t)
		inOwn.get(l, "folder/own", file).must(t)
		mustHave(t, file, data)
		listed, r := inOwn.list(l, "folder/")
		r.must(t)
		if len(listed) != 1 || listed[0].size != len(data) {
			t.Errorf("%s: lists %v", r.command, listed)
		}
		listed, r = c.list(l, s.own)
		r.must(t)
		if len(listed) == 0 {
			t.Errorf("%s: lists nothing of a bucket that it reads", r.command)
		}
		mustStoreNothing(t, s, func(data []byte) {
			c.put(l, write(t, data), s.own+"key-of-"+name).mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
		})
		for what, in := range map[string]client{"another bucket": inOthers, "no bucket": clientOf(name)(t, "none-"+name)} {
			t.Log(what)
			in.get(l, "folder/theirs", file+"2").mustBeRefused(t, in.refusal(opGet, "AccessDenied"))
			_, r := in.list(l, "folder/")
			r.mustBeRefused(t, in.refusal(opList, "AccessDenied"))
		}
		if can(name, opRemove) {
			inOwn.remove(l, "folder/own").must(t)
			inOwn.put(l, write(t, data), "folder/own").must(t)
		}

		newer := issue(t, s.Server, key, 3600)
		for _, pair := range []devserver.Lease{l, newer} {
			inOwn.get(pair, "folder/own", file).must(t)
		}
		newest := issue(t, s.Server, key, 0)
		inOwn.get(newest, "folder/own", file).must(t)
		for _, pair := range []devserver.Lease{l, newer} {
			inOwn.get(pair, "folder/own", file+"3").mustBeRefused(t, inOwn.refusal(opGet, "SignatureDoesNotMatch"))
		}
	})
}
