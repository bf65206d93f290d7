package sts_test

import (
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
	"github.com/keyhatch/keyhatch/sts"
)

const role = "arn:aws:iam::000000000000:role/keyhatch/"

// world is a core behind the door: ann may write s3://lab-data/alpha/, and has a
// token for everything that she may.
type world struct {
	*coretest.Core
	t        *testing.T
	ann      keyhatch.Caller
	location keyhatch.Location
	token    string
	url      string
	log      *logged.Text
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t, log: &logged.Text{}}
	ws := w.Workspace(t, "lab")
	w.location = w.Location(t, ws, "s3://lab-data/alpha/")
	w.ann = w.User(t, "ann")
	w.Member(t, ws, w.ann, keyhatch.MemberRole)
	w.Grant(t, w.location, w.ann, keyhatch.Write)
	w.token = w.newToken(people.NewToken{User: w.ann.User.ID})
	go w.Mirror.Run(t.Context())
	log := slog.New(slog.NewTextHandler(w.log, nil))
	s := httptest.NewServer(server.API(server.Ground{Log: log}, sts.New(w.Broker, []string{"local", "us-east-1"}, log)))
	t.Cleanup(s.Close)
	w.url = s.URL + "/sts"
	return w
}

func (w *world) newToken(n people.NewToken) string {
	w.t.Helper()
	_, secret, err := w.Broker.People.CreateToken(w.t.Context(), w.Admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret.Reveal()
}

// lend borrows for ann.
func (w *world) lend(access keyhatch.Access, life time.Duration) lending.Lent {
	w.t.Helper()
	lent, err := w.Broker.Lending.Lease(w.t.Context(), w.ann, lending.LeaseRequest{Location: w.location.ID, Access: access, Life: life})
	if err != nil {
		w.t.Fatal(err)
	}
	return lent
}

// client is the SDK with a lease's keys, or with none.
func (w *world) client(c *keyhatch.Credentials) *awssts.Client {
	o := awssts.Options{BaseEndpoint: &w.url, Region: "local", Retryer: aws.NopRetryer{}, Credentials: aws.AnonymousCredentials{}}
	if c != nil {
		o.Credentials = sdk.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal())
	}
	return awssts.New(o)
}

// answer is what came back, read loosely.
type answer struct {
	status  int
	header  http.Header
	text    string
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
	Type    string `xml:"Error>Type"`
	// of errors, and of others
	RequestID string `xml:"RequestId"`
	Answered  string `xml:"ResponseMetadata>RequestId"`
}

func (w *world) do(r *http.Request) answer {
	w.t.Helper()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if err := xml.Unmarshal(text, &a); err != nil {
		w.t.Fatalf("%d %s: %v", a.status, text, err)
	}
	return a
}

// parameters makes a form of names and values in turn.
func parameters(pairs ...string) url.Values {
	f := url.Values{"Version": {"2011-06-15"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
		if pairs[i+1] == "-" {
			f.Del(pairs[i])
		}
	}
	return f
}

func (w *world) post(body string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

// signed is a POST that the SDK's signer signed.
func (w *world) signed(c keyhatch.Credentials, f url.Values, at time.Time) *http.Request {
	w.t.Helper()
	body := f.Encode()
	r := w.post(body)
	keys := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal()}
	if err := v4.NewSigner().SignHTTP(w.t.Context(), keys, r, hashed(body), "sts", "local", at); err != nil {
		w.t.Fatal(err)
	}
	return r
}
