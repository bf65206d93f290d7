package api

import "time"

// Token is an API token, without its secret.
type Token struct {
	ID                string            `json:"id" example:"tok_0mz3k8q2a7c4f9d"`
	User              string            `json:"user"`
	Name              string            `json:"name"`
	Scopes            []string          `json:"scopes" nullable:"false" doc:"What it may do" example:"[\"leases\",\"s3:read s3://demo/alpha/\"]"`
	Workspace         string            `json:"workspace,omitempty" doc:"When set, it works in this workspace only"`
	Networks          []string          `json:"networks,omitempty" nullable:"false" doc:"When set, it works from these only, and so does what is borrowed with it" example:"[\"10.1.0.0/16\"]"`
	RequestsPerMinute int               `json:"requests_per_minute,omitempty" doc:"When set, how often it may ask on average, and at once; else as often as the installation says"`
	Annotations       map[string]string `json:"annotations,omitempty" doc:"What its user notes about it"`
	ExpiresAt         *time.Time        `json:"expires_at,omitempty" doc:"Without it, until revoked"`
	CreatedAt         time.Time         `json:"created_at"`
	CreatedFrom       string            `json:"created_from,omitempty" doc:"The address that it was made from"`
	MadeWith          string            `json:"made_with,omitempty" doc:"The token that it was made with, or if that has ended, the one before it, if there was one"`
	Issuer            string            `json:"issuer,omitempty" doc:"It stands for a signed token of this issuer; such are not listed"`
	UpdatedAt         *time.Time        `json:"updated_at,omitempty" doc:"When it was last changed"`
	LastUsedAt        *time.Time        `json:"last_used_at,omitempty" doc:"Its last use; written once a minute at most"`
	LastUsedFrom      string            `json:"last_used_from,omitempty" doc:"The address of that"`
	RotatedAt         *time.Time        `json:"rotated_at,omitempty" doc:"When it was last given another secret"`
	GraceUntil        *time.Time        `json:"grace_until,omitempty" doc:"Until then the secret before works too"`
}

// NewToken makes a token.
type NewToken struct {
	Name              string            `json:"name,omitempty" maxLength:"500"`
	User              string            `json:"user,omitempty" doc:"Id or name; for installation admins. Default: you"`
	Scopes            []string          `json:"scopes,omitempty" nullable:"false" maxItems:"100" doc:"What it may do, within what your token may. Default: the same. An empty list makes a token that may do nothing"`
	Workspace         string            `json:"workspace,omitempty" doc:"Id or name: confine it to this workspace. Needed with s3 scopes. Default: that of your token"`
	Networks          []string          `json:"networks,omitempty" nullable:"false" maxItems:"100" doc:"Networks (CIDR) or addresses from which alone it works, within those of your token. Default: the same" example:"[\"10.1.0.0/16\",\"2001:db8::/32\"]"`
	RequestsPerMinute int               `json:"requests_per_minute,omitempty" minimum:"1" maximum:"1000000" doc:"How often it may ask on average, and at once. Default: as your token, or as the installation says"`
	Annotations       map[string]string `json:"annotations,omitempty" maxProperties:"50" doc:"Up to 50 texts by keys of 1 to 63 letters, digits and ._-/"`
	ExpiresAt         *time.Time        `json:"expires_at,omitempty" doc:"Default: as late as may be"`
}

// TokenChange says what of a token changes; what is left out stays.
type TokenChange struct {
	Name              *string            `json:"name,omitempty" maxLength:"500"`
	Scopes            *[]string          `json:"scopes,omitempty" nullable:"false" maxItems:"100" doc:"Within those of your token. What was borrowed ends when they are narrowed"`
	Networks          *[]string          `json:"networks,omitempty" nullable:"false" maxItems:"100" doc:"Within those of your token; an empty list: everywhere. What was borrowed ends when they are narrowed"`
	RequestsPerMinute *int               `json:"requests_per_minute,omitempty" minimum:"0" maximum:"1000000" doc:"0: as the installation says"`
	Annotations       *map[string]string `json:"annotations,omitempty" maxProperties:"50" doc:"All of them"`
	ExpiresAt         *time.Time         `json:"expires_at,omitempty" doc:"A time that has passed ends the token at once"`
	NeverExpires      bool               `json:"never_expires,omitempty" doc:"Instead of expires_at: it lives until revoked"`
}

// RevokedTokens tells how many tokens have ended.
type RevokedTokens struct {
	Revoked int `json:"revoked"`
}

// LeakedToken is a token's secret that was found where it does not belong.
type LeakedToken struct {
	Token string `json:"token" maxLength:"16384" doc:"The whole secret, kh_ and 49 characters, in any spelling; or a signed token of an issuer"`
}

// TokenRotation gives a token another secret.
type TokenRotation struct {
	GraceSeconds *int `json:"grace_seconds,omitempty" doc:"How long the present secret works on: 0 to 604800, and no longer than the token. Default: 0, it is dead at once"`
}

// CreatedToken is a token with its secret, which is shown this once.
type CreatedToken struct {
	Token
	Secret string `json:"secret" doc:"Send it as \"Authorization: Bearer …\". It is not kept and cannot be shown again"`
}
