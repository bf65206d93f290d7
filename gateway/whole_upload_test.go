package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// S7: an upload that has come whole ends with its lease all the same, while it is on
// its way to the store or the store is at it. A small one is read before a connection
// is made; it went on to its end, was published and answered with a success.
func TestS7_WholeUploadEnds(t *testing.T) {
	sizes := map[string]int{"a byte": 1, "as much as is read before it is sent": 64 << 10, "more": 64<<10 + 1}
	targets := map[string]string{"object": "/far/one", "part": "/far/one?partNumber=1&uploadId="}
	for what, target := range targets {
		for size, length := range sizes {
			begin := func(r *rig) request {
				r.lend("ann", "ann", r.far)
				to := target
				if strings.HasSuffix(to, "=") {
					to += url.QueryEscape(r.send(post("/far/one?uploads", "").as("ann")).element("UploadId"))
				}
				return put(to, strings.Repeat("x", length)).as("ann")
			}
			t.Run(what+" of "+size+", on its way", func(t *testing.T) {
				inRig(t, roomy, func(t *testing.T, r *rig) {
					q, held := begin(r), make(chan struct{})
					r.behind.hold.Store(&held)
					ended := r.hold(q)
					begun := time.Now()
					r.revoke("ann")
					time.AfterFunc(30*time.Second, func() { close(held) })
					if got := <-ended; got.status < http.StatusBadRequest || time.Since(begun) > time.Second {
						t.Errorf("after %v: %d %s", time.Since(begun), got.status, got.body)
					}
					time.Sleep(time.Minute)
					if r.behind.has("/far/one") {
						t.Error("it was published")
					}
				})
			})
			t.Run(what+" of "+size+", in the store", func(t *testing.T) {
				inRig(t, roomy, func(t *testing.T, r *rig) {
					q := begin(r)
					r.behind.thinking.Store(true)
					ended := r.hold(q)
					begun := time.Now()
					r.revoke("ann")
					got := <-ended
					if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "It may have been done.") || time.Since(begun) > time.Second {
						t.Errorf("after %v: %d %s", time.Since(begun), got.status, got.body)
					}
					time.Sleep(time.Second)
					if on := r.onRecord(1)[0]; on.Status != http.StatusServiceUnavailable || on.Key != "one" {
						t.Errorf("on record: %+v", on)
					}
				})
			})
		}
	}
}
