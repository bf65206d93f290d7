package drivertest

import (
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Address makes the URL that an attempt fetches.
type Address func(*Visit) (string, error)

// Keys are those of the lease, to sign with.
func (v *Visit) Keys() aws.Credentials {
	return aws.Credentials{AccessKeyID: v.Lent.AccessKeyID, SecretAccessKey: v.Lent.SecretAccessKey.Reveal(), SessionToken: v.Lent.SessionToken.Reveal()}
}

// Second borrows another lease, of b/.
func (v *Visit) Second(use func(Lent)) error {
	lent, err := v.Site.Lend(v, v.asked(Writing("b/")))
	if err != nil {
		return Wrong("a second lease: %v", err)
	}
	use(lent)
	return nil
}

// Request is one that nobody has signed.
func (v *Visit) Request(method string, at Address) (*http.Request, error) {
	u, err := at(v)
	if err != nil {
		return nil, Wrong("make a URL: %v", err)
	}
	var body io.Reader
	if method == http.MethodPut {
		body = strings.NewReader("what the lease wrote")
	}
	return http.NewRequestWithContext(v, method, u, body)
}

// Send sends a request and returns a refusal as a client of S3 does.
func (v *Visit) Send(q *http.Request) error {
	answer, err := v.http().Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode < 300 {
		return nil
	}
	_, code, _ := strings.Cut(string(text), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: &smithy.GenericAPIError{Code: code}}
}
