package tiledb

import (
	"strings"

	"github.com/keyhatch/keyhatch"
)

// byProvider holds an object for a provider.
type byProvider struct {
	AWS   *parts `json:"aws"`
	Azure *parts `json:"azure"`
	GCP   *parts `json:"gcp"`
}

// parts are the fields of every such object; each has some of them.
type parts struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	Endpoint        string `json:"endpoint"`
	RoleARN         string `json:"role_arn"`
	ExternalID      string `json:"external_id"`
	AccountName     string `json:"account_name"`
	AccountKey      string `json:"account_key"`
	SASToken        string `json:"sas_token"`
	KeyText         string `json:"key_text"`
}

// field returns the part of the name that a form has for it.
func (p parts) field(name string) string {
	return map[string]string{
		"access_key_id": p.AccessKeyID, "secret_access_key": p.SecretAccessKey, "role_arn": p.RoleARN, "external_id": p.ExternalID,
		"account_name": p.AccountName, "account_key": p.AccountKey, "sas_token": p.SASToken, "key_text": p.KeyText,
	}[name]
}

// authority is what a request says that the credential acts with: one of the three,
// and in it the object of its provider; nil when none is said.
func (r request) authority() (*keyhatch.Authority, error) {
	provider := value(r.Provider)
	var said []saidKind
	for _, k := range []saidKind{
		{keyhatch.KeysCredential, r.Keys}, {keyhatch.RoleCredential, r.Role}, {keyhatch.TokenCredential, r.Token},
	} {
		if k.of != nil {
			said = append(said, k)
		}
	}
	switch len(said) {
	case 0:
		return nil, nil
	case 1:
		return said[0].authority(provider)
	}
	return nil, invalid("a credential acts with one of credential, role and token: say one", string(said[1].kind))
}

type saidKind struct {
	kind keyhatch.CredentialKind
	of   *byProvider
}

func (k saidKind) authority(provider string) (*keyhatch.Authority, error) {
	var of keyhatch.Provider
	var said *parts
	count := 0
	for p, object := range map[keyhatch.Provider]*parts{keyhatch.AWS: k.of.AWS, keyhatch.Azure: k.of.Azure, keyhatch.GCP: k.of.GCP} {
		if object != nil {
			of, said = p, object
			count++
		}
	}
	field := string(k.kind)
	switch {
	case count != 1:
		return nil, invalid(field+" holds one of aws, azure and gcp: that of the provider", field)
	case provider != "" && provider != string(of):
		return nil, invalid(field+" is of another provider than the request says", field+"."+strings.ToLower(string(of)))
	}
	form, err := keyhatch.FormOf(of, k.kind)
	if err != nil {
		return nil, invalid("AWS has credential and role, AZURE and GCP have credential and token", field+"."+strings.ToLower(string(of)))
	}
	return &keyhatch.Authority{
		Provider: of, Kind: k.kind, Principal: said.field(form.Principal), Endpoint: said.Endpoint, Secret: keyhatch.Secret(said.field(form.Secret)),
	}, nil
}

// shown is a credential's authority as answers have it: every field that clients
// demand, and the empty text for what is secret.
func shown(c keyhatch.Credential) map[string]any {
	const none = ""
	var object any
	switch form := [2]string{string(c.Provider), string(c.Kind)}; form {
	case [2]string{"AWS", "credential"}:
		object = struct {
			AccessKeyID     string `json:"access_key_id"`
			SecretAccessKey string `json:"secret_access_key"`
			Endpoint        string `json:"endpoint,omitempty"`
		}{c.Principal, none, c.Endpoint}
	case [2]string{"AWS", "role"}:
		object = struct {
			RoleARN    string `json:"role_arn"`
			ExternalID string `json:"external_id"`
			Endpoint   string `json:"endpoint,omitempty"`
		}{c.Principal, none, c.Endpoint}
	case [2]string{"AZURE", "credential"}:
		object = struct {
			AccountName string `json:"account_name"`
		}{c.Principal}
	case [2]string{"AZURE", "token"}:
		object = struct {
			AccountName string `json:"account_name"`
			SASToken    string `json:"sas_token"`
		}{c.Principal, none}
	case [2]string{"GCP", "credential"}:
		object = struct {
			AccessKeyID string `json:"access_key_id"`
		}{c.Principal}
	case [2]string{"GCP", "token"}:
		object = struct {
			AccountID string `json:"account_id"`
			KeyID     string `json:"key_id"`
			KeyText   string `json:"key_text"`
		}{c.Principal, c.KeyID, none}
	}
	return map[string]any{strings.ToLower(string(c.Provider)): object}
}
