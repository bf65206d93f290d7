package api

import "time"

// Consent is what a user has let a program do. All tokens that came of it end with it.
type Consent struct {
	ID        string     `json:"id" example:"consent_0mz3k8q2a7c4f9d"`
	Client    string     `json:"client" doc:"The program's name"`
	Title     string     `json:"title,omitempty" doc:"What its users are shown"`
	Scopes    []string   `json:"scopes" doc:"What its tokens may"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at" doc:"When nothing comes of it any more if it is not refreshed before"`
	EndsAt    *time.Time `json:"ends_at,omitempty" doc:"When it ends, however often it is refreshed"`
}
