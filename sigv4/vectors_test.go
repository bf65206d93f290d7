package sigv4_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/sigv4"
)

// vectors finds AWS's published test vectors. They are a reference beside the
// project: continuous integration always has them.
func vectors(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("KEYHATCH_SIGV4_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "sigv4-vectors")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("AWS's signature vectors are missing; set KEYHATCH_SIGV4_VECTORS to their directory")
		}
		t.Skip("left out: AWS's signature vectors are not here; set KEYHATCH_SIGV4_VECTORS to their directory")
	}
	return dir
}

// notForS3 is the vectors that S3 does not accept, and the code they get here.
// Most sign a normalised path, which S3 never does.
var notForS3 = map[string]string{
	"get-relative-normalized":            "SignatureDoesNotMatch",
	"get-relative-relative-normalized":   "SignatureDoesNotMatch",
	"get-slash-dot-slash-normalized":     "SignatureDoesNotMatch",
	"get-slash-normalized":               "SignatureDoesNotMatch",
	"get-slash-pointless-dot-normalized": "SignatureDoesNotMatch",
	"get-slashes-normalized":             "SignatureDoesNotMatch",
	"get-header-key-duplicate":           "InvalidArgument", // one header on several lines: see the package comment
	"get-header-value-order":             "InvalidArgument",
	"post-sts-header-after/header":       "AccessDenied",          // the token was added after signing
	"post-sts-header-after/query":        "SignatureDoesNotMatch", // likewise
}

func TestVectors(t *testing.T) {
	dir := vectors(t)
	contexts, err := filepath.Glob(filepath.Join(dir, "*", "context.json"))
	if err != nil || len(contexts) == 0 {
		t.Fatalf("no vectors in %s: %v", dir, err)
	}
	for _, path := range contexts {
		name := filepath.Base(filepath.Dir(path))
		for _, form := range []string{"header", "query"} {
			t.Run(name+"/"+form, func(t *testing.T) {
				want, listed := notForS3[name+"/"+form]
				if !listed {
					want = notForS3[name]
				}
				checkVector(t, filepath.Dir(path), form, want)
			})
		}
	}
}

func checkVector(t *testing.T, dir, form, want string) {
	var vector struct {
		Credentials struct {
			Secret string `json:"secret_access_key"`
			Key    string `json:"access_key_id"`
			Token  string `json:"token"`
		} `json:"credentials"`
		Region    string    `json:"region"`
		Service   string    `json:"service"`
		Timestamp time.Time `json:"timestamp"`
		Expires   int       `json:"expiration_in_seconds"`
	}
	raw, err := os.ReadFile(filepath.Join(dir, "context.json"))
	if err == nil {
		err = json.Unmarshal(raw, &vector)
	}
	if err != nil {
		t.Fatal(err)
	}
	signed, err := os.ReadFile(filepath.Join(dir, form+"-signed-request.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r := vectorRequest(t, signed)
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	at := sigv4.Endpoint{Service: vector.Service, Regions: []string{vector.Region}}
	claim, err := sigv4.ParseBody(r, content)
	if err == nil {
		var body *sigv4.Body
		if body, err = claim.Verify(vector.Credentials.Secret, at, vector.Timestamp); err == nil {
			_, err = io.Copy(io.Discard, body)
		}
	}
	wantCode(t, err, want)
	if want != "" {
		return
	}
	if claim.AccessKeyID != vector.Credentials.Key || claim.SessionToken != vector.Credentials.Token {
		t.Errorf("claim of %q with token %q", claim.AccessKeyID, claim.SessionToken)
	}
	if claim.Presigned != (form == "query") || claim.Presigned && claim.Expires != time.Duration(vector.Expires)*time.Second {
		t.Errorf("presigned %v for %v", claim.Presigned, claim.Expires)
	}
	_, err = claim.Verify(vector.Credentials.Secret+"x", at, vector.Timestamp)
	wantCode(t, err, "SignatureDoesNotMatch")
}

// vectorRequest reads a request of the vectors as a server would have got it:
// they have bare line ends, and blanks in the request target.
func vectorRequest(t *testing.T, signed []byte) *http.Request {
	t.Helper()
	head, body, _ := bytes.Cut(signed, []byte("\n\n"))
	line, headers, _ := strings.Cut(string(head), "\n")
	method, target, _ := strings.Cut(line, " ")
	target, isHTTP := strings.CutSuffix(target, " HTTP/1.1")
	if !isHTTP {
		t.Fatalf("request line %q", line)
	}
	wire := method + " " + strings.ReplaceAll(target, " ", "%20") + " HTTP/1.1\n" + strings.TrimRight(headers, "\n") + "\n\n" + string(body)
	return readRequest(t, []byte(strings.ReplaceAll(wire, "\n", "\r\n")))
}
