package idp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/keyhatch/keyhatch"
)

// TestRealCode: the clients of the Go world, unmodified: discovery, a code with PKCE, state and
// nonce, the ID token and the access token, who the user is, a refresh.
func TestRealCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	provider, err := oidc.NewProvider(t.Context(), s.url)
	s.must(err)
	for _, c := range []struct {
		what string
		oauth2.Config
		signed bool
	}{
		{"a confidential client", oauth2.Config{ClientID: "web", ClientSecret: s.web.Secret.Reveal(), RedirectURL: back}, false},
		{"a public client", oauth2.Config{ClientID: "app", RedirectURL: "http://127.0.0.1:4711/back"}, true},
	} {
		c.Endpoint, c.Scopes = provider.Endpoint(), []string{"openid", "profile"}
		pkce := oauth2.GenerateVerifier()
		asks := c.AuthCodeURL("the state", oauth2.S256ChallengeOption(pkce), oidc.Nonce("the nonce"))
		b := s.browser()
		page := b.login(b.get(strings.TrimPrefix(asks, s.url)), "ann")
		if !strings.Contains(page.body, "act for you") || !strings.Contains(page.body, "ann") {
			t.Fatalf("%s: she is not asked: %d %s", c.what, page.StatusCode, page.body)
		}
		sent := b.decide(page, "allow").sentBack(t, c.RedirectURL)
		if sent.Get("state") != "the state" || sent.Get("iss") != s.url {
			t.Errorf("%s: it is sent %v", c.what, sent)
		}
		token, err := c.Exchange(t.Context(), sent.Get("code"), oauth2.VerifierOption(pkce))
		s.must(err)
		text, _ := token.Extra("id_token").(string)
		id, err := provider.Verifier(&oidc.Config{ClientID: c.ClientID}).Verify(t.Context(), text)
		if err != nil || id.Nonce != "the nonce" {
			t.Fatalf("%s: its ID token: %v", c.what, err)
		}
		if c.signed != keyhatch.LooksSigned(token.AccessToken) {
			t.Errorf("%s: its access token has the wrong form", c.what)
		}
		info, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != id.Subject {
			t.Errorf("%s: who she is: %v, %v", c.what, info, err)
		}
		token.Expiry = time.Now().Add(-time.Hour)
		again, err := c.TokenSource(t.Context(), token).Token()
		if err != nil || again.AccessToken == token.AccessToken || again.RefreshToken == token.RefreshToken {
			t.Errorf("%s: refreshed: %v", c.what, err)
		}
	}
}

// TestRealDevice: the device flow of x/oauth2, unmodified.
func TestRealDevice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, client := range []string{"app", "keyhatch"} {
		c := oauth2.Config{ClientID: client, Endpoint: oauth2.Endpoint{DeviceAuthURL: s.url + "/oauth/device", TokenURL: s.url + "/oauth/token"}}
		device, err := c.DeviceAuth(t.Context())
		s.must(err)
		b := s.browser()
		page := b.login(b.get(strings.TrimPrefix(device.VerificationURIComplete, s.url)), "ann")
		if page.field("user_code") != "" || !strings.Contains(page.body, device.UserCode) {
			t.Fatalf("the code is not typed already: %s", page.body)
		}
		fields := url.Values{"form": {page.field("form")}, "user_code": {strings.ToLower(device.UserCode)}}
		page = b.post("/device", fields)
		if !strings.Contains(page.body, "Is this your device?") || !strings.Contains(page.body, device.UserCode) || !strings.Contains(page.body, "127.0.0.1") {
			t.Fatalf("she is not asked: %d %s", page.StatusCode, page.body)
		}
		fields.Set("decision", "allow")
		if page = b.post("/device", fields); !strings.Contains(page.body, "is logged in") {
			t.Fatalf("it is not allowed: %d %s", page.StatusCode, page.body)
		}
		device.Interval = 1 // so that the test need not wait
		token, err := c.DeviceAccessToken(t.Context(), device)
		if err != nil || token.AccessToken == "" || (token.RefreshToken != "") != (client == "app") {
			t.Errorf("%s: %v", client, err)
		}
	}
}
