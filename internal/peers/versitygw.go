package peers

import (
	"crypto/rand"
	"testing"

	"github.com/keyhatch/keyhatch/internal/certificate"
)

// VersityGW is a store over a directory, with an IAM service. It has no STS.
func VersityGW(t testing.TB) Store {
	t.Helper()
	return versitygw.shared(t)
}

// VersityGWTLS is versitygw with a certificate that Store.CAFile lets clients
// trust.
func VersityGWTLS(t testing.TB) Store {
	t.Helper()
	return versitygwTLS.shared(t)
}

var versitygw, versitygwTLS = withoutAndWithTLS(
	"versitygw", "KEYHATCH_VERSITYGW", "versitygw", "certificate.pem", "key.pem", startVersityGW)

// startVersityGW starts the IAM service, and the S3 service that asks it.
func startVersityGW(s *site, c certificate.Files) (Store, error) {
	var tls []string
	if c.Certificate != "" {
		tls = []string{"--cert", c.Certificate, "--key", c.Key}
	}
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = FreeAddress(); err != nil {
			return Store{}, err
		}
	}
	store := Store{
		Endpoint: endpoint(addresses[0], c), IAM: endpoint(addresses[1], c),
		Region: "us-east-1", CAFile: c.Authority,
		AccessKeyID: rand.Text()[:20], SecretAccessKey: rand.Text(),
	}
	store.Keeper = [2]string{store.AccessKeyID, store.SecretAccessKey}
	folders := map[string]string{}
	// Metadata is kept beside the data: not every file system has attributes to
	// keep them in.
	for _, name := range []string{"iam", "data", "metadata"} {
		path, err := s.folder(name)
		if err != nil {
			return Store{}, err
		}
		folders[name] = path
	}
	socket := s.path("iam.sock")
	for _, process := range []struct {
		name string
		args []string
	}{
		{"iam", append([]string{"--port", addresses[1]}, append(tls, "iam", "--dir", folders["iam"], "--private-ports", socket)...)},
		{"versitygw", append(
			[]string{"--port", addresses[0], "--iam-standalone-endpoint", socket, "--iam-cache-disable"},
			append(tls, "posix", "--sidecar", folders["metadata"], folders["data"])...,
		)},
	} {
		cmd := s.command(s.program, process.args...)
		cmd.Env = append(cmd.Env, "ROOT_ACCESS_KEY="+store.AccessKeyID, "ROOT_SECRET_KEY="+store.SecretAccessKey)
		if err := s.start(process.name, cmd); err != nil {
			return Store{}, err
		}
		// The second would wait for seconds if it did not find the first.
		if err := s.awaitFile(socket); err != nil {
			return Store{}, err
		}
	}
	return store, nil
}
