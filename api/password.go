package api

import "time"

// Login asks for a token with a name and a password. The token is its user's; what is
// left out of it is as in NewToken.
type Login struct {
	User      string     `json:"user" maxLength:"300" doc:"Name, or e-mail address when no other user has it"`
	Password  string     `json:"password" maxLength:"1024"`
	Name      string     `json:"name,omitempty" maxLength:"500" doc:"Of the token"`
	Scopes    []string   `json:"scopes,omitempty" nullable:"false" maxItems:"100" doc:"What the token may do. Default: all that its user may"`
	Workspace string     `json:"workspace,omitempty" doc:"Id or name: confine the token to this workspace. Needed with s3 scopes"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Default: as late as may be"`
}

// NewPassword sets one's password.
type NewPassword struct {
	Current  string `json:"current_password,omitempty" maxLength:"1024" doc:"Needed by who has one"`
	Password string `json:"password" maxLength:"1024" doc:"At least 15 characters, and at most 256 bytes in UTF-8"`
}

// PasswordReset is what a user sets a password with that it does not have. The secret is
// shown this once.
type PasswordReset struct {
	User      string    `json:"user"`
	Secret    string    `json:"secret" doc:"Its user sends it with the new password to /login/password. It is not kept and cannot be shown again"`
	ExpiresAt time.Time `json:"expires_at"`
}

// UsedReset sets a password with the secret of a reset.
type UsedReset struct {
	Reset    string `json:"reset" maxLength:"128" doc:"The secret, khr_ and 49 characters"`
	Password string `json:"password" maxLength:"1024" doc:"At least 15 characters, and at most 256 bytes in UTF-8"`
}
