package config

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEarthdataLoginIsNotInTheClear: the client's secret and people's codes go to the other login.
// Plain HTTP was taken to any host.
func TestEarthdataLoginIsNotInTheClear(t *testing.T) {
	for url, taken := range map[string]bool{
		"https://urs.example.org": true, "https://urs.example.org:8443": true,
		"http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true,
		"http://urs.example.org": false, "http://127.0.0.1.example.org": false, "http://10.0.0.1": false, "http://localhost.example.org": false,
		"ftp://urs.example.org": false, "https://urs.example.org/": false, "https://user@urs.example.org": false, "urs.example.org": false,
	} {
		c := Earthdata{Login: EarthdataLogin{URL: url, ClientID: "us", ClientSecretFile: "secret"}}
		if err := c.check(); (err == nil) != taken {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestEarthdataLoginNeedsTLSHere: people's codes come back to this server, and the cookies that bind them to a
// browser are kept over TLS alone. A server that browsers reach by plain HTTP started, sent people to
// the login, and let none of them in who came back.
func TestEarthdataLoginNeedsTLSHere(t *testing.T) {
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	for api, why := range map[string]string{
		"url: http://keys.example.org":  "by plain HTTP: set tls_cert and tls_key",
		"listen: 192.0.2.1:8750":        "by plain HTTP: set tls_cert and tls_key",
		"listen: 0.0.0.0:8750":          "api.url does not say where",
		"url: https://keys.example.org": "",
		"listen: 127.0.0.1:8750":        "",
		"url: http://localhost:8750":    "",
	} {
		for login, needs := range map[string]bool{"earthdata: {login: {url: 'https://urs.example.org', client_id: us, client_secret_file: " + secret + "}}": true, "": false} {
			c, err := Parse([]byte("api: {"+api+"}\n"+login+"\n"), folder)
			if err != nil {
				t.Fatalf("%s: %v", api, err)
			}
			e, err := c.Elsewhere(c.ListeningAt(), http.DefaultTransport)
			switch {
			case why == "" || !needs:
				if err != nil || (e != nil) != needs {
					t.Errorf("%s, %q: %v %v", api, login, e, err)
				}
			case err == nil || !strings.Contains(err.Error(), "earthdata.login needs") || !strings.Contains(err.Error(), why):
				t.Errorf("%s: %v", api, err)
			}
		}
	}
}
