package own_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/seal"
)

const (
	endpoint = "https://s3.example.org"
	region   = "keyhatch"
)

var _ driver.Lender = (*own.Lender)(nil)

func keyring(t *testing.T) *seal.Keyring {
	t.Helper()
	kek, err := seal.CreateKeyFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	sets, err := seal.NewKeysets(kek)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.OpenKeyring(kek, sets)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func lease(prefixes ...string) keyhatch.Lease {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	l := keyhatch.Lease{
		ID: keyhatch.NewID(keyhatch.LeaseID, at), Workspace: "ws_0mz3k8q2a7c4f9d", User: "user_0mz3k8q2a7c4f9d", Token: "tok_0mz3k8q2a7c4f9d",
		Store: "store_0mz3k8q2a7c4f9d", Access: keyhatch.Read, IssuedAt: at, ExpiresAt: at.Add(time.Hour),
	}
	for _, p := range prefixes {
		l.Parts = append(l.Parts, keyhatch.Part{
			Bucket: "demo", Prefix: keyhatch.Prefix(p), Location: "loc_0mz3k8q2a7c4f9d", Grant: "grant_0mz3k8q2a7c4f9d",
		})
	}
	return l
}

func TestLentCredentialsHaveTheirShape(t *testing.T) {
	lender := own.New(keyring(t), endpoint, region)
	secrets, keys := map[string]bool{}, map[string]bool{}
	for range 50 {
		l := lease("a/", "b/c/")
		c, err := lender.Lend(context.Background(), driver.LendRequest{Lease: l})
		if err != nil {
			t.Fatal(err)
		}
		payload, _ := keyhatch.IDPayload(keyhatch.LeaseID, l.ID)
		if c.AccessKeyID != "KHLE"+strings.ToUpper(payload) || !regexp.MustCompile(`^[A-Z0-9]{16,128}$`).MatchString(c.AccessKeyID) {
			t.Errorf("access key id %q of %s", c.AccessKeyID, l.ID)
		}
		secret := c.SecretAccessKey.Reveal()
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{40}$`).MatchString(secret) {
			t.Errorf("a secret of %d characters, or of others than SDKs take", len(secret))
		}
		if !c.ExpiresAt.Equal(l.ExpiresAt) || c.Endpoint != endpoint || c.Region != region || len(c.SessionToken) == 0 {
			t.Errorf("%+v", c)
		}
		if strings.Contains(c.SessionToken.Reveal(), secret) || strings.Contains(c.AccessKeyID, secret) {
			t.Error("the secret can be read")
		}
		secrets[secret], keys[c.AccessKeyID] = true, true
	}
	if len(secrets) != 50 || len(keys) != 50 {
		t.Errorf("50 leases have %d secrets and %d access key ids", len(secrets), len(keys))
	}
}

func TestSessionOpensToTheLease(t *testing.T) {
	keys := keyring(t)
	want := lease("", "a/", "größe/", "b/c/d/")
	c, err := own.New(keys, endpoint, region).Lend(context.Background(), driver.LendRequest{Lease: want})
	if err != nil {
		t.Fatal(err)
	}
	if want.AccessKeyID != "" {
		t.Error("the asked lease was changed")
	}
	got, err := keys.OpenSession(c.SessionToken.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	want.AccessKeyID = c.AccessKeyID
	if diff := cmp.Diff(keyhatch.Session{Lease: want, SecretKey: c.SecretAccessKey}, got); diff != "" {
		t.Errorf("(-lent +opened):\n%s", diff)
	}
}

// sealer notes what it was asked to seal.
type sealer struct {
	asked int
	token keyhatch.Secret
	err   error
}

func (s *sealer) SealSession(keyhatch.Session) (keyhatch.Secret, error) {
	s.asked++
	return s.token, s.err
}

func TestS8_WhatCannotBeConfinedIsNotLent(t *testing.T) {
	for name, l := range map[string]keyhatch.Lease{
		"no parts":     lease(),
		"no id":        func() keyhatch.Lease { l := lease("a/"); l.ID = ""; return l }(),
		"another's id": func() keyhatch.Lease { l := lease("a/"); l.ID = "user_0mz3k8q2a7c4f9d"; return l }(),
		"a foreign id": func() keyhatch.Lease { l := lease("a/"); l.ID = "lease_0MZ3K8Q2A7C4F9D"; return l }(),
	} {
		s := &sealer{token: "token"}
		c, err := own.New(s, endpoint, region).Lend(context.Background(), driver.LendRequest{Lease: l})
		if err == nil || c != (driver.Vended{}) || s.asked != 0 {
			t.Errorf("%s: %v, %v, sealed %d times", name, c, err, s.asked)
		}
	}
}

func TestS8_WhatCannotBeSealedIsNotLent(t *testing.T) {
	broken := errors.New("no key")
	c, err := own.New(&sealer{token: "token", err: broken}, endpoint, region).Lend(context.Background(), driver.LendRequest{Lease: lease("a/")})
	if !errors.Is(err, broken) || c != (driver.Vended{}) {
		t.Errorf("%v, %v", c, err)
	}
}

// TestS9_TokensFitIntoAHeader: what would not travel is refused with words that
// say what to do, and what is lent can be opened.
func TestS9_TokensFitIntoAHeader(t *testing.T) {
	keys := keyring(t)
	lender := own.New(keys, endpoint, region)
	longest := lender.Capabilities().MaxPrefixes
	lent, refused := 0, 0
	for _, size := range []int{1, 20, 50, 90, 120, 150, 250, 500, 1000} {
		var prefixes []string
		for i := range longest {
			prefixes = append(prefixes, fmt.Sprintf("%02d%s/", i, strings.Repeat("x", size)))
		}
		c, err := lender.Lend(context.Background(), driver.LendRequest{Lease: lease(prefixes...)})
		if err != nil {
			refused++
			var e *keyhatch.Error
			if !errors.As(err, &e) || e.Kind != keyhatch.Invalid || e.Field != "prefixes" || strings.Contains(err.Error(), "xxx") || c != (driver.Vended{}) {
				t.Errorf("%d bytes: %v, %v", size, c, err)
			}
			continue
		}
		lent++
		if n := len(c.SessionToken.Reveal()); n > 6<<10 {
			t.Errorf("%d prefixes of %d bytes: a token of %d characters", longest, size, n)
		}
		if got, err := keys.OpenSession(c.SessionToken.Reveal()); err != nil || len(got.Lease.Parts) != longest {
			t.Errorf("%d bytes: lent, and does not open: %v", size, err)
		}
	}
	if lent == 0 || refused == 0 {
		t.Errorf("%d sizes were lent, %d refused", lent, refused)
	}
	// One prefix of any length that there is fits.
	if _, err := lender.Lend(context.Background(), driver.LendRequest{Lease: lease(strings.Repeat("x", keyhatch.MaxKeyBytes-1) + "/")}); err != nil {
		t.Errorf("one prefix of 1024 bytes: %v", err)
	}
	for n, ok := range map[int]bool{6 << 10: true, 6<<10 + 1: false} {
		s := &sealer{token: keyhatch.Secret(strings.Repeat("t", n))}
		if _, err := own.New(s, endpoint, region).Lend(context.Background(), driver.LendRequest{Lease: lease("a/")}); (err == nil) != ok {
			t.Errorf("a token of %d characters: %v", n, err)
		}
	}
}

func TestCapabilities(t *testing.T) {
	c := own.New(&sealer{}, endpoint, region).Capabilities()
	if c.Revocation != keyhatch.RevokeImmediate || c.MinLife != 0 || c.MaxLife != keyhatch.LongestMaxLeaseLife || c.MaxPrefixes < 1 {
		t.Errorf("%+v", c)
	}
}
