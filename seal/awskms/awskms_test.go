package awskms_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/moto"
	"github.com/keyhatch/keyhatch/seal"
	"github.com/keyhatch/keyhatch/seal/awskms"
)

// service is a KMS with keys.
type service struct {
	*testing.T
	*moto.Server
	kms *kms.Client
}

func start(t *testing.T) service {
	t.Helper()
	s := service{T: t, Server: moto.Start(t)}
	s.Use(t)
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-central-1"))
	if err != nil {
		t.Fatal(err)
	}
	s.kms = kms.NewFromConfig(c)
	return s
}

// key makes one and returns its id and its URI.
func (s service) key() (id *string, uri string) {
	s.Helper()
	made, err := s.kms.CreateKey(s.Context(), &kms.CreateKeyInput{})
	if err != nil {
		s.Fatal(err)
	}
	return made.KeyMetadata.KeyId, "aws-kms://" + *made.KeyMetadata.Arn
}

func (s service) open(uri string) seal.KEK {
	s.Helper()
	kek, err := awskms.Open(s.Context(), uri)
	if err != nil {
		s.Fatal(err)
	}
	return kek
}

func (s service) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// TestKMS wraps the keysets, replaces the key, and goes from a file to KMS and back.
func TestKMS(t *testing.T) {
	s := start(t)
	_, first := s.key()
	_, second := s.key()
	file, err := seal.CreateKeyFile(filepath.Join(t.TempDir(), "key"))
	s.must(err)
	sets, err := seal.NewKeysets(s.open(first))
	s.must(err)
	r, err := seal.OpenKeyring(s.open(first), sets)
	s.must(err)
	column, err := r.SealColumn("t", "r", "c", "secret")
	s.must(err)
	for _, to := range []struct{ current, previous seal.KEK }{
		{s.open(second), s.open(first)},
		{file, s.open(second)},
		{s.open(first), file},
	} {
		if _, err := seal.OpenKeyring(to.current, sets); err == nil || !strings.Contains(err.Error(), to.previous.ID) {
			t.Errorf("%s alone: %v", to.current.ID, err)
		}
		both, err := seal.OpenKeyring(to.current, sets, to.previous)
		s.must(err)
		rewrapped, err := both.Rewrapped()
		s.must(err)
		sets = nil
		for _, c := range rewrapped {
			sets = append(sets, c.New)
		}
		after, err := seal.OpenKeyring(to.current, sets)
		s.must(err)
		if got, err := after.OpenColumn("t", "r", "c", column); got != "secret" || err != nil {
			t.Errorf("with %s: %v", to.current.ID, err)
		}
	}
	sets[0].Wrapped, sets[1].Wrapped = sets[1].Wrapped, sets[0].Wrapped
	if _, err := seal.OpenKeyring(s.open(first), sets); err == nil || !strings.Contains(err.Error(), "AWS KMS refuses to open") {
		t.Errorf("two keysets swapped: %v", err)
	}
}

// TestKeysetsOfManyKeysFit: KMS wraps 4 KiB.
func TestKeysetsOfManyKeysFit(t *testing.T) {
	s := start(t)
	_, uri := s.key()
	sets, err := seal.NewKeysets(s.open(uri))
	s.must(err)
	r, err := seal.OpenKeyring(s.open(uri), sets)
	s.must(err)
	r.Follow(func(context.Context) ([]keyhatch.Keyset, error) { return sets, nil })
	for len(r.Keys(seal.TokensKeyset)) < 16 {
		for i := range 3 {
			c, _, err := r.WithNew(sets[i].Name)
			s.must(err)
			sets[i] = c.New
		}
		s.must(r.Reload(t.Context()))
	}
}

// TestKMSRefuses: what is wrong with the key is said, and what to do.
func TestKMSRefuses(t *testing.T) {
	s := start(t)
	_, uri := s.key()
	sets, err := seal.NewKeysets(s.open(uri))
	s.must(err)
	refused := func(name, uri, want string) {
		t.Helper()
		for i := range sets {
			sets[i].KEK = uri
		}
		_, err := seal.OpenKeyring(s.open(uri), sets)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "AWS KMS") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := seal.NewKeysets(s.open(uri)); name != "another key" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s, to wrap: %v", name, err)
		}
	}
	_, other := s.key()
	refused("another key", other, "AWS KMS refuses to open")
	refused("no key", uri[:len(uri)-4]+"0000", "there is no such key")
	s.Stop()
	refused("nobody", uri, "AWS KMS does not answer")
}

// TestWhatKMSSays: moto does not refuse all that KMS does.
func TestWhatKMSSays(t *testing.T) {
	said := ""
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type": %q, "message": "canary"}`, said)
	}))
	defer fake.Close()
	(&moto.Server{URL: fake.URL}).Use(t)
	for code, want := range map[string]string{
		"AccessDeniedException":       "need kms:Encrypt and kms:Decrypt",
		"DisabledException":           "enable the key",
		"IncorrectKeyException":       "wrapped by another key",
		"KMSInvalidStateException":    "cancel that",
		"UnrecognizedClientException": "does not know the credentials",
		"InvalidCiphertextException":  "or changed",
		"SomethingNewException":       "(SomethingNewException): see what KMS says",
	} {
		said = code
		kek, err := awskms.Open(t.Context(), exampleKey)
		if err != nil {
			t.Fatal(err)
		}
		_, err = seal.NewKeysets(kek)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "AWS KMS refuses to wrap with arn:aws:kms:eu-central-1:") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

const exampleKey = "aws-kms://arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func TestURIs(t *testing.T) {
	t.Parallel()
	const key = exampleKey
	for _, u := range []string{key, strings.Replace(key, ":aws:", ":aws-cn:", 1), key[:len(key)-36] + "mrk-1234abcd12ab34cd56ef1234567890ab"} {
		if err := awskms.CheckURI(u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	for _, u := range []string{
		"", key[len("aws-kms://"):], key + "\n", key + "/x", " " + key, "gcp-kms://x", strings.Replace(key, "key/", "alias/", 1),
		strings.Replace(key, ":kms:", ":s3:", 1), strings.Replace(key, "123456789012", "1", 1),
	} {
		if err := awskms.CheckURI(u); err == nil {
			t.Errorf("%q is taken", u)
		}
		if _, err := awskms.Open(t.Context(), u); err == nil {
			t.Errorf("%q is opened", u)
		}
	}
}
