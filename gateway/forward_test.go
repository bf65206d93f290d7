package gateway

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/sigv4"
)

// A store that answers early leaves a body that is still being read: to ask why
// it ended does not race with its end.
func TestBodyOutlivesItsAnswer(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest(http.MethodPut, "http://s3.test/bucket/key", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	keys := aws.Credentials{AccessKeyID: "KEY", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, "UNSIGNED-PAYLOAD", "s3", "local", time.Now()); err != nil {
		t.Fatal(err)
	}
	claim, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := claim.Verify("secret", sigv4.Endpoint{Service: "s3", Regions: []string{"local"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ended := &standing{interrupt: func() {}}
	ended.begin(func() error { return keyhatch.Forbidden }, func() {})
	defer ended.stop()
	body := &checkedBody{Body: verified, standing: ended}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.ReadAll(body) })
	for body.failure(false, true) == nil {
		time.Sleep(time.Millisecond)
	}
	reading.Wait()
}
