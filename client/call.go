package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 16 << 20
	// maxTries is how often a call is made at most.
	maxTries = 4
	// callTime bounds one try, with its answer.
	callTime = time.Minute
	// maxPause bounds how long a server may let the next try wait.
	maxPause = 10 * time.Second
)

// call makes a call, again where that cannot do it twice. Whatever is lent or
// made by a POST whose answer got lost is never asked for a second time.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	if noName.MatchString(path) {
		return &api.Problem{Status: http.StatusUnprocessableEntity, Code: "invalid_name", Detail: `no name or id is empty, "." or ".."`}
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	for try := 1; ; try++ {
		pause, err := c.try(ctx, method, path, query, body, out)
		if err == nil || pause < 0 || try == maxTries {
			return err
		}
		// Who all waited for one server should not come back at one time.
		pause += time.Duration(rand.Int64N(int64(100*time.Millisecond) << try))
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(min(pause, maxPause)):
		}
	}
}

// noName is a path in which a name is missing, or is one that leads elsewhere.
var noName = regexp.MustCompile(`/\.{0,2}(/|$)`)

// never is the pause before a try that is not made.
const never time.Duration = -1

// try makes the call once. When it fails and may be made again, pause is how long
// to wait at least.
func (c *Client) try(ctx context.Context, method, path string, query url.Values, body []byte, out any) (pause time.Duration, err error) {
	address := c.server + "/api/v1" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return never, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	r.Header.Set("User-Agent", "keyhatch-client")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return lost(ctx, method, err), err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return lost(ctx, method, err), fmt.Errorf("%s %s: %w", method, path, err)
	case len(text) > maxAnswer:
		return never, fmt.Errorf("%s %s: the answer is larger than %d MiB", method, path, maxAnswer>>20)
	case answer.StatusCode >= 300:
		refused := refusal(answer, text)
		return again(method, answer, refused), refused
	case out == nil:
		return never, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return never, fmt.Errorf("%s %s: the answer cannot be read: %w", method, path, err)
	}
	return never, nil
}

// lost is the pause after a call without an answer. Who never reached the server
// did nothing there.
func lost(ctx context.Context, method string, err error) time.Duration {
	var op *net.OpError
	unsent := errors.As(err, &op) && op.Op == "dial"
	if ctx.Err() == nil && (unsent || method == http.MethodGet) {
		return 0
	}
	return never
}

// again is the pause that an answer asks for. A server that is busy says so before
// it does anything; what a proxy in between says counts for questions only.
func again(method string, answer *http.Response, refused error) time.Duration {
	var ours *api.Problem
	if !errors.As(refused, &ours) && method != http.MethodGet {
		return never
	}
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			return min(time.Duration(min(seconds, 3600))*time.Second, maxPause)
		}
		fallthrough
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		if method == http.MethodGet {
			return 0
		}
	}
	return never
}

// refusal is the server's problem, or what can be said when the answer is not
// one, as that of a proxy in between.
func refusal(answer *http.Response, text []byte) error {
	p := &api.Problem{}
	// The status is said twice: what is not the same is not ours, and would be taken
	// for a refusal that it is not.
	if err := json.Unmarshal(text, p); err != nil || p.Code == "" || p.Status != answer.StatusCode {
		return fmt.Errorf("the server answered %s, which is not an answer of Keyhatch", answer.Status)
	}
	return p
}
