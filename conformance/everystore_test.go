package conformance

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
)

// visit is a store that a client works on, over HTTP or TLS.
type visit struct {
	server *sharedServer
	kind   kind
}

// visits are where a client goes besides the directory of keyhatch dev: to a
// directory over TLS, and to real stores, over HTTP and TLS. Amazon's clients go to
// each of these, the others take turns: what they do differs in what they send
// keyhatch, not in what that sends the store.
func visits(name string, turn int) []visit {
	all := []visit{{overTLS, directory}}
	if slices.Contains(amazons, name) {
		for _, k := range upstreams {
			all = append(all, visit{overHTTP, k})
		}
	} else {
		all = append(all, visit{overHTTP, inTurn(turn)})
	}
	return append(all, visit{overTLS, inTurn(turn + 1)})
}

// inTurn gives each turn one of the real stores.
func inTurn(turn int) kind { return upstreams[turn%len(upstreams)] }

// TestEveryStore has each client do what it can, and try what it may not, on every
// kind of store, over HTTP and TLS. How clients sign and send differs with both:
// over TLS many send bodies unsigned, with a checksum behind them.
func TestEveryStore(t *testing.T) {
	for turn, c := range clients {
		for _, v := range visits(c.name, turn) {
			t.Run(c.name+"/"+v.kind.name+" over "+v.server.name, func(t *testing.T) {
				t.Parallel()
				c.make(t, "") // first, so that nothing is started when it is not there
				p := v.server.with(t, v.kind)
				makeUseOf(t, p, c.name, c.make(t, p.bucket))
			})
		}
	}
}

// makeUseOf stores, lists, fetches and deletes with a write lease, and is refused
// what the lease does not open.
func makeUseOf(t *testing.T, p place, name string, c client) {
	t.Helper()
	l := p.lend(t, p.own, "write")
	under := p.own + "every-store/" + name + "/"
	all := []entry{
		{under + "marks/a b+c%20d =&;:@,'()!$ Grüße 日本語 🗝.txt", 10_000},
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
	mustStoreNothing(t, p, func(data []byte) {
		c.put(l, write(t, data), theirs+"-intruder").mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
	})
	_, r = c.list(l, siblingPrefix)
	r.mustBeRefused(t, c.refusal(opList, "AccessDenied"))
	mustNotSay(t, r, theirs)
}
