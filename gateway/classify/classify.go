package classify

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/s3wire"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
	"github.com/keyhatch/keyhatch/sigv4"
)

// Request is a classified request.
type Request struct {
	Operation
	Bucket string
	Key    string
	Prefix string        // of a list
	Source s3wire.Source // of a copy
	Query  url.Values
	Asked  sessionpolicy.Request // the same for session policies
}

// Find finds the operation and what it is about. It acts on the decoded path
// and query, which are what the signature covers (package sigv4). hosts are the
// names below which a host name begins with a bucket's (virtual-host style).
func Find(r *http.Request, hosts []string) (Request, error) {
	out, at, err := named(r, hosts)
	if err != nil {
		return out, err
	}
	if out.Query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return out, s3wire.ErrInvalidURI
	}
	if out.Query.Has(sigv4.Version2Param) {
		return out, sigv4.ErrVersion2
	}
	op, found := find(r, at, out.Query)
	if !found {
		return out, s3wire.ErrNotImplemented
	}
	out.Operation = op
	out.Prefix = out.Query.Get("prefix")
	if out.Prefix != "" && keyhatch.CheckKey(out.Prefix+"x") != nil { // it may stop inside a segment
		return out, errKey
	}
	if err := checkParams(out.Query); err != nil {
		return out, err
	}
	if op.Access == keyhatch.Write && out.Query.Has("versionId") && out.Query.Get("versionId") != s3wire.NullVersion {
		return out, ErrVersionKept
	}
	if op.Name == "DeleteObject" {
		// Where versions have come later, "null" is the one that nothing else keeps: a
		// delete that names none leaves it.
		out.Query.Del("versionId")
	}
	if op.Copies {
		sources := r.Header.Values(s3wire.SourceHeader)
		if len(sources) != 1 {
			return out, errSources
		}
		if out.Source, err = s3wire.ParseSource(sources[0]); err != nil {
			return out, err
		}
	}
	from := sessionpolicy.Object{Bucket: out.Source.Bucket, Key: out.Source.Key, Versioned: out.Source.Version != ""}
	out.Asked = sessionpolicy.NewRequest(op.Name, out.Bucket, out.Key, from, out.Query, r.Header)
	for _, check := range []func(http.Header) error{checkMetadata, checkTagHeader, checkRange} {
		if err := check(r.Header); err != nil {
			return out, err
		}
	}
	if err := checkConditions(op, r.Header); err != nil {
		return out, err
	}
	return out, checkHeaders(op, r.Header)
}

// named takes the host and the path apart.
func named(r *http.Request, hosts []string) (out Request, at Level, err error) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/")
	if !ok {
		return out, Service, s3wire.ErrInvalidURI
	}
	if b, ok := bucketOfHost(r.Host, hosts); ok {
		out.Bucket, out.Key, at = b, rest, Bucket
	} else if rest != "" {
		out.Bucket, out.Key, _ = strings.Cut(rest, "/")
		at = Bucket
	}
	if at == Service {
		return out, at, nil
	}
	if keyhatch.CheckBucketName(out.Bucket) != nil {
		return out, at, errBucketName
	}
	if out.Key == "" {
		return out, Bucket, nil
	}
	if keyhatch.CheckKey(out.Key) != nil {
		return out, Object, errKey
	}
	return out, Object, nil
}

// bucketOfHost finds the bucket in "bucket.host:port". One of our names is never a
// bucket below another one, and the longest says where the bucket's ends.
func bucketOfHost(host string, hosts []string) (bucket string, found bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	if slices.Contains(hosts, host) {
		return "", false
	}
	for _, h := range hosts {
		if b, ok := strings.CutSuffix(host, "."+h); ok && (!found || len(b) < len(bucket)) {
			bucket, found = b, true
		}
	}
	return bucket, found
}

func find(r *http.Request, at Level, query url.Values) (Operation, bool) {
	copies := len(r.Header.Values("X-Amz-Copy-Source")) > 0
	for _, op := range Operations {
		if op.Method != r.Method || op.Level != at || op.Copies && !copies {
			continue
		}
		if op.marker != "" && (!query.Has(op.marker) || op.value != "" && query.Get(op.marker) != op.value) {
			continue
		}
		if op.needs != "" && !query.Has(op.needs) {
			continue
		}
		for name := range query {
			if name != op.marker && !slices.Contains(op.params, name) && !everywhere(name) {
				return Operation{}, false
			}
		}
		return op, true
	}
	return Operation{}, false
}

// signing are the parameters of a presigned signature and what SDKs put beside
// it. Others that begin alike are refused: presigned, they stand for headers
// that would be refused too.
var signing = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-User-Agent", "x-amz-user-agent",
	"X-Amz-Sdk-Checksum-Algorithm", "x-amz-sdk-checksum-algorithm",
}

// everywhere tells which parameters may stand in any request: those of a
// presigned signature, and the operation's name, which SDKs repeat.
func everywhere(name string) bool {
	return name == "x-id" || slices.Contains(signing, name) || strings.HasPrefix(strings.ToLower(name), "x-amz-checksum-")
}

// params are the parameters whose values are checked here, before anything
// behind could take them for something else.
var params = map[string]func(string) bool{
	"uploadId":           s3wire.IsOpaque,
	"upload-id-marker":   func(s string) bool { return s == "" || s3wire.IsOpaque(s) },
	"versionId":          s3wire.IsOpaque,
	"version-id-marker":  func(s string) bool { return s == "" || s3wire.IsOpaque(s) },
	"partNumber":         within(1, 10_000),
	"part-number-marker": within(0, 10_000),
	"max-keys":           within(0, 1<<31-1),
	"max-parts":          within(0, 1<<31-1),
	"max-uploads":        within(0, 1<<31-1),
	"encoding-type":      func(s string) bool { return s == "" || s == "url" },
}

func checkParams(query url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(query)) { // of several faults, always the same is told
		values := query[name]
		check, ok := params[name]
		if strings.HasPrefix(name, "response-") {
			check, ok = isHeaderValue, true
		}
		if ok && (len(values) != 1 || !check(values[0])) {
			return s3wire.Refuse(http.StatusBadRequest, "InvalidArgument", "The value of "+name+" is not valid.")
		}
	}
	return nil
}

// isHeaderValue tells whether an answer can have the text in a header. net/http
// makes blanks of line ends, and sends the other control characters as they are.
func isHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}

func within(least, most int) func(string) bool {
	return func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && s[0] >= '0' && n >= least && n <= most // what is behind may not know a sign
	}
}

// checkHeaders refuses x-amz- headers that the operation does not understand: one
// could mean that an object is to be encrypted, locked or given away.
func checkHeaders(op Operation, h http.Header) error {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		values := h[name]
		name = strings.ToLower(name)
		if !strings.HasPrefix(name, "x-amz-") {
			continue
		}
		switch {
		case name == "x-amz-acl" && (!understands(op, name) || !slices.Equal(values, []string{"private"})):
			return errACL
		case name == "x-amz-storage-class" && !slices.Equal(values, []string{"STANDARD"}):
			return errStorageClass
		case !understands(op, name):
			return s3wire.ErrNotImplemented
		}
	}
	return nil
}

func understands(op Operation, header string) bool {
	known := func(k string) bool {
		return k == header || strings.HasSuffix(k, "-") && strings.HasPrefix(header, k)
	}
	return slices.ContainsFunc(commonHeaders, known) || slices.ContainsFunc(op.headers, known)
}

// ForStore is the query without what was for us.
func (r Request) ForStore() url.Values {
	q := url.Values{}
	for name, values := range r.Query {
		if !everywhere(name) {
			q[name] = values
		}
	}
	return q
}
