package sigv4_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/sigv4"
)

func BenchmarkVerify(b *testing.B) {
	id := tester()
	id.token = strings.Repeat("t", 700) // as long as a sealed lease
	get := newRequest(b, "GET", "/bucket/some/folder/with%20a/key.tif", nil)
	get.Header.Set("Range", "bytes=0-65535")
	for name, r := range map[string]*http.Request{
		"header":    received(b, id.sign(b, get.Clone(b.Context()), hashHex(nil))),
		"presigned": received(b, id.presign(b, get.Clone(b.Context()), unsigned, time.Hour)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				claim, err := sigv4.Parse(r)
				if err == nil {
					_, err = claim.Verify(testSecret, testAt, testTime)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChunks decodes 1 MiB in chunks of 64 KiB.
func BenchmarkChunks(b *testing.B) {
	chunk := strings.Repeat("0123456789abcdef", 4096)
	contents := make([]string, 16)
	for i := range contents {
		contents[i] = chunk
	}
	for _, mode := range []string{streamSigned, streamTrailed, streamUnsigned} {
		b.Run(mode, func(b *testing.B) {
			r, pieces := chunked(b, mode, contents...)
			wire := strings.Join(pieces, "")
			buffer := make([]byte, 32<<10)
			b.SetBytes(int64(len(contents) * len(chunk)))
			b.ReportAllocs()
			for b.Loop() {
				body, err := verified(b, r, wire)
				if err == nil {
					_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, buffer)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
