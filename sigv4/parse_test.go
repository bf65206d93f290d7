package sigv4_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyhatch/keyhatch/sigv4"
)

func TestParse(t *testing.T) {
	id := tester()
	id.token = "session"
	for name, test := range map[string]struct {
		r    *http.Request
		want sigv4.Claim
	}{
		"header": {editable(t, id), sigv4.Claim{
			AccessKeyID: testKey, SessionToken: "session", Date: "20260304", Region: testRegion, Service: "s3",
			SignedAt: testTime, Payload: sigv4.PayloadHashed,
		}},
		"presigned": {editablePresigned(t, id), sigv4.Claim{
			AccessKeyID: testKey, SessionToken: "session", Date: "20260304", Region: testRegion, Service: "s3",
			SignedAt: testTime, Payload: sigv4.PayloadUnsigned, Presigned: true, Expires: time.Hour,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sigv4.Parse(test.r)
			wantCode(t, err, "")
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreUnexported(sigv4.Claim{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLongTokens(t *testing.T) {
	for length, want := range map[int]string{8192: "", 8193: "InvalidToken"} {
		id := tester()
		id.token = strings.Repeat("t", length)
		_, _, err := accept(editable(t, id), testTime)
		wantCode(t, err, want)
		_, _, err = accept(editablePresigned(t, id), testTime)
		wantCode(t, err, want)
	}
}

// A presigned request can pin its body, by a header or by a parameter.
func TestPresignedHash(t *testing.T) {
	const content = "content"
	for name, change := range map[string]func(*http.Request){
		"parameter": func(r *http.Request) { setParam(r, "X-Amz-Content-Sha256", hashHex([]byte(content))) },
		"header":    setHeader("X-Amz-Content-Sha256", hashHex([]byte(content))),
	} {
		t.Run(name, func(t *testing.T) {
			for body, want := range map[string]string{content: "", "Content": "XAmzContentSHA256Mismatch"} {
				r := newRequest(t, "PUT", "/bucket/key", []byte(content))
				change(r)
				r = received(t, tester().presign(t, r, hashHex([]byte(content)), time.Minute))
				r.Body = io.NopCloser(strings.NewReader(body))
				_, _, err := accept(r, testTime)
				wantCode(t, err, want)
			}
		})
	}
}

// Security token services sign the body's hash without naming it.
func TestParseBody(t *testing.T) {
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	id := tester()
	id.service = "sts"
	at := sigv4.Endpoint{Service: "sts", Regions: []string{testRegion}}
	sign := func(named string) *http.Request {
		r := newRequest(t, "POST", "/", []byte(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r = id.sign(t, r, hashHex([]byte(form)))
		if named == "" {
			r.Header.Del("Authorization")
			r.Header.Del("X-Amz-Content-Sha256")
			canonical := "POST\n/\n\nhost:" + testHost + "\nx-amz-date:20260304T050607Z\n\nhost;x-amz-date\n" + hashHex([]byte(form))
			s := chunkSigner{id: id}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/"+s.scope()+", SignedHeaders=host;x-amz-date, Signature="+
				s.hmac("AWS4-HMAC-SHA256\n20260304T050607Z\n"+s.scope()+"\n"+hashHex([]byte(canonical))))
		} else {
			r.Header.Set("X-Amz-Content-Sha256", named)
		}
		return received(t, r)
	}
	for name, test := range map[string]struct{ named, body, want string }{
		"not named":             {"", form, ""},
		"named":                 {hashHex([]byte(form)), form, ""},
		"not named, other body": {"", form + "&x=y", "SignatureDoesNotMatch"},
		"named, other body":     {hashHex([]byte(form)), form + "&x=y", "XAmzContentSHA256Mismatch"},
		"named unsigned":        {unsigned, form, "XAmzContentSHA256Mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			claim, err := sigv4.ParseBody(sign(test.named), []byte(test.body))
			var content []byte
			if err == nil {
				var body *sigv4.Body
				if body, err = claim.Verify(testSecret, at, testTime); err == nil {
					content, err = io.ReadAll(body)
				}
			}
			wantCode(t, err, test.want)
			if test.want == "" && string(content) != form {
				t.Errorf("body %q", content)
			}
		})
	}
	claim, err := sigv4.ParseBody(sign(""), []byte(form))
	wantCode(t, err, "")
	_, err = claim.Verify(testSecret, testAt, testTime)
	wantCode(t, err, "AuthorizationHeaderMalformed")
}

func TestPayloadNames(t *testing.T) {
	for payload, want := range map[sigv4.Payload]string{
		sigv4.PayloadHashed: "SHA-256", sigv4.PayloadUnsigned: unsigned, sigv4.ChunksSigned: streamSigned,
		sigv4.ChunksSignedTrailer: streamTrailed, sigv4.ChunksUnsignedTrailer: streamUnsigned, 0: "Payload(0)",
	} {
		if got := payload.String(); got != want {
			t.Errorf("%d is %s, want %s", int(payload), got, want)
		}
		if got := payload.Chunked(); got != strings.HasPrefix(want, "STREAMING") {
			t.Errorf("%s chunked: %v", want, got)
		}
	}
}
