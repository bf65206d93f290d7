package awssts_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
)

var (
	storeOfAWS = keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
	roleOfAWS  = keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/r", Secret: "word"}
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestBaseOfWhoCannotPay: those who waited for a base that somebody else had renewed were
// refused for a budget that was not theirs.
func TestBaseOfWhoCannotPay(t *testing.T) {
	base := roleOfAWS
	base.Principal = "arn:aws:iam::210987654321:role/base"
	full := keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests, "later").After(time.Second)
	synctest.Test(t, func(t *testing.T) {
		l := awssts.New(awssts.Config{Transport: roundTrip(gives(time.Hour)), Identity: credentials.NewStaticCredentialsProvider("AKIAUS", "secret", "")})
		vend := func(spend func(context.Context) error) error {
			r := request(driver.Acting{Authority: roleOfAWS, Base: &base}, storeOfAWS, time.Hour)
			r.Spend = spend
			_, err := l.Vend(t.Context(), r)
			return err
		}
		// The first request of a vend is its own, the second what renews the base.
		poor := func() func(context.Context) error {
			asked := 0
			return func(context.Context) error {
				if asked++; asked == 1 {
					return nil
				}
				time.Sleep(time.Second)
				return full
			}
		}
		var all sync.WaitGroup
		var refused atomic.Int64
		spent := 0
		for range 3 {
			all.Go(func() {
				if err := vend(poor()); errors.Is(err, full) {
					refused.Add(1)
				} else if err != nil { // else who could pay came first
					t.Errorf("whose budget is spent has %v", err)
				}
			})
		}
		synctest.Wait()
		all.Go(func() {
			if err := vend(func(context.Context) error { spent++; return nil }); err != nil {
				t.Errorf("who waits with them has %v", err)
			}
		})
		all.Wait()
		if refused.Load() == 0 || spent != 1 && spent != 2 {
			t.Errorf("%d are refused, and who waits with them has spent %d", refused.Load(), spent)
		}
	})
}
