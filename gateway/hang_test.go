package gateway_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/db"
)

// hangs is how long after a revocation that cannot be read a transfer may go on:
// memory is used for a second, is asked for every half one, and the database is
// given two to answer.
const hangs = 3500 * time.Millisecond

// hang makes the database of the endpoint's memory neither answer nor fail, until
// the test ends.
func (r *rig) hang() {
	r.t.Helper()
	again, held := make(chan struct{}), make(chan error, 1)
	go func() {
		held <- r.core.DB.Snapshot(r.t.Context(), func(db.Reader) error { <-again; return nil })
	}()
	r.t.Cleanup(func() {
		close(again)
		<-held
	})
	synctest.Wait()
}

// revokeBeside revokes a lease by another process, whose database answers.
func (r *rig) revokeBeside(name string) {
	r.t.Helper()
	beside := r.core.Beside(r.t)
	r.must(beside.Broker.Lending.RevokeLease(r.t.Context(), r.core.Admin, r.leases[name].ID))
}

// S7: a download whose lease is revoked while the database hangs ends as when the
// database cannot be read. It went on for as long as the database hung.
func TestS7_DownloadEndsWhileDatabaseHangs(t *testing.T) {
	for _, p := range everyPlace() {
		t.Run(p.name, func(t *testing.T) {
			inRig(t, roomy, func(t *testing.T, r *rig) {
				r.large()
				r.lendAt(p)
				c := r.begin(get(p.path + "large").as("ann"))
				defer c.Close()
				answer, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
				r.must(err)
				if answer.StatusCode != http.StatusOK {
					t.Fatal(answer.Status)
				}
				r.hang()
				r.revokeBeside("ann")
				begun := time.Now()
				time.AfterFunc(10*time.Minute, func() { c.Close() }) // it has to be over long before
				const pause = 100 * time.Millisecond                 // after which the client notices
				if _, err := drip(answer.Body, pause, 1<<10); err != io.ErrUnexpectedEOF {
					t.Errorf("the client takes it for: %v", err)
				}
				if late := time.Since(begun); late > hangs+pause {
					t.Errorf("it went on for %v", late)
				}
			})
		})
	}
}

// S7: so does an upload, which is not published either.
func TestS7_UploadEndsWhileDatabaseHangs(t *testing.T) {
	for _, p := range everyPlace() {
		t.Run(p.name, func(t *testing.T) {
			inRig(t, roomy, func(t *testing.T, r *rig) {
				r.lendAt(p)
				q := put(p.path+"slow", "hello").as("ann")
				q.payload, q.cut = unsignedPayload, 5
				c := r.begin(q)
				time.Sleep(5 * time.Second)
				r.hang()
				r.revokeBeside("ann")
				begun := time.Now()
				go func() { // whoever sends the rest does not wait for the database
					time.Sleep(900 * time.Millisecond)
					io.WriteString(c, "hell")
					time.Sleep(200 * time.Millisecond)
					io.WriteString(c, "o")
				}()
				got := r.answer(c, q.method)
				if got.status != http.StatusServiceUnavailable || got.element("Code") != "SlowDown" {
					t.Errorf("%d %s", got.status, got.body)
				}
				if late := time.Since(begun); late > hangs {
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

// A request that comes while the database hangs is told to come again. It waited for
// as long as the database hung.
func TestRequestWhileDatabaseHangs(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.far)
		r.hang()
		time.Sleep(2 * time.Second) // memory is too old
		asked := r.behind.asked.Load()
		for _, q := range []request{get("/far/there"), put("/far/new", "x"), post("/far?delete", "<Delete><Object><Key>one</Key></Object></Delete>")} {
			begun := time.Now()
			got := r.send(q.as("ann"))
			if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "SlowDown") || time.Since(begun) > 2*time.Second {
				t.Errorf("%s %s after %v: %d %s", q.method, q.target, time.Since(begun), got.status, got.body)
			}
		}
		if r.behind.asked.Load() != asked {
			t.Error("the store was asked")
		}
	})
}
