package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
)

// soon is when a certificate that ends wants to be renewed.
const soon = 30 * 24 * time.Hour

func listeners(_ context.Context, p *patient) []Finding {
	c := p.config
	s3 := c.S3.URL
	if s3 == "" {
		s3 = "https://" + c.S3.Listen
	}
	return []Finding{
		listener("api", c.API.Listener, c.PublicURL(c.ListeningAt())),
		listener("s3", c.S3.Listener, s3),
	}
}

// listener looks at the certificate of one, which clients know by a URL.
func listener(name string, l config.Listener, known string) Finding {
	if l.TLSCert == "" {
		return ok(name, "plain HTTP at "+l.Listen)
	}
	pair, err := tls.LoadX509KeyPair(l.TLSCert, l.TLSKey)
	if err != nil {
		return failed(name, "TLS certificate: "+err.Error(), fmt.Sprintf("put a certificate, with what leads to its authority, and its key as PEM into the files of %s.tls_cert and %s.tls_key", name, name))
	}
	return certificate(name, pair, hostOf(known), time.Now())
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if a := net.ParseIP(u.Hostname()); a != nil && a.IsUnspecified() {
		return "" // nobody asks for that
	}
	return u.Hostname()
}

// certificate looks at one, by which clients are to know a host; empty: it is not known which.
func certificate(name string, pair tls.Certificate, host string, now time.Time) Finding {
	leaf := pair.Leaf
	renew := "renew it, then start the servers anew: certificates are read at the start"
	told := func(at time.Time) string { return at.UTC().Format(time.DateOnly) }
	if now.After(leaf.NotAfter) {
		return failed(name, "its certificate ended on "+told(leaf.NotAfter), renew)
	}
	if now.Before(leaf.NotBefore) {
		return failed(name, "its certificate begins on "+told(leaf.NotBefore), "look at this machine's clock, or "+renew)
	}
	if host != "" {
		if err := leaf.VerifyHostname(host); err != nil {
			return warning(name, "clients will refuse its certificate: "+err.Error(), "have a certificate made for "+host+", or say in "+name+".url which name clients use")
		}
	}
	if leaf.NotAfter.Sub(now) < soon {
		return warning(name, "its certificate ends on "+told(leaf.NotAfter), renew)
	}
	found := "its certificate is good until " + told(leaf.NotAfter)
	chain := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain.AddCert(c)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Intermediates: chain, CurrentTime: now}); errors.As(err, &x509.UnknownAuthorityError{}) {
		found += "; this machine does not know its authority, or the file lacks what leads to it"
	} else if err != nil {
		return warning(name, "clients may refuse its certificate: "+err.Error(), renew)
	}
	return ok(name, found)
}
