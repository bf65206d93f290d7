package places_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// storeKeys puts a credential of a store into the workspace lab.
func storeKeys(t *testing.T, c *coretest.Core, endpoint string) keyhatch.Credential {
	t.Helper()
	a := keyhatch.AWSKeys("AKIA", "secret")
	a.Endpoint = endpoint
	made, err := c.Broker.Credentials.Create(ctx, c.Admin, credentials.NewCredential{In: credentials.In{Workspace: "lab"}, Name: "cred1", Authority: a})
	if err != nil {
		t.Fatal(err)
	}
	return made.Credential
}

// TestEndpointsAreLookedUpForNewBuckets: names are looked up for a store that is to be
// made, and not for a bucket that is on record.
func TestEndpointsAreLookedUpForNewBuckets(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	c.Workspace(t, "lab")
	storeKeys(t, c, "https://s3.example")
	var asked []string
	c.Reach = func(_ context.Context, host string) error { asked = append(asked, host); return nil }
	for _, n := range []places.NewSetting{{Name: "one", Path: "s3://whole/a"}, {Name: "two", Path: "s3://whole/b"}} {
		n.Workspace, n.Credential = "lab", "cred1"
		if _, err := c.Broker.Places.CreateSetting(ctx, c.Admin, n); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(asked, []string{"s3.example"}) {
		t.Errorf("looked up were %q", asked)
	}
	c.Reach = func(context.Context, string) error { return errors.New("a private network") }
	_, err := c.Broker.Places.CreateSetting(ctx, c.Admin, places.NewSetting{Workspace: "lab", Name: "three", Path: "s3://other/a", Credential: "cred1"})
	wantFail(t, "out of reach", err, keyhatch.Invalid, keyhatch.CodeInvalidEndpoint, "credentials_name")
}

// TestEndpointChangedMeanwhile: a store is not made for an endpoint that its credential
// has no more. Once it kept the one that was looked up before.
func TestEndpointChangedMeanwhile(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	c.Workspace(t, "lab")
	held := storeKeys(t, c, "https://s3.example")
	c.Reach = func(context.Context, string) error {
		c.Reach = nil
		a := keyhatch.AWSKeys("AKIA", "secret")
		a.Endpoint = "https://other.example"
		_, err := c.Broker.Credentials.Update(ctx, c.Admin, credentials.In{}, held.ID, credentials.Change{Authority: &a})
		return err
	}
	n := places.NewSetting{Workspace: "lab", Name: "one", Path: "s3://whole/a", Credential: "cred1"}
	_, err := c.Broker.Places.CreateSetting(ctx, c.Admin, n)
	wantFail(t, "while the endpoint changes", err, keyhatch.Conflict, keyhatch.CodeStandingChanged, "")
	made, err := c.Broker.Places.CreateSetting(ctx, c.Admin, n)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.Broker.Places.Store(ctx, c.Admin, made.Store); err != nil || s.Endpoint != "https://other.example" {
		t.Errorf("the store is %+v, %v", s, err)
	}
}
