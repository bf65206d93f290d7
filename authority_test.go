package keyhatch_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// serviceAccount is a key file as Google writes them, with a key of nobody's.
func serviceAccount(t *testing.T, change map[string]string) keyhatch.Secret {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "0123abcd", "client_email": "ann@p.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	for name, value := range change {
		file[name] = value
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return keyhatch.Secret(text)
}

// TestAuthorities: what each form takes, and which part is named, and never shown,
// when it is not so.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	const aws, azure, gcp = keyhatch.AWS, keyhatch.Azure, keyhatch.GCP
	const keys, role, token = keyhatch.KeysCredential, keyhatch.RoleCredential, keyhatch.TokenCredential
	const arn = "arn:aws:iam::123456789012:role/demo"
	long := keyhatch.Secret(strings.Repeat("x", 513))
	for _, tc := range []struct {
		name  string
		a     keyhatch.Authority
		field string // that is wrong; empty: nothing is
	}{
		{"keys", keyhatch.AWSKeys("AKIAEXAMPLE", "s3cr3t/+="), ""},
		{"keys of a store", keyhatch.Authority{Provider: aws, Kind: keys, Principal: "minioadmin", Secret: "minioadmin", Endpoint: "https://s3.example"}, ""},
		{"no key id", keyhatch.AWSKeys("", "secret-canary"), "access_key_id"},
		{"a key id with a space", keyhatch.AWSKeys("AKIA X", "secret-canary"), "access_key_id"},
		{"no secret", keyhatch.AWSKeys("AKIAEXAMPLE", ""), "secret_access_key"},
		{"a secret of two lines", keyhatch.AWSKeys("AKIAEXAMPLE", "secret\ncanary"), "secret_access_key"},
		{"a long secret", keyhatch.AWSKeys("AKIAEXAMPLE", long), "secret_access_key"},

		{"a role", keyhatch.Authority{Provider: aws, Kind: role, Principal: arn, Secret: "123ABC"}, ""},
		{"a role with a path", keyhatch.Authority{Provider: aws, Kind: role, Principal: "arn:aws-cn:iam::123456789012:role/a/b/c@d", Secret: "1+=,.@:/-"}, ""},
		{"a role of a store", keyhatch.Authority{Provider: aws, Kind: role, Principal: "arn:aws:iam:::role/demo", Secret: "123ABC", Endpoint: "https://s3.example"}, ""},
		{"a role without an account", keyhatch.Authority{Provider: aws, Kind: role, Principal: "arn:aws:iam:::role/demo", Secret: "123ABC"}, "role_arn"},
		{"a user", keyhatch.Authority{Provider: aws, Kind: role, Principal: "arn:aws:iam::123456789012:user/demo", Secret: "123ABC"}, "role_arn"},
		{"a role in two lines", keyhatch.Authority{Provider: aws, Kind: role, Principal: arn + "\n", Secret: "123ABC"}, "role_arn"},
		{"no external id", keyhatch.Authority{Provider: aws, Kind: role, Principal: arn}, "external_id"},
		{"an external id of one character", keyhatch.Authority{Provider: aws, Kind: role, Principal: arn, Secret: "1"}, "external_id"},
		{"a long external id", keyhatch.Authority{Provider: aws, Kind: role, Principal: arn, Secret: keyhatch.Secret(strings.Repeat("x", 1225))}, "external_id"},
		{"an external id with a space", keyhatch.Authority{Provider: aws, Kind: role, Principal: arn, Secret: "secret canary"}, "external_id"},

		{"an account's key", keyhatch.Authority{Provider: azure, Kind: keys, Principal: "demo1", Secret: "c2VjcmV0"}, ""},
		{"an account's key that is none", keyhatch.Authority{Provider: azure, Kind: keys, Principal: "demo1", Secret: "secret-canary"}, "account_key"},
		{"an account with capitals", keyhatch.Authority{Provider: azure, Kind: keys, Principal: "Demo", Secret: "c2VjcmV0"}, "account_name"},
		{"an account with an endpoint", keyhatch.Authority{Provider: azure, Kind: keys, Principal: "demo1", Secret: "c2VjcmV0", Endpoint: "https://x.example"}, "endpoint"},
		{"a signature", keyhatch.Authority{Provider: azure, Kind: token, Principal: "demo1", Secret: "?sv=2022-11-02&ss=b&sig=x%2Fy%3D"}, ""},
		{"a signature without sig", keyhatch.Authority{Provider: azure, Kind: token, Principal: "demo1", Secret: "sv=secret-canary"}, "sas_token"},

		{"an HMAC key", keyhatch.Authority{Provider: gcp, Kind: keys, Principal: "GOOG1E", Secret: "s/+="}, ""},
		{"a service account", keyhatch.Authority{Provider: gcp, Kind: token, Secret: serviceAccount(t, nil)}, ""},
		{"a service account that somebody named", keyhatch.Authority{Provider: gcp, Kind: token, Principal: "somebody", KeyID: "else", Secret: serviceAccount(t, nil)}, ""},
		{"a key file that is no JSON", keyhatch.Authority{Provider: gcp, Kind: token, Secret: "{secret-canary"}, "key_text"},
		{"a key file of a user", keyhatch.Authority{Provider: gcp, Kind: token, Secret: serviceAccount(t, map[string]string{"type": "authorized_user"})}, "key_text"},
		{"a key file without a key", keyhatch.Authority{Provider: gcp, Kind: token, Secret: serviceAccount(t, map[string]string{"private_key": "secret-canary"})}, "key_text"},
		{"a key file without an address", keyhatch.Authority{Provider: gcp, Kind: token, Secret: serviceAccount(t, map[string]string{"client_email": ""})}, "key_text"},
		{"a key file of 1 MiB", keyhatch.Authority{Provider: gcp, Kind: token, Secret: serviceAccount(t, map[string]string{"x": strings.Repeat("x", 1<<20)})}, "key_text"},

		{"a role of Azure", keyhatch.Authority{Provider: azure, Kind: role, Principal: arn, Secret: "123ABC"}, "kind"},
		{"a token of AWS", keyhatch.Authority{Provider: aws, Kind: token, Principal: "x", Secret: "secret-canary"}, "kind"},
		{"another provider", keyhatch.Authority{Provider: "R2", Kind: keys, Principal: "x", Secret: "secret-canary"}, "provider"},
		{"nothing", keyhatch.Authority{}, "provider"},
	} {
		checked, err := tc.a.Checked()
		var failed *keyhatch.Error
		switch {
		case tc.field == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.field == "" && tc.a.Provider == gcp && tc.a.Kind == token:
			if checked.Principal != "ann@p.iam.gserviceaccount.com" || checked.KeyID != "0123abcd" {
				t.Errorf("%s: it is of %s, key %s", tc.name, checked.Principal, checked.KeyID)
			}
		case tc.field == "" && checked != tc.a:
			t.Errorf("%s: it was changed", tc.name)
		case tc.field != "" && (!errors.As(err, &failed) || failed.Kind != keyhatch.Invalid || failed.Code != keyhatch.CodeInvalidCredential || failed.Field != tc.field):
			t.Errorf("%s: got %#v, want a refusal of %s", tc.name, err, tc.field)
		case tc.field != "" && strings.Contains(err.Error(), "canary"):
			t.Errorf("%s: the refusal shows it: %v", tc.name, err)
		}
	}
}

func FuzzAuthority(f *testing.F) {
	f.Add("AWS", "role", "arn:aws:iam::123456789012:role/demo", "", "123ABC")
	f.Add("AZURE", "token", "demo", "", "?sv=1&sig=x")
	f.Add("GCP", "token", "", "", `{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----"}`)
	f.Fuzz(func(t *testing.T, provider, kind, principal, endpoint, secret string) {
		a := keyhatch.Authority{
			Provider: keyhatch.Provider(provider), Kind: keyhatch.CredentialKind(kind), Principal: principal, Endpoint: endpoint, Secret: keyhatch.Secret(secret),
		}
		checked, err := a.Checked()
		if err != nil {
			if len(secret) > 12 && strings.Contains(err.Error(), secret) {
				t.Errorf("the refusal shows the secret: %v", err)
			}
			return
		}
		again, err := checked.Checked()
		if err != nil || again != checked {
			t.Errorf("what was taken is not taken again: %v", err)
		}
		for _, text := range []string{checked.Principal, checked.KeyID} {
			if strings.ContainsAny(text, "\x00\n\r \t") {
				t.Errorf("%q can be read in a header or a table as more than one", text)
			}
		}
	})
}
