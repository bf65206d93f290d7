package auth

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestSecretOf is where a token is found, in which spelling, and what is none.
func TestSecretOf(t *testing.T) {
	secret := keyhatch.NewTokenSecret().Reveal()
	other := keyhatch.NewTokenSecret().Reveal()
	foreign := "v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/" + secret
	within := "kh-ws_0mz3k8q2a7c4f9d-" + secret[3:]
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tc := range []struct {
		what          string
		authorization []string
		key           []string
		want          string // of a refusal its code
		shown         []string
	}{
		{"Bearer", []string{"Bearer " + secret}, nil, secret, []string{secret}},
		{"any case", []string{"bEARER " + secret}, nil, secret, []string{secret}},
		{"OAuth2", []string{"OAuth2 " + secret}, nil, secret, []string{secret}},
		{"Basic", []string{basic("ann:" + secret)}, nil, secret, []string{secret}},
		{"Basic without a name", []string{basic(":" + secret)}, nil, secret, []string{secret}},
		{"Bearer, as Arvados writes", []string{"Bearer " + foreign}, nil, foreign, []string{foreign}},
		{"Basic, as Arvados writes", []string{basic("none:" + foreign)}, nil, foreign, []string{foreign}},
		{"Bearer with a workspace", []string{"Bearer " + within}, nil, within, []string{within}},
		{"a key", nil, []string{secret}, secret, []string{secret}},
		{"a key with a workspace", nil, []string{within}, within, []string{within}},
		{"a key and empty credentials", []string{basic(":")}, []string{secret}, secret, []string{secret}},
		{"a key before all", []string{"Bearer " + other}, []string{secret}, secret, []string{secret, other}},
		{"an empty key and Basic", []string{basic("ann:" + secret)}, []string{""}, secret, []string{secret}},

		{"nothing", nil, nil, "token_missing", nil},
		{"an empty key alone", nil, []string{""}, "token_missing", nil},
		{"empty credentials alone", []string{basic(":")}, nil, "token_malformed", nil},
		{"a wrong key, and a token", []string{"Bearer " + secret}, []string{"x"}, "token_malformed", []string{secret}},
		{"a key with a scheme", nil, []string{"Bearer " + secret}, "token_malformed", nil},
		{"two keys", nil, []string{secret, secret}, "token_malformed", []string{secret, secret}},
		{"an empty key and another", nil, []string{"", secret}, "token_malformed", []string{secret}},
		{"two headers", []string{"Bearer " + secret, "Bearer " + other}, nil, "token_malformed", []string{secret, other}},
		{"the same twice", []string{"Bearer " + secret, "Bearer " + secret}, nil, "token_malformed", []string{secret, secret}},
		{"another scheme", []string{"Digest " + secret}, nil, "token_malformed", nil},
		{"no scheme", []string{secret}, nil, "token_malformed", nil},
		{"a user's name", []string{basic(secret + ":")}, nil, "token_malformed", nil},
		{"no base64", []string{"Basic " + secret}, nil, "token_malformed", nil},
		{"two tokens", []string{"Bearer " + secret + " " + other}, nil, "token_malformed", nil},
		{"a container's part", []string{"Bearer " + foreign + "/ab0cd-dz642-000000000000000"}, nil, "token_malformed", nil},
		{"half a token", []string{"Bearer " + secret[:40]}, nil, "token_malformed", nil},
	} {
		h := http.Header{"Authorization": tc.authorization}
		for _, k := range tc.key {
			h.Add("X-TILEDB-REST-API-KEY", k)
		}
		got, err := secretOf(h)
		var e *keyhatch.Error
		if errors.As(err, &e) {
			got = keyhatch.Secret(e.Code)
			if e.Kind != keyhatch.Unauthenticated {
				t.Errorf("%s: %s", tc.what, e.Kind)
			}
		}
		if got.Reveal() != tc.want {
			t.Errorf("%s: %v, which is not what is wanted", tc.what, err)
		}
		want := make([]keyhatch.Secret, len(tc.shown))
		for i, s := range tc.shown {
			want[i] = keyhatch.Secret(s)
		}
		if shown := (Cookies{}).AllShown(&http.Request{Header: h}); !slices.Equal(shown, want) {
			t.Errorf("%s: %d were shown, not those that are wanted", tc.what, len(shown))
		}
	}
}

// TestLoginOf is when name and password are shown, and not a token.
func TestLoginOf(t *testing.T) {
	secret := keyhatch.NewTokenSecret().Reveal()
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tc := range []struct {
		what           string
		authorization  []string
		key            string
		name, password string // empty: none is shown
	}{
		{"a name and a password", []string{basic("ann:of paper and glue")}, "", "ann", "of paper and glue"},
		{"a password with a colon", []string{basic("ann:a:b:")}, "", "ann", "a:b:"},
		{"any case", []string{"bAsIc " + basic("ann:x")[6:]}, "", "ann", "x"},
		{"a token", []string{basic("ann:" + secret)}, "", "", ""},
		{"a key beside it", []string{basic("ann:x")}, secret, "", ""},
		{"a wrong key beside it", []string{basic("ann:x")}, "x", "", ""},
		{"no name", []string{basic(":x")}, "", "", ""},
		{"no password", []string{basic("ann:")}, "", "", ""},
		{"neither", []string{basic(":")}, "", "", ""},
		{"no colon", []string{basic("ann")}, "", "", ""},
		{"no base64", []string{"Basic ann:x"}, "", "", ""},
		{"another scheme", []string{"Bearer " + basic("ann:x")[6:]}, "", "", ""},
		{"two headers", []string{basic("ann:x"), basic("ann:x")}, "", "", ""},
		{"nothing", nil, "", "", ""},
	} {
		h := http.Header{"Authorization": tc.authorization}
		if tc.key != "" {
			h.Set("X-TILEDB-REST-API-KEY", tc.key)
		}
		name, password, ok := loginOf(h)
		if ok != (tc.name != "") || ok && (name != tc.name || password.Reveal() != tc.password) {
			t.Errorf("%s: %v", tc.what, ok)
		}
	}
}
