package api

import "time"

// Session is a user whom a browser has signed in.
type Session struct {
	ID           string    `json:"id" example:"sess_0mz3k8q2a7c4f9d"`
	User         string    `json:"user"`
	Browser      string    `json:"browser" doc:"As it calls itself, which anybody could have written"`
	CreatedAt    time.Time `json:"created_at"`
	CreatedFrom  string    `json:"created_from,omitempty" doc:"The address that it was begun from"`
	LastUsedAt   time.Time `json:"last_used_at" doc:"Its last use; written once a minute at most"`
	LastUsedFrom string    `json:"last_used_from,omitempty" doc:"The address of that"`
	ExpiresAt    time.Time `json:"expires_at" doc:"When it ends if it is not used before"`
	Current      bool      `json:"current,omitempty" doc:"It is the one that you are using"`
}

// EndedSessions tells how many sessions have ended.
type EndedSessions struct {
	Ended int `json:"ended"`
}
