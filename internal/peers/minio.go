package peers

import (
	"crypto/rand"
	"testing"

	"github.com/keyhatch/keyhatch/internal/certificate"
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

// The directory and the names of the files are what MinIO looks for.
var minio, minioTLS = withoutAndWithTLS(
	"minio", "KEYHATCH_MINIO", "MinIO", "certs/public.crt", "certs/private.key", startMinIO)

func startMinIO(s *site, c certificate.Files) (Store, error) {
	address, err := FreeAddress()
	if err != nil {
		return Store{}, err
	}
	store := Store{
		Endpoint: endpoint(address, c), Region: "us-east-1", CAFile: c.Authority,
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
