package conformance

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// visit is a store that a client works on, over HTTP or TLS.
type visit struct {
	server *sharedServer
	kind   kind
}

// visits are where a client goes besides the directory of keyhatch dev: to a
// directory over TLS, to each of the real stores over HTTP, and to one of them over
// TLS.
func visits(turn int) []visit {
	all := []visit{{overTLS, directory}}
	for _, k := range upstreams {
		all = append(all, visit{overHTTP, k})
	}
	return append(all, visit{overTLS, inTurn(turn)})
}

// bothKinds are where a client goes with what takes long: to a directory and to one of
// the real stores, over HTTP and over TLS.
func bothKinds(turn int) []visit {
	return []visit{{overHTTP, directory}, {overTLS, directory}, {overHTTP, inTurn(turn)}, {overTLS, inTurn(turn + 1)}}
}

func (v visit) String() string { return v.kind.name + " over " + v.server.name }

// at runs a test with a client and a store, beside others.
func (v visit) at(t *testing.T, name string, test func(t *testing.T, p place, c client)) {
	t.Run(name+"/"+v.String(), func(t *testing.T) {
		t.Parallel()
		clientOf(name)(t, "") // first, so that nothing is started when it is not there
		p := v.server.with(t, v.kind)
		test(t, p, clientOf(name)(t, p.bucket))
	})
}

// inTurn gives each turn one of the real stores.
func inTurn(turn int) kind { return upstreams[turn%len(upstreams)] }

// TestEveryStore has each client do what it can, and try what it may not, on every
// kind of store, over HTTP and TLS. How clients sign and send differs with both:
// over TLS many send bodies unsigned, with a checksum behind them.
func TestEveryStore(t *testing.T) {
	for turn, c := range clients {
		for _, v := range visits(turn) {
			v.at(t, c.name, func(t *testing.T, p place, cl client) { makeUseOf(t, p, c.name, cl) })
		}
	}
}

// makeUseOf stores, lists, fetches, copies and deletes with a write lease, and is refused
// what the lease does not open.
func makeUseOf(t *testing.T, p place, name string, c client) {
	t.Helper()
	l := p.lend(t, p.own, "write")
	under := p.own + "every-store/" + name + "/"
	marks := "marks/a b+c%20d =&;:@,'()!$ Grüße 日本語 🗝.txt"
	if name == "duckdb" && p.behind != nil && p.behind.Name == "rgw" {
		marks = strings.ReplaceAll(marks, "'", "") // DuckDB does not read it as RGW lists it, with or without keyhatch
	}
	all := []entry{
		{under + marks, 10_000},
		{under + "5MiB.bin", 5 << 20},
	}
	for _, e := range all {
		c.put(l, write(t, content(e.key, e.size)), e.key).must(t)
	}
	listed, r := c.list(l, under)
	r.must(t)
	mustList(t, listed, all)
	for _, e := range all {
		file := filepath.Join(t.TempDir(), "download")
		c.get(l, e.key, file).must(t)
		mustHave(t, file, content(e.key, e.size))
	}
	if can(name, opRange) {
		part, r := c.getRange(l, all[0].key, 1234, 4321)
		r.must(t)
		if !bytes.Equal(part, content(all[0].key, all[0].size)[1234:1234+4321]) {
			t.Errorf("%s: %d bytes came that are not the part", r.command, len(part))
		}
	}
	if can(name, opCopy) {
		copied, file := entry{under + "a copy+.txt", all[0].size}, filepath.Join(t.TempDir(), "download")
		c.also(opCopy, l, all[0].key, copied.key).must(t)
		newGoSDK(t, p.bucket).get(l, copied.key, file).must(t)
		mustHave(t, file, content(all[0].key, all[0].size))
		all = append(all, copied)
	}
	if can(name, opRemove) {
		c.remove(l, all[0].key).must(t)
		listed, r = c.list(l, under)
		r.must(t)
		mustList(t, listed, all[1:])
	}

	theirs, secret := siblingPrefix+"every-store/"+name, content("sibling of "+name, 1000)
	siblings := p.lend(t, siblingPrefix, "write")
	newGoSDK(t, p.bucket).put(siblings, write(t, secret), theirs).must(t)
	file := filepath.Join(t.TempDir(), "download")
	c.get(l, theirs, file).mustBeRefused(t, c.refusal(opGet, "AccessDenied"))
	mustNotHave(t, file, secret)
	if can(name, opCopy) {
		stolen := under + "stolen"
		c.also(opCopy, l, theirs, stolen).mustBeRefused(t, c.refusal(opCopy, "AccessDenied"))
		mustNotBeThere(t, p, l, stolen)
	}
	mustStoreNothing(t, p, func(data []byte) {
		c.put(l, write(t, data), theirs+"-intruder").mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
	})
	_, r = c.list(l, siblingPrefix)
	r.mustBeRefused(t, c.refusal(opList, "AccessDenied"))
	mustNotSay(t, r, theirs)
}

// mustNotBeThere asks for a key with a client that is not the one that is tested.
func mustNotBeThere(t *testing.T, p place, l devserver.Lease, key string) {
	t.Helper()
	r := newGoSDK(t, p.bucket).get(l, key, filepath.Join(t.TempDir(), "none"))
	if !strings.Contains(r.output, "NoSuchKey") {
		t.Errorf("%s is there: %v %s", key, r.err, r.output)
	}
}
