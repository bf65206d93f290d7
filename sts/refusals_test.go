package sts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver/own"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

func lenderOf(w *world) *own.Lender { return own.New(w.Keys, coretest.Endpoint, "local") }

// canary is in what is sent, and in no answer.
const canary = "canary0submitted7"

// TestS13_Refusals is what a request can have wrong, with the code and the status
// that SDKs act on: 400 and 403 are not tried again.
func TestS13_Refusals(t *testing.T) {
	w := newWorld(t)
	lent := w.lend(keyhatch.Read, time.Hour)
	locked := w.Location(t, keyhatch.Workspace{ID: w.location.Workspace}, "s3://lab-data/locked/")
	w.Grant(t, locked, w.ann, keyhatch.Write)
	yes := true
	if _, err := w.Broker.Places.UpdateLocation(t.Context(), w.Admin, "", locked.ID, places.LocationChange{Locked: &yes}); err != nil {
		t.Fatal(err)
	}
	gone := w.newToken(people.NewToken{User: w.ann.User.ID})
	_, secret, err := w.Broker.People.CreateToken(t.Context(), w.Admin, people.NewToken{User: w.User(t, "loner").User.ID})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := w.Broker.People.Authenticate(t.Context(), keyhatch.Secret(gone))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Broker.People.RevokeToken(t.Context(), w.Admin, caller.Token.ID); err != nil {
		t.Fatal(err)
	}

	web := func(pairs ...string) *http.Request {
		base := parameters("Action", "AssumeRoleWithWebIdentity", "RoleArn", role+"read/s3/lab-data/alpha/", "RoleSessionName", "job", "WebIdentityToken", w.token)
		for i := 0; i < len(pairs); i += 2 {
			base.Set(pairs[i], pairs[i+1])
			if pairs[i+1] == "-" {
				base.Del(pairs[i])
			}
		}
		return w.post(base.Encode())
	}
	assume := func(pairs ...string) *http.Request {
		return w.signed(lent.Credentials, parameters(append([]string{"Action", "AssumeRole", "RoleSessionName", "job"}, pairs...)...), time.Now())
	}
	identity := func(change func(*keyhatch.Credentials), at time.Time) *http.Request {
		c := lent.Credentials
		change(&c)
		return w.signed(c, parameters("Action", "GetCallerIdentity"), at)
	}
	same := func(*keyhatch.Credentials) {}
	edited := func(r *http.Request, name, old, replacement string) *http.Request {
		r.Header.Set(name, strings.Replace(r.Header.Get(name), old, replacement, 1))
		return r
	}
	with := func(r *http.Request, change func(*http.Request)) *http.Request { change(r); return r }
	now := time.Now()

	for _, tc := range []struct {
		what    string
		request *http.Request
		status  int
		code    string
		says    string
	}{
		{"nothing", w.post(""), 400, "MissingAction", ""},
		{"an unknown action", w.post("Version=2011-06-15&Action=" + canary), 400, "InvalidAction", "AssumeRole"},
		{"an action that there is not", w.post("Version=2011-06-15&Action=GetSessionToken"), 400, "InvalidAction", ""},
		{"another version", web("Version", "2010-01-01"), 400, "InvalidAction", "2011-06-15"},
		{"no version", web("Version", "-"), 400, "InvalidAction", ""},
		{"a parameter twice", w.post("Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole"), 400, "ValidationError", "twice"},
		{"a broken escape", w.post("Action=GetCallerIdentity&Version=%zz" + canary), 400, "ValidationError", "read"},
		{"a semicolon", w.post("Action=GetCallerIdentity;Version=2011-06-15"), 400, "ValidationError", "read"},
		{"not UTF-8", web("RoleSessionName", "job\xff"), 400, "ValidationError", "UTF-8"},
		{"too many parameters", w.post(strings.Repeat("a=b&", 64)), 400, "ValidationError", "64"},
		{"too long", w.post("Action=" + strings.Repeat("x", 64<<10)), 413, "ValidationError", "64 KiB"},
		{"JSON", with(web(), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), 400, "ValidationError", "form"},
		{"no media type", with(web(), func(r *http.Request) { r.Header.Del("Content-Type") }), 400, "ValidationError", "form"},
		{"a body and a query", with(web(), func(r *http.Request) { r.URL.RawQuery = "Policy=x" }), 400, "ValidationError", "GET"},
		{"PUT", with(web(), func(r *http.Request) { r.Method = http.MethodPut }), 405, "InvalidAction", "POST"},

		{"an unknown parameter", web(canary, "x"), 400, "ValidationError", "does not know"},
		{"managed policies", web("PolicyArns.member.1.arn", canary), 400, "ValidationError", "PolicyArns"},
		{"tags", assume("RoleArn", role+"read/s3/lab-data/alpha/", "Tags.member.1.Key", canary), 400, "ValidationError", "Tags"},
		{"MFA", assume("RoleArn", role+"read/s3/lab-data/alpha/", "SerialNumber", canary), 400, "ValidationError", "SerialNumber"},
		{"an external id", assume("RoleArn", role+"read/s3/lab-data/alpha/", "ExternalId", canary), 400, "ValidationError", "ExternalId"},
		{"a web identity where none is", assume("RoleArn", role+"read/s3/lab-data/alpha/", "WebIdentityToken", canary), 400, "ValidationError", "does not know"},
		{"a provider", web("ProviderId", canary), 400, "ValidationError", "ProviderId"},
		{"parameters of a signature that is none", web("X-Amz-Signature", canary), 400, "ValidationError", "does not know"},

		{"no role", web("RoleArn", "-"), 400, "ValidationError", "RoleArn is required"},
		{"no name", web("RoleSessionName", "-"), 400, "ValidationError", "RoleSessionName is required"},
		{"no token", web("WebIdentityToken", "-"), 400, "ValidationError", "WebIdentityToken is required"},
		{"an empty token", web("WebIdentityToken", ""), 400, "ValidationError", "WebIdentityToken is required"},
		{"a short name", web("RoleSessionName", "j"), 400, "ValidationError", "2 to 64"},
		{"a bad name", web("RoleSessionName", canary+"/x"), 400, "ValidationError", "2 to 64"},
		{"a short role", web("RoleArn", "arn:aws:iam::0:role"), 400, "ValidationError", "20 to 2048"},
		{"a long role", web("RoleArn", role+"read/s3/lab-data/"+strings.Repeat("x", 2048)), 400, "ValidationError", "20 to 2048"},
		{"a role of AWS", web("RoleArn", "arn:aws:iam::123456789012:role/"+canary), 400, "ValidationError", "keyhatch/"},
		{"a role of another access", web("RoleArn", role+canary+"/s3/lab-data/alpha/"), 400, "ValidationError", "ACCESS"},
		{"a role of no place", web("RoleArn", role+"read/"+canary), 400, "ValidationError", "BUCKET"},
		{"a climbing role", web("RoleArn", role+"read/s3/lab-data/alpha/../beta/"), 400, "ValidationError", ""},
		{"a short duration", web("DurationSeconds", "899"), 400, "ValidationError", "900"},
		{"a long duration", web("DurationSeconds", "43201"), 400, "ValidationError", "longest lease of location alpha"},
		{"a duration of zero", web("DurationSeconds", "0"), 400, "ValidationError", "DurationSeconds"},
		{"a duration that is none", web("DurationSeconds", "1e3"), 400, "ValidationError", "DurationSeconds"},
		{"an endless duration", web("DurationSeconds", "99999999999999999999"), 400, "ValidationError", "DurationSeconds"},
		{"longer than the lease", assume("RoleArn", role+"read/s3/lab-data/alpha/", "DurationSeconds", "3601"), 400, "ValidationError", "the lease that you ask with"},
		{"a policy that is none", web("Policy", canary), 400, "MalformedPolicyDocument", "JSON"},
		{"a policy that is not understood", web("Policy", strings.Replace(narrower, `"Action"`, `"NotAction"`, 1)), 400, "MalformedPolicyDocument", "NotAction"},
		{"an empty policy", web("Policy", ""), 400, "ValidationError", "Policy"},
		{"a long policy", web("Policy", narrower+strings.Repeat(" ", 2048)), 400, "PackedPolicyTooLarge", "2048"},

		{"another token", web("WebIdentityToken", "kh_"+canary), 400, "InvalidIdentityToken", ""},
		{"a JWT", web("WebIdentityToken", "eyJhbGciOiJub25lIn0.e30."), 400, "InvalidIdentityToken", ""},
		{"a mistyped token", web("WebIdentityToken", w.token[:len(w.token)-1]+"!"), 400, "InvalidIdentityToken", ""},
		{"a token with a blank", web("WebIdentityToken", " "+w.token), 400, "InvalidIdentityToken", ""},
		{"a revoked token", web("WebIdentityToken", gone), 400, "InvalidIdentityToken", ""},
		{"a bucket that is not there", web("RoleArn", role+"read/s3/"+canary+"/alpha/"), 403, "AccessDenied", ""},
		{"a location that is not there", web("RoleArn", role+"read/location/"+canary), 403, "AccessDenied", ""},
		{"a workspace that is not there", web("RoleArn", role+"read/workspace/"+canary+"/location/alpha"), 403, "AccessDenied", ""},
		{"somebody without a workspace", web("WebIdentityToken", secret.Reveal()), 400, "ValidationError", "workspace/NAME"},
		{"writing to what is locked", web("RoleArn", role+"write/location/locked"), 403, "AccessDenied", "locked"},
		{"more access than the lease", assume("RoleArn", role+"write/s3/lab-data/alpha/"), 403, "AccessDenied", "does not open"},
		{"beside the lease", assume("RoleArn", role+"read/location/locked"), 403, "AccessDenied", ""},

		{"not signed", w.post(parameters("Action", "GetCallerIdentity").Encode()), 403, "MissingAuthenticationToken", "sign it"},
		{"an API token for a signature", with(w.post(parameters("Action", "GetCallerIdentity").Encode()), func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+w.token)
		}), 400, "IncompleteSignature", ""},
		{"a signature cut off", edited(identity(same, now), "Authorization", "Signature=", "Signature=0"), 400, "IncompleteSignature", ""},
		{"no signed headers", edited(identity(same, now), "Authorization", "SignedHeaders=", "Signed="), 400, "IncompleteSignature", ""},
		{"a header that is not signed", with(identity(same, now), func(r *http.Request) { r.Header.Set("X-Amz-Target", canary) }), 400, "IncompleteSignature", ""},
		{"another body", with(identity(same, now), func(r *http.Request) {
			*r = *r.WithContext(r.Context())
			other := w.post(parameters("Action", "GetCallerIdentity", "x", "y").Encode())
			r.Body, r.ContentLength = other.Body, other.ContentLength
		}), 403, "SignatureDoesNotMatch", ""},
		{"another secret", identity(func(c *keyhatch.Credentials) { c.SecretAccessKey += "x" }, now), 403, "SignatureDoesNotMatch", "check"},
		{"another key", identity(func(c *keyhatch.Credentials) { c.AccessKeyID = "KHLE0000000000000000" }, now), 403, "SignatureDoesNotMatch", "check"},
		{"another session token", identity(func(c *keyhatch.Credentials) { c.SessionToken = canary }, now), 403, "SignatureDoesNotMatch", "check"},
		{"no session token", identity(func(c *keyhatch.Credentials) { c.SessionToken = "" }, now), 403, "SignatureDoesNotMatch", "check"},
		{"an endless session token", identity(func(c *keyhatch.Credentials) { c.SessionToken = keyhatch.Secret(strings.Repeat("x", 9000)) }, now), 403, "InvalidClientTokenId", ""},
		{"an old signature", identity(same, now.Add(-16*time.Minute)), 403, "SignatureDoesNotMatch", "15 minutes"},
		{"one of the future", identity(same, now.Add(16*time.Minute)), 403, "SignatureDoesNotMatch", "15 minutes"},
		{"for another service", edited(identity(same, now), "Authorization", "/sts/", "/s3/"), 403, "SignatureDoesNotMatch", "service"},
		{"for another region", edited(identity(same, now), "Authorization", "/local/", "/eu-west-1/"), 403, "SignatureDoesNotMatch", "us-east-1"},
	} {
		a := w.do(tc.request)
		if a.status != tc.status || a.Code != tc.code || !strings.Contains(a.Message, tc.says) || a.Message == "" {
			t.Errorf("%s: %d %s; want %d %s that says %q", tc.what, a.status, a.text, tc.status, tc.code, tc.says)
		}
		if a.Type != "Sender" || a.RequestID == "" || a.header.Get("Content-Type") != "text/xml" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the answer is not whole: %s %v", tc.what, a.text, a.header)
		}
		for _, secret := range []string{canary, w.token, lent.Credentials.SessionToken.Reveal(), lent.Credentials.SecretAccessKey.Reveal()} {
			if strings.Contains(a.text, secret) {
				t.Errorf("%s: it repeats what was submitted: %s", tc.what, a.text)
			}
		}
	}
	w.wantNoSecrets(canary, w.token, gone, lent.Credentials.SessionToken.Reveal(), lent.Credentials.SecretAccessKey.Reveal())
}

// TestS6_UnknownKeyLooksWrong: whoever does not know a secret learns nothing of
// whether its key exists.
func TestS6_UnknownKeyLooksWrong(t *testing.T) {
	w := newWorld(t)
	lent := w.lend(keyhatch.Read, time.Hour)
	var first string
	for _, change := range []func(*keyhatch.Credentials){
		func(c *keyhatch.Credentials) { c.SecretAccessKey = "wrong" },
		func(c *keyhatch.Credentials) { c.SessionToken = "unknown" },
		func(c *keyhatch.Credentials) { c.AccessKeyID = "AKIAIOSFODNN7EXAMPLE" },
		func(c *keyhatch.Credentials) { c.SessionToken = "" },
	} {
		c := lent.Credentials
		change(&c)
		a := w.do(w.signed(c, parameters("Action", "GetCallerIdentity"), time.Now()))
		text := strings.Replace(a.text, a.RequestID, "ID", 1)
		if first == "" {
			first = text
		}
		if text != first || a.status != http.StatusForbidden {
			t.Errorf("%s differs from %s", text, first)
		}
	}
}

// TestS7_MemoryNotKnown: where it is not known what is permitted, the answer is one
// that SDKs try again.
func TestS7_MemoryNotKnown(t *testing.T) {
	w := newWorld(t)
	lent := w.lend(keyhatch.Read, time.Hour)
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // memory is older than a second
	for what, r := range map[string]*http.Request{
		"signed": w.signed(lent.Credentials, parameters("Action", "GetCallerIdentity"), time.Now()),
		"web identity": w.post(parameters("Action", "AssumeRoleWithWebIdentity", "RoleArn", role+"read/s3/lab-data/alpha/", "RoleSessionName", "job",
			"WebIdentityToken", w.token).Encode()),
	} {
		a := w.do(r)
		if a.status != http.StatusServiceUnavailable || a.Code != "ServiceUnavailable" || a.Type != "Receiver" || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
	}
}

// TestSignedParameters: every byte that a form can have is signed and read alike.
func TestSignedParameters(t *testing.T) {
	w := newWorld(t)
	lent := w.lend(keyhatch.Read, time.Hour)
	f := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleSessionName": {"a+b=c,d"}, "RoleArn": {role + "read/s3/lab-data/alpha/ü +%2F&=/"}}
	a := w.do(w.signed(lent.Credentials, f, time.Now()))
	if a.status != http.StatusOK || !strings.Contains(a.text, "/a+b=c,d<") {
		t.Errorf("%d %s", a.status, a.text)
	}
	leases, err := w.DB.Lease(t.Context(), strings.Split(strings.Split(a.text, "<AssumedRoleId>")[1], ":")[0])
	if err != nil || leases.URLs()[0] != "s3://lab-data/alpha/ü +%2F&=/" {
		t.Errorf("lent %v, %v", leases.URLs(), err)
	}
}
