package deliver_test

import (
	"os"
	"strings"
	"testing"
)

// variables make a tool look past the lease: each of them had it use other keys, none
// at all, or another place.
var variables = []struct {
	tool, program string // the variable that tells where its program is
	script        string // prints "read" when it has read what only the lease opens
	against       []string
}{
	{"s3fs", "KEYHATCH_S3FS_PYTHON", `
import s3fs
s3fs.S3FileSystem().cat("demo/alpha/README.txt")
print("read")
`, []string{
		"FSSPEC_S3_ANON=true", "FSSPEC_S3_KEY=AKIAOTHER", "FSSPEC_S3_SECRET=other", "FSSPEC_S3_TOKEN=other", "FSSPEC_S3_PROFILE=other",
		"FSSPEC_S3_ENDPOINT_URL=http://127.0.0.1:1", `FSSPEC_S3_CLIENT_KWARGS={"endpoint_url":"http://127.0.0.1:1"}`,
		`FSSPEC_S3_CONFIG_KWARGS={"signature_version":"s3"}`, `FSSPEC_S3={"anon":true}`,
		"FSSPEC_S3_USERNAME=AKIAOTHER", "FSSPEC_S3_PASSWORD=other", "FSSPEC_S3A_ANON=true", "FSSPEC_s3_anon=true",
	}},
	{"GDAL", "KEYHATCH_S3FS_PYTHON", `
import rasterio
rasterio.open("/vsis3/demo/alpha/map.png").close()
print("read")
`, []string{"AWS_NO_SIGN_REQUEST=YES", "CPL_AWS_CREDENTIALS_FILE=KEYS"}},
	{"obstore", "KEYHATCH_PYTHON", `
import obstore
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store
store = S3Store("demo", credential_provider=Boto3CredentialProvider(), client_options={"allow_http": True})
obstore.get(store, "alpha/README.txt").bytes()
print("read")
`, []string{"AWS_SKIP_SIGNATURE=true", "AWS_ENDPOINT=http://127.0.0.1:1", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true"}},
	{"rclone", "KEYHATCH_RCLONE", "", []string{
		"RCLONE_S3_V2_AUTH=true", "RCLONE_S3_SHARED_CREDENTIALS_FILE=KEYS", "RCLONE_S3_FORCE_PATH_STYLE=false",
		"RCLONE_S3_USE_ACCELERATE_ENDPOINT=true",
	}},
}

// Tools use the lease, whatever of their own the environment tells them.
func TestVariablesOfTools(t *testing.T) {
	keys := t.TempDir() + "/keys"
	if err := os.WriteFile(keys, []byte("[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range variables {
		t.Run(v.tool, func(t *testing.T) {
			program := clientProgram(t, v.program, v.tool)
			c := realCall(t)
			c.Program = []string{program, "-c", v.script}
			want := "read"
			if v.tool == "rclone" {
				c.Program = []string{program, "--retries", "1", "lsf", ":s3:demo/alpha/"}
				want = "README.txt"
			}
			var env []string
			for _, a := range v.against {
				env = append(env, strings.ReplaceAll(a, "KEYS", keys))
			}
			if out := clientRun(t, t.TempDir(), env, os.Args[0], "run", c.String()); !strings.Contains(out, want) {
				t.Errorf("it says %q", out)
			}
		})
	}
}
