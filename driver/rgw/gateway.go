package rgw

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/iam"
)

// maxAnswer is as long as an answer may be: a page of users is a tenth of it.
const maxAnswer = 1 << 20

// gateway is a store, for one piece of work.
type gateway struct {
	transport http.RoundTripper
	base      *url.URL
	region    string
	keys      aws.Credentials // that act for us there
}

// gateway reaches a store as what acts for us there. Its APIs for users are where the
// store says, else at its endpoint.
func (p *Provisioner) gateway(ctx context.Context, store keyhatch.Store) (gateway, error) {
	endpoint := store.KeysEndpoint
	if endpoint == "" {
		endpoint = store.Endpoint
	}
	base, err := url.Parse(endpoint)
	if err != nil || base.Host == "" {
		return gateway{}, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInvalidEndpoint, "the store's endpoint for keys is no URL")
	}
	pair, err := p.authority.KeysOf(ctx, store)
	if err != nil {
		return gateway{}, err
	}
	return gateway{
		p.transport, base, store.Region,
		aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey.Reveal()},
	}, nil
}

// admin asks the Admin Ops API about users, and reads the answer into what is given,
// if it is anything.
//
// Source: Ceph Documentation, "Admin Operations".
func (g gateway) admin(ctx context.Context, method string, query url.Values, into any) error {
	text, err := g.ask(ctx, method+" user", method, g.address(query, "user"), nil, "")
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return iam.NoAnswer(fmt.Errorf("%s user: the answer is not of the Admin Ops API", method))
	}
	return nil
}

// address is one of the Admin Ops API.
func (g gateway) address(query url.Values, path ...string) *url.URL {
	query.Set("format", "json")
	u := g.base.JoinPath(append([]string{"admin"}, path...)...)
	u.RawQuery = query.Encode()
	return u
}

// iam asks the part of IAM that the gateway has.
//
// Source: Ceph Documentation, "REST APIs for user policies".
func (g gateway) iam(ctx context.Context, form url.Values) error {
	_, err := g.ask(ctx, form.Get("Action"), http.MethodPost, g.base.JoinPath("/"), []byte(form.Encode()), "application/x-www-form-urlencoded")
	return err
}

// ask sends a signed request once and returns what a good answer holds. Of the
// others, and of what goes wrong on the way, only what is certain to hold no secret
// gets into the error.
func (g gateway) ask(ctx context.Context, operation, method string, u *url.URL, body []byte, sort string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, iam.NoAnswer(fmt.Errorf("%s: it cannot be asked", operation))
	}
	if sort != "" {
		r.Header.Set("Content-Type", sort)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(ctx, g.keys, r, hash, "s3", g.region, time.Now()); err != nil {
		return nil, iam.NoAnswer(fmt.Errorf("%s: it cannot be signed", operation))
	}
	answer, err := g.transport.RoundTrip(r)
	if err != nil {
		return nil, iam.NoAnswer(fmt.Errorf("%s: %w", operation, err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case answer.StatusCode >= http.StatusMultipleChoices:
		return nil, iam.Failure(operation, answer.StatusCode, codeOf(text))
	case err != nil && errors.Is(err, ctx.Err()):
		return nil, iam.NoAnswer(fmt.Errorf("%s: %w", operation, ctx.Err()))
	case err != nil:
		return nil, iam.NoAnswer(fmt.Errorf("%s: the answer broke off", operation))
	}
	return text, nil
}

// codeOf is the code of an error, in either of the two ways in which the gateway
// writes it; empty if there is none.
func codeOf(text []byte) string {
	var said struct {
		Code string `json:"Code" xml:"Code"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) {
		_ = xml.Unmarshal(text, &said)
	} else {
		_ = json.Unmarshal(text, &said)
	}
	return said.Code
}
