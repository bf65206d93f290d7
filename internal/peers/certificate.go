package peers

import "github.com/keyhatch/keyhatch/internal/certificate"

// certificate makes a certificate and its key, and returns the path of the
// authority that clients must trust. The names are those of the files, below the
// site's directory.
func (s *site) certificate(public, private string) (string, error) {
	f := certificate.Files{Authority: s.path("authority.pem"), Certificate: s.path(public), Key: s.path(private)}
	return f.Authority, certificate.Loopback(s.name, f)
}
