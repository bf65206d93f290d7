package api

import "time"

// SigningKey is a key with which the authorization server signs what programs get. The key
// itself is never shown; its public half is at /oauth/keys.
type SigningKey struct {
	ID        string     `json:"id" doc:"Its kid" example:"sigkey_0mz3k8q2a7c4f9d"`
	CreatedAt time.Time  `json:"created_at"`
	RetiredAt *time.Time `json:"retired_at,omitempty" doc:"Since when it signs no more"`
	Until     time.Time  `json:"until" doc:"When another one takes its place by itself; of one that signs no more, until when it is published"`
}
