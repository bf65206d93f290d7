package s3buckets_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

const canary = "canary0secret"

// answering answers requests in turn, and the last answer for good.
type answering struct {
	answers []string // "404 NoSuchBucket", or "200 " and a body
	seen    []string // method, path and query
	bodies  []string
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}
	a.seen, a.bodies = append(a.seen, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery), append(a.bodies, body)
	said := a.answers[0]
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	status, text, _ := strings.Cut(said, " ")
	code := map[string]int{"200": 200, "301": 301, "403": 403, "404": 404, "409": 409, "500": 500, "503": 503}[status]
	if code != 200 {
		text = "<Error><Code>" + text + "</Code><Message>" + canary + "</Message></Error>"
	}
	return &http.Response{
		StatusCode: code, Header: http.Header{"Content-Type": {"application/xml"}, "Date": {"Mon, 06 Jul 2026 10:00:00 GMT"}, "Location": {"http://elsewhere.example/"}},
		Body: io.NopCloser(strings.NewReader(text)), Request: r,
	}, nil
}

var (
	aws   = keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
	other = keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Region: "lab"}
)

const (
	empty   = "200 <ListBucketResult></ListBucketResult>"
	full    = "200 <ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"
	noParts = "200 <ListMultipartUploadsResult></ListMultipartUploadsResult>"
)

// TestRegion: AWS is told the region that a bucket is made in, and others are not.
func TestRegion(t *testing.T) {
	for _, tc := range []struct {
		store keyhatch.Store
		want  string
	}{
		{aws, "<LocationConstraint>eu-west-1</LocationConstraint>"},
		{keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.us-east-1.amazonaws.com", Region: "us-east-1"}, ""},
		{other, ""},
	} {
		a := &answering{answers: []string{"200 ", empty, noParts}}
		if err := keeperOf("id", canary, a).Create(t.Context(), tc.store, "abc", "2026-07-06T10:00:00Z"); err != nil {
			t.Fatal(err)
		}
		if got := a.bodies[0]; tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s is told %q", tc.store.Endpoint, got)
		}
	}
}

// TestGoodAnswerOfAnother: a store that answers well to a second create has said nothing of
// whose the bucket is.
func TestGoodAnswerOfAnother(t *testing.T) {
	a := &answering{answers: []string{"200 ", full}}
	err := keeperOf("id", canary, a).Create(t.Context(), aws, "abc", "2026-07-06T10:00:00Z")
	wantError(t, "one with something in it", err, keyhatch.Conflict, keyhatch.CodeBucketExists)
}

// TestMade: ours was made after the name was seen to be free, and not long after, by the
// store's clock.
func TestMade(t *testing.T) {
	for at, want := range map[string]bool{
		"2026-07-06T09:59:58.000Z": false,
		"2026-07-06T10:00:00.000Z": true,
		"2026-07-06T10:00:20.000Z": true,
		"2026-07-06T10:00:31.000Z": false,
		"2026-07-07T10:00:00.000Z": false,
	} {
		list := "200 <ListAllMyBucketsResult><Buckets><Bucket><Name>abc</Name><CreationDate>" + at + "</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"
		k := keeperOf("id", canary, &answering{answers: []string{list, empty, noParts}})
		if made, err := k.Made(t.Context(), aws, "abc", "2026-07-06T10:00:00Z"); err != nil || made != want {
			t.Errorf("made at %s it is ours: %t, %v", at, made, err)
		}
		k = keeperOf("id", canary, &answering{answers: []string{list, full}})
		if made, err := k.Made(t.Context(), aws, "abc", "2026-07-06T10:00:00Z"); err != nil || made {
			t.Errorf("with something in it, it is ours: %t, %v", made, err)
		}
	}
	k := keeperOf("id", canary, &answering{answers: []string{"200 <ListAllMyBucketsResult/>"}})
	if made, err := k.Made(t.Context(), aws, "abc", "2026-07-06T10:00:00Z"); err != nil || made {
		t.Errorf("another account's is ours: %t, %v", made, err)
	}
	proof, err := keeperOf("id", canary, &answering{answers: []string{"404 NoSuchBucket"}}).Absent(t.Context(), aws, "abc", "")
	if err != nil || proof != "2026-07-06T10:00:00Z" {
		t.Errorf("the proof is %q, %v: not the store's time", proof, err)
	}
}

// TestDeleteOfAnother: a bucket of the name that was made at another time, or that is in
// another account, is not asked to be deleted.
func TestDeleteOfAnother(t *testing.T) {
	const theirs = "200 <ListAllMyBucketsResult/>"
	list := func(at string) string {
		return "200 <ListAllMyBucketsResult><Buckets><Bucket><Name>abc</Name><CreationDate>" + at + "</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"
	}
	for what, tc := range map[string]struct {
		before, then string
		deleted      bool
	}{
		"the same":                   {list("2026-07-06T10:00:00.123Z"), list("2026-07-06T10:00:00.123Z"), true},
		"one made later":             {list("2026-07-06T10:00:00.123Z"), list("2026-07-06T10:00:00.124Z"), false},
		"another account's":          {theirs, theirs, true}, // which the store decides
		"one of another account now": {list("2026-07-06T10:00:00Z"), theirs, false},
		"one of ours now":            {theirs, list("2026-07-06T10:00:00Z"), false},
	} {
		mark, err := keeperOf("id", canary, &answering{answers: []string{tc.before}}).Mark(t.Context(), aws, "abc")
		if err != nil || mark == "" {
			t.Fatalf("%s: the mark is %q, %v", what, mark, err)
		}
		a := &answering{answers: []string{empty, noParts, tc.then, "200 "}}
		err = keeperOf("id", canary, a).Delete(t.Context(), aws, "abc", mark)
		if asked := strings.HasPrefix(a.seen[len(a.seen)-1], "DELETE "); asked != tc.deleted || (err == nil) != tc.deleted || err != nil && !errors.Is(err, driver.ErrOtherBucket) {
			t.Errorf("%s: deleted %t, %v", what, asked, err)
		}
	}
}

// TestRefusals: what a store says is told in our words, and whether it may pass.
func TestRefusals(t *testing.T) {
	for said, want := range map[string]struct {
		kind keyhatch.Kind
		code keyhatch.Code
	}{
		"403 AccessDenied":                       {keyhatch.Conflict, keyhatch.CodeBucketExists},
		"301 PermanentRedirect":                  {keyhatch.Conflict, keyhatch.CodeBucketExists},
		"403 InvalidAccessKeyId":                 {keyhatch.Conflict, keyhatch.CodeStoreUnsupported},
		"403 SignatureDoesNotMatch":              {keyhatch.Conflict, keyhatch.CodeStoreUnsupported},
		"503 SlowDown":                           {keyhatch.Unavailable, keyhatch.CodeStoreSilent},
		"500 InternalError":                      {keyhatch.Unavailable, keyhatch.CodeStoreSilent},
		"500 " + strings.Repeat(canary+" ", 100): {keyhatch.Unavailable, keyhatch.CodeStoreSilent},
	} {
		a := &answering{answers: []string{said}}
		_, err := keeperOf("id", canary, a).Absent(t.Context(), aws, "abc", "")
		wantError(t, said, err, want.kind, want.code)
		if len(a.seen) != 1 {
			t.Errorf("%s: it was asked %d times", said, len(a.seen))
		}
	}
	for said, want := range map[string]keyhatch.Code{
		"409 BucketAlreadyOwnedByYou": keyhatch.CodeBucketExists, "409 BucketAlreadyExists": keyhatch.CodeBucketExists,
		"403 AccessDenied": keyhatch.CodeStoreUnsupported, "409 TooManyBuckets": keyhatch.CodeStoreUnsupported,
	} {
		err := keeperOf("id", canary, &answering{answers: []string{said}}).Create(t.Context(), aws, "abc", "2026-07-06T10:00:00Z")
		wantError(t, said, err, keyhatch.Conflict, want)
	}
}

func wantError(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
		return
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("%s: %v tells what the store said", what, err)
	}
}
