package peers

import "github.com/keyhatch/keyhatch/internal/certificate"

// withoutAndWithTLS are two stores of a kind, of which the second has a certificate.
// Public and private are the names of its files, below the site's directory.
func withoutAndWithTLS(name, variable, program, public, private string, start func(*site, certificate.Files) (Store, error)) (plain, secured *peer) {
	plain, secured = &peer{name: name, variable: variable, program: program}, &peer{name: name + "-tls", variable: variable, program: program}
	plain.start = func(s *site) (Store, error) { return start(s, certificate.Files{}) }
	secured.start = func(s *site) (Store, error) {
		f := certificate.Files{Authority: s.path("authority.pem"), Certificate: s.path(public), Key: s.path(private)}
		if err := certificate.Loopback(s.name, f); err != nil {
			return Store{}, err
		}
		return start(s, f)
	}
	return plain, secured
}

// endpoint is the URL of a service, whose scheme depends on whether there is a
// certificate.
func endpoint(address string, c certificate.Files) string {
	if c.Certificate == "" {
		return "http://" + address
	}
	return "https://" + address
}
