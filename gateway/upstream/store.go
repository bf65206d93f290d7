package upstream

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/limit"
)

// Authority is what acts for us on stores.
type Authority interface {
	// KeysOf opens the keys that act on a store now.
	KeysOf(context.Context, keyhatch.Store) (keyhatch.KeyPair, error)
	// Mark is what only we can make of a list of texts.
	Mark(parts ...string) string
}

// Client asks S3 stores.
type Client struct {
	authority Authority
	transport http.RoundTripper
	memory    *limit.Memory // for documents of stores
	findings  findings      // which conditions stores hold
	log       *slog.Logger
}

// NewClient makes a client. transport makes the connections; it decides to what
// addresses (S10).
func NewClient(authority Authority, transport http.RoundTripper, log *slog.Logger) *Client {
	return &Client{
		authority: authority, transport: transport, log: log,
		memory: limit.NewMemory(heldByAll, heldByEach), findings: findings{of: map[place]*finding{}},
	}
}

// Store is what serves the buckets of a store as it is on record.
func (c *Client) Store(s keyhatch.Store) (*Store, error) {
	endpoint, err := url.Parse(s.Endpoint)
	if err != nil {
		return nil, err
	}
	return &Store{c, s, endpoint, c.log.With("store", s.Name)}, nil
}

// Store is another S3 store.
type Store struct {
	client   *Client
	store    keyhatch.Store
	endpoint *url.URL
	log      *slog.Logger
}

// ServeHTTP passes a request on, and the store's answer back. It checks nothing:
// every request that it gets must have been let through.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	missed, err := s.missedConditions(r)
	switch {
	case err != nil:
		refuse(w, asRefusal(err))
		return
	case len(missed) > 0 && canLook(missed):
		s.copyLooking(w, r)
		return
	case len(missed) > 0:
		refuse(w, conditionless)
		return
	}
	out, err := s.translate(r)
	if err != nil {
		e := incompleteBody
		errors.As(err, &e)
		refuse(w, e)
		return
	}
	defer close(out.over)
	answer, err := s.ask(r, out)
	var own *notSent
	switch {
	case err == nil:
		defer answer.Body.Close()
		if !out.whole() && answer.StatusCode < http.StatusMultipleChoices {
			s.log.Error("the store accepts what it has not got", "status", answer.StatusCode)
			refuse(w, misconfigured)
			return
		}
		s.pass(w, r, answer)
	case out.broken.Load():
		refuse(w, incompleteBody)
	case errors.As(err, &own) && !errors.Is(err, keyhatch.Unavailable):
		s.log.Error("the store cannot be asked", "error", err)
		refuse(w, misconfigured)
	default:
		if r.Context().Err() == nil {
			s.log.Error("the store does not answer", "error", err)
		}
		refuse(w, unreachable)
	}
}

// ask sends the request, again where that is safe, and returns the answer.
func (s *Store) ask(r *http.Request, out *outgoing) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := s.send(out)
		if err == nil || try == tries || r.Context().Err() != nil || !out.again(err) {
			return answer, err
		}
		s.log.Warn("a request to the store is sent again", "error", err)
		if out.reused.Load() {
			s.closeIdle() // what closed this connection may have closed them all
			continue
		}
		if err := pause(r.Context(), time.Duration(try)*firstPause); err != nil {
			return nil, err
		}
	}
}

func (s *Store) closeIdle() {
	if transport, ok := s.client.transport.(interface{ CloseIdleConnections() }); ok {
		transport.CloseIdleConnections()
	}
}

const (
	tries      = 3
	firstPause = 50 * time.Millisecond
)

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// send signs the request with the keys of this moment and sends it once.
func (s *Store) send(out *outgoing) (*http.Response, error) {
	keys, err := s.client.authority.KeysOf(out.ctx, s.store)
	if err != nil {
		return nil, &notSent{err}
	}
	out.connected.Store(false)
	out.reused.Store(false)
	ctx, watch := startWatch(out.ctx)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			out.connected.Store(true)
			out.reused.Store(got.Reused)
		},
		GotFirstResponseByte: func() { watch.heard.Store(true) },
		Got100Continue:       sync.OnceFunc(func() { close(watch.asked) }),
	})
	r := out.request(ctx)
	if err := s.sign(r, out, keys, watch); err != nil {
		watch.stop()
		return nil, &notSent{err}
	}
	answer, err := s.client.transport.RoundTrip(r)
	if err != nil {
		watch.stop()
		return nil, err
	}
	body := &watchedBody{ReadCloser: answer.Body, watch: watch}
	if !out.object || answer.StatusCode >= http.StatusMultipleChoices {
		body.whole = time.Now().Add(thought)
	}
	answer.Body = body
	watch.expect(patience)
	return answer, nil
}

// sign signs the request. Each has a signer of its own: one remembers what it has
// derived from a secret by the region and the access key id alone, and would go on
// with the old secret of a key, or that of another store's key of the same id.
func (s *Store) sign(r *http.Request, out *outgoing, keys keyhatch.KeyPair, w *watch) error {
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3 signs the path as it is sent
	credentials := aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey.Reveal()}
	at := time.Now()
	if err := signer.SignHTTP(r.Context(), credentials, r, out.hash, "s3", s.store.Region, at); err != nil || out.stream == nil {
		return err
	}
	body := func() (io.ReadCloser, error) {
		if out.begun.Load() {
			return nil, errors.New("the body is gone")
		}
		return newChunks(r, &sentBody{out, w}, out.length, credentials, s.store.Region, at)
	}
	r.GetBody = body // of a connection that broke before anything was sent
	var err error
	r.Body, err = body()
	return err
}
