package drivertest

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// presignRows are about what is signed now and sent by somebody else: URLs and
// web forms.
var presignRows = []row{
	{name: "presign inside", lease: reading("a/"), try: fetch(http.MethodGet, presigned("a/in.txt")), want: allowed},
	{name: "presign put inside", lease: writing("a/"), try: fetch(http.MethodPut, presignedPut("a/new.txt")), want: allowed, changes: []string{"+a/new.txt"}},
	{name: "presign outside", lease: reading("a/"), try: fetch(http.MethodGet, presigned("b/out.txt")), want: denied},
	{name: "presign at the prefix edge", lease: reading("a/"), try: fetch(http.MethodGet, presigned("ab/out.txt")), want: denied},
	{name: "presign in another bucket", lease: reading("a/"), try: fetch(http.MethodGet, presigned("other:a/in.txt")), want: denied},
	{name: "presign put outside", lease: writing("a/"), try: fetch(http.MethodPut, presignedPut("b/new.txt")), want: denied},
	{name: "presign put with a read lease", lease: reading("a/"), try: fetch(http.MethodPut, presignedPut("a/new.txt")), want: denied},
	{name: "presign inside, changed to a key outside", lease: reading("a/"), try: fetch(http.MethodGet, changed("/a/in.txt", "/b/out.txt")), want: refused},
	{name: "presign inside, changed to another key inside", lease: reading("a/"), try: fetch(http.MethodGet, changed("/a/in.txt", "/a/sub/deep.txt")), want: refused},
	{name: "presign inside, changed to last longer", lease: reading("a/"), try: fetch(http.MethodGet, changed("X-Amz-Expires=60", "X-Amz-Expires=600")), want: refused},
	{name: "presign inside, used to delete", lease: writing("a/"), try: fetch(http.MethodDelete, presigned("a/in.txt")), want: refused},
	{name: "presign inside, used to put", lease: writing("a/"), try: fetch(http.MethodPut, presigned("a/in.txt")), want: refused},
	{name: "presign without the session token", lease: reading("a/"), try: with(noToken, fetch(http.MethodGet, presigned("a/in.txt"))), want: refused},
	{name: "presign, past its time", lease: reading("a/"), try: fetch(http.MethodGet, stale("a/in.txt")), want: refused},
	{name: "a form that uploads outside", lease: writing("a/"), try: form("b/planted.txt"), want: refused},
	{name: "a form that uploads at the prefix edge", lease: writing("a/"), try: form("ab/planted.txt"), want: refused},
	{name: "a form with a read lease", lease: reading("a/"), try: form("a/planted.txt"), want: refused},
}

// address makes the URL that an attempt fetches.
type address func(*visit) (string, error)

// bare is the URL of an object, which anybody could write.
func bare(name string) address {
	return func(v *visit) (string, error) {
		p := v.at(name)
		return url.JoinPath(v.lent.Endpoint, p.bucket, p.key)
	}
}

func presigned(name string) address {
	return func(v *visit) (string, error) {
		p := v.at(name)
		out, err := s3.NewPresignClient(v.client()).PresignGetObject(v, &s3.GetObjectInput{Bucket: &p.bucket, Key: &p.key}, s3.WithPresignExpires(time.Minute))
		if err != nil {
			return "", err
		}
		return out.URL, nil
	}
}

func presignedPut(name string) address {
	return func(v *visit) (string, error) {
		p := v.at(name)
		out, err := s3.NewPresignClient(v.client()).PresignPutObject(v, &s3.PutObjectInput{Bucket: &p.bucket, Key: &p.key})
		if err != nil {
			return "", err
		}
		return out.URL, nil
	}
}

// changed is a presigned URL of a/in.txt with something in it changed.
func changed(from, to string) address {
	return func(v *visit) (string, error) {
		u, err := presigned("a/in.txt")(v)
		if err == nil && !strings.Contains(u, from) {
			return "", wrong("there is no %s in the URL to change", from)
		}
		return strings.Replace(u, from, to, 1), err
	}
}

// stale is a presigned URL whose time has passed.
func stale(name string) address {
	return func(v *visit) (string, error) {
		q, err := v.request(http.MethodGet, bare(name))
		if err != nil {
			return "", err
		}
		q.URL.RawQuery = "X-Amz-Expires=60"
		u, _, err := v4.NewSigner(singlyEscaped).PresignHTTP(v, v.keys(), q, "UNSIGNED-PAYLOAD", "s3", v.lent.Region, time.Now().Add(-5*time.Minute))
		return u, err
	}
}

// form uploads as a web page does, with a policy that was signed for the key.
func form(name string) attempt {
	return func(v *visit) error {
		p := v.at(name)
		made, err := s3.NewPresignClient(v.client()).PresignPostObject(v, &s3.PutObjectInput{Bucket: &p.bucket, Key: &p.key})
		if err != nil {
			return wrong("sign a form: %v", err)
		}
		var body bytes.Buffer
		fields := multipart.NewWriter(&body)
		for field, value := range made.Values {
			fields.WriteField(field, value) // a buffer takes everything
		}
		file, _ := fields.CreateFormFile("file", "planted.txt")
		io.WriteString(file, "planted")
		fields.Close()
		q, err := http.NewRequestWithContext(v, http.MethodPost, made.URL, &body)
		if err != nil {
			return err
		}
		q.Header.Set("Content-Type", fields.FormDataContentType())
		return v.send(q)
	}
}
