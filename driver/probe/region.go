package probe

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
)

// list asks an S3-compatible store for its buckets, with a request that is signed for a
// region, and tells which one the store named when it refused.
func (p *Prober) list(ctx context.Context, a keyhatch.Authority, region string) (named string, err error) {
	heard := &listener{Client: p.client}
	c := s3.NewFromConfig(p.config(static(a), region), func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle, o.HTTPClient = &a.Endpoint, true, heard
	})
	_, err = c.ListBuckets(ctx, &s3.ListBucketsInput{})
	return heard.region, err
}

// listener is a client that takes down the region which a refusal names. The SDK does not
// keep it.
type listener struct {
	*http.Client
	region string
}

// ofRegion is what a region may be called, here and in a signature's scope.
var ofRegion = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Do implements aws.HTTPClient.
func (l *listener) Do(r *http.Request) (*http.Response, error) {
	response, err := l.Client.Do(r)
	if err != nil || response.StatusCode < http.StatusBadRequest {
		return response, err
	}
	text, err := io.ReadAll(response.Body) // which is bounded
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	var refusal struct{ Region string }
	if err := xml.Unmarshal(text, &refusal); err == nil && ofRegion.MatchString(refusal.Region) {
		l.region = refusal.Region
	}
	return response, nil
}
