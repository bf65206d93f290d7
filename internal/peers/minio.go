package peers

import (
	"crypto/rand"
	"testing"
)

// MinIO is a store with STS, and with an API of its own for administrators.
func MinIO(t testing.TB) Store {
	t.Helper()
	return minio.shared(t)
}

// MinIOTLS is MinIO with a certificate that Store.CAFile lets clients trust.
func MinIOTLS(t testing.TB) Store {
	t.Helper()
	return minioTLS.shared(t)
}

var (
	minio = peer{
		name: "minio", variable: "KEYHATCH_MINIO", program: "MinIO",
		start: func(s *site) (Store, error) { return startMinIO(s, "") },
	}
	minioTLS = peer{
		name: "minio-tls", variable: "KEYHATCH_MINIO", program: "MinIO",
		start: func(s *site) (Store, error) {
			// The directory and the names of the files are what MinIO looks for.
			authority, err := s.certificate("certs/public.crt", "certs/private.key")
			if err != nil {
				return Store{}, err
			}
			return startMinIO(s, authority)
		},
	}
)

func startMinIO(s *site, authority string) (Store, error) {
	address, err := freePort()
	if err != nil {
		return Store{}, err
	}
	store := Store{
		Endpoint: endpoint(address, authority), Region: "us-east-1", CAFile: authority,
		AccessKeyID: rand.Text()[:20], SecretAccessKey: rand.Text(),
		Role: "arn:aws:iam:::role/any",
	}
	store.STS = store.Endpoint
	store.Admin = store.Endpoint + "/minio/admin"
	certs, err := s.folder("certs")
	if err != nil {
		return Store{}, err
	}
	data, err := s.folder("data")
	if err != nil {
		return Store{}, err
	}
	cmd := s.command(s.program, "server", "--address", address, "--certs-dir", certs, data)
	cmd.Env = append(cmd.Env,
		"MINIO_ROOT_USER="+store.AccessKeyID, "MINIO_ROOT_PASSWORD="+store.SecretAccessKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off",
	)
	return store, s.start("minio", cmd)
}

// endpoint is the URL of a service, whose scheme depends on whether an authority
// vouches for it.
func endpoint(address, authority string) string {
	if authority == "" {
		return "http://" + address
	}
	return "https://" + address
}
