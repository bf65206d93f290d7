package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// told is the status and code of an error, "" of none.
func told(err error) string {
	if err == nil {
		return ""
	}
	var answer *smithyhttp.ResponseError
	var refused smithy.APIError
	if !errors.As(err, &answer) || !errors.As(err, &refused) {
		return err.Error()
	}
	return fmt.Sprint(answer.HTTPStatusCode(), " ", refused.ErrorCode())
}

// wire leads to a store, and can be cut.
type wire struct {
	t       *testing.T
	address string
	to      string

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	address, err := peers.FreeAddress() // nobody takes it while the wire is cut
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, address: address, to: to}
	w.mend()
	t.Cleanup(w.cut)
	return w
}

func (w *wire) mend() {
	w.t.Helper()
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.listener = l
	w.mu.Unlock()
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", w.to)
			if err != nil {
				near.Close()
				continue
			}
			w.mu.Lock()
			whole := w.listener == l
			if whole {
				w.open = append(w.open, near, far)
			}
			w.mu.Unlock()
			if !whole { // cut meanwhile
				near.Close()
				far.Close()
				return
			}
			go func() { io.Copy(far, near); far.Close() }()
			go func() { io.Copy(near, far); near.Close() }()
		}
	}()
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != nil {
		w.listener.Close()
		w.listener = nil
	}
	for _, c := range w.open {
		c.Close()
	}
	w.open = nil
}

func (r *running) leaseOf(location, workspace string) api.Lent {
	r.t.Helper()
	return must[api.Lent](r, r.admin.Reveal(), "POST", "/api/v1/leases?workspace="+workspace, fmt.Sprintf(`{"location":%q,"access":"write"}`, location))
}

func object(ctx context.Context, c *s3.Client, bucket, key string) (string, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	return string(text), err
}

// A store that stops while it is served is told as one that does not answer, and
// is served again when it is back.
func TestStoreBehindStops(t *testing.T) {
	t.Parallel()
	peer := peers.VersityGW(t)
	r := start(t)
	w := newWire(t, strings.TrimPrefix(peer.Endpoint, "http://"))
	direct := peer
	direct.Endpoint = "http://" + w.address
	bucket := r.behind("wired", direct)
	c, ctx := s3Client(r.leaseOf("wired", "demo")), t.Context()
	small, large := []byte("small"), bytes.Repeat([]byte("large"), 100_000)
	use := func() (out []string) {
		b, k := aws.String(bucket), aws.String("data/key")
		for _, body := range [][]byte{small, large} {
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: k, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body)))})
			out = append(out, told(err))
		}
		_, err := object(ctx, c, bucket, "data/key")
		out = append(out, told(err))
		_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("data/")})
		out = append(out, told(err))
		_, err = c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: k}}}})
		return append(out, told(err))
	}
	down := slices.Repeat([]string{"503 ServiceUnavailable"}, 5)
	for range 2 {
		if got := use(); !slices.Equal(got, make([]string, 5)) {
			t.Fatalf("while it is there: %q", got)
		}
		w.cut()
		if got := use(); !slices.Equal(got, down) {
			t.Errorf("while it is away: %q", got)
		}
		w.mend()
	}
	if got := use(); !slices.Equal(got, make([]string, 5)) {
		t.Errorf("when it is back: %q", got)
	}
	if log := r.log.String(); !strings.Contains(log, `"the store does not answer" store=wired`) || strings.Contains(log, peer.SecretAccessKey) {
		t.Error("the log does not name the store, or does its secret")
	}
}

// Keys of a credential act from the next request on, wrong ones too.
func TestKeysBehindReplaced(t *testing.T) {
	t.Parallel()
	for _, kind := range peers.All {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			peer := kind.Start(t)
			r := start(t)
			bucket := r.behind(kind.Name, peer)
			c, ctx := s3Client(r.leaseOf(kind.Name, "demo")), t.Context()
			const wrong = "wr0ng/secret+of+a+credential/0123456789"
			try := func(what, want string) {
				t.Helper()
				for _, size := range []int{5, 100_000} {
					_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("data/key"), Body: bytes.NewReader(make([]byte, size))})
					if got := told(err); !slices.Contains(strings.Split(want, " or "), got) || err != nil && strings.Contains(err.Error(), "ignature") {
						t.Errorf("%s: put of %d bytes: %v", what, size, err)
					}
				}
				if _, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("data/")}); !slices.Contains(strings.Split(want, " or "), told(err)) {
					t.Errorf("%s: list: %v", what, err)
				}
			}
			replace := func(id, secret string) {
				t.Helper()
				keys, _ := json.Marshal(api.CredentialChange{Authority: api.Authority{AWSKeys: &api.AWSKeys{AccessKeyID: id, SecretAccessKey: secret}}})
				must[api.Credential](r, r.admin.Reveal(), "PATCH", "/api/v1/credentials/"+kind.Name, string(keys))
			}
			refused, logged := "500 InternalError", "the store refuses our keys"
			if kind.Name == "rgw" { // which tells wrong keys like a forbidden request, mostly
				refused, logged = "403 AccessDenied or 500 InternalError", "the store refuses what was let through, or does not know our key"
			}
			try("right keys", "")
			replace(peer.AccessKeyID, wrong)
			try("wrong secret", refused)
			replace("NOSUCHKEYID", wrong)
			try("no such key", refused)
			replace(peer.AccessKeyID, peer.SecretAccessKey)
			try("right keys again", "")
			log := r.log.String()
			if !strings.Contains(log, fmt.Sprintf("%q store=%s", logged, kind.Name)) {
				t.Errorf("the log does not tell:\n%s", log)
			}
			if strings.Contains(log, wrong) || strings.Contains(log, peer.SecretAccessKey) {
				t.Error("a secret is in the log")
			}
		})
	}
}

// Buckets of one name on two stores, each of another workspace, are two.
func TestBucketsOfOneName(t *testing.T) {
	t.Parallel()
	stores := map[string]peers.Store{"demo": peers.VersityGW(t), "other": peers.MinIO(t)}
	r, ctx := start(t), t.Context()
	bucket := stores["demo"].Bucket(t)
	if _, err := stores["other"].Client(t).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	must[api.Workspace](r, r.admin.Reveal(), "POST", "/api/v1/workspaces", `{"name":"other"}`)
	key := aws.String("data/key")
	for workspace, peer := range stores {
		r.register(workspace+"-store", workspace, bucket, peer)
	}
	for workspace := range stores {
		c := s3Client(r.leaseOf(workspace+"-store", workspace))
		if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: key, Body: strings.NewReader(workspace)}); err != nil {
			t.Fatal(workspace, err)
		}
	}
	for workspace, peer := range stores {
		for who, c := range map[string]*s3.Client{"store": peer.Client(t), "lease": s3Client(r.leaseOf(workspace+"-store", workspace))} {
			if text, err := object(ctx, c, bucket, *key); text != workspace || err != nil {
				t.Errorf("%s of %s: %q %v", who, workspace, text, err)
			}
		}
	}
}

// A lease that ends while an upload is on its way ends the upload, and the store
// publishes nothing of it.
func TestLeaseEndsDuringUpload(t *testing.T) {
	t.Parallel()
	for _, kind := range peers.All {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			peer := kind.Start(t)
			r := start(t)
			bucket := r.behind(kind.Name, peer)
			lent, body := r.leaseOf(kind.Name, "demo"), make([]byte, 1<<20)
			in, w := io.Pipe()
			go func() {
				w.Write(body[:900_000])
				must[api.Lease](r, r.admin.Reveal(), "DELETE", "/api/v1/leases/"+lent.ID, "")
				w.Write(body[900_000:])
				w.Close()
			}()
			signed, err := s3.NewPresignClient(s3Client(lent)).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("data/key")})
			if err != nil {
				t.Fatal(err)
			}
			put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, signed.URL, in)
			if err != nil {
				t.Fatal(err)
			}
			put.ContentLength = int64(len(body))
			answer, err := http.DefaultClient.Do(put)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if text, err := io.ReadAll(answer.Body); answer.StatusCode != http.StatusForbidden || !bytes.Contains(text, []byte("AccessDenied")) {
				t.Errorf("upload: %s %s %v", answer.Status, text, err)
			}
			if _, err := object(t.Context(), peer.Client(t), bucket, "data/key"); told(err) != "404 NoSuchKey" {
				t.Errorf("in the store: %v", err)
			}
		})
	}
}

// A store that refuses an upload before it has got it is heard, and what is
// still arriving disturbs nobody.
func TestStoreBehindRefusesEarly(t *testing.T) {
	t.Parallel()
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 100_000)
		http.Error(w, "<Error><Code>QuotaExceeded</Code></Error>", http.StatusForbidden)
	}))
	t.Cleanup(fake.Close)
	r := start(t)
	r.register("early", "demo", "early-bucket", peers.Store{Endpoint: fake.URL, Region: "x", AccessKeyID: "id", SecretAccessKey: "secret"})
	c := s3Client(r.leaseOf("early", "demo"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("early-bucket"), Key: aws.String("data/key"), Body: bytes.NewReader(make([]byte, 16<<20))})
			// The answer may be lost where the store closes what is still written to.
			if got := told(err); got != "403 QuotaExceeded" && got != "503 ServiceUnavailable" && !strings.Contains(got, "connection reset") && !strings.Contains(got, "broken pipe") {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A batch delete whose answer is lost is on record with each of its keys: the
// store may have done it.
func TestLostBatchDeletesAreOnRecord(t *testing.T) {
	t.Parallel()
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler) // it may have deleted everything by now
	}))
	t.Cleanup(fake.Close)
	r := start(t)
	r.register("losing", "demo", "losing-bucket", peers.Store{Endpoint: fake.URL, Region: "x", AccessKeyID: "id", SecretAccessKey: "secret"})
	c := s3Client(r.leaseOf("losing", "demo"))
	_, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("losing-bucket"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("data/one")}, {Key: aws.String("data/two")}, {Key: aws.String("elsewhere/three")}, {Key: aws.String("data/../four")},
	}}})
	if err == nil {
		t.Fatal("it went well")
	}
	var got []string
	for end := time.Now().Add(patience); len(got) < 2 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got = nil
		page := must[api.Page[api.ObjectRequest]](r, r.admin.Reveal(), "GET", "/api/v1/object-requests?workspace=demo&location=losing", "")
		for _, q := range page.Items {
			if q.Status == 0 { // noted while it ran
				continue
			}
			got = append(got, fmt.Sprint(q.Operation, " ", q.Key, " ", q.Status, " ", q.Code))
		}
	}
	slices.Sort(got)
	if want := []string{"DeleteObjects data/one 503 ServiceUnavailable", "DeleteObjects data/two 503 ServiceUnavailable"}; !slices.Equal(got, want) {
		t.Errorf("on record: %q, want %q", got, want)
	}
}

// As many keys as a batch delete may name are deleted, long as they are.
func TestLongBatchDelete(t *testing.T) {
	t.Parallel()
	for _, kind := range peers.All {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			peer := kind.Start(t)
			r := start(t)
			bucket := r.behind(kind.Name, peer)
			c, batch := s3Client(r.leaseOf(kind.Name, "demo")), &types.Delete{}
			for i := range 1000 {
				batch.Objects = append(batch.Objects, types.ObjectIdentifier{Key: aws.String(fmt.Sprintf("data/%s/%d", strings.Repeat("long", 20), i))})
			}
			last := batch.Objects[999].Key
			if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: last, Body: strings.NewReader("x")}); err != nil {
				t.Fatal(err)
			}
			out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &bucket, Delete: batch})
			if err != nil || len(out.Deleted) != 1000 || len(out.Errors) != 0 {
				t.Errorf("%v: %+v", err, out)
			}
			// Two thousand lines go on record meanwhile: a client that is told to slow down does.
			_, err = c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: last}, func(o *s3.Options) { o.RetryMaxAttempts = 8 })
			if !strings.HasPrefix(told(err), "404") {
				t.Error("the last one:", err)
			}
		})
	}
}
