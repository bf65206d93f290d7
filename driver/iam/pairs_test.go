package iam_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/iam"
)

// crowd is an IAM with so many of our users, in pages of a thousand. Each answer takes a
// moment.
type crowd struct {
	users int
	fails string // a user of whom nothing is told

	mu    sync.Mutex
	now   int // that are being answered
	most  int
	pages int
	asked map[string]int // by user
}

func (c *crowd) userAt(i int) string {
	return fmt.Sprintf("keyhatch-abcde-objkey_%015d", i)
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	what := form.Get("Action")
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	var result strings.Builder
	status := 200
	switch what {
	case "ListUsers":
		from := c.pages * 1000
		c.pages++
		result.WriteString("<Users>")
		for i := from; i < min(from+1000, c.users); i++ {
			fmt.Fprintf(&result, "<member><UserName>%s</UserName></member>", c.userAt(i))
		}
		result.WriteString("</Users>")
		if from+1000 < c.users {
			fmt.Fprintf(&result, "<IsTruncated>true</IsTruncated><Marker>m%d</Marker>", c.pages)
		}
	case "ListAccessKeys":
		user := form.Get("UserName")
		c.asked[user]++
		if user == c.fails {
			status = 500
		}
		fmt.Fprintf(&result, "<AccessKeyMetadata><member><AccessKeyId>AKIA%s</AccessKeyId></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>", user)
	}
	c.mu.Unlock()
	time.Sleep(time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r, Body: io.NopCloser(strings.NewReader(fmt.Sprintf(
		`<%sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%sResult>%s</%sResult></%sResponse>`, what, what, result.String(), what, what)))}, nil
}

func (c *crowd) keys(ctx context.Context) (map[string][]string, error) {
	c.asked = map[string]int{}
	return iam.New(authority{AccessKeyID: "US", SecretAccessKey: "secret"}, c, "abcde").Keys(ctx, keyhatch.Store{Endpoint: "https://iam.example.com", Region: "us-east-1"})
}

// TestKeysOfMany: the users are listed first, and then each is asked about once, eight at a
// time. It used to be one after the other, and 50,000 were more than fitted into the time.
func TestKeysOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{users: 2345}
		keys, err := c.keys(t.Context())
		if err != nil || len(keys) != c.users || len(c.asked) != c.users || c.pages != 3 {
			t.Fatalf("%d keys of %d users in %d pages, %v", len(keys), len(c.asked), c.pages, err)
		}
		for i := range c.users {
			user := c.userAt(i)
			key, _ := iam.KeyOf("abcde", user)
			if got := keys[key]; c.asked[user] != 1 || len(got) != 1 || got[0] != "AKIA"+user {
				t.Fatalf("%s has %q, and was asked about %d times", user, got, c.asked[user])
			}
		}
		if c.most != 8 {
			t.Errorf("%d were asked about at a time", c.most)
		}
	})
}

// TestKeysOfManyFail: when the store does not tell of one user it has told nothing, and is
// not asked about the others.
func TestKeysOfManyFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{users: 500}
		c.fails = c.userAt(100)
		keys, err := c.keys(t.Context())
		if !errors.Is(err, keyhatch.Unavailable) || keys != nil || len(c.asked) > 120 {
			t.Errorf("%d keys after %d questions, %v", len(keys), len(c.asked), err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if keys, err := c.keys(ctx); !errors.Is(err, keyhatch.Unavailable) || keys != nil {
			t.Errorf("who has gone is told %d keys, %v", len(keys), err)
		}
	})
}

// TestMoreUsersThanCanBeCompared: a store with more users than are kept in memory is an
// error that says so, and no half of a list; no user is asked about.
func TestMoreUsersThanCanBeCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{users: iam.MaxUsers + 1}
		keys, err := c.keys(t.Context())
		if !errors.Is(err, keyhatch.Unavailable) || !strings.Contains(fmt.Sprint(err), "more than 50000 users") || keys != nil || len(c.asked) > 0 {
			t.Errorf("%d keys after %d questions, %v", len(keys), len(c.asked), err)
		}
	})
}
