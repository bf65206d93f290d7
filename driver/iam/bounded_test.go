package iam_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/iam"
)

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// dripping is an answer that begins and does not end.
type dripping struct{ r *http.Request }

func (d dripping) Read([]byte) (int, error) {
	<-d.r.Context().Done()
	return 0, d.r.Context().Err()
}
func (dripping) Close() error { return nil }

// TestStoreThatNeverAnswers: a store that takes a request and does not answer, or does
// not end its answer, is given up, whatever the caller's own patience.
func TestStoreThatNeverAnswers(t *testing.T) {
	for name, tarpit := range map[string]transport{
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"no end": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: dripping{r}, Request: r}, nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			p := iam.New(authority{AccessKeyID: "US", SecretAccessKey: "secret"}, tarpit, "abcde")
			err := p.Put(t.Context(), keyhatch.Store{Endpoint: "https://iam.example.com", Region: "us-east-1"}, driver.KeyOrder{Key: someKey})
			if took := time.Since(begun); !errors.Is(err, keyhatch.Unavailable) || took > time.Minute {
				t.Errorf("%s: after %s it says %v", name, took, err)
			}
		})
	}
}

// TestListWithoutAnEnd: pages are followed only so far, also when each names another one.
func TestListWithoutAnEnd(t *testing.T) {
	asked := 0
	endless := transport(func(r *http.Request) (*http.Response, error) {
		asked++
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		what, item := "ListUsers", "Users"
		if strings.Contains(string(text), "Action=ListAccessKeys") {
			what, item = "ListAccessKeys", "AccessKeyMetadata"
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r, Body: io.NopCloser(strings.NewReader(fmt.Sprintf(
			`<%sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%sResult><%s/><IsTruncated>true</IsTruncated><Marker>m%d</Marker></%sResult></%sResponse>`,
			what, what, item, asked, what, what)))}, nil
	})
	p := iam.New(authority{AccessKeyID: "US", SecretAccessKey: "secret"}, endless, "abcde")
	of := keyhatch.Store{Endpoint: "https://iam.example.com", Region: "us-east-1"}
	if _, err := p.Keys(t.Context(), of); !errors.Is(err, keyhatch.Unavailable) || asked > 1000 {
		t.Errorf("users: after %d pages: %v", asked, err)
	}
	asked = 0
	if _, err := p.Pairs(t.Context(), of, someKey); !errors.Is(err, keyhatch.Unavailable) || asked > 1000 {
		t.Errorf("pairs: after %d pages: %v", asked, err)
	}
}

// TestListThatWasCut: a list that says that there is more and not where is not all. What
// is not in it would be taken for gone: a pair that works would end on record.
func TestListThatWasCut(t *testing.T) {
	cut := transport(func(r *http.Request) (*http.Response, error) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		what, item := "ListUsers", "Users"
		if strings.Contains(string(text), "Action=ListAccessKeys") {
			what, item = "ListAccessKeys", "AccessKeyMetadata"
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r, Body: io.NopCloser(strings.NewReader(fmt.Sprintf(
			`<%sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%sResult><%s/><IsTruncated>true</IsTruncated></%sResult></%sResponse>`,
			what, what, item, what, what)))}, nil
	})
	p := iam.New(authority{AccessKeyID: "US", SecretAccessKey: "secret"}, cut, "abcde")
	of := keyhatch.Store{Endpoint: "https://iam.example.com", Region: "us-east-1"}
	if got, err := p.Keys(t.Context(), of); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("users: %v, %v", got, err)
	}
	if got, err := p.Pairs(t.Context(), of, someKey); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("pairs: %q, %v", got, err)
	}
}
