package auth

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// apiKey is TileDB's header.
const apiKey = "X-TILEDB-REST-API-KEY"

// secretOf finds the token: in TileDB's header, as it is, else in Authorization, behind
// "Bearer" or "OAuth2", or as the password of "Basic". Clients of TileDB send all that
// they have been told at once, some of it empty: the key counts, and the rest does not.
// The token is in any spelling of keyhatch.ParseTokenSecret.
func secretOf(h http.Header) (keyhatch.Secret, error) {
	if keys := h.Values(apiKey); len(keys) > 1 || len(keys) == 1 && keys[0] != "" {
		return whole(keys)
	}
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenMissing,
			`send a token in the header "Authorization: Bearer kh_…"`)
	}
	tokens := make([]string, len(values))
	for i, v := range values {
		tokens[i] = behindScheme(v)
	}
	return whole(tokens)
}

// AllShown are all the tokens that a request holds outside its parameters, for who ends what
// was shown: those of the headers, and of the cookies, signed ones too. What is no token is left out.
func (c Cookies) AllShown(r *http.Request) (out []keyhatch.Secret) {
	texts := slices.Concat(r.Header.Values(apiKey), cookies(r))
	if keys, ok := c.Shown(r, KeysCookie); ok {
		texts = append(texts, keys.Reveal())
	}
	for _, v := range r.Header.Values("Authorization") {
		texts = append(texts, behindScheme(v))
	}
	for _, text := range texts {
		if isToken(text) || keyhatch.LooksSigned(text) {
			out = append(out, keyhatch.Secret(text))
		}
	}
	return out
}

// cookies are the tokens in Arvados' cookie.
func cookies(r *http.Request) (out []string) {
	for _, c := range r.CookiesNamed("arvados_api_token") {
		if token, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(c.Value, "=")); err == nil {
			out = append(out, string(token))
		}
	}
	return out
}

// behindScheme is what an Authorization header holds that could be a token.
func behindScheme(value string) string {
	scheme, rest, _ := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer", "oauth2":
		return rest
	case "basic":
		_, password, _ := basicOf(value)
		return password
	}
	return ""
}

// basicOf is what an Authorization header holds of Basic; not ok, and empty: it is another scheme, or cannot be read.
func basicOf(value string) (name, password string, ok bool) {
	scheme, rest, _ := strings.Cut(value, " ")
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil || !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	name, password, _ = strings.Cut(string(plain), ":")
	return name, password, true
}

// loginOf is the name and the password that Basic shows, where no token is shown: the
// password may be one, and TileDB's key counts before all.
func loginOf(h http.Header) (name string, password keyhatch.Secret, ok bool) {
	values := h.Values("Authorization")
	if len(values) != 1 || slices.ContainsFunc(h.Values(apiKey), func(k string) bool { return k != "" }) {
		return "", "", false
	}
	name, text, _ := basicOf(values[0])
	return name, keyhatch.Secret(text), name != "" && text != "" && !isToken(text)
}

// signedOf is the signed token that Authorization shows as Bearer, where nothing else is
// shown.
func signedOf(h http.Header) (jwt keyhatch.Secret, ok bool) {
	values := h.Values("Authorization")
	if len(values) != 1 || slices.ContainsFunc(h.Values(apiKey), func(k string) bool { return k != "" }) {
		return "", false
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	rest = strings.TrimSpace(rest)
	return keyhatch.Secret(rest), strings.EqualFold(scheme, "bearer") && keyhatch.LooksSigned(rest)
}

// whole refuses what is not one token that has its shape.
func whole(tokens []string) (keyhatch.Secret, error) {
	if len(tokens) != 1 || !isToken(tokens[0]) {
		return "", keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenMalformed,
			`send in the header Authorization "Bearer" and one whole token, which begins with kh_ and has 52 characters`)
	}
	return keyhatch.Secret(tokens[0]), nil
}

func isToken(s string) bool {
	_, ok := keyhatch.ParseTokenSecret(s)
	return ok
}
