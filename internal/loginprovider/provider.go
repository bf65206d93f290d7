// Package loginprovider is an OpenID provider for tests: it logs in whoever comes, as the user
// that it is told, and lies as it is told.
package loginprovider

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// ClientID and ClientSecret are what it has registered.
const (
	ClientID     = "keyhatch"
	ClientSecret = "a secret / of = the client"
)

// Provider is one that listens on loopback. The fields may be changed between logins.
type Provider struct {
	URL string
	// User are the claims of who logs in; "sub" is one.
	User map[string]any
	// Asks has it show a page with a button before it sends a browser back.
	Asks bool
	// Issues is called before an ID token is signed, and may change what it says.
	Issues func(header, claims map[string]any)
	// Names has its answers name it (RFC 9207).
	Names bool
	// Answer is called before a browser is sent back, and may change with what.
	Answer func(back url.Values)
	// Since is when its user has logged in there, which it tells who asks with max_age: it logs the user in anew where that is
	// too long ago, or prompt says so, unless it is Lazy. Mute has it tell nobody.
	Since      time.Time
	Lazy, Mute bool
	// Asked is what it was asked for last.
	Asked url.Values
	// Refuses has it log nobody in.
	Refuses bool
	// Down has it answer nothing.
	Down  bool
	t     testing.TB
	mu    sync.Mutex
	left  int
	codes map[string]url.Values // what was asked for, by code
	used  map[string]bool
}

var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

var stranger = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// Start starts one; it stops when the test ends.
func Start(t testing.TB) *Provider {
	p := &Provider{t: t, codes: map[string]url.Values{}, used: map[string]bool{}, User: map[string]any{"sub": "248289761001", "preferred_username": "jane"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /leave", p.leave)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.Down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

// Set changes the provider while it serves.
func (p *Provider) Set(change func(*Provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// Left is how many were logged out.
func (p *Provider) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.write(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"end_session_endpoint": p.URL + "/leave", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "authorization_response_iss_parameter_supported": p.Names,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	k := key()
	p.write(w, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes()),
	}}})
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	asked := r.Form
	p.Asked = asked
	if most, err := strconv.Atoi(asked.Get("max_age")); !p.Lazy && (asked.Get("prompt") == "login" || err == nil && time.Since(p.Since) > time.Duration(most)*time.Second) {
		p.Since = time.Now()
	}
	if asked.Get("code_challenge_method") != "S256" || asked.Get("client_id") != ClientID || asked.Get("nonce") == "" || asked.Get("response_type") != "code" {
		p.t.Errorf("it is asked for %v", asked)
	}
	if p.Asks && r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Provider</title><h1>The provider</h1><form method="post"><button id="go">Log in as %s</button></form>`, html.EscapeString(fmt.Sprint(p.User["sub"])))
		return
	}
	back := url.Values{"state": {asked.Get("state")}}
	if p.Names {
		back.Set("iss", p.URL)
	}
	if p.Refuses {
		back.Set("error", "access_denied")
	} else {
		code := rand.Text()
		p.codes[code] = asked
		back.Set("code", code)
	}
	if p.Answer != nil {
		p.Answer(back)
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q}`, code)
	}
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	id, secret, _ := r.BasicAuth()
	if id, _ = url.QueryUnescape(id); id != ClientID {
		refuse("invalid_client")
		return
	}
	if secret, _ = url.QueryUnescape(secret); secret != ClientSecret {
		refuse("invalid_client")
		return
	}
	code := r.PostForm.Get("code")
	asked, known := p.codes[code]
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !known || p.used[code] || asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri") || asked.Get("code_challenge") != b64(sum[:]) {
		refuse("invalid_grant")
		return
	}
	p.used[code] = true
	p.write(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": p.signed(asked)})
}

func (p *Provider) signed(asked url.Values) string {
	now := time.Now()
	header := map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k1"}
	claims := map[string]any{"iss": p.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce")}
	if asked.Has("max_age") && !p.Mute {
		claims["auth_time"] = p.Since.Unix()
	}
	maps.Copy(claims, p.User)
	if p.Issues != nil {
		p.Issues(header, claims)
	}
	whole := part(header) + "." + part(claims)
	switch header["alg"] {
	case "none":
		return whole + "."
	case "HS256": // with what everybody has
		der, _ := x509.MarshalPKIXPublicKey(key().Public())
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(whole))
		return whole + "." + b64(mac.Sum(nil))
	}
	k := key()
	if header["kid"] != "k1" {
		k = stranger()
	}
	sum := sha256.Sum256([]byte(whole))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Error(err)
	}
	return whole + "." + b64(signature)
}

func (p *Provider) leave(w http.ResponseWriter, r *http.Request) {
	p.left++
	if r.URL.Query().Get("client_id") != ClientID {
		p.t.Errorf("somebody leaves with %s", r.URL.RawQuery)
	}
	http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusSeeOther)
}

func (p *Provider) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64(text)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
