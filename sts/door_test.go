package sts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/driver"
)

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

const narrower = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`

// TestSDK: what the SDK asks for is what is lent, on record and told back.
func TestSDK(t *testing.T) {
	w := newWorld(t)
	first, err := w.client(nil).AssumeRoleWithWebIdentity(t.Context(), &awssts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(role + "write/s3/lab-data/alpha/2024"), RoleSessionName: aws.String("job-7"), WebIdentityToken: aws.String(w.token + "\n"),
		DurationSeconds: aws.Int32(1800), Policy: aws.String(narrower),
	})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(first.SubjectFromWebIdentityToken) != w.ann.User.ID || aws.ToString(first.Provider) != "keyhatch" || aws.ToString(first.Audience) != "keyhatch" {
		t.Errorf("answered for %v by %v", first.SubjectFromWebIdentityToken, first.Provider)
	}
	lease := w.leaseOf(first.Credentials)
	if got := strings.Join(lease.URLs(), " "); got != "s3://lab-data/alpha/2024/" || lease.Access != keyhatch.Write || lease.SessionName != "job-7" ||
		lease.ExpiresAt.Sub(lease.IssuedAt) != 30*time.Minute || !cmp.Equal(lease.Policies, []string{narrower}) {
		t.Errorf("lent %+v", lease)
	}
	if !first.Credentials.Expiration.Equal(lease.ExpiresAt.Truncate(time.Second)) {
		t.Errorf("told to expire at %v, and does at %v", first.Credentials.Expiration, lease.ExpiresAt)
	}
	if got, want := aws.ToString(first.AssumedRoleUser.Arn), "arn:aws:sts::000000000000:assumed-role/"+w.ann.User.ID+"/job-7"; got != want {
		t.Errorf("it is called %s, want %s", got, want)
	}

	holder := w.client(keysOf(first.Credentials))
	who, err := holder.GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(who.Arn) != aws.ToString(first.AssumedRoleUser.Arn) || aws.ToString(who.UserId) != aws.ToString(first.AssumedRoleUser.AssumedRoleId) ||
		aws.ToString(who.UserId) != lease.ID+":job-7" || aws.ToString(who.Account) != "000000000000" {
		t.Errorf("the caller is %+v", who)
	}

	second, err := holder.AssumeRole(t.Context(), &awssts.AssumeRoleInput{
		RoleArn: aws.String(role + "read/location/alpha/2024/05/"), RoleSessionName: aws.String("step+1"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	child := w.leaseOf(second.Credentials)
	if got := strings.Join(child.URLs(), " "); got != "s3://lab-data/alpha/2024/05/" || child.Access != keyhatch.Read ||
		!cmp.Equal(child.Ancestors, []string{lease.ID}) || !cmp.Equal(child.Policies, []string{narrower}) {
		t.Errorf("lent with the lease: %+v", child)
	}
	events, err := w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: lending.LeaseLent}, kernel.Page{})
	if err != nil || len(events.Items) != 2 || events.Items[0].Target != child.ID || events.Items[0].Detail["parent"] != lease.ID ||
		events.Items[1].Detail["session_name"] != "job-7" || events.Items[1].RequestID == "" || events.Items[1].Address != "127.0.0.1" {
		t.Errorf("on record is %+v, %v", events.Items, err)
	}
	w.wantNoSecrets(aws.ToString(first.Credentials.SecretAccessKey), aws.ToString(first.Credentials.SessionToken), w.token)
}

// leaseOf is the record of what was lent, and that the keys are good for it.
func (w *world) leaseOf(c *types.Credentials) keyhatch.Lease {
	w.t.Helper()
	s, err := w.Broker.Lending.OpenSession(aws.ToString(c.AccessKeyId), aws.ToString(c.SessionToken))
	if err != nil || s.SecretKey.Reveal() != aws.ToString(c.SecretAccessKey) {
		w.t.Fatalf("the credentials do not open: %v", err)
	}
	l, err := w.Broker.Lending.LeaseByID(w.t.Context(), w.ann, s.Lease.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func keysOf(c *types.Credentials) *keyhatch.Credentials {
	return &keyhatch.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: keyhatch.Secret(aws.ToString(c.SecretAccessKey)), SessionToken: keyhatch.Secret(aws.ToString(c.SessionToken)),
	}
}

func (w *world) wantNoSecrets(secrets ...string) {
	w.t.Helper()
	for _, s := range secrets {
		if strings.Contains(w.log.String(), s) {
			w.t.Errorf("the log has a secret: %s", w.log)
		}
	}
}

// TestProviders: the SDK's own sources of credentials take what is lent, and ask
// again when it has expired.
func TestProviders(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(w.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	web := stscreds.NewWebIdentityRoleProvider(w.client(nil), role+"read/s3/lab-data/alpha/", stscreds.IdentityTokenFile(file))
	got, err := web.Retrieve(t.Context())
	if err != nil || !got.CanExpire || got.AccessKeyID == "" {
		t.Fatalf("web identity: %v", err)
	}
	again, err := web.Retrieve(t.Context())
	if err != nil || again.AccessKeyID == got.AccessKeyID {
		t.Errorf("asked again: %v", err)
	}
	lent := w.lend(keyhatch.Write, time.Hour)
	assume := stscreds.NewAssumeRoleProvider(w.client(&lent.Credentials), role+"read/s3/lab-data/alpha/", func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "step" })
	if got, err := assume.Retrieve(t.Context()); err != nil || got.SessionToken == "" {
		t.Errorf("assume role: %v", err)
	}
	if err := os.WriteFile(file, []byte(w.token[:len(w.token)-1]), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = web.Retrieve(t.Context())
	if refused := (*types.InvalidIdentityTokenException)(nil); !errors.As(err, &refused) {
		t.Errorf("with half a token: %v", err)
	}
}

// TestQueryForm: both actions take their parameters in the query of a GET as well,
// and a presigned one tells who presigned it.
func TestQueryForm(t *testing.T) {
	w := newWorld(t)
	f := parameters("Action", "AssumeRoleWithWebIdentity", "RoleArn", role+"read/s3/lab-data/alpha/", "RoleSessionName", "job", "WebIdentityToken", w.token)
	for _, path := range []string{"", "/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path+"?"+f.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		a := w.do(r)
		if a.status != http.StatusOK || !strings.Contains(a.text, "<SecretAccessKey>") || strings.Contains(a.text, `xmlns=""`) || a.header.Get("Cache-Control") != "no-store" || a.Answered == "" {
			t.Errorf("GET %s: %d %s %s %v", path, a.status, a.Code, a.Message, a.header)
		}
	}
	for size, want := range map[int]string{len(narrower): "4", 1024: "50", 2048: "100"} {
		f.Set("Policy", narrower+strings.Repeat(" ", size-len(narrower)))
		if a := w.do(w.post(f.Encode())); !strings.Contains(a.text, "<PackedPolicySize>"+want+"</PackedPolicySize>") {
			t.Errorf("a policy of %d characters does not take %s %% of what there may be", size, want)
		}
	}
	lent := w.lend(keyhatch.Read, time.Hour)
	presigned := func(old time.Duration) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		c := lent.Credentials
		keys := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal()}
		signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), keys, r, hashed(""), "sts", "us-east-1", time.Now().Add(-old))
		if err != nil {
			t.Fatal(err)
		}
		if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, signed, nil); err != nil {
			t.Fatal(err)
		}
		return w.do(r)
	}
	if a := presigned(0); a.status != http.StatusOK || !strings.Contains(a.text, lent.Lease.ID) {
		t.Errorf("presigned: %d %s", a.status, a.text)
	}
	if a := presigned(2 * time.Minute); a.status != http.StatusForbidden || a.Code != "SignatureDoesNotMatch" {
		t.Errorf("presigned long ago: %d %s", a.status, a.text)
	}
	w.wantNoSecrets(w.token, lent.Credentials.SessionToken.Reveal())
}

// TestS2_WebIdentityScopes: who may borrow by POST /api/v1/leases may assume a role,
// and nobody else; within the token's scopes.
func TestS2_WebIdentityScopes(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		scopes []keyhatch.Scope
		arn    string
		want   string
	}{
		{[]keyhatch.Scope{"all"}, "write/s3/lab-data/alpha/", ""},
		{[]keyhatch.Scope{"leases"}, "write/s3/lab-data/alpha/", ""},
		{[]keyhatch.Scope{"POST /api/v1/leases"}, "write/s3/lab-data/alpha/", ""},
		{[]keyhatch.Scope{"s3:read s3://lab-data/alpha/x/"}, "read/s3/lab-data/alpha/x/", ""},
		{[]keyhatch.Scope{"s3:read s3://lab-data/alpha/x/"}, "write/s3/lab-data/alpha/x/", "AccessDenied"},
		{[]keyhatch.Scope{"s3:read s3://lab-data/alpha/x/"}, "read/s3/lab-data/alpha/", "AccessDenied"},
		{[]keyhatch.Scope{"leases:read"}, "read/s3/lab-data/alpha/", "AccessDenied"},
		{[]keyhatch.Scope{"locations"}, "read/s3/lab-data/alpha/", "AccessDenied"},
		{[]keyhatch.Scope{"GET /api/v1/leases"}, "read/s3/lab-data/alpha/", "AccessDenied"},
	} {
		token := w.newToken(people.NewToken{User: w.ann.User.ID, Workspace: w.location.Workspace, Scopes: tc.scopes})
		a := w.do(w.post(parameters("Action", "AssumeRoleWithWebIdentity", "RoleArn", role+tc.arn, "RoleSessionName", "job", "WebIdentityToken", token).Encode()))
		if a.Code != tc.want || (a.status == http.StatusOK) != (tc.want == "") {
			t.Errorf("%s asking for %s: %d %s %s", tc.scopes, tc.arn, a.status, a.Code, a.Message)
		}
	}
}

// TestS4_EveryScope: of all forms of scopes, those that allow POST /api/v1/leases open the
// door, and no other: it has no scope of its own, since that would be a second way to allow
// the same.
func TestS4_EveryScope(t *testing.T) {
	w := newWorld(t)
	opens := map[keyhatch.Scope]bool{
		"all": true, "leases": true, "POST /": true, "POST /api/": true, "POST /api/v1/": true, "POST /api/v1/leases": true,
		"POST /api/v1/leases/": false, "POST /api/v1/lease": false, "GET /": false, "HEAD /": false, "PUT /api/v1/leases": false, "GET /api/v1/leases": false,
		"POST /sts": false, "POST /sts/": false, "GET /sts": false,
		"s3:read s3://lab-data/alpha/": true, "s3:write s3://lab-data/": true, "s3:write s3://lab-data/beta/": false, "s3:read s3://other-data/": false,
	}
	for _, noun := range keyhatch.ScopeNouns {
		opens[keyhatch.Scope(noun)] = noun == "leases"
		opens[keyhatch.Scope(noun+":read")] = false
	}
	try := func(want bool, scopes ...keyhatch.Scope) {
		t.Helper()
		token := w.newToken(people.NewToken{User: w.ann.User.ID, Workspace: w.location.Workspace, Scopes: scopes})
		f := parameters("Action", "AssumeRoleWithWebIdentity", "RoleArn", role+"read/s3/lab-data/alpha/", "RoleSessionName", "job", "WebIdentityToken", token)
		for method, path := range map[string]string{"POST": "", "POST with a slash": "/", "GET": "?" + f.Encode()} {
			r := w.post(f.Encode())
			if method == "GET" {
				var err error
				if r, err = http.NewRequestWithContext(t.Context(), "GET", w.url+path, nil); err != nil {
					t.Fatal(err)
				}
			} else {
				r.URL.Path += path
			}
			if a := w.do(r); (a.status == http.StatusOK) != want || !want && a.Code != "AccessDenied" {
				t.Errorf("%s with %q: %d %s, want it open: %t", method, scopes, a.status, a.Code, want)
			}
		}
	}
	for scope, want := range opens {
		try(want, scope)
	}
	try(false, "tokens", "s3:read s3://lab-data/alpha/") // which bounds, and does not open
	try(true, "leases", "s3:read s3://lab-data/alpha/")
}

// TestEndedLease: what a lease's holder is told when it has ended.
func TestEndedLease(t *testing.T) {
	w := newWorld(t)
	lent := w.lend(keyhatch.Write, time.Hour)
	expired := lent.Lease
	expired.ExpiresAt = time.Now().Add(-time.Second)
	old, err := lenderOf(w).Lend(t.Context(), driver.LendRequest{Store: w.Store, Lease: expired})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Broker.Lending.RevokeLease(t.Context(), w.ann, lent.Lease.ID); err != nil {
		t.Fatal(err)
	}
	for what, tc := range map[string]struct {
		keys keyhatch.Credentials
		code string
	}{
		"revoked": {lent.Credentials, "InvalidClientTokenId"}, "expired": {old.Credentials, "ExpiredToken"},
	} {
		for _, f := range []string{"GetCallerIdentity", "AssumeRole"} {
			form := parameters("Action", f)
			if f == "AssumeRole" {
				form = parameters("Action", f, "RoleArn", role+"read/s3/lab-data/alpha/", "RoleSessionName", "job")
			}
			if a := w.do(w.signed(tc.keys, form, time.Now())); a.status != http.StatusForbidden || a.Code != tc.code || a.Type != "Sender" {
				t.Errorf("%s, %s: %d %s", what, f, a.status, a.text)
			}
			wrong := tc.keys
			wrong.SecretAccessKey += "x"
			if a := w.do(w.signed(wrong, form, time.Now())); a.Code != "SignatureDoesNotMatch" {
				t.Errorf("%s, %s, without knowing its secret: %d %s", what, f, a.status, a.text)
			}
		}
	}
}
