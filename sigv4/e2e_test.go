package sigv4_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/keyhatch/keyhatch/sigv4"
)

// The tests of this file run a real server, over HTTP/1.1 and over TLS with
// HTTP/2, and real clients.

// seen records what reached the server, for a test to know that it tested what
// it meant to.
type seen struct {
	handler
	payload, proto string
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if claim, err := sigv4.Parse(r); err == nil {
		s.payload, s.proto = claim.Payload.String(), r.Proto
	}
	s.handler.ServeHTTP(w, r)
}

func TestSDK(t *testing.T) {
	content := strings.Repeat("0123456789", 20000)
	for name, test := range map[string]struct {
		tls     bool
		put     func(*s3.PutObjectInput)
		payload string
		proto   string
	}{
		"plain": {false, func(in *s3.PutObjectInput) { in.Body = strings.NewReader(content) }, "SHA-256", "HTTP/1.1"},
		"plain, checksum": {false, func(in *s3.PutObjectInput) {
			in.Body = strings.NewReader(content)
			in.ChecksumAlgorithm = types.ChecksumAlgorithmSha1
		}, "SHA-256", "HTTP/1.1"},
		"tls": {true, func(in *s3.PutObjectInput) { in.Body = strings.NewReader(content) }, streamUnsigned, "HTTP/2.0"},
		"tls, stream": {true, func(in *s3.PutObjectInput) {
			in.Body = io.LimitReader(strings.NewReader(content), 1<<30)
			in.ContentLength = aws.Int64(int64(len(content)))
		}, streamUnsigned, "HTTP/2.0"},
		"tls, crc64": {true, func(in *s3.PutObjectInput) {
			in.Body = strings.NewReader(content)
			in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc64nvme
		}, streamUnsigned, "HTTP/2.0"},
		"tls, own sum": {true, func(in *s3.PutObjectInput) {
			in.Body = strings.NewReader(content)
			in.ChecksumCRC32C = aws.String("AAAAAA==")
		}, "", ""},
		"tls, empty":       {true, func(in *s3.PutObjectInput) { in.Body = strings.NewReader("") }, unsigned, "HTTP/2.0"},
		"plain, no body":   {false, func(*s3.PutObjectInput) {}, "SHA-256", "HTTP/1.1"},
		"plain, weird key": {false, func(in *s3.PutObjectInput) { in.Key = aws.String("a b+c%2Fd/é漢~*'();=&?#[]@!$,:/ü") }, "SHA-256", "HTTP/1.1"},
		"tls, metadata": {true, func(in *s3.PutObjectInput) {
			in.Metadata = map[string]string{"Colour": "light  blue", "empty": ""}
			in.Body = strings.NewReader(content)
		}, streamUnsigned, "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, test.tls)
			record := &seen{handler: handler{time.Now}}
			server.Config.Handler = record
			client := s3.New(s3.Options{
				BaseEndpoint: aws.String(server.URL), Region: testRegion, UsePathStyle: true, HTTPClient: server.Client(), RetryMaxAttempts: 1,
				RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
				Credentials:                aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return tester().credentials(), nil }),
			})
			in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("some/key")}
			test.put(in)
			_, err := client.PutObject(t.Context(), in)
			if test.payload == "" {
				if err == nil || !strings.Contains(err.Error(), "400") {
					t.Errorf("a wrong checksum: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if record.payload != test.payload || record.proto != test.proto {
				t.Errorf("came as %s over %s, want %s over %s", record.payload, record.proto, test.payload, test.proto)
			}
			presigned, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key},
				s3.WithPresignExpires(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			expectStatus(t, server.Client(), get(t, presigned.URL), http.StatusOK)
			expectStatus(t, server.Client(), get(t, presigned.URL+"&versionId=1"), http.StatusForbidden)
		})
	}
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func expectStatus(t *testing.T, client *http.Client, r *http.Request, want int) http.Header {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	told, _ := io.ReadAll(response.Body)
	if response.StatusCode != want {
		t.Fatalf("status %d, want %d: %s", response.StatusCode, want, told)
	}
	return response.Header
}

// Bodies in signed chunks, made by hand: as they are, cut, and changed.
func TestServerChunks(t *testing.T) {
	for _, tls := range []bool{false, true} {
		server := startServer(t, tls)
		send := func(mode string, change func([]byte) []byte, known bool) *http.Request {
			id, content := tester(), chunkA+chunkB+chunkC
			id.at = time.Now().UTC()
			r, err := http.NewRequest("PUT", server.URL+"/bucket/key", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Decoded-Content-Length", "17195")
			r.Header.Set("Content-Encoding", "aws-chunked")
			trailer := ""
			if mode != streamSigned {
				r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
				trailer = crcTrailer(content)
			}
			id.sign(t, r, mode)
			s := chunkSigner{id: id}
			if mode != streamUnsigned {
				s.seed = seedOf(r)
			}
			wire := change([]byte(strings.Join(s.encode(trailer, chunkA, chunkB, chunkC), "")))
			r.Body = io.NopCloser(bytes.NewReader(wire))
			if r.ContentLength = -1; known {
				r.ContentLength = int64(len(wire))
			}
			return r
		}
		for _, mode := range []string{streamSigned, streamTrailed, streamUnsigned} {
			for _, known := range []bool{true, false} {
				header := expectStatus(t, server.Client(), send(mode, func(b []byte) []byte { return b }, known), http.StatusOK)
				if got := header.Get("Got-Sha256"); got != hashHex([]byte(chunkA+chunkB+chunkC)) {
					t.Errorf("the server got %s", got)
				}
				wrong := map[string]int{streamSigned: 403, streamTrailed: 403, streamUnsigned: 400}[mode]
				expectStatus(t, server.Client(), send(mode, func(b []byte) []byte { b[200] ^= 1; return b }, known), wrong)
				expectStatus(t, server.Client(), send(mode, func(b []byte) []byte { return b[:len(b)-4] }, known), 400)
			}
		}
	}
}
