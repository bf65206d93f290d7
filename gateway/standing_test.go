package gateway_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/gateway"
)

var roomy = gateway.Limits{Concurrent: 1000, PerSecond: 1000}

// revoke ends a lease.
func (r *rig) revoke(name string) {
	r.t.Helper()
	r.must(r.core.Broker.Lending.RevokeLease(r.t.Context(), r.core.Admin, r.leases[name].ID))
}

// endless is an object without end, which takes its time if it is told to.
type endless struct{ pause time.Duration }

func (e endless) Read(p []byte) (int, error) {
	time.Sleep(e.pause)
	clear(p)
	return len(p), nil
}

// place is where an object is read or written: a folder, or a store behind.
type place struct {
	name, path string
	published  func(r *rig, key string) bool
}

func everyPlace() []place {
	return []place{
		{"folder", "/near/", func(r *rig, key string) bool {
			_, err := os.Stat(filepath.Join(r.core.Store.Path, "near", key))
			return err == nil
		}},
		{"store behind", "/far/", func(r *rig, key string) bool { return r.behind.has("/far/" + key) }},
	}
}

// large makes an object that no client here gets to the end of.
func (r *rig) large() {
	r.t.Helper()
	r.behind.endless = endless{}
	f, err := os.Create(filepath.Join(r.core.Store.Path, "near", "large"))
	r.must(err)
	r.must(f.Truncate(1 << 33)) // it has holes, and takes no room
	r.must(f.Close())
}

// lendAt lends a lease on a place.
func (r *rig) lendAt(p place) {
	l := r.near
	if p.path == "/far/" {
		l = r.far
	}
	r.lend("ann", "ann", l)
}

// drip takes so many bytes at a time, until the end, which it tells.
func drip(from io.Reader, every time.Duration, bytes int) (got int, err error) {
	buffer := make([]byte, bytes)
	for {
		n, err := io.ReadFull(from, buffer)
		got += n
		if err != nil {
			return got, err
		}
		time.Sleep(every)
	}
}

// S7: a download whose lease ends is over within a second, however little of it its
// client takes. One that took 10 KiB a second got 8 MiB more, for a quarter of an
// hour.
func TestS7_SlowDownloadEnds(t *testing.T) {
	for _, p := range everyPlace() {
		for _, end := range []struct {
			name string
			ends func(r *rig) // the lease
		}{
			{"revoked", func(r *rig) { r.revoke("ann") }},
			{"expired", func(r *rig) { time.Sleep(time.Until(r.leases["ann"].ExpiresAt)) }},
			{"revoked by another process", func(r *rig) {
				beside := r.core.Beside(r.t)
				r.must(beside.Broker.Lending.RevokeLease(r.t.Context(), r.core.Admin, r.leases["ann"].ID))
			}},
		} {
			t.Run(p.name+", "+end.name, func(t *testing.T) {
				inRig(t, roomy, func(t *testing.T, r *rig) {
					r.large()
					r.lendAt(p)
					c := r.begin(get(p.path + "large").as("ann"))
					defer c.Close()
					in := bufio.NewReaderSize(c, 16)
					answer, err := http.ReadResponse(in, nil)
					r.must(err)
					if answer.StatusCode != http.StatusOK {
						t.Fatal(answer.Status)
					}
					var ended time.Time
					go func() {
						end.ends(r)
						ended = time.Now()
					}()
					got, err := drip(answer.Body, 100*time.Millisecond, 1<<10)
					synctest.Wait()
					if ended.IsZero() {
						t.Fatalf("it broke off before the lease ended, after %d bytes: %v", got, err)
					}
					if late := time.Since(ended); late > time.Second {
						t.Errorf("it went on for %v and broke off after %d bytes: %v", late, got, err)
					}
					if err != io.ErrUnexpectedEOF {
						t.Errorf("the client takes it for: %v", err)
					}
				})
			})
		}
	}
}

// A download that was broken off is on record as that: it looked like one that was
// done.
func TestBrokenOffIsOnRecord(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.large()
		r.lend("ann", "ann", r.far)
		c := r.begin(get("/far/large").as("ann"))
		defer c.Close()
		answer, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
		r.must(err)
		go func() {
			time.Sleep(3 * time.Second)
			r.revoke("ann")
		}()
		if _, err := drip(answer.Body, 100*time.Millisecond, 1<<10); err == nil {
			t.Fatal("it was not broken off")
		}
		time.Sleep(2 * time.Second)
		for _, q := range r.onRecord(10) {
			if q.Operation == "GetObject" && q.Status == http.StatusOK && q.Code == "AccessDenied" {
				return
			}
		}
		t.Errorf("on record: %+v", r.onRecord(10))
	})
}

// A download whose lease stands goes on, however slow it is and for however long.
func TestSlowDownloadGoesOn(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.large()
		r.lend("ann", "ann", r.near)
		c := r.begin(get("/near/large").as("ann"))
		defer c.Close()
		answer, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
		r.must(err)
		for range 600 {
			if _, err := io.ReadFull(answer.Body, make([]byte, 8<<10)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
	})
}

// S7: an upload whose lease ends while it is on its way is over within a second,
// says why, and is not published; not even when the rest of it arrives just then.
func TestS7_SlowUploadEnds(t *testing.T) {
	for _, p := range everyPlace() {
		for _, end := range []struct {
			name, code string
			ends       func(r *rig)
		}{
			{"revoked", "AccessDenied", func(r *rig) { r.revoke("ann") }},
			{"expired", "ExpiredToken", func(r *rig) { time.Sleep(time.Until(r.leases["ann"].ExpiresAt)) }},
		} {
			for _, how := range []struct {
				name string
				rest bool // comes at the moment at which the lease ends
			}{{"a byte at a time", false}, {"then all of it", true}} {
				t.Run(p.name+", "+end.name+", "+how.name, func(t *testing.T) {
					inRig(t, roomy, func(t *testing.T, r *rig) {
						r.lendAt(p)
						const size = 1_000_000 // days, at this pace
						q := put(p.path+"slow", strings.Repeat("x", size)).as("ann")
						q.payload, q.cut = unsignedPayload, size
						c := r.begin(q)
						var ended time.Time
						over := make(chan struct{})
						go func() {
							time.Sleep(time.Minute)
							end.ends(r)
							ended = time.Now()
							close(over)
						}()
						go func() {
							for sent := 0; sent < size; sent++ {
								select {
								case <-over:
									if how.rest {
										io.WriteString(c, strings.Repeat("x", size-sent))
										return
									}
									time.Sleep(10 * time.Second)
								case <-time.After(10 * time.Second):
								}
								if _, err := io.WriteString(c, "x"); err != nil {
									return
								}
							}
						}()
						got := r.answer(c, q.method)
						synctest.Wait()
						if got.status/100 != 4 || got.element("Code") != end.code || ended.IsZero() {
							t.Errorf("%d %s", got.status, got.body)
						}
						if late := time.Since(ended); late > time.Second {
							t.Errorf("it went on for %v", late)
						}
						time.Sleep(time.Minute)
						if p.published(r, "slow") {
							t.Error("it was published")
						}
					})
				})
			}
		}
	}
}

// A slow upload whose lease stands is published.
func TestSlowUploadGoesOn(t *testing.T) {
	for _, p := range everyPlace() {
		t.Run(p.name, func(t *testing.T) {
			inRig(t, roomy, func(t *testing.T, r *rig) {
				r.lendAt(p)
				q := put(p.path+"slow", "helloworld").as("ann")
				q.payload, q.cut = unsignedPayload, 10
				c := r.begin(q)
				go func() {
					for _, b := range "helloworld" {
						time.Sleep(50 * time.Second)
						io.WriteString(c, string(b))
					}
				}()
				if got := r.answer(c, q.method); got.status != http.StatusOK || !p.published(r, "slow") {
					t.Errorf("%d %s", got.status, got.body)
				}
			})
		})
	}
}

// A request that a store is busy with, and that has no body to hold back, is ended
// too; what became of it cannot be known, and is on record so.
func TestS7_CopyEnds(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.far)
		held := make(chan struct{})
		defer close(held)
		r.behind.hold.Store(&held)
		ended := r.hold(copied("/far/there", "/far/copy").as("ann"))
		begun := time.Now()
		r.revoke("ann")
		got := <-ended
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "It may have been done.") || time.Since(begun) > time.Second {
			t.Errorf("after %v: %d %s", time.Since(begun), got.status, got.body)
		}
	})
}

// An empty upload is with the store at once: when its lease ends then, it may have
// been done, and is on record so. It was said to be refused.
func TestS7_EmptyUploadMayHaveBeenDone(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.far)
		r.behind.thinking.Store(true)
		ended := r.hold(put("/far/empty", "").as("ann"))
		r.revoke("ann")
		if got := <-ended; got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "It may have been done.") {
			t.Errorf("%d %s", got.status, got.body)
		}
		if !r.behind.has("/far/empty") {
			t.Error("the store has not acted")
		}
		time.Sleep(time.Second)
		if on := r.onRecord(1)[0]; on.Status != http.StatusServiceUnavailable || on.Key != "empty" {
			t.Errorf("on record: %+v", on)
		}
	})
}

// So is one that a store was sent a document with. It went on to its end: a batch was
// deleted and an upload published long after the lease was revoked.
func TestS7_DocumentsEnd(t *testing.T) {
	for name, q := range map[string]request{
		"DeleteObjects":           post("/far?delete", "<Delete><Object><Key>one</Key></Object></Delete>"),
		"CompleteMultipartUpload": post("/far/one?uploadId=", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"),
		"PutObjectTagging":        put("/far/one?tagging", "<Tagging><TagSet></TagSet></Tagging>"),
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, roomy, func(t *testing.T, r *rig) {
				r.lend("ann", "ann", r.far)
				if strings.HasSuffix(q.target, "=") {
					q.target += url.QueryEscape(r.send(post("/far/one?uploads", "").as("ann")).element("UploadId"))
				}
				held := make(chan struct{})
				r.behind.hold.Store(&held)
				ended := r.hold(q.as("ann"))
				begun := time.Now()
				r.revoke("ann")
				time.AfterFunc(time.Minute, func() { close(held) })
				got := <-ended
				if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "It may have been done.") || time.Since(begun) > time.Second {
					t.Errorf("after %v: %d %s", time.Since(begun), got.status, got.body)
				}
				time.Sleep(time.Second)
				if on := r.onRecord(1)[0]; on.Operation != name || on.Status != http.StatusServiceUnavailable || on.Key != "one" {
					t.Errorf("on record: %+v", on)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// A document that is still on its way when the lease ends is not waited for.
func TestS7_SlowDocumentEnds(t *testing.T) {
	for name, q := range map[string]request{
		"DeleteObjects":           post("/far?delete", "<Delete><Object><Key>one</Key></Object></Delete>"),
		"CompleteMultipartUpload": post("/far/one?uploadId=x", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"),
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, roomy, func(t *testing.T, r *rig) {
				r.lend("ann", "ann", r.far)
				q.cut = 10
				c := r.begin(q.as("ann"))
				time.Sleep(time.Second)
				begun := time.Now()
				r.revoke("ann")
				if got := r.answer(c, q.method); got.status != http.StatusForbidden || time.Since(begun) > time.Second {
					t.Errorf("after %v: %d %s", time.Since(begun), got.status, got.body)
				}
				if r.behind.asked.Load() != 0 {
					t.Error("the store was asked")
				}
			})
		})
	}
}
