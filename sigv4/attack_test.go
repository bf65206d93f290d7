package sigv4_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/sigv4"
)

// Requests that were signed and then changed, or were never good. Each names the
// code that S3 answers with.

func replaceHeader(name, old, replacement string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set(name, strings.Replace(r.Header.Get(name), old, replacement, 1))
	}
}

func auth(old, replacement string) func(*http.Request) {
	return replaceHeader("Authorization", old, replacement)
}

func setHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func addHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func addQuery(text string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery += text }
}

func TestHeaderAttacks(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"nothing":                    {func(*http.Request) {}, ""},
		"blanks around commas":       {auth(", ", " ,\t"), ""},
		"no blanks after commas":     {auth(", ", ","), ""},
		"unsigned cache control":     {setHeader("Cache-Control", "no-cache"), ""},
		"empty pair in the query":    {addQuery("&&"), ""},
		"not signed":                 {func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied"},
		"empty authorization":        {setHeader("Authorization", ""), "InvalidRequest"},
		"basic":                      {setHeader("Authorization", "Basic dTpw"), "InvalidRequest"},
		"signature version 2":        {setHeader("Authorization", "AWS "+testKey+":c2ln"), "InvalidRequest"},
		"version 2 in the query":     {func(r *http.Request) { r.Header.Del("Authorization"); setParam(r, "AWSAccessKeyId", testKey) }, "InvalidRequest"},
		"lower-case algorithm":       {auth("AWS4-HMAC-SHA256", "aws4-hmac-sha256"), "InvalidRequest"},
		"asymmetric algorithm":       {auth("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "InvalidRequest"},
		"algorithm alone":            {setHeader("Authorization", "AWS4-HMAC-SHA256"), "AuthorizationHeaderMalformed"},
		"no credential":              {auth("Credential=", "Cred="), "AuthorizationHeaderMalformed"},
		"empty signature":            {func(r *http.Request) { auth(seedOf(r), "")(r) }, "AuthorizationHeaderMalformed"},
		"no signature":               {func(r *http.Request) { auth(", Signature="+seedOf(r), "")(r) }, "AuthorizationHeaderMalformed"},
		"upper-case signature":       {func(r *http.Request) { auth(seedOf(r), strings.Repeat("A", 64))(r) }, "AuthorizationHeaderMalformed"},
		"short signature":            {func(r *http.Request) { auth(seedOf(r), seedOf(r)[:63])(r) }, "AuthorizationHeaderMalformed"},
		"field twice":                {auth("Credential=", "Signature=a, Credential="), "AuthorizationHeaderMalformed"},
		"unknown field":              {auth("Credential=", "Extra=a, Credential="), "AuthorizationHeaderMalformed"},
		"header twice":               {func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, "InvalidArgument"},
		"very long":                  {auth(", ", strings.Repeat(" ", 9000)+", "), "AuthorizationHeaderMalformed"},
		"too many names":             {manyNames, "AuthorizationHeaderMalformed"},
		"delete in a signed header":  {setHeader("X-Amz-Meta-Colour", "a\x7fb"), "InvalidArgument"},
		"no access key":              {auth(testKey, ""), "AuthorizationHeaderMalformed"},
		"slash in the access key":    {auth(testKey, "KH/TEST"), "AuthorizationHeaderMalformed"},
		"control in the access key":  {auth(testKey, "KH\x01TEST"), "AuthorizationHeaderMalformed"},
		"long access key":            {auth(testKey, strings.Repeat("K", 129)), "AuthorizationHeaderMalformed"},
		"scope without terminator":   {auth("/aws4_request", ""), "AuthorizationHeaderMalformed"},
		"other terminator":           {auth("aws4_request", "aws5_request"), "AuthorizationHeaderMalformed"},
		"other service":              {auth("/s3/", "/sts/"), "AuthorizationHeaderMalformed"},
		"unknown region":             {auth(testRegion, "us-east-9"), "AuthorizationHeaderMalformed"},
		"other region that we serve": {auth(testRegion, "other-region"), "SignatureDoesNotMatch"},
		"other day":                  {auth("/20260304/", "/20260303/"), "AuthorizationHeaderMalformed"},
		"day that is none":           {auth("/20260304/", "/2026-3-4/"), "AuthorizationHeaderMalformed"},
		"no time":                    {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "AccessDenied"},
		"time with a fraction":       {setHeader("X-Amz-Date", "20260304T050607.5Z"), "AccessDenied"},
		"time in another format":     {setHeader("X-Amz-Date", "2026-03-04T05:06:07Z"), "AccessDenied"},
		"two times":                  {addHeader("X-Amz-Date", "20260304T050607Z"), "AccessDenied"},
		"names unsorted":             {auth("host;x-amz-content-sha256", "x-amz-content-sha256;host"), "AuthorizationHeaderMalformed"},
		"names twice":                {auth("host;", "host;host;"), "AuthorizationHeaderMalformed"},
		"name in upper case":         {auth("host;", "Host;"), "AuthorizationHeaderMalformed"},
		"empty name":                 {auth("host;", "host;;"), "AuthorizationHeaderMalformed"},
		"name of a missing header":   {auth("x-amz-date", "x-amz-date;x-zebra"), "AuthorizationHeaderMalformed"},
		"host not signed":            {auth("host;", ""), "AccessDenied"},
		"amz header not signed":      {setHeader("X-Amz-Copy-Source", "/other/key"), "AccessDenied"},
		"amz header added to names": {func(r *http.Request) {
			auth("x-amz-date", "x-amz-copy-source;x-amz-date")(r)
			setHeader("X-Amz-Copy-Source", "/o")(r)
		}, "SignatureDoesNotMatch"},
		"token added":                {setHeader("X-Amz-Security-Token", "t"), "AccessDenied"},
		"signed header twice":        {addHeader("X-Amz-Meta-Colour", "red"), "InvalidArgument"},
		"signed header gone":         {func(r *http.Request) { r.Header.Del("X-Amz-Meta-Colour") }, "AuthorizationHeaderMalformed"},
		"signed content type":        {setHeader("Content-Type", "text/html"), "SignatureDoesNotMatch"},
		"control in a signed header": {setHeader("X-Amz-Meta-Colour", "a\nb"), "InvalidArgument"},
		"payload hash missing":       {func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, "InvalidRequest"},
		"payload hash unknown":       {setHeader("X-Amz-Content-Sha256", "STREAMING-NONSENSE"), "InvalidArgument"},
		"payload hash upper case":    {setHeader("X-Amz-Content-Sha256", strings.Repeat("A", 64)), "InvalidArgument"},
		"payload hash empty":         {setHeader("X-Amz-Content-Sha256", ""), "InvalidArgument"},
		"payload asymmetric":         {setHeader("X-Amz-Content-Sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), "InvalidArgument"},
		"payload turned unsigned":    {setHeader("X-Amz-Content-Sha256", unsigned), "SignatureDoesNotMatch"},
		"payload turned chunked":     {setHeader("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "MissingContentLength"},
		"trailer without chunks": {func(r *http.Request) {
			auth("x-amz-meta-colour", "x-amz-meta-colour;x-amz-trailer")(r)
			setHeader("X-Amz-Trailer", "x-amz-checksum-crc32")(r)
		}, "MalformedTrailerError"},
		"both forms":                {addQuery("&X-Amz-Signature=abc"), "InvalidArgument"},
		"token in the query":        {addQuery("&X-Amz-Security-Token=abc"), "InvalidArgument"},
		"parameter twice":           {addQuery("&partNumber=2"), "InvalidArgument"},
		"parameter twice, escaped":  {addQuery("&part%4eumber=2"), "InvalidArgument"},
		"semicolon":                 {addQuery(";versionId=1"), "InvalidURI"},
		"broken escape":             {addQuery("&a=%zz"), "InvalidURI"},
		"broken escape in a name":   {addQuery("&%4"), "InvalidURI"},
		"too many parameters":       {addQuery(strings.Repeat("&a", 300)), "InvalidURI"},
		"encoded slash":             {func(r *http.Request) { r.URL.RawPath = "/bucket/some%2Fkey" }, "InvalidURI"},
		"encoded slash, lower case": {func(r *http.Request) { r.URL.RawPath = "/bucket/some%2fkey" }, "InvalidURI"},
		"no path":                   {func(r *http.Request) { r.URL.Opaque, r.URL.Path = "x", "" }, "InvalidURI"},
		"asterisk":                  {func(r *http.Request) { r.URL.Path = "*" }, "InvalidURI"},
		"no host":                   {func(r *http.Request) { r.Host = "" }, "AuthorizationHeaderMalformed"},
		"other method":              {func(r *http.Request) { r.Method = "DELETE" }, "SignatureDoesNotMatch"},
		"dot segment":               {func(r *http.Request) { r.URL.Path = "/bucket/./some/key" }, "SignatureDoesNotMatch"},
		"double slash":              {func(r *http.Request) { r.URL.Path = "/bucket//some/key" }, "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			r := editable(t, tester())
			test.change(r)
			_, _, err := accept(r, testTime)
			wantCode(t, err, test.want)
		})
	}
}

// manyNames signs more headers than a request may have.
func manyNames(r *http.Request) {
	r.Header.Del("X-Amz-Meta-Colour")
	auth(";x-amz-meta-colour", "")(r)
	names := "x-amz-date"
	for i := range 130 {
		name := fmt.Sprintf("x-amz-meta-n%03d", i)
		r.Header.Set(name, "v")
		names += ";" + name
	}
	auth("x-amz-date", names)(r)
}

func TestPresignedAttacks(t *testing.T) {
	param := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { setParam(r, name, value) }
	}
	drop := func(name string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Del(name)
			r.URL.RawQuery = q.Encode()
		}
	}
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"nothing":                 {func(*http.Request) {}, ""},
		"unsigned content type":   {setHeader("Content-Type", "text/html"), ""},
		"no algorithm":            {drop("X-Amz-Algorithm"), "AuthorizationQueryParametersError"},
		"no credential":           {drop("X-Amz-Credential"), "AuthorizationQueryParametersError"},
		"no date":                 {drop("X-Amz-Date"), "AuthorizationQueryParametersError"},
		"no expiry":               {drop("X-Amz-Expires"), "AuthorizationQueryParametersError"},
		"no names":                {drop("X-Amz-SignedHeaders"), "AuthorizationQueryParametersError"},
		"no signature":            {drop("X-Amz-Signature"), "AuthorizationQueryParametersError"},
		"empty signature":         {param("X-Amz-Signature", ""), "AuthorizationQueryParametersError"},
		"asymmetric":              {param("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"), "AuthorizationQueryParametersError"},
		"lower-case algorithm":    {param("X-Amz-Algorithm", "aws4-hmac-sha256"), "AuthorizationQueryParametersError"},
		"never expires":           {param("X-Amz-Expires", "604801"), "AuthorizationQueryParametersError"},
		"expires at once":         {param("X-Amz-Expires", "0"), "AuthorizationQueryParametersError"},
		"expires before":          {param("X-Amz-Expires", "-1"), "AuthorizationQueryParametersError"},
		"expires with a sign":     {param("X-Amz-Expires", "+60"), "AuthorizationQueryParametersError"},
		"expires beyond int64":    {param("X-Amz-Expires", "99999999999999999999"), "AuthorizationQueryParametersError"},
		"expires later":           {param("X-Amz-Expires", "3601"), "SignatureDoesNotMatch"},
		"other day":               {param("X-Amz-Date", "20260305T050607Z"), "AuthorizationQueryParametersError"},
		"other time":              {param("X-Amz-Date", "20260304T050608Z"), "SignatureDoesNotMatch"},
		"HTTP date":               {param("X-Amz-Date", "Wed, 04 Mar 2026 05:06:07 GMT"), "AuthorizationQueryParametersError"},
		"other service":           {func(r *http.Request) { replaceAuth(r, "%2Fs3%2F", "%2Fsts%2F") }, "AuthorizationQueryParametersError"},
		"unknown region":          {func(r *http.Request) { replaceAuth(r, testRegion, "us-east-9") }, "AuthorizationQueryParametersError"},
		"parameter twice":         {addQuery("&X-Amz-Expires=3600"), "InvalidArgument"},
		"signature twice":         {addQuery("&X-Amz-Signature=" + strings.Repeat("0", 64)), "InvalidArgument"},
		"parameter in other case": {addQuery("&x-amz-expires=1"), "AuthorizationQueryParametersError"},
		"token in a header":       {setHeader("X-Amz-Security-Token", "t"), "InvalidArgument"},
		"time in a header":        {setHeader("X-Amz-Date", "20260304T050607Z"), "InvalidArgument"},
		"both forms":              {setHeader("Authorization", "AWS4-HMAC-SHA256 x"), "InvalidArgument"},
		"amz header not signed":   {setHeader("X-Amz-Acl", "public-read"), "AccessDenied"},
		"payload hash not signed": {setHeader("X-Amz-Content-Sha256", unsigned), "AccessDenied"},
		"payload hash in two": {func(r *http.Request) {
			setHeader("X-Amz-Content-Sha256", hashHex(nil))(r)
			addQuery("&X-Amz-Content-Sha256=" + unsigned)(r)
		}, "InvalidArgument"},
		"payload hash twice":        {addQuery("&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-content-sha256=UNSIGNED-PAYLOAD"), "InvalidArgument"},
		"payload hash added":        {addQuery("&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"), "SignatureDoesNotMatch"},
		"chunks":                    {addQuery("&X-Amz-Content-Sha256=STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "InvalidRequest"},
		"plus for space in a value": {addQuery("&prefix=a+b"), "SignatureDoesNotMatch"},
		"other key":                 {func(r *http.Request) { r.URL.Path = "/bucket/other" }, "SignatureDoesNotMatch"},
		"other method":              {func(r *http.Request) { r.Method = "HEAD" }, "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			r := editablePresigned(t, tester())
			test.change(r)
			_, _, err := accept(r, testTime)
			wantCode(t, err, test.want)
		})
	}
}

func TestTimes(t *testing.T) {
	const second = time.Second
	for name, test := range map[string]struct {
		presigned bool
		now       time.Duration // after it was signed
		want      string
	}{
		"header, late":        {false, 15 * time.Minute, ""},
		"header, too late":    {false, 15*time.Minute + second, "RequestTimeTooSkewed"},
		"header, early":       {false, -15 * time.Minute, ""},
		"header, too early":   {false, -15*time.Minute - second, "RequestTimeTooSkewed"},
		"header, ages ago":    {false, 1 << 62, "RequestTimeTooSkewed"},
		"presigned, last":     {true, time.Hour, ""},
		"presigned, expired":  {true, time.Hour + second, "AccessDenied"},
		"presigned, early":    {true, -15 * time.Minute, ""},
		"presigned, too soon": {true, -15*time.Minute - second, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			r := editable(t, tester())
			if test.presigned {
				r = editablePresigned(t, tester())
			}
			_, _, err := accept(r, testTime.Add(test.now))
			wantCode(t, err, test.want)
		})
	}
}

// A Date header stands in for X-Amz-Date, in either format, as S3 allows.
func TestDateHeader(t *testing.T) {
	for name, test := range map[string]struct{ date, want string }{
		"HTTP":       {testTime.Format(http.TimeFormat), ""},
		"ISO 8601":   {testTime.Format("20060102T150405Z"), ""},
		"other time": {testTime.Add(time.Second).Format(http.TimeFormat), "SignatureDoesNotMatch"},
		"nonsense":   {"yesterday", "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			id := tester()
			canonical := "GET\n/bucket/key\n\nhost:" + testHost + "\nx-amz-content-sha256:" + unsigned +
				"\n\nhost;x-amz-content-sha256\n" + unsigned
			signature := chunkSigner{id: id}.hmac("AWS4-HMAC-SHA256\n20260304T050607Z\n" + chunkSigner{id: id}.scope() + "\n" + hashHex([]byte(canonical)))
			_, _, err := accept(wireRequest(t, "GET /bucket/key HTTP/1.1", "Host: "+testHost, "Date: "+test.date,
				"X-Amz-Content-Sha256: "+unsigned,
				"Authorization: AWS4-HMAC-SHA256 Credential="+testKey+"/"+chunkSigner{id: id}.scope()+
					", SignedHeaders=host;x-amz-content-sha256, Signature="+signature), testTime)
			wantCode(t, err, test.want)
		})
	}
}

// Headers that net/http moves, rewrites or removes can be signed all the same.
func TestSpecialHeaders(t *testing.T) {
	sign := func(r *http.Request, names string) {
		var canonical strings.Builder
		canonical.WriteString(r.Method + "\n" + r.URL.Path + "\n\n")
		for name := range strings.SplitSeq(names, ";") {
			value := map[string]string{"host": testHost, "content-length": "7", "expect": "100-continue", "transfer-encoding": "chunked"}[name]
			if value == "" {
				value = r.Header.Get(name)
			}
			canonical.WriteString(name + ":" + value + "\n")
		}
		canonical.WriteString("\n" + names + "\n" + unsigned)
		s := chunkSigner{id: tester()}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/"+s.scope()+", SignedHeaders="+names+
			", Signature="+s.hmac("AWS4-HMAC-SHA256\n20260304T050607Z\n"+s.scope()+"\n"+hashHex([]byte(canonical.String()))))
	}
	head := []string{"PUT /bucket/key HTTP/1.1", "Host: " + testHost, "X-Amz-Date: 20260304T050607Z", "X-Amz-Content-Sha256: " + unsigned}
	for name, test := range map[string]struct {
		lines  []string
		names  string
		change func(*http.Request)
		want   string
	}{
		"user agent and more": {
			[]string{"Content-Length: 7", "User-Agent: x/1", "Accept-Encoding: identity", "Connection: close", "", "content"},
			"accept-encoding;connection;content-length;host;user-agent;x-amz-content-sha256;x-amz-date", nil, "",
		},
		"other length": {
			[]string{"Content-Length: 6", "", "conten"}, "content-length;host;x-amz-content-sha256;x-amz-date", nil, "SignatureDoesNotMatch",
		},
		"expect": {
			[]string{"Content-Length: 7", "Expect: 100-continue", "", "content"}, "expect;host;x-amz-content-sha256;x-amz-date", nil, "",
		},
		"expect of HTTP/2": {
			[]string{"Content-Length: 7", "", "content"}, "expect;host;x-amz-content-sha256;x-amz-date", nil, "",
		},
		"transfer encoding": {
			[]string{"Transfer-Encoding: chunked", "", "7\r\ncontent\r\n0\r\n\r\n"}, "host;transfer-encoding;x-amz-content-sha256;x-amz-date", nil, "",
		},
		"transfer encoding that is gone": {
			[]string{"Content-Length: 7", "", "content"}, "host;transfer-encoding;x-amz-content-sha256;x-amz-date", nil, "AuthorizationHeaderMalformed",
		},
		"length that is not known": {
			[]string{"Transfer-Encoding: chunked", "", "7\r\ncontent\r\n0\r\n\r\n"}, "content-length;host;x-amz-content-sha256;x-amz-date", nil, "AuthorizationHeaderMalformed",
		},
		"spaces in metadata": {
			[]string{"X-Amz-Meta-A: a b", "Content-Length: 0"}, "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a", setHeader("X-Amz-Meta-A", "a   b"), "",
		},
		"spaces where they count": {
			[]string{"X-Amz-Copy-Source: /b/a b", "Content-Length: 0"}, "host;x-amz-content-sha256;x-amz-copy-source;x-amz-date", setHeader("X-Amz-Copy-Source", "/b/a  b"), "InvalidArgument",
		},
		"tab in metadata": {
			[]string{"X-Amz-Meta-A: a\tb", "Content-Length: 0"}, "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a", nil, "",
		},
		"empty header": {
			[]string{"X-Amz-Meta-A:", "Content-Length: 0"}, "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a", nil, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := wireRequest(t, append(append([]string(nil), head...), test.lines...)...)
			sign(r, test.names)
			if test.change != nil {
				test.change(r)
			}
			content, _, err := accept(r, testTime)
			wantCode(t, err, test.want)
			if test.want == "" && r.ContentLength != 0 && string(content) != "content" {
				t.Errorf("body %q", content)
			}
		})
	}
}

// S6: an unknown key is answered exactly as a wrong secret is, whatever else is
// wrong with the request.
func TestS6UnknownKeyLooksLikeWrongSecret(t *testing.T) {
	late, early := testTime.Add(time.Hour*24*30), testTime.Add(-time.Hour)
	for name, now := range map[string]time.Time{"in time": testTime, "late": late, "early": early} {
		for form, r := range map[string]*http.Request{"header": editable(t, tester()), "presigned": editablePresigned(t, tester())} {
			for where, at := range map[string]sigv4.Endpoint{"here": testAt, "elsewhere": {Service: "s3", Regions: []string{"r"}}, "nowhere": {}} {
				t.Run(name+"/"+form+"/"+where, func(t *testing.T) {
					claim, err := sigv4.Parse(r)
					wantCode(t, err, "")
					_, wrong := claim.Verify("wrong", at, now)
					unknown := claim.Refuse(at, now)
					_, empty := claim.Verify("", at, now)
					if wrong == nil || *wrong.(*sigv4.Error) != *unknown.(*sigv4.Error) || *empty.(*sigv4.Error) != *unknown.(*sigv4.Error) {
						t.Errorf("wrong secret: %v; unknown key: %v; empty secret: %v", wrong, unknown, empty)
					}
				})
			}
		}
	}
}

// S8: an endpoint that was not told what it is accepts nothing.
func TestS8ZeroEndpoint(t *testing.T) {
	for _, at := range []sigv4.Endpoint{{}, {Service: "s3"}, {Regions: []string{testRegion}}} {
		claim, err := sigv4.Parse(editable(t, tester()))
		wantCode(t, err, "")
		_, err = claim.Verify(testSecret, at, testTime)
		wantCode(t, err, "AuthorizationHeaderMalformed")
	}
}

// A request that was signed with the secret that Refuse works with, or with an
// empty one, is not accepted.
func TestNoSecretAccepts(t *testing.T) {
	for _, secret := range []string{strings.Repeat("0", 40), ""} {
		id := tester()
		id.secret = secret
		claim, err := sigv4.Parse(editable(t, id))
		wantCode(t, err, "")
		wantCode(t, claim.Refuse(testAt, testTime), "SignatureDoesNotMatch")
		_, err = claim.Verify("", testAt, testTime)
		wantCode(t, err, "SignatureDoesNotMatch")
	}
}

// S5: neither errors nor a printed claim tell what was sent or expected.
func TestS5NothingIsTold(t *testing.T) {
	id := tester()
	id.token = "canary-token"
	r := editable(t, id)
	claim, err := sigv4.Parse(r)
	wantCode(t, err, "")
	_, wrong := claim.Verify("other", testAt, testTime)
	told := printed(claim, wrong, claim.Refuse(sigv4.Endpoint{Service: "s3", Regions: []string{"elsewhere"}}, testTime))
	for _, canary := range []string{"canary", seedOf(r), testSecret, testRegion, "blue", "content-sha256"} {
		if strings.Contains(told, canary) {
			t.Errorf("%q is told in %s", canary, told)
		}
	}
}
