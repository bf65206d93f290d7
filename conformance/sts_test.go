package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// roleOf is the role that names what is asked for.
func roleOf(p place, access, prefix string) string {
	return "arn:aws:iam::000000000000:role/keyhatch/" + access + "/s3/" + p.bucket + "/" + prefix
}

// stsURL is where the SDKs find the STS wire.
func stsURL(p place) string { return p.API + "/sts" }

// webIdentity is the environment in which SDKs borrow by themselves, with the API
// token in a file, as "echo" leaves it.
func webIdentity(t *testing.T, p place, home, role string) []string {
	t.Helper()
	file := filepath.Join(home, "token")
	if err := os.WriteFile(file, []byte(p.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := slices.DeleteFunc(awsEnv(t, devserver.Lease{Endpoint: p.S3, Region: p.Region}, home), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY" || name == "AWS_SESSION_TOKEN"
	})
	return append(env, "AWS_ENDPOINT_URL_STS="+stsURL(p), "AWS_ROLE_ARN="+role, "AWS_WEB_IDENTITY_TOKEN_FILE="+file, "AWS_ROLE_SESSION_NAME=nightly-job")
}

// assumed is what the AWS CLI prints of a role that was assumed.
type assumed struct {
	Credentials     struct{ AccessKeyId, SecretAccessKey, SessionToken string }
	AssumedRoleUser struct{ Arn, AssumedRoleId string }
	Provider        string
}

func readAssumed(t *testing.T, p place, r result) (assumed, devserver.Lease) {
	t.Helper()
	var a assumed
	if err := json.Unmarshal(r.must(t).stdout, &a); err != nil {
		t.Fatalf("%s: %v", r.command, err)
	}
	return a, devserver.Lease{
		AccessKeyID: a.Credentials.AccessKeyId, SecretAccessKey: a.Credentials.SecretAccessKey, SessionToken: a.Credentials.SessionToken,
		Endpoint: p.S3, Region: p.Region,
	}
}

// refusedBy are the words of the AWS CLI for a refusal.
func refusedBy(action, code string) *regexp.Regexp { return regexp.MustCompile(awsWords(action, code)) }

// TestSTSWithTheAWSCLI: the CLI borrows with the API token, narrows what it has, and
// tells who it is; without a line of code.
func TestSTSWithTheAWSCLI(t *testing.T) {
	t.Parallel()
	run := newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli"))
	p := start(t)
	secret := devserver.Lease{SecretAccessKey: p.Token}
	env := webIdentity(t, p, run.home, roleOf(p, "read", p.own))

	who := run.run(secret, env, "sts", "get-caller-identity", "--output", "json").must(t)
	if !regexp.MustCompile(`"Arn": "arn:aws:sts::000000000000:assumed-role/user_[0-9a-z]{15}/nightly-job"`).Match(who.stdout) {
		t.Errorf("the caller is %s", who.stdout)
	}
	run.run(secret, env, "s3", "cp", "--no-progress", "s3://"+p.bucket+"/"+p.own+"README.txt", filepath.Join(run.home, "got")).must(t)
	run.run(secret, env, "s3", "ls", "s3://"+p.bucket+"/"+siblingPrefix).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))

	plain := slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "AWS_ROLE_") || strings.HasPrefix(v, "AWS_WEB_") })
	web := func(args ...string) result {
		return run.run(secret, plain, append([]string{
			"sts", "assume-role-with-web-identity", "--output", "json", "--no-sign-request", "--role-session-name", "by-hand", "--web-identity-token", "file://" + filepath.Join(run.home, "token"),
		}, args...)...)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::` + p.bucket + "/" + p.own + `*"}]}`
	first, lease := readAssumed(t, p, web("--role-arn", roleOf(p, "write", p.own), "--duration-seconds", "1800", "--policy", policy))
	if first.Provider != "keyhatch" || !strings.HasSuffix(first.AssumedRoleUser.Arn, "/by-hand") {
		t.Errorf("the CLI printed %+v by %s", first.AssumedRoleUser, first.Provider)
	}
	holder := append(awsEnv(t, lease, run.home), "AWS_ENDPOINT_URL_STS="+stsURL(p))
	run.run(lease, holder, "s3api", "put-object", "--bucket", p.bucket, "--key", p.own+"sts/one", "--body", filepath.Join(run.home, "got")).must(t)
	run.run(lease, holder, "s3", "ls", "s3://"+p.bucket+"/"+p.own).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))
	run.run(lease, holder, "s3api", "delete-object", "--bucket", p.bucket, "--key", p.own+"sts/one").mustBeRefused(t, refusedBy("DeleteObject", "AccessDenied"))

	assume := func(l devserver.Lease, env []string, role string) result {
		return run.run(l, env, "sts", "assume-role", "--output", "json", "--role-session-name", "step", "--duration-seconds", "900", "--role-arn", role)
	}
	_, narrow := readAssumed(t, p, assume(lease, holder, roleOf(p, "read", p.own+"sts/")))
	narrowed := append(awsEnv(t, narrow, run.home), "AWS_ENDPOINT_URL_STS="+stsURL(p))
	run.run(narrow, narrowed, "s3api", "get-object", "--bucket", p.bucket, "--key", p.own+"sts/one", filepath.Join(run.home, "one")).must(t)
	run.run(narrow, narrowed, "s3api", "get-object", "--bucket", p.bucket, "--key", p.own+"README.txt", filepath.Join(run.home, "no")).
		mustBeRefused(t, refusedBy("GetObject", "AccessDenied"))
	run.run(narrow, narrowed, "s3api", "put-object", "--bucket", p.bucket, "--key", p.own+"sts/two", "--body", filepath.Join(run.home, "got")).
		mustBeRefused(t, refusedBy("PutObject", "AccessDenied"))
	assume(narrow, narrowed, roleOf(p, "write", p.own+"sts/")).mustBeRefused(t, refusedBy("AssumeRole", "AccessDenied"))

	// What ends the first ends the one after it.
	id, _, _ := strings.Cut(first.AssumedRoleUser.AssumedRoleId, ":")
	if err := p.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	run.run(narrow, narrowed, "s3api", "get-object", "--bucket", p.bucket, "--key", p.own+"sts/one", filepath.Join(run.home, "no")).
		mustBeRefused(t, refusedBy("GetObject", "AccessDenied"))
	run.run(narrow, narrowed, "sts", "get-caller-identity").mustBeRefused(t, refusedBy("GetCallerIdentity", "InvalidClientTokenId"))

	web("--role-arn", roleOf(p, "read", p.own), "--policy", `{"Version":"2012-10-17"}`).mustBeRefused(t, refusedBy("AssumeRoleWithWebIdentity", "MalformedPolicyDocument"))
	web("--role-arn", roleOf(p, "read", p.own), "--duration-seconds", "43201").mustBeRefused(t, regexp.MustCompile("ValidationError.*the limit is the longest lease of location alpha"))
	web("--role-arn", roleOf(p, "read", "nothing/")).mustBeRefused(t, refusedBy("AssumeRoleWithWebIdentity", "AccessDenied"))
}

// TestSTSWithBoto3: boto3 fetches keys from its environment alone, and fetches others
// when these have expired.
func TestSTSWithBoto3(t *testing.T) {
	t.Parallel()
	c := newPythonLibrary(t, "KEYHATCH_PYTHON", "python3 with boto3", "web_identity.py", "", nil)
	p := start(t)
	env := webIdentity(t, p, c.home, roleOf(p, "read", p.own))
	r := c.run(devserver.Lease{SecretAccessKey: p.Token}, env, "-B", c.script, p.bucket, p.own+"README.txt").must(t)
	lines := strings.Fields(string(r.stdout))
	if len(lines) != 3 || lines[0] != "assume-role-with-web-identity" || lines[1] == lines[2] || !strings.HasPrefix(lines[2], "KHLE") {
		t.Errorf("it printed %q", r.output)
	}
}

// TestSTSWithTheGoSDK: the SDK's own provider borrows for the client of S3.
func TestSTSWithTheGoSDK(t *testing.T) {
	t.Parallel()
	p := start(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(p.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	web := stscreds.NewWebIdentityRoleProvider(sts.New(sts.Options{BaseEndpoint: aws.String(stsURL(p)), Region: p.Region}),
		roleOf(p, "read", p.own), stscreds.IdentityTokenFile(file))
	client := s3.New(s3.Options{BaseEndpoint: &p.S3, Region: p.Region, UsePathStyle: true, Retryer: aws.NopRetryer{}, Credentials: aws.NewCredentialsCache(web)})
	if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: aws.String(p.own + "README.txt")}); err != nil {
		t.Error(err)
	}
	if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: aws.String(siblingPrefix + "README.txt")}); err == nil {
		t.Error("it read beside the role")
	}
}

// TestSTSWithAccessKey: a machine that has a long-lived key lends its jobs keys that end:
// the CLI, boto3 and the SDK for Go borrow by a profile that names a role.
func TestSTSWithAccessKey(t *testing.T) {
	t.Parallel()
	run := newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli"))
	p := start(t)
	key := create(t, p.Server, "/api/v1/access-keys", map[string]any{"store": "local", "name": "nas", "rights": map[string]any{"read": []string{p.bucket}}})
	pair := issue(t, p.Server, key, 0)
	profiles := `[profile nas]
region = ` + p.Region + `
aws_access_key_id = ` + pair.AccessKeyID + `
aws_secret_access_key = ` + pair.SecretAccessKey + `

[profile job]
source_profile = nas
role_arn = ` + roleOf(p, "read", p.own) + `
services = keyhatch
region = ` + p.Region + `

[services keyhatch]
s3 =
  endpoint_url = ` + p.S3 + `
sts =
  endpoint_url = ` + stsURL(p) + `
`
	file := filepath.Join(run.home, "config")
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	env := slices.DeleteFunc(awsEnv(t, pair, run.home), func(v string) bool {
		return strings.HasPrefix(v, "AWS_ACCESS_KEY_ID=") || strings.HasPrefix(v, "AWS_SECRET_ACCESS_KEY=") || strings.HasPrefix(v, "AWS_SESSION_TOKEN=") ||
			strings.HasPrefix(v, "AWS_ENDPOINT_URL") || strings.HasPrefix(v, "AWS_CONFIG_FILE=")
	})
	env = append(env, "AWS_CONFIG_FILE="+file)
	as := func(profile string, args ...string) result {
		return run.run(pair, env, append(args, "--profile", profile)...)
	}
	who := as("job", "sts", "get-caller-identity", "--output", "json").must(t)
	if !regexp.MustCompile(`"Arn": "arn:aws:sts::000000000000:assumed-role/user_[0-9a-z]{15}/`).Match(who.stdout) {
		t.Errorf("the job is %s", who.stdout)
	}
	who = as("nas", "sts", "get-caller-identity", "--output", "json", "--endpoint-url", stsURL(p)).must(t)
	if !strings.Contains(string(who.stdout), `"UserId": "`+key+`"`) || !regexp.MustCompile(`"Arn": "arn:aws:iam::000000000000:user/user_[0-9a-z]{15}"`).Match(who.stdout) {
		t.Errorf("the key is %s", who.stdout)
	}
	as("job", "s3", "cp", "--no-progress", "s3://"+p.bucket+"/"+p.own+"README.txt", filepath.Join(run.home, "got")).must(t)
	as("job", "s3", "ls", "s3://"+p.bucket+"/"+siblingPrefix).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))

	// boto3 and the SDK for Go borrow by the same profile, and boto3 again when the keys
	// have expired.
	python := newPythonLibrary(t, "KEYHATCH_PYTHON", "python3 with boto3", "web_identity.py", "", nil)
	r := python.run(pair, append(slices.Clone(env), "AWS_PROFILE=job"), "-B", python.script, p.bucket, p.own+"README.txt").must(t)
	lines := strings.Fields(string(r.stdout))
	if len(lines) != 3 || lines[0] != "assume-role" || lines[1] == lines[2] || !strings.HasPrefix(lines[2], "KHLE") {
		t.Errorf("boto3 printed %q", r.output)
	}
	sdk, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigFiles([]string{file}), config.WithSharedConfigProfile("job"))
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(sdk, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: aws.String(p.own + "README.txt")}); err != nil {
		t.Errorf("the SDK for Go: %v", err)
	}
	if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: aws.String(siblingPrefix + "README.txt")}); err == nil {
		t.Error("the SDK for Go read beside the role")
	}

	assume := func(role string) result {
		return as("nas", "sts", "assume-role", "--output", "json", "--endpoint-url", stsURL(p), "--role-session-name", "step", "--duration-seconds", "900", "--role-arn", role)
	}
	assume(roleOf(p, "write", p.own)).mustBeRefused(t, refusedBy("AssumeRole", "AccessDenied"))
	_, lease := readAssumed(t, p, assume(roleOf(p, "read", p.own)))
	held := append(awsEnv(t, lease, run.home), "AWS_ENDPOINT_URL_STS="+stsURL(p))
	get := []string{"s3api", "get-object", "--bucket", p.bucket, "--key", p.own + "README.txt", filepath.Join(run.home, "again")}
	run.run(lease, held, get...).must(t)
	issue(t, p.Server, key, 0) // what was borrowed with the pair before ends with it
	run.run(lease, held, get...).mustBeRefused(t, refusedBy("GetObject", "AccessDenied"))
	assume(roleOf(p, "read", p.own)).mustBeRefused(t, refusedBy("AssumeRole", "SignatureDoesNotMatch"))
}
