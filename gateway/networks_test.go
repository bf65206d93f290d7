package gateway_test

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/places"
)

// TestS7_NetworksOverTheWire: what a location's networks close is refused from elsewhere, in
// whatever way it is asked for, and each refusal says that it is for where one asks from. Some said
// that nothing of the lease was open any more, or nothing at all, and the bucket was listed.
func TestS7_NetworksOverTheWire(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		ws := keyhatch.Workspace{ID: r.near.Workspace}
		_, err := r.core.Broker.Buckets.Register(t.Context(), r.core.Admin, buckets.Existing{Workspace: ws.ID, Store: r.core.Store.ID, Name: "mixed"})
		r.must(err)
		confined, open := r.core.Location(t, ws, "s3://mixed/in/"), r.core.Location(t, ws, "s3://mixed/out/")
		for _, name := range []string{"in", "out"} {
			r.must(os.MkdirAll(filepath.Join(r.core.Store.Path, "mixed", name), 0o755))
		}
		_, err = r.core.Broker.Places.UpdateLocation(t.Context(), r.core.Admin, "", confined.ID, places.LocationChange{Networks: &[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		r.must(err)
		inside, outside := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.1.2.3:1234")), net.TCPAddrFromAddrPort(netip.MustParseAddrPort("198.51.100.7:1234"))
		ann := r.users["ann"]
		r.core.Grant(t, confined, ann, keyhatch.Write)
		r.core.Grant(t, open, ann, keyhatch.Write)
		ann.Origin.Address = inside.AddrPort().Addr()
		r.users["ann"] = ann
		r.lend("part", "ann", confined)
		r.lend("both", "ann", confined, confined.URL().String(), open.URL().String())

		r.conns.from = inside
		const says = "from certain networks alone, and you ask from another one"
		const batch = "<Delete><Object><Key>in/gone</Key></Object><Object><Key>out/gone</Key></Object></Delete>"
		for _, q := range []request{put("/mixed/in/x", "x").as("both"), put("/mixed/out/x", "x").as("both")} {
			if got := r.send(q); got.status != http.StatusOK {
				t.Fatalf("%s: %d %s", q.target, got.status, got.body)
			}
		}
		for _, c := range []struct {
			what    string
			q       request
			outside bool // is it open there, too
		}{
			{"an object", get("/mixed/in/x"), false},
			{"a presigned URL", get("/mixed/in/x").presign(time.Minute), false},
			{"an object that is put", put("/mixed/in/y", "y"), false},
			{"a list", get("/mixed?list-type=2&prefix=in/"), false},
			{"another object", get("/mixed/out/x"), true},
			{"another list", get("/mixed?list-type=2&prefix=out/"), true},
			{"where the bucket is", get("/mixed?location"), true},
		} {
			for _, by := range []string{"both", "part"} {
				if by == "part" && strings.Contains(c.what, "another") {
					continue
				}
				r.conns.from = inside
				if got := r.send(c.q.as(by)); got.status != http.StatusOK {
					t.Errorf("%s of %s, inside: %d %s", c.what, by, got.status, got.body)
				}
				r.conns.from = outside
				got := r.send(c.q.as(by))
				if c.outside && by == "both" {
					if got.status != http.StatusOK {
						t.Errorf("%s of %s, outside: %d %s", c.what, by, got.status, got.body)
					}
					continue
				}
				if got.status != http.StatusForbidden || !strings.Contains(got.body, says) {
					t.Errorf("%s of %s, outside: %d %s", c.what, by, got.status, got.body)
				}
			}
		}
		// What is beyond the lease is refused anyway; here, since nothing of it is open.
		for _, target := range []string{"/mixed", "/mixed?list-type=2&prefix=i", "/near/x", "/mixed?uploads"} {
			if got := r.send(get(target).as("part")); got.status != http.StatusForbidden || !strings.Contains(got.body, says) {
				t.Errorf("%s, outside: %d %s", target, got.status, got.body)
			}
		}
		if got := r.send(post("/mixed?delete", batch).as("part")); got.status != http.StatusForbidden || !strings.Contains(got.body, says) {
			t.Errorf("a batch, outside: %d %s", got.status, got.body)
		}
		got := r.send(post("/mixed?delete", batch).as("both"))
		if got.status != http.StatusOK || strings.Count(got.body, says) != 1 || !strings.Contains(got.body, "<Deleted><Key>out/gone</Key></Deleted>") || strings.Contains(got.body, "<Deleted><Key>in/gone</Key></Deleted>") {
			t.Errorf("a batch of which a part is open, outside: %d %s", got.status, got.body)
		}
		for by, listed := range map[string]bool{"part": false, "both": true} {
			if got := r.send(get("/").as(by)); got.status != http.StatusOK || strings.Contains(got.body, "<Name>mixed</Name>") != listed {
				t.Errorf("the buckets of %s, outside: %d %s", by, got.status, got.body)
			}
		}
		r.conns.from = inside
		if got := r.send(get("/").as("part")); !strings.Contains(got.body, "<Name>mixed</Name>") {
			t.Errorf("the buckets, inside: %s", got.body)
		}
		if got := r.send(post("/mixed?delete", batch).as("both")); got.status != http.StatusOK || strings.Contains(got.body, "<Error>") {
			t.Errorf("a batch, inside: %d %s", got.status, got.body)
		}
	})
}
