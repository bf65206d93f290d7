package rgw_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/drivertest/keys"
	"github.com/keyhatch/keyhatch/driver/rgw"
	"github.com/keyhatch/keyhatch/internal/peers"
)

func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }

// authority acts with one pair everywhere.
type authority keyhatch.KeyPair

func (a authority) KeysOf(context.Context, keyhatch.Store) (keyhatch.KeyPair, error) {
	return keyhatch.KeyPair(a), nil
}

// TestOnRGW: Ceph's own gateway.
func TestOnRGW(t *testing.T) {
	store := peers.RGW(t)
	least := leastUser(t, store)
	keys.Run(t, keys.Site{
		Store: keyhatch.Store{
			Name: store.Name, Kind: keyhatch.S3Store, Endpoint: store.Endpoint, Region: store.Region, Keys: keyhatch.KeysRGW,
		},
		Transport: store.HTTPClient(t).Transport,
		New: func(transport http.RoundTripper, cluster string) driver.KeyProvisioner {
			return rgw.New(least, transport, cluster)
		},
		Stranger: func(t *testing.T, name string) func() string {
			look := func() string { return admin(t, store, http.MethodGet, "/user", url.Values{"uid": {name}}, "") }
			admin(t, store, http.MethodPut, "/user", url.Values{"uid": {name}, "display-name": {name}}, "")
			return look
		},
		TooMuch: 400,
		IAM:     store.IAM,
		Admin:   store.ClientWith(t, aws.Credentials{AccessKeyID: least.AccessKeyID, SecretAccessKey: least.SecretAccessKey.Reveal()}),
		Client: func(pair keyhatch.KeyPair) *s3.Client {
			return store.ClientWith(t, aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey.Reveal()})
		},
		Bucket:  func(t testing.TB) string { return store.Bucket(t) },
		Differs: differs,
	})
}

var differs = map[string]string{
	"open what it copies to all":         "the store does not ask the policies of users about the lists of rights of copies, and of what is put in parts",
	"copy a part":                        "the store does not ask the policies of users about what parts are copied from, and so refuses it",
	"put beside an odd name":             `what is locked has "?" for what the store's policies cannot escape`,
	"put what is locked by a way around": `the store takes ".." for a name as any other: this is not in the locked folder`,
}

// leastUser makes a user that may do what docs/access-keys.md says that the store's
// credential needs, and nothing else.
func leastUser(t *testing.T, store peers.Store) authority {
	t.Helper()
	text, err := os.ReadFile("../../docs/access-keys.md")
	if err != nil {
		t.Fatal(err)
	}
	_, caps, found := strings.Cut(string(text), `radosgw-admin caps add --uid UID --caps "`)
	caps, _, ends := strings.Cut(caps, `"`)
	if !found || !ends || !strings.Contains(string(text), "radosgw-admin user modify --uid UID --admin") {
		t.Fatal("the documentation does not name the permissions")
	}
	return makeUser(t, store, "least", caps, true)
}

// makeUser makes a user with capabilities, and gives it the mark of administrators.
func makeUser(t *testing.T, store peers.Store, uid, caps string, isAdmin bool) authority {
	t.Helper()
	var made struct {
		Keys []struct {
			AccessKey string `json:"access_key"`
			SecretKey string `json:"secret_key"`
		}
	}
	answer := admin(t, store, http.MethodPut, "/user", url.Values{"uid": {uid}, "display-name": {uid}, "user-caps": {caps}}, "")
	if err := json.Unmarshal([]byte(answer), &made); err != nil || len(made.Keys) != 1 {
		t.Fatalf("no user was made: %v", err)
	}
	if isAdmin {
		record := admin(t, store, http.MethodGet, "/metadata/user", url.Values{"key": {uid}}, "")
		marked := strings.Replace(record, `"data":{`, `"data":{"admin":true,`, 1)
		admin(t, store, http.MethodPut, "/metadata/user", url.Values{"key": {uid}}, marked)
	}
	return authority{AccessKeyID: made.Keys[0].AccessKey, SecretAccessKey: keyhatch.Secret(made.Keys[0].SecretKey)}
}

// TestCredentialThatCannotRead: what keys put would be closed to the store's credential:
// none is kept with such a one, and it is said what is missing.
func TestCredentialThatCannotRead(t *testing.T) {
	store := peers.RGW(t)
	blind := makeUser(t, store, "blind", "users=*;user-policy=*;metadata=*", false)
	p := rgw.New(blind, store.HTTPClient(t).Transport, "blind")
	of := keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: store.Endpoint, Region: store.Region, Keys: keyhatch.KeysRGW}
	err := p.Put(t.Context(), of, driver.KeyOrder{Key: someKey})
	var told *keyhatch.Error
	if !errors.As(err, &told) || told.Kind != keyhatch.Unavailable || !strings.Contains(told.Message, "--admin") {
		t.Errorf("it says %v", err)
	}
	if all, err := p.Keys(t.Context(), of); err != nil || len(all) > 0 {
		t.Errorf("there is %v, %v", all, err)
	}
}

// admin asks the gateway's Admin Ops API, without the driver.
func admin(t *testing.T, store peers.Store, method, path string, query url.Values, body string) string {
	t.Helper()
	query.Set("format", "json")
	r, err := http.NewRequestWithContext(t.Context(), method, store.Admin+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: store.AccessKeyID, SecretAccessKey: store.SecretAccessKey},
		r, hash, "s3", store.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := store.HTTPClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s of a user: %s %s %v", method, answer.Status, text, err)
	}
	return string(bytes.TrimSpace(text))
}
