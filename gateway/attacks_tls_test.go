package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/certificate"
)

// fightOverTLS makes the attacks again on the endpoint with TLS: where a body ends,
// and what a connection leaves behind, is read through another layer there. Before
// S3 stores only those that are about connections are made again.
func (a *arena) fightOverTLS(t *testing.T) {
	a.entrance, a.hasty = a.secured, a.securedHasty
	a.texts["address"] = a.address
	a.learn()
	attacks := slices.Concat(targetAttacks(), wireAttacks(), bodyAttacks(), largeAttacks())
	if a.ground.name() == "directory" {
		attacks = table()
	}
	a.fight(t, append(attacks, tlsAttacks()...))

	// On the same port, nothing is told without TLS.
	a.trust = nil
	for _, ask := range []request{own, ownPut, head("/lab/data/a/in.txt"), get("/")} {
		got := a.send(t, ask)
		if got.status != http.StatusBadRequest || !strings.Contains(got.text, "Client sent an HTTP request to an HTTPS server") {
			t.Errorf("without TLS: %s", got.text)
		}
		a.checkLeaks(t, got)
	}
}

// tlsAttacks are those that only TLS makes possible.
func tlsAttacks() []group {
	chunks := ownPut.chunked(signedChunks, "", "chunk")
	hosted := get("/data/a/in.txt").at("lab." + domain)
	return []group{{"ends that nobody says", []row{
		{"half a body", ownPut.snapped(2), "400 IncompleteBody", ownPut},
		{"half a body, unsigned", ownPut.hashed(unsignedPayload).snapped(2), "400 IncompleteBody", ownPut.hashed(unsignedPayload)},
		{"half a body, over an object", put("/lab/data/a/in.txt", "something else").snapped(2), "400 IncompleteBody", own},
		{"half a part", put("/lab/data/a/up.bin?partNumber=1&uploadId={upload}", "a part").snapped(2), "400 IncompleteBody", own},
		{"chunks without their end", chunks.snapped(2), "400 IncompleteBody", chunks},
		{"half a document", post("/lab?delete", batch("data/a/in.txt", "data/a/two.txt")).snapped(9), "400 IncompleteBody", own},
		{"half a completion", post("/lab/data/a/up.bin?uploadId={upload}", whole("{etag}")).snapped(9), "400 IncompleteBody", own},
		{"half the headers", ownPut.edit("\r\n\r\nmine", "\r\n").snapped(1), "400", ownPut},
	}}, {"names in the handshake", []row{
		{"own name before another's bucket", get("/data/a/in.txt").at("vault." + domain).asking("lab." + domain), "403 AccessDenied", hosted.asking("lab." + domain)},
		{"another's name before one's own bucket does not count", get("/lab/data/b/canary-b.txt").asking("vault." + domain), "403 AccessDenied", hosted.asking("vault." + domain)},
	}}}
}

// certified makes a certificate for the endpoint, and the trust in it.
func certified(t *testing.T) (shown, trust *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	f := certificate.Files{
		Authority: filepath.Join(dir, "authority.pem"), Certificate: filepath.Join(dir, "certificate.pem"), Key: filepath.Join(dir, "key.pem"),
	}
	if err := certificate.Loopback("keyhatch", f); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(f.Authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &tls.Config{Certificates: []tls.Certificate{pair}}, &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// entrance is where the endpoint takes connections.
type entrance struct {
	address string
	trust   *tls.Config // of those who call, nil without TLS
}

// line is a connection to the endpoint, whose sending half can be ended by
// itself: with a word of TLS, or below it.
type line struct {
	net.Conn
	below *net.TCPConn
}

func (l line) CloseWrite() error { return l.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// dial connects to the endpoint; with TLS it asks for that name.
func (e entrance) dial(name string) (line, error) {
	c, err := net.DialTimeout("tcp", e.address, longest)
	if err != nil {
		return line{}, err
	}
	below := c.(*net.TCPConn)
	if e.trust == nil {
		return line{below, below}, nil
	}
	trust := e.trust
	if name != "" { // which the certificate has not, and which is not what is tested
		trust = trust.Clone()
		trust.ServerName, trust.InsecureSkipVerify = name, true
	}
	secured := tls.Client(below, trust)
	below.SetDeadline(time.Now().Add(longest))
	return line{secured, below}, secured.Handshake()
}
