package classify

import (
	"bufio"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// ours are the names of the endpoint in what is fuzzed.
var ours = []string{"s3.example", "localhost"}

// S9: whatever comes in, the classifier answers. What it lets through is about the
// one bucket and key that the request names, in path style and in virtual-host style
// alike, and carries nothing that a store could read as more.
func FuzzClassify(f *testing.F) {
	for _, seed := range []struct{ method, host, target, header string }{
		{"GET", "s3.example", "/demo/alpha/a.csv", "Range: bytes=0-3"},
		{"GET", "demo.s3.example:8751", "/alpha/a.csv?versionId=null", "Range: bytes=0-3, 5-6"},
		{"GET", "DEMO.localhost", "/?list-type=2&prefix=%00", "x-amz-meta-a: b"},
		{"PUT", "s3.example", "/demo/alpha/%2e%2e/b?acl", "X-Amz-Acl: public-read"},
		{"PUT", "demo.s3.example", "/a?partNumber=1&uploadId=x", "X-Amz-Copy-Source: /other/b?versionId=null\nX-Amz-Copy-Source-Range: bytes=0-1"},
		{"PUT", "s3.example", "/demo/a", "X-Amz-Copy-Source: demo%2fa%3FversionId=x\nX-Amz-Copy-Source: /other/b"},
		{"PUT", "s3.example", "/demo/a", "X-Amz-Copy-Source: /demo/b\nX-Amz-Copy-Source: /other/b"},
		{"PUT", "localhost", "/demo/a?tagging&versionId=1", "X-Amz-Tagging: k=v&k=w"},
		{"PUT", "a.b.s3.example", "/a//b", "X-Amz-Storage-Class: GLACIER"},
		{"POST", "s3.example:80", "/demo?delete", "X-Amz-Bypass-Governance-Retention: true"},
		{"POST", "s3.example", "http://vault.s3.example/a?uploads", "X-Amz-Checksum-Type: COMPOSITE"},
		{"DELETE", ".s3.example", "/demo/a?versionId=null", "X-Amz-Mfa: 1 1"},
		{"HEAD", "localhost.s3.example", "/a?response-expires=a%0d%0ab", "X-Amz-Request-Payer: requester"},
		{"PUT", "demo.s3.example", "/a?partNumber=x&uploadId", "X-Amz-Acl: public-read\nX-Amz-Storage-Class: GLACIER"}, // was refused as one or the other
		{"OPTIONS", "x", "*", ""},
	} {
		f.Add(seed.method, seed.host, seed.target, seed.header)
	}
	f.Fuzz(func(t *testing.T, method, host, target, header string) {
		var wire strings.Builder
		wire.WriteString(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n")
		for line := range strings.Lines(header) {
			wire.WriteString(strings.TrimSuffix(line, "\n") + "\r\n")
		}
		wire.WriteString("\r\n")
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
		if err != nil {
			return // the server refuses it
		}
		got, err := Find(r, ours)
		if other := inOtherStyle(r); other != nil {
			twin, twinErr := Find(other, ours)
			if said(t, err) != said(t, twinErr) {
				t.Fatalf("refused as %v in one style, as %v in the other", err, twinErr)
			}
			if difference := cmp.Diff(got, twin, cmp.AllowUnexported(Operation{})); err == nil && difference != "" {
				t.Fatalf("not the same in both styles:\n%s", difference)
			}
		}
		if err == nil {
			isNamed(t, r, got)
			isOfTheTable(t, r, got)
			copiesWhatItSays(t, r, got)
		}
	})
}

// inOtherStyle is the request with the bucket in the path instead of the host, or the
// other way; nil when it names none that could stand in both.
func inOtherStyle(r *http.Request) *http.Request {
	out := r.Clone(r.Context())
	rest, ok := strings.CutPrefix(r.URL.Path, "/")
	if !ok {
		return nil
	}
	bucket, hosted := bucketOfHost(r.Host, ours)
	key := rest
	if !hosted {
		bucket, key, _ = strings.Cut(rest, "/")
	}
	if keyhatch.CheckBucketName(bucket) != nil {
		return nil
	}
	if hosted {
		out.Host, out.URL.Path = ours[0], "/"+bucket+"/"+key
	} else {
		out.Host, out.URL.Path = bucket+"."+ours[1], "/"+key
	}
	return out
}

// said is a refusal's code and message, which repeat nothing of what was sent.
func said(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *s3wire.Error
	if !errors.As(err, &refused) {
		return err.Error() // of package sigv4
	}
	return refused.Code + ": " + refused.Message
}

// isNamed: the bucket and the key are those of the host and the path, letter for
// letter, and such as the rest of the way may rely on.
func isNamed(t *testing.T, r *http.Request, q Request) {
	t.Helper()
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	path, hosted := r.URL.Path, false
	for _, own := range ours {
		if host == q.Bucket+"."+own {
			path, hosted = "/"+q.Bucket+path, true
		}
	}
	if !hosted && slices.ContainsFunc(ours, func(own string) bool { return strings.HasSuffix(host, "."+own) }) {
		t.Fatalf("the bucket %q is not that of the host %q", q.Bucket, r.Host)
	}
	switch q.Level {
	case Service:
		if path != "/" || q.Bucket != "" || q.Key != "" {
			t.Fatalf("%q is about %q and %q", path, q.Bucket, q.Key)
		}
	case Bucket:
		if strings.TrimSuffix(path, "/") != "/"+q.Bucket || q.Key != "" || keyhatch.CheckBucketName(q.Bucket) != nil {
			t.Fatalf("%q is about %q and %q", path, q.Bucket, q.Key)
		}
	case Object:
		if path != "/"+q.Bucket+"/"+q.Key || keyhatch.CheckBucketName(q.Bucket) != nil || keyhatch.CheckKey(q.Key) != nil {
			t.Fatalf("%q is about %q and %q", path, q.Bucket, q.Key)
		}
	}
	if q.Prefix != "" && keyhatch.CheckKey(q.Prefix+"x") != nil {
		t.Fatalf("prefix %q let through", q.Prefix)
	}
	if q.Asked.Bucket != q.Bucket || q.Asked.Key != q.Key || q.Asked.Operation != q.Name {
		t.Fatalf("policies are asked about %+v, the store about %+v", q.Asked, q)
	}
}

// isOfTheTable: the request has the method of its operation, and no parameter, header
// or value that the operation does not know.
func isOfTheTable(t *testing.T, r *http.Request, q Request) {
	t.Helper()
	i := slices.IndexFunc(Operations, func(o Operation) bool { return o.Name == q.Name })
	if i < 0 || q.Method != r.Method || q.Access == "" {
		t.Fatalf("%s is taken for %+v", r.Method, q.Operation)
	}
	if reads := r.Method == http.MethodGet || r.Method == http.MethodHead; !reads && q.Access != keyhatch.Write {
		t.Fatalf("%s takes only %s", q.Name, q.Access)
	}
	for name, values := range q.ForStore() {
		if name != q.marker && !slices.Contains(q.params, name) {
			t.Fatalf("%s is passed on with %q", q.Name, name)
		}
		if check := params[name]; check != nil && (len(values) != 1 || !check(values[0])) {
			t.Fatalf("%s is passed on with %s = %q", q.Name, name, values)
		}
	}
	if q.Access == keyhatch.Write && q.Query.Has("versionId") && q.Query.Get("versionId") != s3wire.NullVersion {
		t.Fatalf("%s would change the version %q", q.Name, q.Query.Get("versionId"))
	}
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		switch {
		case strings.HasPrefix(lower, "x-amz-") && !understands(q.Operation, lower):
			t.Fatalf("%s is let through with %s", q.Name, name)
		case lower == "x-amz-acl" && !slices.Equal(values, []string{"private"}):
			t.Fatalf("%s is let through with the ACL %q", q.Name, values)
		case lower == "range" && strings.Contains(strings.Join(values, ","), ","):
			t.Fatalf("%s is let through with the ranges %q", q.Name, values)
		}
	}
}

// copiesWhatItSays: a request with the header of a copy is a copy, and what is written
// to the store in its place is read there as what was decided here.
func copiesWhatItSays(t *testing.T, r *http.Request, q Request) {
	t.Helper()
	values := r.Header.Values(s3wire.SourceHeader)
	if q.Copies != (len(values) > 0) {
		t.Fatalf("%s with the copy sources %q", q.Name, values)
	}
	if !q.Copies {
		if q.Source != (s3wire.Source{}) || q.Asked.Source != nil {
			t.Fatalf("%s copies %+v", q.Name, q.Source)
		}
		return
	}
	if len(values) != 1 {
		t.Fatalf("the copy sources %q are let through", values)
	}
	path, version, _ := strings.Cut(values[0], "?versionId=")
	decoded, err := url.PathUnescape(path)
	if err != nil || "/"+strings.TrimPrefix(decoded, "/") != "/"+q.Source.Bucket+"/"+q.Source.Key || version != q.Source.Version {
		t.Fatalf("the copy source %q is read as %+v", values[0], q.Source)
	}
	if keyhatch.CheckBucketName(q.Source.Bucket) != nil || keyhatch.CheckKey(q.Source.Key) != nil {
		t.Fatalf("the copy source %+v is let through", q.Source)
	}
	if again, err := s3wire.ParseSource(q.Source.Header()); err != nil || again != q.Source {
		t.Fatalf("%+v is written as %q, which is %+v", q.Source, q.Source.Header(), again)
	}
	asked := sessionpolicy.Object{Bucket: q.Source.Bucket, Key: q.Source.Key, Versioned: q.Source.Version != ""}
	if q.Asked.Source == nil || *q.Asked.Source != asked {
		t.Fatalf("policies are asked about %+v, the store about %+v", q.Asked.Source, q.Source)
	}
}
