package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"
)

// TestCertificate looks at certificates at several times, for several hosts.
func TestCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(0, 6, 0)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begin, NotAfter: end, DNSNames: []string{"a.example.org"}}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, Leaf: leaf}
	for _, c := range []struct {
		host  string
		at    time.Time
		state State
		says  string
	}{
		{"a.example.org", begin.AddDate(0, 1, 0), OK, "is good until 2026-07-01; this machine does not know its authority"},
		{"", begin.AddDate(0, 1, 0), OK, "is good until"},
		{"b.example.org", begin.AddDate(0, 1, 0), Warning, "b.example.org"},
		{"a.example.org", end.AddDate(0, 0, -29), Warning, "ends on 2026-07-01"},
		{"a.example.org", end.AddDate(0, 0, -31), OK, "is good until"},
		{"a.example.org", end.Add(time.Second), Failed, "ended on 2026-07-01"},
		{"a.example.org", begin.Add(-time.Second), Failed, "begins on 2026-01-01"},
	} {
		if f := certificate("api", pair, c.host, c.at); f.State != c.state || !strings.Contains(f.Found, c.says) {
			t.Errorf("for %q at %s: %+v", c.host, c.at, f)
		}
	}
}
