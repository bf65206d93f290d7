package api

import "time"

// Key is a data key: what secrets and session tokens are sealed with, and tokens
// hashed. The key itself is never shown.
type Key struct {
	Keyset    string     `json:"keyset" enum:"columns,sessions,tokens,audit" doc:"columns: secrets in rows; sessions: session tokens of leases; tokens: hashes of API tokens; audit: hashes of the audit record, whose key is never replaced"`
	ID        string     `json:"id" example:"5f2c9a01"`
	State     string     `json:"state" enum:"coming,primary,old" doc:"coming: used in some seconds, when every process knows it; primary: what is new is sealed with it; old: it opens what it has sealed, until nothing needs it, and goes by itself"`
	WrappedBy string     `json:"wrapped_by" doc:"Id of the key-encryption key" example:"kek_3f9a20c4"`
	CreatedAt time.Time  `json:"created_at"`
	RetiredAt *time.Time `json:"retired_at,omitempty" doc:"Since when it is old"`
	NeededBy  int        `json:"needed_by" doc:"Of columns: secrets that are sealed with it; of tokens: tokens that are hashed with it"`
	Until     *time.Time `json:"until,omitempty" doc:"An old key goes no sooner: leases that need it have ended then"`
}

// KeyRotation names what is to have new keys.
type KeyRotation struct {
	Keysets []string `json:"keysets,omitempty" maxItems:"3" doc:"columns, sessions, tokens. Default: all of them" example:"columns"`
}
