package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
	"github.com/keyhatch/keyhatch/driver/probe"
	"github.com/keyhatch/keyhatch/driver/sessions"
	"github.com/keyhatch/keyhatch/driver/shield"
)

// AWS is what Keyhatch itself is at AWS, and at stores with a token service.
type AWS struct {
	// Identity is what roles are assumed as that have no base credential in their
	// place: none, or default, which is what the SDK of AWS finds in the environment
	// and on the machine. Whoever may make credentials here can have that assume roles
	// that trust it. Default: none.
	Identity string `yaml:"identity"`

	// Region is where AWS is asked. Default: us-east-1.
	Region string `yaml:"region"`

	// STSEndpoint is the URL of STS where it is not the region's own, as behind a VPC
	// endpoint. Its address counts as a user's: one in a private network must be in
	// outbound_networks. Default: the region's.
	STSEndpoint string `yaml:"sts_endpoint"`

	// SigninEndpoint is the URL where sessions become logins at AWS's console, where that
	// is not the partition's own. Default: https://signin.aws.amazon.com/federation, or
	// what China and GovCloud have.
	SigninEndpoint string `yaml:"signin_endpoint"`

	// WebIdentityTokenFile is a file with the token (JWT) that tells stores who Keyhatch is,
	// as a platform writes and renews it for a pod. Roles whose credential says web_identity
	// are assumed with it. Default: none.
	WebIdentityTokenFile string `yaml:"web_identity_token_file"`

	// RequestsPerSecond is how many requests a token service is sent on average as one
	// credential, with those for the sessions that it is reached through; a tenth of that
	// at once. What is more waits for a second at most and is then told to come again. All
	// credentials of one AWS account share 600 in a region, with whatever else asks there,
	// and each process counts for itself. Default: 480.
	RequestsPerSecond int `yaml:"requests_per_second"`
}

// maxRequestsPerSecond is more than any token service takes.
const maxRequestsPerSecond = 100_000

// Asker is what goes to AWS, and to token services.
type Asker struct {
	Prober *probe.Prober
	lender *awssts.Lender
	Vender *shield.Shield // before the lender
}

func (a AWS) Asker(ctx context.Context, transport http.RoundTripper, watch shield.Watch) (*Asker, error) {
	for name, endpoint := range map[string]string{"sts_endpoint": a.STSEndpoint, "signin_endpoint": a.SigninEndpoint} {
		if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
			return nil, fmt.Errorf("aws.%s must be a URL, as https://host", name)
		}
	}
	identity, err := a.identity(ctx)
	if err != nil {
		return nil, err
	}
	budget, err := a.budget()
	if err != nil {
		return nil, err
	}
	out := &Asker{
		Prober: probe.New(probe.Config{Transport: transport, Identity: identity, Region: a.Region, STSEndpoint: a.STSEndpoint}),
		lender: awssts.New(awssts.Config{Transport: transport, Identity: identity, STSEndpoint: a.STSEndpoint, SigninEndpoint: a.SigninEndpoint}),
	}
	budget.Watch = watch
	out.Vender = shield.New(out.lender, budget)
	return out, nil
}

// budget is what token services are asked at most.
func (a AWS) budget() (shield.Config, error) {
	if a.RequestsPerSecond < 0 || a.RequestsPerSecond > maxRequestsPerSecond {
		return shield.Config{}, fmt.Errorf("aws.requests_per_second must be 1 to %d", maxRequestsPerSecond)
	}
	return shield.Config{PerSecond: float64(a.RequestsPerSecond)}, nil
}

func (a AWS) identity(ctx context.Context) (aws.CredentialsProvider, error) {
	switch a.Identity {
	case "", "none":
		return nil, nil
	case "default":
		found, err := config.LoadDefaultConfig(ctx, config.WithRegion(a.Region))
		if err != nil {
			return nil, fmt.Errorf("aws.identity: %w", err)
		}
		return found.Credentials, nil
	}
	return nil, errors.New("aws.identity must be none or default")
}

// WebIdentity reads the token anew each time, since it is renewed; nil: there is none.
func (a AWS) WebIdentity() func(context.Context) (keyhatch.Secret, error) {
	if a.WebIdentityTokenFile == "" {
		return nil
	}
	return func(context.Context) (keyhatch.Secret, error) {
		token, err := os.ReadFile(a.WebIdentityTokenFile)
		return keyhatch.Secret(bytes.TrimSpace(token)), err
	}
}

// Sessions lends what stores mint. issuer is where AWS sends people whose login has ended.
func (a *Asker) Sessions(acting func(context.Context, keyhatch.Store) (driver.Acting, error), issuer string) *sessions.Lender {
	return sessions.New(sessions.Config{
		Vender: a.Vender, Acting: acting,
		Console: func(ctx context.Context, s keyhatch.Store, as driver.Acting, v driver.Vended, part keyhatch.Part) (keyhatch.Secret, error) {
			return a.lender.ConsoleURL(ctx, awssts.ConsoleRequest{
				Store: s, As: as, Vended: v, Bucket: part.Bucket, Prefix: part.Prefix, Template: s.Console, Issuer: issuer,
			})
		},
	})
}
