package api

import "time"

// Credential is a named upstream authority: what lets Keyhatch act on an object
// store. Its secret is never shown.
type Credential struct {
	ID             string    `json:"id" example:"cred_0mz3k8q2a7c4f9d"`
	Workspace      string    `json:"workspace,omitempty" doc:"Without it, it is the installation's"`
	Teamspace      string    `json:"teamspace,omitempty" doc:"Without it, it is the workspace's"`
	Name           string    `json:"name" example:"archive" doc:"Unique in its teamspace, workspace or installation"`
	Provider       string    `json:"provider" enum:"AWS,AZURE,GCP" doc:"AWS is also every S3-compatible store"`
	Kind           string    `json:"kind" enum:"credential,role,token" doc:"credential: a long-lived key pair; role: a role of AWS; token: a shared access signature of Azure, or a service account's key of GCP"`
	Principal      string    `json:"principal" doc:"Whom it acts as: an access key's id, a role's ARN, an account's name, a service account's e-mail address" example:"AKIAIOSFODNN7EXAMPLE"`
	KeyID          string    `json:"key_id,omitempty" doc:"Of a service account's key"`
	Endpoint       string    `json:"endpoint,omitempty" doc:"Of an S3-compatible store"`
	Default        bool      `json:"default" doc:"Whether it is the one of its provider in its place"`
	AllowedInTasks bool      `json:"allowed_in_tasks" doc:"Whether tokens with the annotation \"task\" may use it"`
	Base           bool      `json:"base" doc:"Whether the roles of its place are assumed through it"`
	AnyExternalID  bool      `json:"any_external_id,omitempty" doc:"Whether a role is used that admits Keyhatch without its external id too"`
	Sessions       *Sessions `json:"sessions,omitempty" doc:"How its sessions are asked for at stores that lend sts"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at" doc:"When its authority was last set"`
}

// Sessions is how a credential's sessions are asked for at a store's token service.
type Sessions struct {
	LongestSeconds *int              `json:"longest_seconds,omitempty" doc:"How long the store lets one last: of a role its maximum session duration; 900 to 604800. Default: not known, and an hour is what is sure"`
	Name           string            `json:"name,omitempty" maxLength:"64" doc:"How they are called in the store's own record; {user}, {client} and {vend} stand for themselves. Default: {user}@{client}"`
	SourceIdentity bool              `json:"source_identity,omitempty" doc:"The store's record gets the id of each vend as its source identity. The role's trust policy has to allow sts:SetSourceIdentity"`
	Tags           map[string]string `json:"tags,omitempty" doc:"Session tags. The role's trust policy has to allow sts:TagSession"`
	WebIdentity    bool              `json:"web_identity,omitempty" doc:"Assume the role with the server's own web identity token; for installation admins"`
}

// CreatedCredential is a new credential.
type CreatedCredential struct {
	Credential
	ExternalID string `json:"external_id,omitempty" doc:"Of a role that came without: one was made. Put it into the role's trust policy; it is not shown again"`
}

// Authority is what a credential acts with: exactly one of the six.
type Authority struct {
	AWSKeys    *AWSKeys    `json:"aws_keys,omitempty" doc:"An access key of AWS, or of an S3-compatible store"`
	AWSRole    *AWSRole    `json:"aws_role,omitempty"`
	AzureKeys  *AzureKeys  `json:"azure_keys,omitempty"`
	AzureToken *AzureToken `json:"azure_token,omitempty"`
	GCPKeys    *GCPKeys    `json:"gcp_keys,omitempty" doc:"An HMAC key of Google Cloud Storage"`
	GCPToken   *GCPToken   `json:"gcp_token,omitempty"`
}

// AWSKeys is a key of AWS or of an S3-compatible store with its secret.
type AWSKeys struct {
	AccessKeyID     string `json:"access_key_id" maxLength:"512"`
	SecretAccessKey string `json:"secret_access_key" maxLength:"512"`
	Endpoint        string `json:"endpoint,omitempty" maxLength:"300" doc:"Of an S3-compatible store: its URL, without a path" example:"https://s3.example"`
}

// AWSRole is a role that Keyhatch may assume.
type AWSRole struct {
	RoleARN    string `json:"role_arn" maxLength:"2048" example:"arn:aws:iam::123456789012:role/keyhatch"`
	ExternalID string `json:"external_id,omitempty" maxLength:"1224" doc:"The word that the role's trust policy asks for. Default: a new one, shown once"`
	Endpoint   string `json:"endpoint,omitempty" maxLength:"300" doc:"Of an S3-compatible store"`
}

// AzureKeys is the key of a storage account of Azure.
type AzureKeys struct {
	AccountName string `json:"account_name" maxLength:"24"`
	AccountKey  string `json:"account_key" maxLength:"512"`
}

// AzureToken is a shared access signature of Azure.
type AzureToken struct {
	AccountName string `json:"account_name" maxLength:"24"`
	SASToken    string `json:"sas_token" maxLength:"4096"`
}

// GCPKeys is an HMAC key of Google Cloud Storage.
type GCPKeys struct {
	AccessKeyID     string `json:"access_key_id" maxLength:"512"`
	SecretAccessKey string `json:"secret_access_key" maxLength:"512"`
}

// GCPToken is the key of a service account.
type GCPToken struct {
	KeyText string `json:"key_text" maxLength:"65536" doc:"The text of the JSON key file"`
}

// CredentialMarks say what a credential is for.
type CredentialMarks struct {
	Default        *bool `json:"default,omitempty" doc:"Make it the one of its provider in its place, instead of another"`
	AllowedInTasks *bool `json:"allowed_in_tasks,omitempty" doc:"Let tokens with the annotation \"task\" use it. Ending that ends what they hold of it"`
	Base           *bool `json:"base,omitempty" doc:"Assume the roles of its place through it, instead of through another; AWS only. Sessions of such roles last an hour at most"`
	AnyExternalID  *bool `json:"any_external_id,omitempty" doc:"Use a role that admits Keyhatch without its external id too; for installation admins"`
}

// NewCredential makes a credential.
type NewCredential struct {
	Name string `json:"name" maxLength:"128"`
	Authority
	CredentialMarks
	Sessions *Sessions `json:"sessions,omitempty" doc:"How its sessions are asked for at stores that lend sts"`
}

// CredentialChange changes what it names of a credential.
type CredentialChange struct {
	Name *string `json:"name,omitempty" maxLength:"128"`
	Authority
	CredentialMarks
	Sessions     *Sessions `json:"sessions,omitempty" doc:"Instead of all that is said of its sessions"`
	OnlyVerified bool      `json:"only_verified,omitempty" doc:"Take another authority only when it has been verified; until then the one that it has stays"`
}

// Verification is how an authority fared.
type Verification struct {
	Outcome string  `json:"outcome" enum:"passed,failed,warning" doc:"The worst of the checks'"`
	Checks  []Check `json:"checks"`
}

// Check is one thing that was looked at.
type Check struct {
	Name         string `json:"name" example:"assume_role"`
	Outcome      string `json:"outcome" enum:"passed,failed,skipped,warning"`
	Milliseconds int64  `json:"milliseconds"`
	Reason       string `json:"reason,omitempty"`
}
