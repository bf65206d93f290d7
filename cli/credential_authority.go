package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// authority is what a credential acts with. Its secret is no flag: everybody on the
// machine can read flags.
type authority struct {
	AccessKeyID  string `xor:"authority" placeholder:"KEY" help:"A key of AWS, or of an S3-compatible store. Its secret is read from the terminal or from standard input."`
	RoleARN      string `xor:"authority" placeholder:"ARN" help:"A role of AWS that Keyhatch may assume. It gets an external id, which is shown once."`
	ExternalID   bool   `help:"With --role-arn: read the external id from the terminal or from standard input."`
	Endpoint     string `placeholder:"URL" help:"Of the S3-compatible store that the key or role is for."`
	AzureAccount string `xor:"authority" placeholder:"NAME" help:"A storage account of Azure. Its key is read from the terminal or from standard input."`
	SAS          bool   `name:"sas" help:"With --azure-account: a shared access signature is read instead."`
	GCPAccessID  string `name:"gcp-access-id" xor:"authority" placeholder:"KEY" help:"An HMAC key of Google Cloud Storage. Its secret is read from the terminal or from standard input."`
	GCPKeyFile   string `name:"gcp-key-file" xor:"authority" type:"existingfile" placeholder:"FILE" help:"The JSON key file of a service account of Google's."`
}

// read is what the flags say, with its secret. Nothing said is the zero value.
func (f authority) read(s ask.Streams) (a api.Authority, err error) {
	if f.ExternalID && f.RoleARN == "" || f.SAS && f.AzureAccount == "" || f.Endpoint != "" && f.AccessKeyID == "" && f.RoleARN == "" {
		return a, ask.UsageError{Err: errors.New("--external-id goes with --role-arn, --sas with --azure-account, and --endpoint with a key or role of AWS")}
	}
	var secret string
	switch {
	case f.AccessKeyID != "":
		secret, err = ask.Secret(s, "Secret of "+f.AccessKeyID+": ")
		a.AWSKeys = &api.AWSKeys{AccessKeyID: f.AccessKeyID, SecretAccessKey: secret, Endpoint: f.Endpoint}
	case f.RoleARN != "":
		if f.ExternalID {
			secret, err = ask.Secret(s, "External id: ")
		}
		a.AWSRole = &api.AWSRole{RoleARN: f.RoleARN, ExternalID: secret, Endpoint: f.Endpoint}
	case f.AzureAccount != "" && f.SAS:
		secret, err = ask.Secret(s, "Shared access signature of "+f.AzureAccount+": ")
		a.AzureToken = &api.AzureToken{AccountName: f.AzureAccount, SASToken: secret}
	case f.AzureAccount != "":
		secret, err = ask.Secret(s, "Key of "+f.AzureAccount+": ")
		a.AzureKeys = &api.AzureKeys{AccountName: f.AzureAccount, AccountKey: secret}
	case f.GCPAccessID != "":
		secret, err = ask.Secret(s, "Secret of "+f.GCPAccessID+": ")
		a.GCPKeys = &api.GCPKeys{AccessKeyID: f.GCPAccessID, SecretAccessKey: secret}
	case f.GCPKeyFile != "":
		secret, err = readKeyFile(f.GCPKeyFile)
		a.GCPToken = &api.GCPToken{KeyText: secret}
	}
	return a, err
}

func readKeyFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, keyhatch.MaxKeyFileBytes+1))
	if err == nil && len(text) > keyhatch.MaxKeyFileBytes {
		err = fmt.Errorf("%s is no key file: those have a few thousand bytes", path)
	}
	return string(text), err
}

// marks say what a credential is for.
type marks struct {
	Default        *bool `negatable:"" help:"Make it the one of its provider in its place, instead of another."`
	AllowedInTasks *bool `negatable:"" help:"Let tokens with the annotation \"task\" use it."`
	Base           *bool `negatable:"" help:"Assume the roles of its place through it, instead of through another."`
	AnyExternalID  *bool `negatable:"" help:"Use a role that admits Keyhatch without its external id too; for installation admins."`
}

func (m marks) of() api.CredentialMarks { return api.CredentialMarks(m) }

// joined are the words that hold, in order.
func joined(words map[string]bool) string {
	var out []string
	for word, holds := range words {
		if holds {
			out = append(out, word)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
