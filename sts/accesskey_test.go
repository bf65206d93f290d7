package sts_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/people"
)

// issue makes an access key that reads the bucket of lab, with a pair.
func (w *world) issue(by keyhatch.Caller) (keyhatch.AccessKey, keyhatch.Credentials) {
	w.t.Helper()
	key, err := w.Broker.AccessKeys.Create(w.t.Context(), by, accesskeys.NewKey{
		Workspace: "lab", Store: w.Store.ID, Name: "nas", Rights: accesskeys.Rights{Read: []string{"lab-data"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	key, pair, err := w.Broker.AccessKeys.Issue(w.t.Context(), by, "", key.ID, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return key, pair
}

// TestSDKWithAccessKey: an SDK with a long-lived key tells whose it is, borrows with it,
// and borrows with what it borrowed; the key has then been used.
func TestSDKWithAccessKey(t *testing.T) {
	w := newWorld(t)
	key, pair := w.issue(w.Admin)
	holder := w.client(&pair)
	who, err := holder.GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(who.Arn) != "arn:aws:iam::000000000000:user/"+key.Owner || aws.ToString(who.UserId) != key.ID || aws.ToString(who.Account) != "000000000000" {
		t.Errorf("the caller is %+v", who)
	}
	first, err := holder.AssumeRole(t.Context(), &awssts.AssumeRoleInput{
		RoleArn: aws.String(role + "read/s3/lab-data/2024/"), RoleSessionName: aws.String("step+1"), Policy: aws.String(narrower), DurationSeconds: aws.Int32(43200),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := w.Broker.Lending.OpenSession(aws.ToString(first.Credentials.AccessKeyId), aws.ToString(first.Credentials.SessionToken))
	if err != nil {
		t.Fatal(err)
	}
	if l := opened.Lease; l.Pair != pair.AccessKeyID || strings.Join(l.URLs(), " ") != "s3://lab-data/2024/" || !cmp.Equal(l.Policies, []string{narrower}) || l.SessionName != "step+1" {
		t.Errorf("lent %+v", l)
	}
	second, err := w.client(keysOf(first.Credentials)).AssumeRole(t.Context(), &awssts.AssumeRoleInput{
		RoleArn: aws.String(role + "read/s3/lab-data/2024/05/"), RoleSessionName: aws.String("step+2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	child, err := w.Broker.Lending.OpenSession(aws.ToString(second.Credentials.AccessKeyId), aws.ToString(second.Credentials.SessionToken))
	if err != nil || child.Lease.Pair != pair.AccessKeyID || !cmp.Equal(child.Lease.Ancestors, []string{opened.Lease.ID}) || !cmp.Equal(child.Lease.Policies, []string{narrower}) {
		t.Errorf("lent with that: %+v, %v", child.Lease, err)
	}
	uses, stop := context.WithCancel(t.Context())
	stop()
	w.Broker.AccessKeys.RunUses(uses) // writes once, and ends
	if used, err := w.Broker.AccessKeys.Key(t.Context(), w.Admin, "", key.ID); err != nil || used.LastUsedAt.IsZero() {
		t.Errorf("it was used at %v, %v", used.LastUsedAt, err)
	}
	w.wantNoSecrets(pair.SecretAccessKey.Reveal(), aws.ToString(first.Credentials.SecretAccessKey), aws.ToString(second.Credentials.SessionToken))
}

// TestAccessKeyRefused: what a key does not open is not lent; one that has ended, or is
// not known, looks like a wrong signature.
func TestAccessKeyRefused(t *testing.T) {
	w := newWorld(t)
	key, pair := w.issue(w.Admin)
	assume := func(arn string, more ...string) *http.Request {
		return w.signed(pair, parameters(append([]string{"Action", "AssumeRole", "RoleSessionName", "job", "RoleArn", role + arn}, more...)...), time.Now())
	}
	check := func(what string, r *http.Request, status int, code, says string) {
		t.Helper()
		if a := w.do(r); a.status != status || a.Code != code || !strings.Contains(a.Message, says) || strings.Contains(a.text, pair.SecretAccessKey.Reveal()) {
			t.Errorf("%s: %d %s; want %d %s that says %q", what, a.status, a.text, status, code, says)
		}
	}
	check("more access", assume("write/s3/lab-data/"), 403, "AccessDenied", "do not open")
	check("another bucket", assume("read/s3/other-data/"), 403, "AccessDenied", "")
	check("longer", assume("read/s3/lab-data/alpha/", "DurationSeconds", "43201"), 400, "ValidationError", "the limit is the longest lease of")
	check("no policy", assume("read/s3/lab-data/", "Policy", "{}"), 400, "MalformedPolicyDocument", "")

	wrong := pair
	wrong.SecretAccessKey = "wrong"
	identity := func(c keyhatch.Credentials) *http.Request {
		return w.signed(c, parameters("Action", "GetCallerIdentity"), time.Now())
	}
	check("a wrong secret", identity(wrong), 403, "SignatureDoesNotMatch", "check")
	if err := w.Broker.AccessKeys.Delete(t.Context(), w.Admin, "", key.ID); err != nil {
		t.Fatal(err)
	}
	check("a deleted key", identity(pair), 403, "SignatureDoesNotMatch", "check")
	check("a deleted key that borrows", assume("read/s3/lab-data/"), 403, "SignatureDoesNotMatch", "check")
}

// TestS7_KeyOfInactiveOwner: a key whose owner is inactive is told so, to who knows its
// secret, and lends nothing.
func TestS7_KeyOfInactiveOwner(t *testing.T) {
	w := newWorld(t)
	ws, err := w.Broker.People.Workspace(t.Context(), w.Admin, "lab")
	if err != nil {
		t.Fatal(err)
	}
	w.Member(t, ws, w.ann, keyhatch.AdminRole)
	_, pair := w.issue(w.ann)
	if _, err := w.Broker.People.UpdateUser(t.Context(), w.Admin, w.ann.User.ID, people.UserChange{Active: new(bool)}); err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string][]string{
		"identity": {"Action", "GetCallerIdentity"},
		"a role":   {"Action", "AssumeRole", "RoleSessionName", "job", "RoleArn", role + "read/s3/lab-data/"},
	} {
		if a := w.do(w.signed(pair, parameters(f...), time.Now())); a.status != 403 || a.Code != "InvalidClientTokenId" {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
	}
}
