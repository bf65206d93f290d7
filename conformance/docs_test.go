package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// docs/s3.md shows how a store is put behind the endpoint. It is run here, line by
// line, with each of the stores in the place of Amazon's: what it prints must be
// what the document says it does, and the lease at its end must open what it is for.
func TestStoreBehindAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/s3.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range upstreams {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			store := k.peer(t)
			bucket, client := store.Bucket(t), store.Client(t)
			for _, key := range []string{"2026/m31.fits", "2025/m31.fits"} {
				if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(key), Body: strings.NewReader(key)}); err != nil {
					t.Fatal(err)
				}
			}
			path, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			s, err := devserver.Serve(t.Context(), devserver.Installation{Binary: path, OutboundNetworks: loopback})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}()

			ours := string(text)
			for _, r := range [][2]string{
				{"http://127.0.0.1:8750", s.API},
				{"AKIA…", store.AccessKeyID},
				{`"secret_access_key": "…"`, `"secret_access_key": "` + store.SecretAccessKey + `"`},
				{"https://s3.eu-central-1.amazonaws.com", store.Endpoint},
				{`"region": "eu-central-1"`, `"region": "` + store.Region + `"`},
				{"sky-survey", bucket},
			} {
				if !strings.Contains(ours, r[0]) {
					t.Fatalf("%s is not in the document", r[0])
				}
				ours = strings.ReplaceAll(ours, r[0], r[1])
			}
			session := steps(ours)
			if len(session) < 8 || !strings.HasPrefix(session[len(session)-1].command, "api 'leases") {
				t.Fatalf("the session has %d steps", len(session))
			}
			env := append(os.Environ(), "TOKEN="+s.Token, "LC_ALL=C.UTF-8")
			printed := shell(t, t.TempDir(), env, session)
			shown := steps(string(text))
			for i, out := range printed {
				session[i].command = shown[i].command // without the store's keys
				session[i].compare(t, "docs/s3.md", out)
			}

			var l devserver.Lease
			if err := json.Unmarshal([]byte(printed[len(printed)-1]), &l); err != nil {
				t.Fatal(err)
			}
			sdk, file := newGoSDK(t, bucket), filepath.Join(t.TempDir(), "download")
			sdk.get(l, "2026/m31.fits", file).must(t)
			mustHave(t, file, []byte("2026/m31.fits"))
			sdk.get(l, "2025/m31.fits", file).mustBeRefused(t, sdk.refusal(opGet, "AccessDenied"))
			sdk.put(l, file, "2026/m31.fits").mustBeRefused(t, regexp.MustCompile("AccessDenied"))
		})
	}
}
