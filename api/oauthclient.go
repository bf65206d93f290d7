package api

import "time"

// OAuthClient is a program that users let act for them.
type OAuthClient struct {
	ID string `json:"id" example:"client_0mz3k8q2a7c4f9d"`
	NewOAuthClient
	CreatedAt time.Time `json:"created_at"`
}

// NewOAuthClient is what a client is registered with.
type NewOAuthClient struct {
	Name           string   `json:"name" maxLength:"128" doc:"Its client_id, which is never changed" example:"client-tools"`
	Title          string   `json:"title,omitempty" maxLength:"500" doc:"What users are shown"`
	Flows          []string `json:"flows" nullable:"false" maxItems:"2" doc:"How it comes to tokens: code, with a browser that is sent back, or device"`
	Redirects      []string `json:"redirects,omitempty" nullable:"false" maxItems:"20" doc:"Where codes are sent, to the letter; for the flow code"`
	Confidential   bool     `json:"confidential,omitempty" doc:"It keeps a secret, and shows it"`
	Trusted        bool     `json:"trusted,omitempty" doc:"It is the installation's own: who is logged in is not asked, but for a device"`
	Signed         bool     `json:"signed,omitempty" doc:"Its access tokens are signed texts (JWT, RS256), which others can check too"`
	Earthdata      bool     `json:"earthdata,omitempty" doc:"It was made for Earthdata Login: confidential, with one address, and without PKCE"`
	Scopes         []string `json:"scopes" nullable:"false" maxItems:"100" doc:"What its tokens may at most; none of s3"`
	AccessSeconds  int      `json:"access_seconds,omitempty" minimum:"0" maximum:"7776000" doc:"How long an access token lives. Default: an hour"`
	RefreshSeconds int      `json:"refresh_seconds,omitempty" minimum:"0" maximum:"7776000" doc:"How long it can be refreshed since it last was. Default: not at all"`
}

// CreatedOAuthClient is a client with its secret, which is shown this once.
type CreatedOAuthClient struct {
	OAuthClient
	Secret string `json:"secret,omitempty" doc:"Of a confidential client. It is not kept and cannot be shown again"`
}
