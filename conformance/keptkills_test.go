package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
)

// TestKilledWithKeys kills the server again and again while keys are made, issued, changed and
// deleted, on versitygw's IAM and on the embedded store. Afterwards the users and pairs of
// versitygw are those on record; each secret that was handed out works, or an event names
// its end; and nothing that was answered is missing from the events. make chaos kills it
// 200 times.
func TestKilledWithKeys(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("KEYHATCH_CHAOS") != "" {
		kills = 200
	}
	k := newKept(t, "iam", "theirs")
	folder := filepath.Join(k.Objects(), "kills")
	if err := os.MkdirAll(filepath.Join(folder, "here"), 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, k.Server, "/api/v1/stores", map[string]any{"name": "own", "kind": "directory", "path": folder})
	create(t, k.Server, "/api/v1/buckets/register?workspace=lab", map[string]any{"store": "own", "name": "here"})
	r := newRiot(&k)
	r.buckets["here"] = "here"
	for range kills {
		r.kill()
	}
	r.settle()
	r.compare()
	r.tryAll()
	r.audit()
	if len(r.handed) < kills || len(r.gone) < kills/4 || len(r.changed) < kills/4 {
		t.Errorf("only %d pairs were handed out, %d keys deleted, and %d changed", len(r.handed), len(r.gone), len(r.changed))
	}
	t.Logf("%d kills; %d keys were made, %d changed, %d deleted, and %d pairs handed out", kills, len(r.made), len(r.changed), len(r.gone), len(r.handed))
}

// riot is what was done to a server and answered.
type riot struct {
	*kept
	cluster string
	mu      sync.Mutex
	handed  map[string]handed // by access key id
	made    map[string]bool   // ids of keys
	gone    map[string]bool
	changed map[string]int      // how often
	alive   map[string][]string // by store: that nobody was told to delete
}

func newRiot(k *kept) *riot {
	return &riot{kept: k, cluster: clusterID(k.t, k.API), handed: map[string]handed{}, made: map[string]bool{}, gone: map[string]bool{}, changed: map[string]int{}, alive: map[string][]string{}}
}

// handed is a secret that was handed out.
type handed struct{ store, key, secret, endpoint string }

// kill lets some work on keys until so much was answered, kills the server in the middle
// of what they do then, and serves again.
func (r *riot) kill() {
	r.t.Helper()
	answered := make(chan struct{}, 1000)
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	var all sync.WaitGroup
	for _, store := range []string{"theirs", "theirs", "own"} {
		all.Go(func() {
			for ctx.Err() == nil && r.act(ctx, r.api, store) {
				select {
				case answered <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 3 + rand.IntN(12) {
		select {
		case <-answered:
		case <-time.After(time.Minute):
			r.t.Fatalf("nothing is answered; the server says:\n%s", r.Output())
		}
	}
	if err := r.Crash(context.WithoutCancel(ctx)); err != nil {
		r.t.Fatal(err)
	}
	stop()
	all.Wait()
	r.api = keyhatch.New(r.API, r.Token).In("lab")
}

// act does something, and tells whether it was answered.
func (r *riot) act(ctx context.Context, c *keyhatch.Client, store string) bool {
	r.mu.Lock()
	alive := slices.Clone(r.alive[store])
	r.mu.Unlock()
	what, dice := "", rand.IntN(10)
	var err error
	switch {
	case len(alive) == 0, dice < 2 && len(alive) < 12:
		what = "create"
		rights := api.KeyRights{ReadAll: true}
		var key api.AccessKey
		if key, err = c.CreateAccessKey(ctx, api.NewAccessKey{Store: store, Name: fmt.Sprintf("key-%x", rand.Uint64()), Rights: rights}); err == nil {
			r.note(func() { r.made[key.ID], r.alive[store] = true, append(r.alive[store], key.ID) })
		}
	case dice < 3:
		what = "update"
		id := alive[rand.IntN(len(alive))]
		rights := []api.KeyRights{{ReadAll: true}, {WriteAll: true}}[rand.IntN(2)]
		if _, err = c.UpdateAccessKey(ctx, id, api.AccessKeyChange{Rights: &rights}); err == nil {
			r.note(func() { r.changed[id]++ })
		}
	case dice < 8:
		what = "issue"
		grace := rand.IntN(2) * 3 * 3600 // an hour was over before all was looked at
		var pair api.IssuedKey
		id := alive[rand.IntN(len(alive))]
		if pair, err = c.IssueAccessKey(ctx, id, api.IssueRequest{GraceSeconds: &grace}); err == nil {
			r.note(func() {
				if _, twice := r.handed[pair.AccessKeyID]; twice {
					r.t.Errorf("%s was handed out twice", pair.AccessKeyID)
				}
				r.handed[pair.AccessKeyID] = handed{store, id, pair.SecretAccessKey, pair.Endpoint}
			})
		}
	default:
		what = "delete"
		id := alive[rand.IntN(len(alive))]
		r.note(func() {
			r.alive[store] = slices.DeleteFunc(r.alive[store], func(other string) bool { return other == id })
		})
		if err = c.DeleteAccessKey(ctx, id); err == nil {
			r.note(func() { r.gone[id] = true })
		}
	}
	return r.answered(what, err)
}

// allowed are the refusals that a server may give which is killed again and again, by what
// it is asked to do. Any other is a fault.
var allowed = map[string][]string{
	"create": {"503 unavailable"},
	"update": {"503 unavailable", "404 access_key_not_found"},
	"issue":  {"503 unavailable", "503 store_silent", "409 key_not_ready", "404 access_key_not_found"}, // another has deleted it
	"delete": {"503 unavailable", "404 access_key_not_found"},                                          // it had done so, and was killed before it could say it
}

// answered tells whether a call was answered, and not ended by the server's end.
func (r *riot) answered(what string, err error) bool {
	if err == nil {
		return true
	}
	var told *api.Problem
	var cut *url.Error
	switch {
	case errors.As(err, &told):
		// That it is open whether a change was kept is told where a database is beyond a network.
		if refusal := fmt.Sprint(told.Status, " ", told.Code); !slices.Contains(allowed[what], refusal) && told.Code != "outcome_unknown" {
			r.t.Errorf("%s: %s: %v", what, refusal, err)
		}
		return true
	case errors.As(err, &cut), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, context.Canceled):
		return false
	}
	r.t.Errorf("%s: %v", what, err)
	return false
}

func (r *riot) note(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
}

// rows are the keys on record by their ids.
func (r *riot) rows() map[string]api.AccessKey {
	r.t.Helper()
	rows := map[string]api.AccessKey{}
	for key, err := range r.api.AccessKeys(r.t.Context(), "") {
		r.must(err)
		rows[key.ID] = key
	}
	return rows
}

// settle waits until the server has put everything right by itself.
func (r *riot) settle() {
	r.t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if maps.EqualFunc(r.there(), r.here(), slices.Equal) && !slices.ContainsFunc(slices.Collect(maps.Values(r.rows())), func(k api.AccessKey) bool { return k.State != "configured" }) && r.removalsTold() {
			return
		}
	}
}

// removalsTold tells whether the events say of all deleted keys that their store has them
// no more: that comes a moment after the store has done it.
func (r *riot) removalsTold() bool {
	r.t.Helper()
	told := map[string]bool{}
	for e, err := range r.api.Events(r.t.Context(), keyhatch.EventFilter{}) { // the newest first
		r.must(err)
		switch {
		case e.Action == "access_key.removed":
			told[e.Target] = true
		case e.Action == "access_key.delete" && e.Detail["store"] == r.theirs:
			if !told[e.Target] {
				return false
			}
		}
	}
	return true
}

// here are the pairs of the keys of the store that keeps them, as the record has them.
func (r *riot) here() map[string][]string {
	all := map[string][]string{}
	for id, key := range r.rows() {
		if key.Store != r.theirs {
			continue
		}
		pairs := []string{}
		for _, p := range key.Pairs {
			pairs = append(pairs, p.AccessKeyID)
		}
		slices.Sort(pairs)
		all[id] = pairs
	}
	return all
}

// clusterID is the installation's, by which its users are told from others'.
func clusterID(t *testing.T, server string) string {
	t.Helper()
	answer, err := http.Get(server + "/discovery/v1/apis/arvados/v1/rest")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct{ UUIDPrefix string }
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || len(said.UUIDPrefix) != 5 {
		t.Fatalf("the cluster id is %q, %v", said.UUIDPrefix, err)
	}
	return said.UUIDPrefix
}

// there are those that the store has.
func (r *riot) there() map[string][]string {
	r.t.Helper()
	ctx := r.t.Context()
	c := iam.New(iam.Options{
		Region: r.store.Region, BaseEndpoint: &r.store.IAM, HTTPClient: r.store.HTTPClient(r.t),
		Credentials: credentials.NewStaticCredentialsProvider(r.store.AccessKeyID, r.store.SecretAccessKey, ""),
	})
	all := map[string][]string{}
	users := iam.NewListUsersPaginator(c, &iam.ListUsersInput{PathPrefix: aws.String("/keyhatch/" + r.cluster + "/")})
	for users.HasMorePages() {
		page, err := users.NextPage(ctx)
		r.must(err)
		for _, user := range page.Users {
			out, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user.UserName})
			if err != nil {
				continue // it is just being deleted: the next look tells
			}
			pairs := []string{}
			for _, p := range out.AccessKeyMetadata {
				pairs = append(pairs, *p.AccessKeyId)
			}
			slices.Sort(pairs)
			_, key, _ := strings.Cut(*user.UserName, "-"+r.cluster+"-")
			all[key] = pairs
		}
	}
	return all
}

// compare wants the store to have what is on record, and nothing else.
func (r *riot) compare() {
	here, there := r.here(), r.there()
	for id := range maps.Keys(here) {
		if !slices.Equal(here[id], there[id]) || there[id] == nil {
			r.t.Errorf("%s has the pairs %q on record, and %q in the store", id, here[id], there[id])
		}
	}
	for id := range there {
		if here[id] == nil {
			r.t.Errorf("%s is in the store, with the pairs %q, and not on record", id, there[id])
		}
	}
	for id, key := range r.rows() {
		if key.State != "configured" || r.gone[id] {
			r.t.Errorf("%s is %s: %s; it was deleted: %t", id, key.State, key.LastError, r.gone[id])
		}
	}
	for id := range r.made {
		if _, is := r.rows()[id]; !is && (slices.Contains(r.alive["theirs"], id) || slices.Contains(r.alive["own"], id)) {
			r.t.Errorf("%s was made, and is gone", id)
		}
	}
}

// tryAll uses every secret that was handed out.
func (r *riot) tryAll() {
	works := map[string]bool{} // and reads
	for _, key := range r.rows() {
		for _, p := range key.Pairs {
			works[p.AccessKeyID] = key.Rights.ReadAll
		}
	}
	for id, h := range r.handed {
		bucket := map[string]string{"theirs": "theirs", "own": "here"}[h.store]
		endpoint := map[string]string{"theirs": h.endpoint, "own": r.S3}[h.store]
		c := s3.New(s3.Options{
			BaseEndpoint: &endpoint, Region: "us-east-1", UsePathStyle: true, HTTPClient: r.store.HTTPClient(r.t), Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(id, h.secret, ""),
		})
		r.want("with "+id+" of "+h.key+" on "+h.store, works[id], r.list(c, bucket))
	}
}

// audit looks for what was answered, and for the ends of what does not work, in the
// events.
func (r *riot) audit() {
	made, gone, issued, ended := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	changed, removed, onTheirs := map[string]int{}, map[string]bool{}, map[string]bool{}
	ends, endless := map[string]bool{}, map[string]time.Time{} // of pairs that were begun: an end that is told, and when the first was begun that has none
	for e, err := range r.api.Events(r.t.Context(), keyhatch.EventFilter{}) {
		r.must(err)
		switch e.Action {
		case "access_key.create":
			made[e.Target] = true
			onTheirs[e.Target] = e.Detail["store"] == r.theirs
		case "access_key.delete":
			gone[e.Target] = true
		case "access_key.update":
			changed[e.Target]++
		case "access_key.issuing": // one at a time, and the newest event comes first
			if !ends[e.Target] {
				endless[e.Target] = e.At
			}
			ends[e.Target] = false
		case "access_key.not_issued":
			ends[e.Target] = true
		case "access_key.removed":
			removed[e.Target] = true
		case "access_key.issue":
			issued[e.Detail["access_key_id"]] = true
			ends[e.Target] = true
		case "access_key.withdraw":
			ended[e.Detail["access_key_id"]] = true
		}
		for _, id := range strings.Fields(e.Detail["ended"] + " " + e.Detail["pairs"]) {
			if e.Action == "access_key.issue" || e.Action == "access_key.delete" {
				ended[id] = true
			}
		}
	}
	rows := r.rows()
	for id, key := range rows {
		if !made[id] || gone[id] {
			r.t.Errorf("%s is on record; in the events it was made: %t, deleted: %t", id, made[id], gone[id])
		}
		for _, p := range key.Pairs {
			if !issued[p.AccessKeyID] || ended[p.AccessKeyID] {
				r.t.Errorf("%s is on record; in the events it was issued: %t, ended: %t", p.AccessKeyID, issued[p.AccessKeyID], ended[p.AccessKeyID])
			}
		}
	}
	for id, h := range r.handed {
		on := slices.ContainsFunc(rows[h.key].Pairs, func(p api.IssuedPair) bool { return p.AccessKeyID == id })
		if !issued[id] || !on && !ended[id] {
			r.t.Errorf("%s was handed out; in the events it was issued: %t, ended: %t; on record: %t", id, issued[id], ended[id], on)
		}
	}
	for id := range r.made {
		if !made[id] {
			r.t.Errorf("that %s was made is in no event", id)
		}
	}
	for id := range r.gone {
		if !gone[id] {
			r.t.Errorf("that %s was deleted is in no event", id)
		}
	}
	for id, times := range r.changed {
		if changed[id] < times {
			r.t.Errorf("%s was changed %d times, and %d times in the events", id, times, changed[id])
		}
	}
	for id, begun := range endless {
		if _, is := rows[id]; is && time.Since(begun) > 2*time.Minute { // a later one was killed a moment ago
			r.t.Errorf("of the pair of %s that was begun at %v no event tells the end", id, begun)
		}
	}
	for id := range gone {
		if onTheirs[id] && !removed[id] {
			r.t.Errorf("that the store has %s no more is in no event", id)
		}
	}
	path, err := binary()
	r.must(err)
	verify := exec.CommandContext(r.t.Context(), path, "audit", "verify", "--config", filepath.Join(r.Data, "keyhatch.yaml"))
	if said, err := verify.CombinedOutput(); err != nil {
		r.t.Errorf("the record: %v\n%s", err, said)
	}
}
