package matrix

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/driver/drivertest"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// presignRows are about what is signed now and sent by somebody else: URLs and
// web forms.
var presignRows = []drivertest.Row{
	{Name: "presign inside", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, presigned("a/in.txt")), Want: drivertest.Allowed},
	{Name: "presign put inside", Lease: drivertest.Writing("a/"), Try: fetch(http.MethodPut, presignedPut("a/new.txt")), Want: drivertest.Allowed, Changes: []string{"+a/new.txt"}},
	{Name: "presign outside", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, presigned("b/out.txt")), Want: drivertest.Denied},
	{Name: "presign at the prefix edge", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, presigned("ab/out.txt")), Want: drivertest.Denied},
	{Name: "presign in another bucket", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, presigned("other:a/in.txt")), Want: drivertest.Denied},
	{Name: "presign put outside", Lease: drivertest.Writing("a/"), Try: fetch(http.MethodPut, presignedPut("b/new.txt")), Want: drivertest.Denied},
	{Name: "presign put with a read lease", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodPut, presignedPut("a/new.txt")), Want: drivertest.Denied},
	{Name: "presign inside, changed to a key outside", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, changed("/a/in.txt", "/b/out.txt")), Want: drivertest.Refused},
	{Name: "presign inside, changed to another key inside", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, changed("/a/in.txt", "/a/sub/deep.txt")), Want: drivertest.Refused},
	{Name: "presign inside, changed to last longer", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, changed("X-Amz-Expires=60", "X-Amz-Expires=600")), Want: drivertest.Refused},
	{Name: "presign inside, used to delete", Lease: drivertest.Writing("a/"), Try: fetch(http.MethodDelete, presigned("a/in.txt")), Want: drivertest.Refused},
	{Name: "presign inside, used to put", Lease: drivertest.Writing("a/"), Try: fetch(http.MethodPut, presigned("a/in.txt")), Want: drivertest.Refused},
	{Name: "presign without the session token", Lease: drivertest.Reading("a/"), Try: with(noToken, fetch(http.MethodGet, presigned("a/in.txt"))), Want: drivertest.Refused},
	{Name: "presign, past its time", Lease: drivertest.Reading("a/"), Try: fetch(http.MethodGet, stale("a/in.txt")), Want: drivertest.Refused},
	{Name: "a form that uploads outside", Lease: drivertest.Writing("a/"), Try: form("b/planted.txt"), Want: drivertest.Refused},
	{Name: "a form that uploads at the prefix edge", Lease: drivertest.Writing("a/"), Try: form("ab/planted.txt"), Want: drivertest.Refused},
	{Name: "a form with a read lease", Lease: drivertest.Reading("a/"), Try: form("a/planted.txt"), Want: drivertest.Refused},
}

// bare is the URL of an object, which anybody could write.
func bare(name string) drivertest.Address {
	return func(v *drivertest.Visit) (string, error) {
		p := v.At(name)
		return url.JoinPath(v.Lent.Endpoint, p.Bucket, p.Key)
	}
}

func presigned(name string) drivertest.Address {
	return func(v *drivertest.Visit) (string, error) {
		p := v.At(name)
		out, err := s3.NewPresignClient(v.Client()).PresignGetObject(v, &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key}, s3.WithPresignExpires(time.Minute))
		if err != nil {
			return "", err
		}
		return out.URL, nil
	}
}

func presignedPut(name string) drivertest.Address {
	return func(v *drivertest.Visit) (string, error) {
		p := v.At(name)
		out, err := s3.NewPresignClient(v.Client()).PresignPutObject(v, &s3.PutObjectInput{Bucket: &p.Bucket, Key: &p.Key})
		if err != nil {
			return "", err
		}
		return out.URL, nil
	}
}

// changed is a presigned URL of a/in.txt with something in it changed.
func changed(from, to string) drivertest.Address {
	return func(v *drivertest.Visit) (string, error) {
		u, err := presigned("a/in.txt")(v)
		if err == nil && !strings.Contains(u, from) {
			return "", drivertest.Wrong("there is no %s in the URL to change", from)
		}
		return strings.Replace(u, from, to, 1), err
	}
}

// stale is a presigned URL whose time has passed.
func stale(name string) drivertest.Address {
	return func(v *drivertest.Visit) (string, error) {
		q, err := v.Request(http.MethodGet, bare(name))
		if err != nil {
			return "", err
		}
		q.URL.RawQuery = "X-Amz-Expires=60"
		u, _, err := v4.NewSigner(singlyEscaped).PresignHTTP(v, v.Keys(), q, "UNSIGNED-PAYLOAD", "s3", v.Lent.Region, time.Now().Add(-5*time.Minute))
		return u, err
	}
}

// form uploads as a web page does, with a policy that was signed for the key.
func form(name string) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		p := v.At(name)
		made, err := s3.NewPresignClient(v.Client()).PresignPostObject(v, &s3.PutObjectInput{Bucket: &p.Bucket, Key: &p.Key})
		if err != nil {
			return drivertest.Wrong("sign a form: %v", err)
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
		return v.Send(q)
	}
}
