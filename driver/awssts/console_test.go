package awssts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
)

func consoleRequest(endpoint, region string, kind keyhatch.CredentialKind, chained bool, life time.Duration) awssts.ConsoleRequest {
	return awssts.ConsoleRequest{
		Store: keyhatch.Store{Endpoint: endpoint, Region: region}, As: driver.Acting{Authority: keyhatch.Authority{Kind: kind}},
		Vended: driver.Vended{Chained: chained, Credentials: keyhatch.Credentials{
			AccessKeyID: "ASIAX", SecretAccessKey: canary, SessionToken: canary, ExpiresAt: time.Now().Add(life),
		}},
		Bucket: "lab", Prefix: "a b/", Issuer: "https://keyhatch.example.org",
	}
}

// TestConsoleURL: a session becomes a login of its partition that does not outlive it.
// Where the session is chained, or a federation token, AWS takes no length.
func TestConsoleURL(t *testing.T) {
	for _, tc := range []struct {
		name, endpoint, region string
		kind                   keyhatch.CredentialKind
		chained                bool
		life                   time.Duration
		signin, page, duration string
	}{
		{"a role", "https://s3.eu-west-1.amazonaws.com", "eu-west-1", keyhatch.RoleCredential, false, time.Hour, "signin.aws.amazon.com", "https://console.aws.amazon.com/s3/buckets/lab?prefix=a+b%2F&region=eu-west-1", "3600"},
		{"a role through another", "https://s3.eu-west-1.amazonaws.com", "eu-west-1", keyhatch.RoleCredential, true, time.Hour, "signin.aws.amazon.com", "https://console.aws.amazon.com/s3/buckets/lab?prefix=a+b%2F&region=eu-west-1", ""},
		{"a federation token", "https://s3.eu-west-1.amazonaws.com", "eu-west-1", keyhatch.KeysCredential, false, time.Hour, "signin.aws.amazon.com", "https://console.aws.amazon.com/s3/buckets/lab?prefix=a+b%2F&region=eu-west-1", ""},
		{"what ends soon", "https://s3.eu-west-1.amazonaws.com", "eu-west-1", keyhatch.RoleCredential, false, 10 * time.Minute, "signin.aws.amazon.com", "https://console.aws.amazon.com/s3/buckets/lab?prefix=a+b%2F&region=eu-west-1", ""},
		{"China", "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", keyhatch.RoleCredential, false, time.Hour, "signin.amazonaws.cn", "https://console.amazonaws.cn/s3/buckets/lab?prefix=a+b%2F&region=cn-north-1", "3600"},
		{"GovCloud", "https://s3.us-gov-west-1.amazonaws.com", "us-gov-west-1", keyhatch.RoleCredential, false, time.Hour, "signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com/s3/buckets/lab?prefix=a+b%2F&region=us-gov-west-1", "3600"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked *url.URL
				u := &upstream{answers: []answer{func(r *http.Request) (*http.Response, error) {
					asked = r.URL
					return says(200, `{"SigninToken":"token-of-aws"}`)(r)
				}}}
				got, err := awssts.New(awssts.Config{Transport: u}).ConsoleURL(t.Context(), consoleRequest(tc.endpoint, tc.region, tc.kind, tc.chained, tc.life))
				if err != nil {
					t.Fatal(err)
				}
				q := asked.Query()
				var session map[string]string
				if err := json.Unmarshal([]byte(q.Get("Session")), &session); err != nil || session["sessionId"] != "ASIAX" || session["sessionKey"] != canary || session["sessionToken"] != canary {
					t.Errorf("the session is %v, %v", session, err)
				}
				if asked.Scheme != "https" || asked.Host != tc.signin || asked.Path != "/federation" || q.Get("Action") != "getSigninToken" || q.Get("SessionDuration") != tc.duration || q.Has("SessionDuration") != (tc.duration != "") {
					t.Errorf("asked was %s with a duration of %s", asked.Host, q.Get("SessionDuration"))
				}
				login, err := url.Parse(got.Reveal())
				if err != nil {
					t.Fatal(err)
				}
				q = login.Query()
				if login.Host != tc.signin || q.Get("Action") != "login" || q.Get("SigninToken") != "token-of-aws" || q.Get("Destination") != tc.page || q.Get("Issuer") != "https://keyhatch.example.org" {
					t.Errorf("the login is %s", login)
				}
				if strings.Contains(got.Reveal(), canary) {
					t.Error("the login holds the credentials")
				}
			})
		})
	}
}

// TestConsoleTranscript: what AWS's sign-in is asked, and what becomes of its answer, as a
// transcript. It is of our own making (testdata/README.md).
func TestConsoleTranscript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		values := func(mark, does, address string) {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			u.RawQuery = ""
			fmt.Fprintf(&out, "%s %s%s\n", mark, does, u)
			for _, name := range slices.Sorted(maps.Keys(q)) {
				fmt.Fprintf(&out, "%s %s=%s\n", mark, name, strings.Join(q[name], ", "))
			}
		}
		u := &upstream{answers: []answer{func(r *http.Request) (*http.Response, error) {
			const text = `{"SigninToken":"token-of-aws"}`
			if r.Body != nil || r.Header.Get("Authorization") != "" {
				t.Error("it is asked with more than its address")
			}
			values(">", r.Method+" ", r.URL.String())
			fmt.Fprintf(&out, "< 200 %s\n", text)
			return says(200, text)(r)
		}}}
		login, err := awssts.New(awssts.Config{Transport: u}).
			ConsoleURL(t.Context(), consoleRequest("https://s3.eu-west-1.amazonaws.com", "eu-west-1", keyhatch.RoleCredential, false, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		values("=", "", login.Reveal())
		const file = "testdata/console-sign-in.txt"
		if *update {
			if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("(-recorded +sent):\n%s", diff)
		}
	})
}

// TestConsoleElsewhere: a store has the console that it says, or none, and nobody is
// asked.
func TestConsoleElsewhere(t *testing.T) {
	u := &upstream{answers: []answer{says(200, "")}}
	r := consoleRequest("https://store.example.com", "lab", keyhatch.KeysCredential, false, time.Hour)
	for template, want := range map[string]string{
		"": "",
		"https://console.example.com/browser/{bucket}?at={prefix}":     "https://console.example.com/browser/lab?at=a+b%2F",
		"https://console.example.com/browser/{bucket}/{prefix}":        "https://console.example.com/browser/lab/a%20b%2F",
		"https://console.example.com/{prefix}?in={bucket}&at={prefix}": "https://console.example.com/a%20b%2F?in=lab&at=a+b%2F",
	} {
		r.Template = template
		if got, err := awssts.New(awssts.Config{Transport: u}).ConsoleURL(t.Context(), r); err != nil || got.Reveal() != want || len(u.forms) > 0 {
			t.Errorf("%q: %s, %v", template, got.Reveal(), err)
		}
	}
}

// TestConsoleFaults: what passes is tried again until there is no time left, what does not
// is not; and the address, which holds the credentials, is in no error (S5). All was tried
// once before.
func TestConsoleFaults(t *testing.T) {
	const within = 10 * time.Second
	login := says(200, `{"SigninToken":"token-of-aws"}`)
	for _, tc := range []struct {
		name    string
		answers []answer
		want    awssts.Fault // empty: it works
		kind    keyhatch.Kind
		asked   int // at least
	}{
		{"well", []answer{login}, "", "", 1},
		{"throttled once", []answer{says(429, canary), login}, "", "", 2},
		{"one fault", []answer{says(500, canary), login}, "", "", 2},
		{"away once", []answer{says(503, canary), login}, "", "", 2},
		{"dropped once", []answer{drops, login}, "", "", 2},
		{"broken off once", []answer{breaksOff, login}, "", "", 2},
		{"one hang", []answer{hangs, login}, "", "", 2},
		{"throttled for ever", []answer{says(429, canary)}, awssts.Crowded, keyhatch.TooMany, 3},
		{"faults for ever", []answer{says(500, canary)}, awssts.Broken, keyhatch.Unavailable, 3},
		{"drops for ever", []answer{drops}, awssts.NoAnswer, keyhatch.Unavailable, 3},
		{"breaks off for ever", []answer{breaksOff}, awssts.NoAnswer, keyhatch.Unavailable, 3},
		{"hangs for ever", []answer{hangs}, awssts.NoAnswer, keyhatch.Unavailable, 2},
		{"it is refused", []answer{says(400, canary)}, awssts.NoLogin, keyhatch.Unavailable, 1},
		{"somewhere else", []answer{says(302, canary)}, awssts.NoLogin, keyhatch.Unavailable, 1},
		{"another page", []answer{says(200, "<html>"+canary)}, awssts.Unreadable, keyhatch.Unavailable, 1},
		{"no token", []answer{says(200, `{}`)}, awssts.Unreadable, keyhatch.Unavailable, 1},
		{"without an end", []answer{says(200, `{"SigninToken":"`+strings.Repeat(canary, 100_000))}, awssts.Unreadable, keyhatch.Unavailable, 1},
		{"not what JSON is", []answer{says(200, `{"SigninToken":1}`)}, awssts.Unreadable, keyhatch.Unavailable, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{answers: tc.answers}
				begun := time.Now()
				got, err := awssts.New(awssts.Config{Transport: u, Within: within}).
					ConsoleURL(t.Context(), consoleRequest("https://s3.eu-west-1.amazonaws.com", "eu-west-1", keyhatch.RoleCredential, false, time.Hour))
				if took := time.Since(begun); took > within {
					t.Errorf("it took %v", took)
				}
				if len(u.forms) < tc.asked || tc.asked == 1 && len(u.forms) > 1 {
					t.Errorf("it was asked %d times", len(u.forms))
				}
				if tc.want == "" {
					if err != nil || !strings.Contains(got.Reveal(), "token-of-aws") {
						t.Errorf("%v", err)
					}
					return
				}
				if !errors.Is(err, tc.want) || !errors.Is(err, tc.kind) || got != "" || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "Session") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
