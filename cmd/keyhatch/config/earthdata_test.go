package config

import "testing"

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
