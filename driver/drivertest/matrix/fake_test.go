package matrix

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest"
	"github.com/keyhatch/keyhatch/gateway/dirstore"
	"github.com/keyhatch/keyhatch/sigv4"
)

// fake is a store that confines its leases in the simplest way, or in a way that
// is wrong in one point.
type fake struct {
	flaw    flaw
	behind  http.Handler // enforces nothing
	buckets func(context.Context) ([]string, error)
	url     string

	mu     sync.Mutex
	leases map[string]*fakeLease // by access key id
}

type fakeLease struct {
	ask           drivertest.Ask
	secret, token string
	ends          time.Time
	ended         bool
}

// flaw is what is wrong with a fake; the empty one is nothing.
type flaw string

const regionOfFake = "fake-1"

// newFake starts a fake over a folder.
func newFake(t *testing.T, f flaw) drivertest.Site {
	t.Helper()
	folder := quickFolder(t)
	store, err := dirstore.Open(folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	buckets := func(context.Context) (names []string, err error) {
		entries, err := os.ReadDir(folder)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	}
	k := &fake{flaw: f, behind: store.Handler(), buckets: buckets, leases: map[string]*fakeLease{}}
	past, front := httptest.NewServer(k.behind), httptest.NewServer(k)
	t.Cleanup(past.Close)
	t.Cleanup(front.Close)
	k.url = front.URL
	const why = "the fake is a simple one"
	return drivertest.Site{
		Store: s3.New(s3.Options{
			BaseEndpoint: &past.URL, Region: regionOfFake, UsePathStyle: true, Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
		}),
		Bucket: "bucket-one", Other: "bucket-two", Lend: k.lend,
		Buckets:      k.buckets,
		Capabilities: driver.Capabilities{Revocation: keyhatch.RevokeImmediate, MinLife: time.Minute, MaxLife: time.Hour, MaxPrefixes: 5},
		ShortestLife: time.Second, ExpiryCode: "ExpiredToken",
		Lacks: map[drivertest.Feature]string{drivertest.BatchDelete: why, drivertest.ObjectAttributes: why, drivertest.ObjectVersions: why},
	}
}

// quickFolder is in memory where the system has such a place: nothing here needs
// to outlive a crash, and a disk makes every object wait.
func quickFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("/dev/shm", "drivertest-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func (k *fake) lend(_ context.Context, ask drivertest.Ask) (drivertest.Lent, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := fmt.Sprintf("FAKE%016d", len(k.leases))
	l := &fakeLease{ask: ask, secret: drivertest.Word() + drivertest.Word(), token: drivertest.Word() + drivertest.Word(), ends: time.Now().Add(ask.Life)}
	k.leases[id] = l
	told := l.ends
	if k.flaw == lastsLonger {
		told = told.Add(time.Hour)
	}
	return drivertest.Lent{
		Credentials: keyhatch.Credentials{
			AccessKeyID: id, SecretAccessKey: keyhatch.Secret(l.secret), SessionToken: keyhatch.Secret(l.token),
			Endpoint: k.url, Region: regionOfFake, ExpiresAt: told,
		},
		End: func(context.Context) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			l.ended = true
			return nil
		},
	}, nil
}

// ServeHTTP lets a request through when its lease does.
func (k *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, code := http.StatusForbidden, "AccessDenied"
	claim, err := sigv4.Parse(r)
	if err != nil {
		refuse(w, status, code, "")
		return
	}
	k.mu.Lock()
	l, known := k.leases[claim.AccessKeyID]
	k.mu.Unlock()
	if !known || claim.SessionToken != l.token && k.flaw != ignoresToken {
		refuse(w, status, code, "")
		return
	}
	var body io.Reader = r.Body
	length := r.ContentLength
	verified, err := claim.Verify(l.secret, sigv4.Endpoint{Service: "s3", Regions: []string{regionOfFake}}, time.Now())
	switch {
	case err == nil:
		body, length = verified, verified.Len()
	case k.flaw != ignoresSignature:
		refuse(w, status, code, "")
		return
	}
	k.mu.Lock()
	ended := l.ended && k.flaw != neverEnds
	k.mu.Unlock()
	switch {
	case k.flaw == lendsEverything:
	case time.Now().After(l.ends) && k.flaw != neverExpires:
		refuse(w, http.StatusBadRequest, "ExpiredToken", "")
		return
	case ended, !k.permits(l.ask, r):
		k.deny(w, r, body, length)
		return
	}
	if k.flaw == doesNothing && r.Method == http.MethodPut {
		return
	}
	if r.URL.Path == "/" { // which the store behind does not know
		k.listBuckets(w)
		return
	}
	k.behind.ServeHTTP(w, cleaned(r, body, length))
}

// listBuckets names every bucket that there is.
func (k *fake) listBuckets(w http.ResponseWriter) {
	names, err := k.buckets(context.Background())
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError", "")
		return
	}
	fmt.Fprint(w, "<ListAllMyBucketsResult><Buckets>")
	for _, name := range names {
		fmt.Fprintf(w, "<Bucket><Name>%s</Name></Bucket>", name)
	}
	fmt.Fprint(w, "</Buckets></ListAllMyBucketsResult>")
}

// deny answers a request that the lease does not permit.
func (k *fake) deny(w http.ResponseWriter, r *http.Request, body io.Reader, length int64) {
	told := ""
	switch k.flaw {
	case refusesTooLate:
		k.behind.ServeHTTP(httptest.NewRecorder(), cleaned(r, body, length))
	case tellsNeighbours:
		rec := httptest.NewRecorder()
		k.behind.ServeHTTP(rec, cleaned(r, body, length))
		told = rec.Body.String()
	case tellsWhatExists:
		rec := httptest.NewRecorder()
		k.behind.ServeHTTP(rec, cleaned(r, body, length))
		if rec.Code == http.StatusNotFound {
			refuse(w, rec.Code, "NoSuchKey", "")
			return
		}
	}
	refuse(w, http.StatusForbidden, "AccessDenied", told)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	xml.NewEncoder(w).Encode(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: message})
}

func cleaned(r *http.Request, body io.Reader, length int64) *http.Request {
	text, _ := io.ReadAll(body) // a broken body shows as a wrong one
	out := r.Clone(r.Context())
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(text)), length
	for _, name := range []string{"Authorization", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "X-Amz-Decoded-Content-Length"} {
		out.Header.Del(name)
	}
	if bucket, key, ok := copySource(r); ok {
		out.Header.Set("X-Amz-Copy-Source", bucket+"/"+escaped(key))
	}
	q := out.URL.Query()
	maps.DeleteFunc(q, func(name string, _ []string) bool { return strings.HasPrefix(strings.ToLower(name), "x-amz-") })
	out.URL.RawQuery = q.Encode()
	return out
}

// Parameters that a request may have, besides those of its signature.
var (
	listParams   = strings.Fields("list-type prefix delimiter start-after marker max-keys continuation-token encoding-type uploads x-id")
	objectParams = strings.Fields("uploads uploadId partNumber tagging versionId x-id")
)

// permits decides a request.
func (k *fake) permits(a drivertest.Ask, r *http.Request) bool {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	known := objectParams
	if key == "" {
		known = listParams
	}
	for name := range q {
		if !slices.Contains(known, name) && !strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			return false
		}
	}
	writes := r.Method != http.MethodGet && r.Method != http.MethodHead || q.Has("uploadId") || q.Has("uploads")
	if writes && a.Access != keyhatch.Write && k.flaw != ignoresAccess {
		return false
	}
	if key == "" {
		return r.Method == http.MethodGet && (k.opens(a, bucket, q.Get("prefix")) || k.flaw == listsAll)
	}
	if keyhatch.CheckKey(key) != nil || !k.opens(a, bucket, key) || r.Header.Get("X-Amz-Acl") != "" {
		return false
	}
	if r.Header.Get("X-Amz-Copy-Source") == "" || k.flaw == ignoresSource {
		return true
	}
	fromBucket, fromKey, ok := copySource(r)
	return ok && keyhatch.CheckKey(fromKey) == nil && k.opens(a, fromBucket, fromKey)
}

func copySource(r *http.Request) (bucket, key string, ok bool) {
	source, err := url.PathUnescape(strings.TrimSuffix(r.Header.Get("X-Amz-Copy-Source"), "?versionId=null"))
	bucket, key, ok = strings.Cut(strings.TrimPrefix(source, "/"), "/")
	return bucket, key, ok && err == nil
}

// opens decides a key, or a prefix.
func (k *fake) opens(a drivertest.Ask, bucket, key string) bool {
	if k.flaw == opensNothing || bucket != a.Bucket && k.flaw != ignoresBucket {
		return false
	}
	return slices.ContainsFunc(a.Prefixes, func(p keyhatch.Prefix) bool {
		open := string(p)
		switch k.flaw {
		case opensSiblings:
			open = strings.TrimSuffix(open, "/")
		case readsPatterns:
			segments := strings.Split(key, "/")
			ok, _ := path.Match(strings.TrimSuffix(open, "/"), strings.Join(segments[:min(len(segments), strings.Count(open, "/"))], "/"))
			return ok
		case ignoresCase:
			open, key = strings.ToLower(open), strings.ToLower(key)
		}
		return strings.HasPrefix(key, open)
	})
}
