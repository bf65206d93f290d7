package iam_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/iam"
)

var _ driver.KeyProvisioner = (*iam.Provisioner)(nil)

const (
	someKey = "objkey_0mz3k8q2a7c4f9d"
	canary  = "canary0secret"
)

// answering answers every request the same.
type answering struct {
	status int
	text   string
	seen   []*http.Request
	bodies []string
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.seen = append(a.seen, r)
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	a.bodies = append(a.bodies, string(body))
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"text/xml"}, "Location": {"https://elsewhere.example.com/"}},
		Body: io.NopCloser(strings.NewReader(a.text)), Request: r,
	}, nil
}

// TestWhereItAsks: AWS's IAM is one per partition, whatever the store's region; what
// acts on another store is not shown to AWS.
func TestWhereItAsks(t *testing.T) {
	for _, tc := range []struct{ endpoint, keys, region, url, signed, partition string }{
		{"https://s3.eu-west-1.amazonaws.com", "", "eu-west-1", "https://iam.amazonaws.com/", "us-east-1", "aws"},
		{"https://s3.amazonaws.com", "", "us-east-1", "https://iam.amazonaws.com/", "us-east-1", "aws"},
		{"https://s3.cn-northwest-1.amazonaws.com.cn", "", "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1", "aws-cn"},
		{"https://s3.us-gov-east-1.amazonaws.com", "", "us-gov-east-1", "https://iam.us-gov.amazonaws.com/", "us-gov-west-1", "aws-us-gov"},
		{"https://s3.eu-west-1.amazonaws.com", "https://vpce-1.iam.amazonaws.com", "eu-west-1", "https://vpce-1.iam.amazonaws.com/", "us-east-1", "aws"},
		{"https://store.example.com", "", "lab", "https://store.example.com/", "lab", "aws"},
		{"https://store.example.com", "https://iam.example.com:7443", "lab", "https://iam.example.com:7443/", "lab", "aws"},
		{"https://notamazonaws.com", "", "cn-lab", "https://notamazonaws.com/", "cn-lab", "aws"},
	} {
		t.Run(tc.endpoint+" "+tc.keys, func(t *testing.T) {
			a := &answering{status: http.StatusOK, text: "<CreateUserResponse><CreateUserResult/></CreateUserResponse>"}
			p := iam.New(authority{AccessKeyID: "AKIAUS", SecretAccessKey: canary}, a, "abcde")
			if err := p.Put(t.Context(), keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: tc.endpoint, KeysEndpoint: tc.keys, Region: tc.region}, driver.KeyOrder{
				Key: someKey, Buckets: []right{{Bucket: "one", Read: true}},
			}); err != nil {
				t.Fatal(err)
			}
			if len(a.seen) != 2 {
				t.Fatalf("%d requests were sent", len(a.seen))
			}
			for i, r := range a.seen {
				if got := r.URL.String(); got != tc.url {
					t.Errorf("it asks %s, want %s", got, tc.url)
				}
				if got := r.Header.Get("Authorization"); !strings.Contains(got, "/"+tc.signed+"/iam/aws4_request") {
					t.Errorf("it signs %s, want for %s", got, tc.signed)
				}
				if !strings.Contains(a.bodies[i], "UserName=keyhatch-abcde-"+someKey) {
					t.Errorf("it sends %s", a.bodies[i])
				}
			}
			if !strings.Contains(a.bodies[0], "Path=%2Fkeyhatch%2Fabcde%2F") {
				t.Errorf("the user's path is in none of %s", a.bodies[0])
			}
			if want := "arn%3A" + tc.partition + "%3As3%3A%3A%3Aone%22"; !strings.Contains(a.bodies[1], want) {
				t.Errorf("no %s in %s", want, a.bodies[1])
			}
			if denied, want := strings.Contains(a.bodies[1], "aws%3ATokenIssueTime"), isAmazons(tc.url); denied != want {
				t.Errorf("sessions are denied: %t, want %t, in %s", denied, want, a.bodies[1])
			}
		})
	}
}

// isAmazons tells whether an address is where keys make sessions that outlast them.
func isAmazons(address string) bool {
	return strings.Contains(address, ".amazonaws.com/") || strings.Contains(address, ".amazonaws.com.cn/")
}

func TestNoEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "store.example.com", "https://", ":"} {
		a := &answering{status: http.StatusOK}
		p := iam.New(authority{}, a, "abcde")
		if _, err := p.Keys(t.Context(), keyhatch.Store{Endpoint: endpoint}); !errors.Is(err, keyhatch.Conflict) || len(a.seen) > 0 {
			t.Errorf("%q: %v, %d requests", endpoint, err, len(a.seen))
		}
	}
}

// TestFailures: what a store says becomes a kind and words of ours; nothing else of
// it gets out, whatever it says, not even in the cause (S5).
func TestFailures(t *testing.T) {
	code := func(code string) string {
		return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + canary + "</Message></Error><RequestId>" + canary + "</RequestId></ErrorResponse>"
	}
	for _, tc := range []struct {
		status int
		text   string
		want   keyhatch.Kind
		told   string
		silent bool // it does not answer, or with an error that says nothing
	}{
		{403, code("AccessDenied"), keyhatch.Unavailable, "permissions", false},
		{403, code("InvalidClientTokenId"), keyhatch.Unavailable, "credential", false},
		{403, code("SignatureDoesNotMatch"), keyhatch.Unavailable, "credential", false},
		{400, code("Throttling"), keyhatch.Unavailable, "no more requests", false},
		{409, code("LimitExceeded"), keyhatch.Unavailable, "no room", false},
		{400, code("MalformedPolicyDocument"), keyhatch.Conflict, "policy", false},
		{400, code("InvalidAction"), keyhatch.Unavailable, "does not have the service", false},
		{404, code("NoSuchEntity"), keyhatch.NotFound, "does not have it", false},
		{409, code("DeleteConflict"), keyhatch.Conflict, "remove that there", false},
		{500, code("ServiceFailure"), keyhatch.Unavailable, "an error", true},
		{503, code(canary + " " + canary), keyhatch.Unavailable, "an error", true},
		{503, canary, keyhatch.Unavailable, "", true},
		{200, "<" + canary, keyhatch.Unavailable, "", true},
		{200, "<CreateUserResponse>" + strings.Repeat("<"+canary+">", 100_000), keyhatch.Unavailable, "", true},
		{302, canary, keyhatch.Unavailable, "", true},
	} {
		t.Run(fmt.Sprintf("%d %.60s", tc.status, tc.text), func(t *testing.T) {
			a := &answering{status: tc.status, text: tc.text}
			p := iam.New(authority{AccessKeyID: "AKIAUS", SecretAccessKey: canary}, a, "abcde")
			store := keyhatch.Store{Endpoint: "https://store.example.com", Region: "us-east-1"}
			err := p.Put(t.Context(), store, driver.KeyOrder{Key: someKey})
			if !errors.Is(err, tc.want) {
				t.Errorf("it says %v, want it %s", err, tc.want)
			}
			var told *keyhatch.Error
			if !errors.As(err, &told) || !strings.Contains(told.Message, tc.told) {
				t.Errorf("it says %v, want %q", err, tc.told)
			} else if silent := told.Code == keyhatch.CodeStoreSilent; silent != tc.silent {
				t.Errorf("its code is %s", told.Code)
			}
			_, issued := p.Issue(t.Context(), store, someKey)
			_, listed := p.Keys(t.Context(), store)
			for _, err := range []error{err, issued, listed} {
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
					t.Errorf("it says %s", text)
				}
			}
			if len(a.seen) != 3 {
				t.Errorf("%d requests were sent, want each once", len(a.seen))
			}
		})
	}
}

// TestIssueThatTellsNothing: an answer without a pair is no success.
func TestIssueThatTellsNothing(t *testing.T) {
	for _, text := range []string{
		"<R/>", "<R><CreateAccessKeyResult><AccessKey><AccessKeyId>AKIA</AccessKeyId></AccessKey></CreateAccessKeyResult></R>",
	} {
		p := iam.New(authority{}, &answering{status: http.StatusOK, text: text}, "abcde")
		pair, err := p.Issue(t.Context(), keyhatch.Store{Endpoint: "https://store.example.com", Region: "us-east-1"}, someKey)
		if !errors.Is(err, keyhatch.Unavailable) || pair.AccessKeyID != "" {
			t.Errorf("%s: %v, %v", text, pair, err)
		}
	}
}

// TestEnded: a context that has ended is told as such.
func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := iam.New(authority{}, http.DefaultTransport, "abcde")
	err := p.Drop(ctx, keyhatch.Store{Endpoint: "https://store.example.com", Region: "us-east-1"}, someKey)
	var told *keyhatch.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &told) || told.Code != keyhatch.CodeStoreSilent {
		t.Errorf("it says %v", err)
	}
}

// TestNoAuthority: without keys nothing is asked, and the reason is handed on.
func TestNoAuthority(t *testing.T) {
	a := &answering{status: http.StatusOK}
	p := iam.New(noAuthority{}, a, "abcde")
	if err := p.Put(t.Context(), keyhatch.Store{Endpoint: "https://store.example.com"}, driver.KeyOrder{Key: someKey}); !errors.Is(err, errNone) || len(a.seen) > 0 {
		t.Errorf("%v, %d requests", err, len(a.seen))
	}
}

var errNone = errors.New("there are none")

type noAuthority struct{}

func (noAuthority) KeysOf(context.Context, keyhatch.Store) (keyhatch.KeyPair, error) {
	return keyhatch.KeyPair{}, errNone
}
