package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/keyhatch/keyhatch/api"
)

// Over TLS the SDK sends bodies in unsigned chunks with a checksum behind them.
func TestOverTLS(t *testing.T) {
	cert, key, trusted := certificate(t)
	r := startWith(t, func(c *config.Config) {
		c.API.TLSCert, c.API.TLSKey, c.S3.TLSCert, c.S3.TLSKey = cert, key, cert, key
	})
	if !strings.HasPrefix(r.in.apiURL, "https://") || !strings.HasPrefix(r.in.s3URL, "https://") {
		t.Fatalf("serving %s and %s", r.in.apiURL, r.in.s3URL)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}}
	q, err := http.NewRequest(http.MethodPost, r.in.apiURL+"/api/v1/leases", strings.NewReader(`{"location":"alpha","access":"write"}`))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.admin.Reveal())
	answer, err := web.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Header.Get("Strict-Transport-Security") == "" {
		t.Error("a browser may come without TLS the next time")
	}
	lent := decode[api.Lent](t, answer)
	c := s3.New(s3.Options{
		BaseEndpoint: aws.String(lent.Endpoint), Region: lent.Region, UsePathStyle: true, HTTPClient: web,
		Credentials: credentials.NewStaticCredentialsProvider(lent.AccessKeyID, lent.SecretAccessKey, lent.SessionToken),
	})
	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		out, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("demo"), Key: aws.String("alpha/" + string(algorithm)), Body: strings.NewReader("in chunks"), ChecksumAlgorithm: algorithm,
		})
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		if out.ETag == nil || r.file("alpha/"+string(algorithm)) != "in chunks" {
			t.Errorf("%s: the object is %q", algorithm, r.file("alpha/"+string(algorithm)))
		}
	}
}

// certificate makes one for 127.0.0.1 and says who trusts it.
func certificate(t *testing.T) (certFile, keyFile string, trusted *x509.CertPool) {
	t.Helper()
	return certificateUntil(t, time.Now().Add(time.Hour))
}

// certificateUntil is one that ends then.
func certificateUntil(t *testing.T, end time.Time) (certFile, keyFile string, trusted *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: end.Add(-2 * time.Hour), NotAfter: end,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trusted = x509.NewCertPool()
	trusted.AddCert(cert)
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret), trusted
}
