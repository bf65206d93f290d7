package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/gateway/limit"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// Gateway is the endpoint.
type Gateway struct {
	Config
	endpoint sigv4.Endpoint
	limiter  *limit.Limiter // by credential
	users    *limit.Limiter // by user, who may have many
	memory   *limit.Memory  // for documents that clients send, and what became of batches
}

// Config is what an endpoint works with.
type Config struct {
	Lending    *lending.Service
	AccessKeys *accesskeys.Service
	Objects    *record.Objects
	Backends   *Backends
	Region     string   // that clients sign for
	Hosts      []string // that it is reached by, below which "bucket.host" names a bucket
	Limits     Limits   // of each credential
	// Patience is how long a transfer may make no progress at all, and how long a
	// document may take; 0 for a minute. A slow transfer may take as long as it takes.
	Patience time.Duration
	Log      *slog.Logger
	// RequestLog gets a line about each request; nil for none.
	RequestLog *slog.Logger
	// Watch is told of each request when it has ended; nil for nobody. The operation is empty
	// where it is none. It must not wait.
	Watch func(operation string, status int, took time.Duration)
}

// New makes the endpoint.
func New(c Config) *Gateway {
	c.Limits.Documents = maxDocuments
	c.Patience = cmp.Or(c.Patience, patience)
	return &Gateway{
		Config: c, endpoint: sigv4.Endpoint{Service: "s3", Regions: []string{c.Region}},
		limiter: limit.New(c.Limits, errsOfCredential), users: limit.New(c.Limits.Times(manyCredentials), errsOfUser),
		memory: limit.NewMemory(heldByAll, heldByEach),
	}
}

// ServeHTTP walks a request through.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, v := newAnswer(w, r, g.Patience), &visit{}
	defer func() {
		p := recover()
		g.record(a, r, v)
		if a.sending && a.standing.failure() != nil {
			a.sever()
		}
		if p == nil {
			return
		}
		if p != http.ErrAbortHandler { // a store's way to say that an answer broke off
			g.Log.Error("panic", "request_id", a.id, "operation", v.Name, "panic", p, "stack", string(debug.Stack()))
		}
		panic(http.ErrAbortHandler) // the connection may be anywhere in an answer
	}()
	err := g.walk(a, r, v)
	if err == nil {
		return
	}
	e := asS3(err)
	if e == errInternal || e == errBusy || e == errUnrecorded {
		g.Log.Error("S3 request failed", "request_id", a.id, "operation", v.Name, "error", err)
	}
	if v.by.accessKeyID == "" { // who is nobody keeps no connection from others
		a.Header().Set("Connection", "close")
	}
	a.refuse(r, e)
}

// visit is what is known of a request as it walks.
type visit struct {
	classify.Request
	by    signer
	store keyhatch.Store
	open  policy.Set
	// policies narrow what is open.
	policies sessionpolicy.Policies
	body     *sigv4.Body
	// forwarded tells that the store was asked.
	forwarded bool
	// touched are the keys of a batch, one by one.
	touched touched
	// underWay notes the request while it is being answered.
	underWay *time.Timer
}

func (g *Gateway) walk(a *answer, r *http.Request, v *visit) (err error) {
	if v.Request, err = classify.Find(r, g.Hosts); err != nil {
		return err
	}
	if err := g.authenticate(r, v); err != nil {
		return err
	}
	if v.Brings == classify.None && v.body.Len() != 0 {
		return errUnexpectedBody
	}
	leave, err := g.admit(v)
	if err != nil {
		return err
	}
	defer leave()
	// Before it is decided what is allowed: that must not be old when it is done.
	if err := g.awaitRecord(r.Context()); err != nil {
		return err
	}
	if v.open, v.store, err = v.by.standing(r.Context(), v.named()...); err != nil {
		return err
	}
	if err := v.authorize(r.Context()); err != nil {
		return err
	}
	g.begin(a, r, v)
	if v.Level == classify.Bucket {
		a.Header().Set("X-Amz-Bucket-Region", g.Region)
	}
	switch v.Name {
	case "ListBuckets":
		listBuckets(a, r, v.by, v.buckets())
		return nil
	case "GetBucketLocation":
		g.locateBucket(a, r)
		return nil
	case "DeleteObjects":
		return g.deleteObjects(a, r, v)
	}
	return g.forward(a, r, v)
}

// authenticate checks who signed. Whether the lease or the access key still stands is
// said only to those who know its secret.
func (g *Gateway) authenticate(r *http.Request, v *visit) error {
	claim, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	by, err := g.find(r.Context(), claim)
	if errors.Is(err, keyhatch.Unauthenticated) {
		err := claim.Refuse(g.endpoint, time.Now())
		switch {
		case claim.SessionToken == "" || asS3(err).Code != "SignatureDoesNotMatch":
			return err
		case !strings.HasPrefix(claim.AccessKeyID, keyhatch.LeaseKeys):
			return errStoresKeys
		}
		return errSessionToken
	}
	if err != nil {
		return err
	}
	if v.body, err = claim.Verify(by.secret.Reveal(), g.endpoint, time.Now()); err != nil {
		return err
	}
	v.by = by
	if v.policies, err = sessionpolicy.ParseAll(by.policies); err != nil { // they were read when it was lent
		return errPolicy
	}
	return nil
}

// authorize decides every bucket, key and prefix that the request names, but for
// the keys of a batch delete, which are decided one by one.
func (v *visit) authorize(ctx context.Context) error {
	allowed := false
	switch {
	case v.Level == classify.Service:
		allowed = true // the answer holds what is open and nothing else
	case v.Name == "HeadBucket", v.Name == "GetBucketLocation", v.Name == "DeleteObjects":
		allowed = len(v.open.Prefixes(v.Bucket)) > 0
	case v.Level == classify.Bucket:
		allowed = v.open.AllowsList(v.Access, v.Bucket, v.Prefix)
	case v.Level == classify.Object:
		allowed = v.open.AllowsObject(v.Access, v.Bucket, v.Key)
	}
	if v.Copies && !v.open.AllowsObject(keyhatch.Read, v.Source.Bucket, v.Source.Key) {
		allowed = false
	}
	switch {
	case allowed && v.policies.Allow(v.Asked):
		return nil
	case allowed:
		return errPolicy
	}
	if err := v.elsewhere(); err != nil {
		return err
	}
	if locked := v.locked(v.Key); locked != nil && v.Level == classify.Object && v.Access == keyhatch.Write {
		return locked
	}
	if all, _, err := v.by.standing(ctx); err == nil { // only who is refused is told of others
		v.open = all
	}
	return s3wire.Refuse(http.StatusForbidden, "AccessDenied", v.instead())
}

// named are the buckets that the request is about; none is all of them.
func (v *visit) named() (buckets []string) {
	if v.Bucket != "" {
		buckets = append(buckets, v.Bucket)
	}
	if v.Copies {
		buckets = append(buckets, v.Source.Bucket)
	}
	return buckets
}
