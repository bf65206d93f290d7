package awssts_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
	"github.com/keyhatch/keyhatch/internal/moto"
)

var update = flag.Bool("update", false, "write what is sent and answered into the transcripts")

// recorder writes down what is sent and what comes back, without what is another each
// time and without secrets.
type recorder struct {
	http.RoundTripper
	out strings.Builder
}

var (
	scope   = regexp.MustCompile(`Credential=([^/]*)/[0-9]*/([^/]*/[^/]*)/`)
	element = regexp.MustCompile(`<(AccessKeyId|SecretAccessKey|SessionToken|Expiration|RequestId|AssumedRoleId|FederatedUserId|Arn|PackedPolicySize)>[^<]*<`)
	space   = regexp.MustCompile(`>\s+<`)
)

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	q.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	signed := "nobody"
	if found := scope.FindStringSubmatch(q.Header.Get("Authorization")); found != nil {
		signed = found[1] + " for " + found[2]
		if strings.HasPrefix(found[1], "ASIA") {
			signed = "a session for " + found[2]
		}
	}
	fmt.Fprintf(&r.out, "> %s %s as %s\n", q.Method, q.URL.Path, signed)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprintf(&r.out, "> %s=%s\n", name, form.Get(name))
	}
	response, err := r.RoundTripper.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	fmt.Fprintf(&r.out, "< %d %s\n", response.StatusCode, strings.TrimSpace(space.ReplaceAllString(element.ReplaceAllString(string(text), "<$1>…<"), "><")))
	return response, nil
}

// TestTranscripts: AWS's own wire, as moto speaks it, each way to a session recorded.
func TestTranscripts(t *testing.T) {
	endpoint := moto.Start(t).URL
	store := keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
	role := keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/lender", Secret: "external-word"}
	bare, base := role, role
	bare.Secret, base.Principal = "", "arn:aws:iam::210987654321:role/base"
	for _, tc := range []struct {
		name    string
		as      driver.Acting
		life    time.Duration
		chained bool
	}{
		{"assume-role", driver.Acting{Authority: role}, time.Hour, false},
		{"assume-role-without-external-id", driver.Acting{Authority: bare, SourceIdentity: true, Tags: map[string]string{"team": "lab", "app": "keyhatch"}}, 12 * time.Hour, false},
		{"assume-role-through-a-role", driver.Acting{Authority: role, Base: &base, SessionName: "{vend}"}, time.Hour, true},
		{"federation-token", driver.Acting{Authority: keyhatch.AWSKeys("AKIAUSER", "secret"), Tags: map[string]string{"team": "lab"}}, 36 * time.Hour, false},
		{"web-identity", driver.Acting{Authority: bare, WebIdentity: func(context.Context) (keyhatch.Secret, error) { return "eyJ0.token.of-ours", nil }}, 2 * time.Hour, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// What broke off, or took too long, would be there twice.
			r := &recorder{RoundTripper: &http.Transport{DisableKeepAlives: true}}
			l := awssts.New(awssts.Config{Within: 5 * time.Minute, Transport: r, STSEndpoint: endpoint, Identity: credentials.NewStaticCredentialsProvider("AKIAUS", "secret", "")})
			q := request(tc.as, store, tc.life)
			q.User, q.Client = "ann.of.a.long.name@example.com", "keyhatch-cli"
			begun := time.Now()
			v, err := l.Vend(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.ExpiresAt.Sub(begun); got < tc.life-time.Minute || got > tc.life+time.Minute || v.Chained != tc.chained || v.AccessKeyID == "" || v.SessionToken == "" {
				t.Errorf("it lasts %v: %+v", got, v)
			}
			file := filepath.Join("testdata", tc.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(r.out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), r.out.String()); diff != "" {
				t.Errorf("(-recorded +sent):\n%s", diff)
			}
		})
	}
}

// TestBaseIsKept: sessions through a role take one request more, once.
func TestBaseIsKept(t *testing.T) {
	u := &upstream{answers: []answer{gives(time.Hour)}}
	role := keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/lender", Secret: "word"}
	base := role
	base.Principal = "arn:aws:iam::210987654321:role/base"
	l := awssts.New(awssts.Config{Transport: u, Identity: credentials.NewStaticCredentialsProvider("AKIAUS", "secret", "")})
	store := keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
	for range 3 {
		if _, err := l.Vend(t.Context(), request(driver.Acting{Authority: role, Base: &base}, store, time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	base.Secret = "another word"
	if _, err := l.Vend(t.Context(), request(driver.Acting{Authority: role, Base: &base}, store, time.Hour)); err != nil {
		t.Fatal(err)
	}
	asBase := 0
	for _, form := range u.forms {
		if strings.Contains(form, "role%2Fbase") {
			asBase++
		}
	}
	if asBase != 2 || len(u.forms) != 6 {
		t.Errorf("the base was assumed %d times in %d requests", asBase, len(u.forms))
	}
}

// TestWhatWeAreIsRemembered: whether a role is chained was asked of where our identity comes
// from three times for each lease, and one that does not answer had all wait that often.
func TestWhatWeAreIsRemembered(t *testing.T) {
	role := keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/lender", Secret: "word"}
	store := keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
	synctest.Test(t, func(t *testing.T) {
		asked, session, away := 0, canary, false
		l := awssts.New(awssts.Config{Transport: &upstream{answers: []answer{gives(time.Hour)}}, Identity: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			if asked++; away {
				<-ctx.Done()
				return aws.Credentials{}, ctx.Err()
			}
			return aws.Credentials{AccessKeyID: "ASIAUS", SecretAccessKey: canary, SessionToken: session}, nil
		})})
		longest := func() time.Duration { return l.Lives(store, driver.Acting{Authority: role}).Longest }
		for range 10 {
			if got := longest(); got != time.Hour {
				t.Fatalf("a chained session lasts %v", got)
			}
		}
		if asked != 1 {
			t.Errorf("it was asked %d times", asked)
		}
		synctest.Wait()
		away = true
		time.Sleep(time.Minute + time.Second)
		begun := time.Now()
		for range 10 {
			if got := longest(); got != time.Hour {
				t.Errorf("what cannot be told is not what it was: %v", got)
			}
		}
		synctest.Wait()
		if took := time.Since(begun); took > 0 || asked != 2 {
			t.Errorf("it took %v, for %d times", took, asked)
		}
		time.Sleep(16 * time.Second) // nobody asks any more
		synctest.Wait()
		away, session = false, ""
		longest()
		synctest.Wait()
		if got := longest(); got != 12*time.Hour {
			t.Errorf("with keys that last it is %v", got)
		}
	})
}

// TestWhatWeAreIsNotKnown: while it could not be told ever what we are, sessions were promised
// for the twelve hours of keys that last, and each lease waited for the one before.
func TestWhatWeAreIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		l := awssts.New(awssts.Config{Within: 10 * time.Second, Transport: &upstream{answers: []answer{gives(time.Hour)}}, Identity: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			asked.Add(1)
			<-ctx.Done()
			return aws.Credentials{}, ctx.Err()
		})})
		for round, takes := range []time.Duration{10 * time.Second, 0, 0} {
			begun := time.Now()
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					if got := l.Lives(storeOfAWS, driver.Acting{Authority: roleOfAWS}).Longest; got != time.Hour {
						t.Errorf("a session lasts %v", got)
					}
				})
			}
			all.Wait()
			took := time.Since(begun)
			synctest.Wait()
			if took != takes || asked.Load() != int64(round)+1 {
				t.Errorf("round %d: it took %v, for %d times", round, took, asked.Load())
			}
			time.Sleep(16 * time.Second) // what is asked beside that ends, and is tried again
		}
	})
}

var ofName = regexp.MustCompile(`RoleSessionName=([^&]*)`)

// TestSessionNames are readable, fit, and differ where what they are made of does.
func TestSessionNames(t *testing.T) {
	long := strings.Repeat("department-", 8)
	for _, tc := range []struct{ template, user, client, want string }{
		{"", "ann", "boto3", `^ann@boto3$`},
		{"", "ann", "", `^ann@keyhatch$`},
		{"", "ann", "aws cli/2", `^ann@aws-cli-2-[0-9a-f]{16}$`},
		{"", "änn", "boto3", `^-nn@boto3-[0-9a-f]{16}$`},
		{"", "ann", long, `^ann@department-.*-[0-9a-f]{16}$`},
		{"", long + "ann", long + "x", `^department-[a-z-]*@department-[a-z-]*-[0-9a-f]{16}$`},
		{"", "ann", "lab.org@job", `^ann@lab\.org-job$`}, // and not as job of ann@lab.org
		{"", "ann@lab.org", "job", `^ann@lab\.org@job$`},
		{"", "ann+lab", "job", `^ann-lab@job-[0-9a-f]{16}$`},
		{"kh-{vend}", "ann", "x", `^kh-vend_0mz3k8q2a7c4f9d$`},
		{"{user}", "a", "x", `^a-[0-9a-f]{16}$`},
		// Ends as a name that was cut does: anybody can compute such an end, and be called so.
		{"", "ann", "aws-cli-2-5cb5a1b9c3d0e7f4", `^ann@aws-cli-2-5cb5a1b9c3d0e7f4-[0-9a-f]{16}$`},
	} {
		u := &upstream{answers: []answer{gives(time.Hour)}}
		r := request(someRole(), someStore, time.Hour)
		r.As.SessionName, r.User, r.Client = tc.template, tc.user, tc.client
		if _, err := awssts.New(awssts.Config{Transport: u}).Vend(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		name, err := url.QueryUnescape(ofName.FindStringSubmatch(u.forms[0])[1])
		if err != nil || !regexp.MustCompile(tc.want).MatchString(name) || !regexp.MustCompile(`^[\w=,.@-]{2,64}$`).MatchString(name) {
			t.Errorf("%q with %q: %q, %v", tc.user, tc.client, name, err)
		}
	}
	u := &upstream{answers: []answer{gives(time.Hour)}}
	r := request(someRole(), someStore, time.Hour)
	r.Shared = true
	if _, err := awssts.New(awssts.Config{Transport: u}).Vend(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if name, err := url.QueryUnescape(ofName.FindStringSubmatch(u.forms[0])[1]); name != "=shared@keyhatch" || err != nil {
		t.Errorf("what is shared is called %q (%v), as a user could be", name, err)
	}
	names := map[string]bool{}
	for i := range 100 {
		u := &upstream{answers: []answer{gives(time.Hour)}}
		r := request(someRole(), someStore, time.Hour)
		r.User = fmt.Sprint(long, i)
		if _, err := awssts.New(awssts.Config{Transport: u}).Vend(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		names[ofName.FindStringSubmatch(u.forms[0])[1]] = true
	}
	if len(names) != 100 {
		t.Errorf("100 users have %d names", len(names))
	}
}
