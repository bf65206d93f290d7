package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/keyhatch/keyhatch/api"
)

// lease borrows with the admin's token.
func (r *running) lease(access string, prefixes ...string) api.Lent {
	r.t.Helper()
	lent, err := r.asAdmin().CreateLease(r.t.Context(), api.LeaseRequest{Location: "alpha", Access: access, Prefixes: prefixes})
	if err != nil {
		r.t.Fatal(err)
	}
	return lent
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func keys(list *s3.ListObjectsV2Output) []string {
	var out []string
	for _, o := range list.Contents {
		out = append(out, *o.Key)
	}
	return out
}

// A write lease does what an SDK does with objects.
func TestObjectsThroughTheEndpoint(t *testing.T) {
	r := start(t)
	c, ctx := s3Client(r.lease("write")), t.Context()
	demo := aws.String("demo")

	body := bytes.Repeat([]byte("0123456789"), 30_000)
	put, err := c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: demo, Key: aws.String("alpha/new/a b+ü.bin"), Body: bytes.NewReader(body), ACL: types.ObjectCannedACLPrivate,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		ContentType:       aws.String("application/x-test"), Metadata: map[string]string{"colour": "red"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if put.ChecksumCRC32 == nil {
		t.Error("the checksum that the SDK sent is not repeated")
	}
	if got := r.file("alpha/new/a b+ü.bin"); got != string(body) {
		t.Errorf("the file has %d bytes that are not those sent", len(got))
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: demo, Key: aws.String("alpha/new/a b+ü.bin"), Range: aws.String("bytes=10-14")})
	if err != nil {
		t.Fatal(err)
	}
	part, _ := io.ReadAll(got.Body)
	if string(part) != "01234" || *got.ContentRange != fmt.Sprintf("bytes 10-14/%d", len(body)) || *got.ContentType != "application/x-test" || got.Metadata["colour"] != "red" {
		t.Errorf("range: %q %q %q %v", part, *got.ContentRange, *got.ContentType, got.Metadata)
	}
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: demo, Key: aws.String("alpha/new/a b+ü.bin")})
	if err != nil || *head.ContentLength != int64(len(body)) || *head.ETag != *put.ETag {
		t.Errorf("head: %v %v", head, err)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: demo, Key: aws.String("alpha/new/a b+ü.bin"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	if code(err) != "PreconditionFailed" {
		t.Errorf("a conditional put over an object: %v", err)
	}

	list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: demo, Prefix: aws.String("alpha/"), Delimiter: aws.String("/")})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"alpha/README.txt", "alpha/levels.csv", "alpha/map.png"}; !slices.Equal(keys(list), want) || len(list.CommonPrefixes) != 1 || *list.CommonPrefixes[0].Prefix != "alpha/new/" {
		t.Errorf("list: %v %v", keys(list), list.CommonPrefixes)
	}
	var paged []string
	for pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: demo, Prefix: aws.String("alpha/"), MaxKeys: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, keys(page)...)
	}
	if len(paged) != 4 {
		t.Errorf("paged: %v", paged)
	}
	old, err := c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: demo, Prefix: aws.String("alpha/"), Marker: aws.String("alpha/README.txt")})
	if err != nil || len(old.Contents) != 3 {
		t.Errorf("list of version 1: %v %v", old, err)
	}

	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: demo, Key: aws.String("alpha/new/a b+ü.bin")}); err != nil {
		t.Fatal(err)
	}
	if _, err := get(ctx, c, "alpha/new/a b+ü.bin"); code(err) != "NoSuchKey" {
		t.Errorf("after the delete: %v", err)
	}
	buckets, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "demo" {
		t.Errorf("buckets: %v %v", buckets, err)
	}
}

// S3: what lies beside a lease's prefix stays shut, and nothing changes there.
func TestS3_NothingBesideThePrefixOpens(t *testing.T) {
	r := start(t)
	ctx, demo := t.Context(), aws.String("demo")
	before := snapshot(t, filepath.Join(r.folder, "objects"))
	for _, lent := range []api.Lent{r.lease("write", "2024/"), r.lease("read", "2024"), r.lease("write", "s3://demo/alpha/2024/")} {
		c := s3Client(lent)
		for _, key := range []string{"alpha/README.txt", "alpha/2024x", "alpha/202", "alpha/2024", "beta/README.txt", "alpha-evil/README.txt", "ALPHA/2024/x"} {
			_, getErr := get(ctx, c, key)
			_, putErr := c.PutObject(ctx, &s3.PutObjectInput{Bucket: demo, Key: aws.String(key), Body: strings.NewReader("x")})
			_, deleteErr := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: demo, Key: aws.String(key)})
			for what, err := range map[string]error{"get": getErr, "put": putErr, "delete": deleteErr} {
				if code(err) != "AccessDenied" {
					t.Errorf("%s lease, %s %s: %v", lent.Access, what, key, err)
				}
			}
		}
		for _, prefix := range []string{"", "a", "alpha", "alpha/", "alpha/2024", "alpha/2024x/", "beta/"} {
			if _, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: demo, Prefix: aws.String(prefix)}); code(err) != "AccessDenied" {
				t.Errorf("%s lease, list %q: %v", lent.Access, prefix, err)
			}
		}
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("other-bucket"), Prefix: aws.String("alpha/2024/")})
		if code(err) != "AccessDenied" || !strings.Contains(err.Error(), "s3://demo/alpha/2024/") {
			t.Errorf("another bucket: %v, want a word on what would work", err)
		}
	}
	if after := snapshot(t, filepath.Join(r.folder, "objects")); after != before {
		t.Errorf("the store changed:\n%s\nwas\n%s", after, before)
	}
}

// snapshot is every file of a folder with its content.
func snapshot(t *testing.T, folder string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "/.keyhatch/") {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %x\n", strings.TrimPrefix(path, folder), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// S7: whatever a lease rests on, its end ends the lease with the next request,
// and giving the same right again does not bring it back.
func TestS7_RevocationHoldsAtOnce(t *testing.T) {
	r := start(t)
	admin, ctx := r.admin.Reveal(), t.Context()
	u, secret := r.user("borrower")
	must[api.WorkspaceMember](r, admin, "PUT", "/api/v1/workspaces/demo/members/borrower", `{"role":"member"}`)
	group := must[api.Group](r, admin, "POST", "/api/v1/groups", `{"name":"readers"}`)
	join := func() { must[api.GroupMember](r, admin, "PUT", "/api/v1/groups/"+group.ID+"/members/borrower", "") }
	join()
	grant := func(to string) api.Grant {
		return must[api.Grant](r, admin, "POST", "/api/v1/grants", `{"location":"alpha","access":"write",`+to+`}`)
	}
	byGroup := grant(`"to":"group","subject":"readers"`)
	var byUser api.Grant

	for _, test := range []struct {
		name       string
		end, again func()
	}{
		{
			"user deactivated",
			func() { must[api.User](r, admin, "PATCH", "/api/v1/users/borrower", `{"active":false}`) },
			func() { must[api.User](r, admin, "PATCH", "/api/v1/users/borrower", `{"active":true}`) },
		},
		{
			"out of the group",
			func() { must[struct{}](r, admin, "DELETE", "/api/v1/groups/"+group.ID+"/members/"+u.ID, "") }, join,
		},
		{
			"out of the workspace",
			func() { must[struct{}](r, admin, "DELETE", "/api/v1/workspaces/demo/members/borrower", "") },
			func() {
				must[api.WorkspaceMember](r, admin, "PUT", "/api/v1/workspaces/demo/members/borrower", `{"role":"member"}`)
				join()
			},
		},
		{
			"grant narrowed",
			func() { must[api.Grant](r, admin, "PATCH", "/api/v1/grants/"+byGroup.ID, `{"access":"read"}`) },
			func() { must[api.Grant](r, admin, "PATCH", "/api/v1/grants/"+byGroup.ID, `{"access":"write"}`) },
		},
		{
			"grant taken",
			func() { must[struct{}](r, admin, "DELETE", "/api/v1/grants/"+byGroup.ID, "") },
			func() { byUser = grant(`"to":"user","subject":"borrower"`) },
		},
		{
			"location removed",
			func() { must[struct{}](r, admin, "DELETE", "/api/v1/locations/alpha", "") },
			func() {
				must[api.Location](r, admin, "POST", "/api/v1/locations", `{"name":"alpha","url":"s3://demo/alpha/"}`)
				byUser = grant(`"to":"everyone"`)
			},
		},
	} {
		lent, err := r.client(secret).CreateLease(ctx, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "write"})
		if err != nil {
			// A lease needs a workspace to be implied, which the member has.
			t.Fatalf("%s: %v", test.name, err)
		}
		c := s3Client(lent)
		if _, err := get(ctx, c, "alpha/README.txt"); err != nil {
			t.Fatalf("%s: before: %v", test.name, err)
		}
		test.end()
		if _, err := get(ctx, c, "alpha/README.txt"); code(err) != "AccessDenied" {
			t.Errorf("%s: the lease still opens: %v", test.name, err)
		}
		test.again()
		if _, err := get(ctx, c, "alpha/README.txt"); code(err) != "AccessDenied" {
			t.Errorf("%s: the lease opens again: %v", test.name, err)
		}
	}
	if byUser.To != "everyone" {
		t.Errorf("the last grant is to %q", byUser.To)
	}
}

// A locked location closes for writing at once, stays open for reading, and what
// was lent before does not write again when it is unlocked.
func TestS7_LockClosesWriting(t *testing.T) {
	r := start(t)
	admin, ctx, demo := r.admin.Reveal(), t.Context(), aws.String("demo")
	c := s3Client(r.lease("write"))
	put := func() error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: demo, Key: aws.String("alpha/x"), Body: strings.NewReader("x")})
		return err
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	must[api.Location](r, admin, "PATCH", "/api/v1/locations/alpha", `{"locked":true}`)
	if err := put(); code(err) != "AccessDenied" {
		t.Errorf("write while locked: %v", err)
	}
	if _, err := get(ctx, c, "alpha/x"); err != nil {
		t.Errorf("read while locked: %v", err)
	}
	if p := r.call(admin, "POST", "/api/v1/leases", `{"location":"alpha","access":"write"}`).problem(t); p.Code != "location_locked" {
		t.Errorf("a write lease while locked: %+v", p)
	}
	must[api.Location](r, admin, "PATCH", "/api/v1/locations/alpha", `{"locked":false}`)
	if err := put(); code(err) != "AccessDenied" {
		t.Errorf("write after the lock with the old lease: %v", err)
	}
}

// An upload under way when its lease is revoked is not published.
func TestS7_RevokedWhileUploading(t *testing.T) {
	r := start(t)
	lent := r.lease("write")
	reader, writer := io.Pipe()
	q, err := http.NewRequest(http.MethodPut, lent.Endpoint+"/demo/alpha/slow.bin", reader)
	if err != nil {
		t.Fatal(err)
	}
	q.ContentLength = 8
	sign(t, q, lent, "UNSIGNED-PAYLOAD")
	answers := make(chan string, 1)
	go func() {
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		answers <- fmt.Sprint(answer.StatusCode, " ", string(text))
	}()
	if _, err := writer.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := r.asAdmin().RevokeLease(t.Context(), lent.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if got := <-answers; !strings.HasPrefix(got, "403 ") || !strings.Contains(got, "AccessDenied") {
		t.Errorf("answer %q", got)
	}
	if _, err := os.Stat(filepath.Join(r.folder, "objects/local/demo/alpha/slow.bin")); err == nil {
		t.Error("the object was published")
	}
}

func sign(t *testing.T, q *http.Request, lent api.Lent, payload string) {
	t.Helper()
	q.Header.Set("X-Amz-Content-Sha256", payload)
	err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(t.Context(), aws.Credentials{
		AccessKeyID: lent.AccessKeyID, SecretAccessKey: lent.SecretAccessKey, SessionToken: lent.SessionToken,
	}, q, payload, "s3", lent.Region, time.Now())
	if err != nil {
		t.Fatal(err)
	}
}

// A body that is not the one that was signed is not published.
func TestWrongBodyIsNotPublished(t *testing.T) {
	r := start(t)
	lent := r.lease("write")
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	q, err := http.NewRequest(http.MethodPut, lent.Endpoint+"/demo/alpha/wrong.txt", strings.NewReader("not empty"))
	if err != nil {
		t.Fatal(err)
	}
	sign(t, q, lent, emptyHash)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != 400 || !strings.Contains(string(text), "<Code>XAmzContentSHA256Mismatch</Code>") ||
		!strings.Contains(string(text), "<RequestId>"+answer.Header.Get("X-Amz-Request-Id")+"</RequestId>") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if _, err := os.Stat(filepath.Join(r.folder, "objects/local/demo/alpha/wrong.txt")); err == nil {
		t.Error("the object was published")
	}
}

// Who cannot sign, or signs with what is not ours, is refused in S3's words.
func TestStrangersAtTheEndpoint(t *testing.T) {
	r := start(t)
	lent := r.lease("read")
	other := r.lease("read")
	change := func(f func(*api.Lent)) api.Lent {
		l := lent
		f(&l)
		return l
	}
	for name, test := range map[string]struct {
		lent api.Lent
		code string
	}{
		"wrong secret":             {change(func(l *api.Lent) { l.SecretAccessKey = flip(l.SecretAccessKey) }), "SignatureDoesNotMatch"},
		"unknown key, no token":    {change(func(l *api.Lent) { l.AccessKeyID, l.SessionToken = "KHLE000000000000000", "" }), "SignatureDoesNotMatch"},
		"known key, no token":      {change(func(l *api.Lent) { l.SessionToken = "" }), "SignatureDoesNotMatch"},
		"tampered token":           {change(func(l *api.Lent) { l.SessionToken = flip(l.SessionToken) }), "AccessDenied"},
		"truncated token":          {change(func(l *api.Lent) { l.SessionToken = l.SessionToken[:len(l.SessionToken)/2] }), "AccessDenied"},
		"another lease's token":    {change(func(l *api.Lent) { l.SessionToken = other.SessionToken }), "AccessDenied"},
		"another lease's secret":   {change(func(l *api.Lent) { l.SecretAccessKey = other.SecretAccessKey }), "SignatureDoesNotMatch"},
		"wrong region":             {change(func(l *api.Lent) { l.Region = "eu-west-1" }), "AuthorizationHeaderMalformed"},
		"the token as its own key": {change(func(l *api.Lent) { l.SecretAccessKey = l.SessionToken }), "SignatureDoesNotMatch"},
	} {
		if _, err := get(t.Context(), s3Client(test.lent), "alpha/README.txt"); code(err) != test.code {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "HEAD"} {
		q, err := http.NewRequest(method, r.in.s3URL+"/demo/alpha/README.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("anonymous %s: %d", method, answer.StatusCode)
		}
	}
}

// S7: what was revoked stays so when the program is started again, and what was
// not goes on.
func TestS7_RevocationOutlivesARestart(t *testing.T) {
	r := start(t)
	ctx := t.Context()
	kept, ended := r.lease("read"), r.lease("read")
	if err := r.asAdmin().RevokeLease(ctx, ended.ID); err != nil {
		t.Fatal(err)
	}
	// A second program on the same database stands for the one after a restart;
	// the folder is served by one at a time, so only its answer is asked for.
	c := r.in.config
	c.API.Listen, c.S3.Listen = "127.0.0.1:0", "127.0.0.1:0"
	again, err := open(context.WithoutCancel(ctx), c, r.in.log)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, test := range []struct {
		lent api.Lent
		open bool
	}{{kept, true}, {ended, false}} {
		session, err := again.broker.Lending.OpenSession(test.lent.AccessKeyID, test.lent.SessionToken)
		if err != nil {
			t.Fatal(err)
		}
		set, _, err := again.broker.Lending.Standing(ctx, session.Lease)
		if open := err == nil && set.AllowsObject("read", "demo", "alpha/README.txt"); open != test.open {
			t.Errorf("lease %s opens: %v (%v), want %v", test.lent.ID, open, err, test.open)
		}
	}
}

// A client that signs by version 2, as boto3 presigns for us-east-1 unless it is
// told not to, is told so in S3's words, and what to set.
func TestSignatureVersion2(t *testing.T) {
	r := start(t)
	lent := r.lease("read")
	target := r.in.s3URL + "/demo/alpha/README.txt"
	old := url.Values{"AWSAccessKeyId": {lent.AccessKeyID}, "Signature": {"c2ln"}, "Expires": {"4102444800"}, "x-amz-security-token": {lent.SessionToken}}
	for target, authorization := range map[string]string{target: "AWS " + lent.AccessKeyID + ":c2ln", target + "?" + old.Encode(): ""} {
		q, err := http.NewRequest("GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			q.Header.Set("Authorization", authorization)
			q.Header.Set("X-Amz-Security-Token", lent.SessionToken)
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		for _, part := range []string{"<Code>InvalidRequest</Code>", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.", "signature_version = s3v4"} {
			if answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), part) {
				t.Errorf("%.60s: %d, not %q: %s", target, answer.StatusCode, part, text)
			}
		}
	}
}
