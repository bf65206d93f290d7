package gateway_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/gateway"
)

var keyElement = regexp.MustCompile(`<Key>([^<]*)</Key>`)

// served is a request that the store behind has to be asked for.
func served(by string) request { return get("/far/there").as(by) }

func (r *rig) wantServed(what string, q request) {
	r.t.Helper()
	asked := r.behind.asked.Load()
	if got := r.send(q); got.status != http.StatusOK || r.behind.asked.Load() != asked+1 {
		r.t.Errorf("%s: %d %s, and the store was asked %d times", what, got.status, got.body, r.behind.asked.Load()-asked)
	}
}

// wantSlowDown wants a refusal that is S3's to the letter, and the store left in
// peace.
func (r *rig) wantSlowDown(what string, q request, message string) {
	r.t.Helper()
	asked := r.behind.asked.Load()
	got := r.send(q)
	if got.status != http.StatusServiceUnavailable || got.element("Code") != "SlowDown" || got.element("Message") != message {
		r.t.Errorf("%s: %d %s, want SlowDown: %s", what, got.status, got.body, message)
	}
	if id := got.header.Get("X-Amz-Request-Id"); got.header.Get("Retry-After") != "1" || id == "" || got.element("RequestId") != id {
		r.t.Errorf("%s: headers %v, body %s", what, got.header, got.body)
	}
	if n := r.behind.asked.Load() - asked; n != 0 {
		r.t.Errorf("%s: the store was asked %d times", what, n)
	}
}

const (
	credentialTooFast = "This credential asks too often. Reduce your request rate."
	userTooFast       = "All credentials of this user together ask too often. Reduce your request rate."
	credentialTooMany = "This credential has too many requests at a time. Wait for some to end."
	userTooMany       = "All credentials of this user together have too many requests at a time. Wait for some to end."
	cannotRecord      = "The service cannot record requests at the moment, and lets none in that it cannot record. Try again."
)

// Who asks too often with one lease is told so, and it is nothing to others, not
// even to the user's other leases.
func TestSlowDownRate(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 2}, func(t *testing.T, r *rig) {
		r.behind.objects["/far/there"] = "hello"
		r.lend("ann", "ann", r.far)
		r.lend("ann's other", "ann", r.far)
		r.lend("bob", "bob", r.far)
		for n := range 4 { // twice as many at once
			r.wantServed(fmt.Sprint("request ", n), served("ann"))
		}
		for range 50 { // in vain, and at nobody's cost
			r.wantSlowDown("a fifth at once", served("ann"), credentialTooFast)
		}
		r.wantServed("another lease of the user", served("ann's other"))
		r.wantServed("another user", served("bob"))
		time.Sleep(500 * time.Millisecond)
		r.wantServed("half a second later", served("ann"))
		r.wantSlowDown("once more", served("ann"), credentialTooFast)
		if got := r.send(head("/far/there").as("ann")); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" || got.body != "" {
			t.Errorf("a head: %d %v %q", got.status, got.header, got.body)
		}
	})
}

// Many leases of one user do not get more than four of them may ask.
func TestSlowDownRateOfUser(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 2}, func(t *testing.T, r *rig) {
		r.behind.objects["/far/there"] = "hello"
		r.lend("bob", "bob", r.far)
		for n := range 4 {
			name := fmt.Sprint("ann's ", n)
			r.lend(name, "ann", r.far)
			for range 4 {
				r.wantServed(name, served(name))
			}
		}
		r.lend("ann's fifth", "ann", r.far)
		r.wantSlowDown("a fifth lease", served("ann's fifth"), userTooFast)
		r.wantServed("another user", served("bob"))
		time.Sleep(125 * time.Millisecond)
		r.wantServed("an eighth of a second later", served("ann's fifth"))
	})
}

// Each key of a batch counts.
func TestSlowDownBatch(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 5}, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.far)
		batch := func(keys int) request {
			return post("/far?delete", "<Delete>"+strings.Repeat("<Object><Key>k</Key></Object>", keys)+"</Delete>").as("ann")
		}
		r.wantServed("six keys", batch(6))
		r.wantSlowDown("six more", batch(6), credentialTooFast)
		r.wantServed("three more", batch(3))
		r.wantSlowDown("one more", batch(1), credentialTooFast)
	})
}

// hold begins a request that the store does not answer before release.
func (r *rig) hold(q request) (ended <-chan answered) {
	r.t.Helper()
	asked := r.behind.asked.Load()
	c, done := r.begin(q), make(chan answered, 1)
	go func() { done <- r.answer(c, q.method) }()
	synctest.Wait()
	if r.behind.asked.Load() != asked+1 {
		r.t.Fatal("the request has not reached the store")
	}
	return done
}

// Who has too many requests at a time is told so, per lease and per user.
func TestSlowDownConcurrency(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 2, PerSecond: 1000}, func(t *testing.T, r *rig) {
		r.behind.objects["/far/there"] = "hello"
		held := make(chan struct{})
		r.behind.hold.Store(&held)
		var running []<-chan answered
		for n := range 4 {
			name := fmt.Sprint("ann's ", n)
			r.lend(name, "ann", r.far)
			for range 2 {
				running = append(running, r.hold(served(name)))
			}
			r.wantSlowDown("a third of one lease", served(name), credentialTooMany)
		}
		r.lend("ann's fifth", "ann", r.far)
		r.wantSlowDown("a ninth of the user", served("ann's fifth"), userTooMany)
		r.lend("bob", "bob", r.far)
		running = append(running, r.hold(served("bob")))
		close(held)
		for _, ended := range running {
			if got := <-ended; got.status != http.StatusOK || got.body != "hello" {
				t.Errorf("one that was let in: %d %s", got.status, got.body)
			}
		}
		r.behind.hold.Store(nil)
		synctest.Wait()
		r.wantServed("when they have ended", served("ann's 0"))
		r.wantServed("when they have ended", served("ann's fifth"))
	})
}

// S8: while requests cannot be put on record none is let in, and it says why. One
// that the client gives up while it waits does not reach the store either.
func TestS8_SlowDownWhileUnrecorded(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		r.behind.objects["/far/there"] = "hello"
		r.lend("ann", "ann", r.far)
		mend := r.core.BreakCommits(t, "object_requests")
		r.wantServed("the first", served("ann"))
		time.Sleep(1150 * time.Millisecond) // between two tries to write
		begun := time.Now()
		r.wantSlowDown("a read", served("ann"), cannotRecord)
		r.wantSlowDown("a write", put("/far/new", "new").as("ann"), cannotRecord)
		if took := time.Since(begun); took > 10*time.Second { // of the bubble
			t.Errorf("it took %v to tell two that nothing is written", took)
		}
		asked := r.behind.asked.Load()
		gone := r.begin(served("ann"))
		time.Sleep(500 * time.Millisecond)
		gone.Close()
		time.Sleep(time.Minute)
		if r.behind.asked.Load() != asked {
			t.Error("the store was asked for a client that had left before its request was let in")
		}
		if log := r.log.Take(); !strings.Contains(log, "S3 request failed") || !strings.Contains(log, "object requests cannot be recorded at the moment") {
			t.Errorf("the log does not tell why requests were refused:\n%s", log)
		}
		mend()
		time.Sleep(time.Second)
		r.wantServed("when it can be recorded again", served("ann"))
		if r.behind.has("/far/new") {
			t.Error("what was refused was stored")
		}
		time.Sleep(time.Second)
		var got []string
		for _, q := range r.onRecord(100) {
			got = append(got, fmt.Sprint(q.Operation, " ", q.Status, " ", q.Code))
		}
		if want := "[GetObject 200  GetObject 503 SlowDown PutObject 503 SlowDown GetObject 503 SlowDown GetObject 200 ]"; fmt.Sprint(got) != want {
			t.Errorf("on record:\n%v\nwant\n%s", got, want)
		}
	})
}

// onRecord is what is on record of the store behind, newest first.
func (r *rig) onRecord(most int) []places.ObjectRequest {
	r.t.Helper()
	list, err := r.core.Broker.Places.ObjectRequests(r.t.Context(), r.core.Admin, places.ObjectRequestFilter{Location: r.far.ID}, kernel.Page{Limit: most})
	r.must(err)
	return list.Items
}

// What may have happened is on record also when so much waits to be recorded that
// refused requests are only counted: it was dropped like them, by its status.
func TestWhatMayHaveHappenedIsOnRecord(t *testing.T) {
	inRig(t, gateway.Limits{Concurrent: 100, PerSecond: 1000}, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.far)
		r.behind.losing.Store(true)
		held := make(chan struct{})
		r.behind.hold.Store(&held)
		write := r.hold(put("/far/lost", "new").as("ann"))
		batch := r.hold(post("/far?delete", "<Delete><Object><Key>one</Key></Object><Object><Key>..</Key></Object><Object><Key>two</Key></Object></Delete>").as("ann"))
		mend := r.core.BreakCommits(t, "object_requests")
		r.core.Broker.Objects.Note(make([]keyhatch.ObjectRequest, 20_000)...)
		close(held)
		if w, b := <-write, <-batch; w.status != http.StatusServiceUnavailable || b.status != http.StatusServiceUnavailable {
			t.Errorf("a write and a batch delete whose answers were lost: %d %s, %d %s", w.status, w.body, b.status, b.body)
		}
		mend()
		time.Sleep(time.Minute)
		var got []string
		for _, q := range r.onRecord(100) {
			if q.Status != 0 { // noted while they ran
				got = append(got, fmt.Sprint(q.Operation, " ", q.Key, " ", q.Status, " ", q.Code))
			}
		}
		slices.Sort(got)
		if want := "[DeleteObjects one 503 ServiceUnavailable DeleteObjects two 503 ServiceUnavailable PutObject lost 503 ServiceUnavailable]"; fmt.Sprint(got) != want {
			t.Errorf("on record:\n%v\nwant\n%s", got, want)
		}
	})
}

// Documents are few at a time, per lease and per user: one lease that holds all of
// its own leaves its user's others theirs.
func TestSlowDownDocuments(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.near)
		r.lend("ann's other", "ann", r.near)
		unfinished := post("/near?delete", batch("gone")+strings.Repeat(" ", 100)).as("ann")
		unfinished.cut = 100
		for range 16 {
			c := r.begin(unfinished)
			defer c.Close()
		}
		synctest.Wait()
		r.wantSlowDown("one more of the lease", post("/near?delete", batch("gone")).as("ann"),
			"This credential has too many batch deletes, ends of uploads and sets of tags at a time. Wait for some to end.")
		if got := r.send(post("/near?delete", batch("gone")).as("ann's other")); got.status != http.StatusOK {
			t.Errorf("another lease of the user: %d %s", got.status, got.body)
		}
	})
}

// A document that does not come is not waited for: it was answered InternalError.
func TestLateDocument(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.lend("ann", "ann", r.near)
		q := post("/near?delete", batch("gone")+strings.Repeat(" ", 100)).as("ann")
		q.cut = 100
		c := r.begin(q)
		defer c.Close()
		if got := r.answer(c, "POST"); got.status != http.StatusBadRequest || got.element("Code") != "RequestTimeout" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}

// Long lists that a client does not take are held up to what its user may, and those
// of others beside them. However many there were, all were held.
func TestSlowDownLists(t *testing.T) {
	inRig(t, roomy, func(t *testing.T, r *rig) {
		r.behind.objects["/far"] = "<ListBucketResult>" + strings.Repeat(" ", 10<<20) + "</ListBucketResult>"
		r.lend("ann", "ann", r.far)
		r.lend("ann's other", "ann", r.far)
		r.lend("bob", "bob", r.far)
		list := get("/far?list-type=2")
		untaken := r.begin(list.as("ann"))
		synctest.Wait()
		got := r.send(list.as("ann's other"))
		if got.status != http.StatusServiceUnavailable || got.element("Code") != "SlowDown" || got.header.Get("Retry-After") != "1" {
			t.Errorf("another of the user: %d %.300s", got.status, got.body)
		}
		if got := r.send(list.as("bob")); got.status != http.StatusOK || got.broken || len(got.body) < 10<<20 {
			t.Errorf("one of another user: %d, %d bytes", got.status, len(got.body))
		}
		if got := r.send(put("/far/new", "new").as("ann")); got.status != http.StatusOK {
			t.Errorf("a write of the user: %d %s", got.status, got.body)
		}
		untaken.Close()
		synctest.Wait()
		if got := r.send(list.as("ann's other")); got.status != http.StatusOK || got.broken {
			t.Errorf("when the first is gone: %d %.300s", got.status, got.body)
		}
	})
}

// Nor is an upload that stands still: it was answered InternalError, on a folder and
// before a store, however much of it the store had.
func TestStillUpload(t *testing.T) {
	for _, p := range everyPlace() {
		for name, q := range map[string]request{
			"small":  put(p.path+"still", "hello"),
			"long":   put(p.path+"still", strings.Repeat("hello", 100_000)),
			"chunks": put(p.path+"still", "").chunked(signedChunks, "", strings.Repeat("hello", 100_000), "end"),
		} {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				inRig(t, roomy, func(t *testing.T, r *rig) {
					r.lendAt(p)
					begun := time.Now()
					got := r.answer(r.begin(q.as("ann").short(1)), "PUT")
					if got.status != http.StatusBadRequest || got.element("Code") != "RequestTimeout" || time.Since(begun) != time.Minute {
						t.Errorf("after %v: %d %s", time.Since(begun), got.status, got.body)
					}
					if p.published(r, "still") {
						t.Error("it was published")
					}
					if log := r.log.Take(); strings.Contains(log, "level=ERROR") {
						t.Errorf("it is a fault of ours: %s", log)
					}
				})
			})
		}
	}
}
