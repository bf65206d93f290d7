package keyhatch

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Provider is the cloud in which an authority is good.
type Provider string

// The providers. AWS is, by an endpoint of its own, every S3-compatible store too.
const (
	AWS   Provider = "AWS"
	Azure Provider = "AZURE"
	GCP   Provider = "GCP"
)

// CredentialKind says what an authority is.
type CredentialKind string

// The kinds.
const (
	KeysCredential  CredentialKind = "credential" // a long-lived key pair
	RoleCredential  CredentialKind = "role"       // a role of AWS that we may assume
	TokenCredential CredentialKind = "token"      // a shared access signature of Azure, or the key file of a service account of GCP
)

// Authority is what acts on a cloud: whom it acts as, and the secret that lets it.
// It exists in memory only.
type Authority struct {
	Provider Provider
	Kind     CredentialKind
	// Principal is whom it acts as: the id of an access key, the ARN of a role, the
	// name of a storage account, the e-mail address of a service account.
	Principal string
	KeyID     string // of a service account's key
	Endpoint  string // of an S3-compatible store; empty: AWS itself
	// Secret is the access key's secret, the role's external id, the account's key, the
	// shared access signature, or the text of the key file.
	Secret Secret
}

// KeyPair is the authority of an access key as a signature needs it. It exists in
// memory only.
type KeyPair struct {
	AccessKeyID     string
	SecretAccessKey Secret
}

// AWSKeys is the authority of an access key of AWS.
func AWSKeys(accessKeyID string, secret Secret) Authority {
	return Authority{Provider: AWS, Kind: KeysCredential, Principal: accessKeyID, Secret: secret}
}

// Form is what authorities of one provider and kind consist of: how the provider
// calls the parts, and what they look like.
type Form struct {
	Provider          Provider
	Kind              CredentialKind
	Principal, Secret string // names of fields

	principal, secret rule
}

// rule is how a part looks, and what is said of one that does not.
type rule struct {
	holds func(string) bool
	words string
}

// forms are all that there are.
var forms = []Form{
	{AWS, KeysCredential, "access_key_id", "secret_access_key", keyText, keyText},
	{AWS, RoleCredential, "role_arn", "external_id", roleARN, externalID},
	{Azure, KeysCredential, "account_name", "account_key", accountName, accountKey},
	{Azure, TokenCredential, "account_name", "sas_token", accountName, signature},
	{GCP, KeysCredential, "access_key_id", "secret_access_key", keyText, keyText},
	{GCP, TokenCredential, "account_id", "key_text", always, always},
}

// maxKeyBytes is five times the longest key that stores are known to make.
const maxKeyBytes = 512

// MaxKeyFileBytes is what a service account's key file has at most; they have about
// 2,400 bytes.
const MaxKeyFileBytes = 64 << 10

var (
	always  = rule{func(string) bool { return true }, ""}
	keyText = rule{
		func(s string) bool { return isVisible(s, maxKeyBytes) },
		"give it as the store gave it: 1 to 512 visible ASCII characters",
	}
	roleARN = rule{
		regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12})?:role/[\w+=,.@/-]{1,576}$`).MatchString,
		"an ARN of a role looks like arn:aws:iam::123456789012:role/name",
	}
	ofExternalID = regexp.MustCompile(`^[\w+=,.@:/-]*$`)
	// Source: AWS STS API Reference, AssumeRole, ExternalId.
	externalID = rule{
		func(s string) bool { return len(s) >= 2 && len(s) <= 1224 && ofExternalID.MatchString(s) },
		`an external id has 2 to 1224 letters, digits and "_+=,.@:/-"`,
	}
	// Source: Azure Storage documentation, "Storage account name".
	accountName = rule{
		regexp.MustCompile(`^[a-z0-9]{3,24}$`).MatchString,
		"the name of a storage account has 3 to 24 of a-z and 0-9",
	}
	accountKey = rule{
		func(s string) bool {
			_, err := base64.StdEncoding.DecodeString(s)
			return err == nil && isVisible(s, maxKeyBytes)
		},
		"an account's key is base64, as Azure shows it",
	}
	signature = rule{
		func(s string) bool {
			q, err := url.ParseQuery(strings.TrimPrefix(s, "?"))
			return err == nil && isVisible(s, 4096) && q.Get("sig") != "" && q.Get("sv") != ""
		},
		"a shared access signature is a query with sv, sig and more, as Azure shows it",
	}
)

func isVisible(s string, most int) bool {
	notVisible := func(r rune) bool { return r <= ' ' || r > '~' }
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, notVisible)
}

// FormOf returns the form of a provider's authorities of a kind. What there is not is
// an Invalid error.
func FormOf(p Provider, k CredentialKind) (Form, error) {
	known := func(p Provider) bool { return slices.ContainsFunc(forms, func(f Form) bool { return f.Provider == p }) }
	if !known(p) {
		return Form{}, Fail(Invalid, CodeInvalidCredential, "a provider is AWS (also every S3-compatible store), AZURE or GCP").In("provider")
	}
	for _, f := range forms {
		if f.Provider == p && f.Kind == k {
			return f, nil
		}
	}
	return Form{}, Fail(Invalid, CodeInvalidCredential, "of AWS there are credentials (keys) and roles, of AZURE and GCP credentials and tokens").In("kind")
}

// Checked returns the authority when it has all that its form asks, each as its
// provider makes it, and nothing else. It asks nobody whether it works. A service
// account's principal and key id are read from its key file.
func (a Authority) Checked() (Authority, error) {
	f, err := FormOf(a.Provider, a.Kind)
	if err != nil {
		return a, err
	}
	fail := func(field, words string) error { return Fail(Invalid, CodeInvalidCredential, "%s", words).In(field) }
	switch {
	case !f.principal.holds(a.Principal):
		return a, fail(f.Principal, f.principal.words)
	case !f.secret.holds(a.Secret.Reveal()):
		return a, fail(f.Secret, f.secret.words)
	case a.Endpoint != "" && a.Provider != AWS:
		return a, fail("endpoint", "only AWS has one, for S3-compatible stores")
	case a.Kind == RoleCredential && a.Endpoint == "" && strings.Contains(a.Principal, ":iam:::"):
		return a, fail(f.Principal, f.principal.words)
	}
	a.KeyID = ""
	if f.Provider == GCP && f.Kind == TokenCredential {
		var ok bool
		if a.Principal, a.KeyID, ok = readKeyFile(a.Secret.Reveal()); !ok {
			return a, fail(f.Secret, "it must be the JSON key file of a service account, as Google gave it, of at most 64 KiB")
		}
	}
	return a, nil
}

// readKeyFile reads whose key a service account's key file holds, and its id.
func readKeyFile(text string) (account, keyID string, ok bool) {
	if len(text) > MaxKeyFileBytes {
		return "", "", false
	}
	var file struct {
		Type         string `json:"type"`
		PrivateKeyID string `json:"private_key_id"`
		PrivateKey   string `json:"private_key"`
		ClientEmail  string `json:"client_email"`
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return "", "", false
	}
	block, _ := pem.Decode([]byte(file.PrivateKey))
	if block == nil {
		return "", "", false
	}
	_, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ok = err == nil && file.Type == "service_account" && isVisible(file.PrivateKeyID, 128) &&
		isVisible(file.ClientEmail, 254) && strings.Contains(file.ClientEmail, "@")
	return file.ClientEmail, file.PrivateKeyID, ok
}
