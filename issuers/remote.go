package issuers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How long fetched keys are used.
const (
	freshFor     = time.Hour       // then they are fetched again before they are used
	staleFor     = 24 * time.Hour  // and when that fails, they are used on until then
	betweenTries = time.Minute     // whatever is asked for, and however it went
	fetchTimeout = 5 * time.Second // of both documents together
	maxDocument  = 256 << 10       // bytes
)

// remote are the keys of an issuer that are fetched.
type remote struct {
	issuer, keysURL string // without keysURL, discovery tells it
	client          *http.Client
	log             *slog.Logger

	mu      sync.Mutex
	keys    []key
	fetched time.Time     // when they were fetched
	tried   time.Time     // when that was last begun
	running chan struct{} // closed when the one that runs has ended; nil: none does
}

func newRemote(issuer, keysURL string, transport http.RoundTripper, log *slog.Logger) *remote {
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &remote{issuer: issuer, keysURL: keysURL, client: client, log: log}
}

// find are the keys that a token could be signed with. They are fetched when they are not
// fresh, or when none of them is the one: at most once a minute.
func (r *remote) find(ctx context.Context, id, algorithm string) []key {
	keys, age := r.have()
	if found := matching(keys, id, algorithm); len(found) > 0 && age < freshFor {
		return found
	}
	r.refresh(ctx)
	keys, age = r.have()
	if age >= staleFor {
		return nil
	}
	return matching(keys, id, algorithm)
}

func (r *remote) have() (keys []key, age time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetched.IsZero() {
		return nil, staleFor
	}
	return r.keys, time.Since(r.fetched)
}

// refresh fetches the keys, unless that was tried within the last minute. It waits for the
// one that runs. Who began it does not end it: others wait for it.
func (r *remote) refresh(ctx context.Context) {
	r.mu.Lock()
	if r.running == nil {
		if !r.tried.IsZero() && time.Since(r.tried) < betweenTries {
			r.mu.Unlock()
			return
		}
		r.tried, r.running = time.Now(), make(chan struct{})
		go r.run(context.WithoutCancel(ctx))
	}
	running := r.running
	r.mu.Unlock()
	select {
	case <-running:
	case <-ctx.Done():
	}
}

func (r *remote) run(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, fetchTimeout)
	defer stop()
	begun := time.Now()
	keys, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.log.WarnContext(ctx, "the keys of an issuer could not be fetched; those from before are used for a day", "issuer", r.issuer, "error", err)
	} else {
		r.keys, r.fetched = keys, begun
	}
	close(r.running)
	r.running = nil
}

func (r *remote) fetch(ctx context.Context) ([]key, error) {
	from := r.keysURL
	if from == "" {
		var err error
		if from, err = r.discover(ctx); err != nil {
			return nil, fmt.Errorf("discovery: %w", err)
		}
	}
	text, err := r.get(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	keys, err := readSet(text)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return keys, nil
}

// discover asks the issuer where its keys are.
//
// Source: OpenID Connect Discovery 1.0, section 4.
func (r *remote) discover(ctx context.Context) (keysURL string, err error) {
	text, err := r.get(ctx, strings.TrimSuffix(r.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal(text, &document); err != nil {
		return "", errors.New("the document is no JSON object")
	}
	var issuer string
	if err := errors.Join(json.Unmarshal(document["issuer"], &issuer), json.Unmarshal(document["jwks_uri"], &keysURL)); err != nil {
		return "", errors.New("the document does not tell issuer and jwks_uri")
	}
	if issuer != r.issuer {
		return "", errors.New("the document is another issuer's")
	}
	return keysURL, CheckURL(keysURL, strings.HasPrefix(r.issuer, "http:"))
}

// get fetches a document. Redirects are not followed.
func (r *remote) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, errors.New("it is longer than 256 KiB")
	}
	return text, nil
}
