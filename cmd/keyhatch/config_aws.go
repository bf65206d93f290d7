package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/keyhatch/keyhatch/driver/probe"
)

// AWSConfig is what Keyhatch itself is at AWS.
type AWSConfig struct {
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
}

func (a AWSConfig) prober(ctx context.Context, transport http.RoundTripper) (*probe.Prober, error) {
	c := probe.Config{Transport: transport, Region: a.Region, STSEndpoint: a.STSEndpoint}
	if u, err := url.Parse(a.STSEndpoint); a.STSEndpoint != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return nil, errors.New("aws.sts_endpoint must be a URL, as https://host")
	}
	switch a.Identity {
	case "", "none":
	case "default":
		found, err := config.LoadDefaultConfig(ctx, config.WithRegion(a.Region))
		if err != nil {
			return nil, fmt.Errorf("aws.identity: %w", err)
		}
		c.Identity = found.Credentials
	default:
		return nil, errors.New("aws.identity must be none or default")
	}
	return probe.New(c), nil
}
