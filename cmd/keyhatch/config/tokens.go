package config

import (
	"fmt"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

// Tokens is what API tokens may at most.
type Tokens struct {
	// Longest is how long a token lives at most, as in 90d; those that installation
	// admins make may live longer. A user who asks for no end gets this one. Default:
	// forever.
	Longest string `yaml:"longest"`

	// RequestsPerMinute is how often a token may ask on average, and at once, unless it
	// has a limit of its own, which users can set no higher. It holds for each process
	// that serves. Requests of the S3 endpoint are not counted here (s3.per_second).
	// Default: 6000.
	RequestsPerMinute int `yaml:"requests_per_minute"`

	// FailuresPerMinute is how often one address (of IPv6: one /64 network) may show
	// what is no token that works, before that is answered 429. Tokens that work do so
	// all the same. Default: 60.
	FailuresPerMinute int `yaml:"failures_per_minute"`
}

func (t Tokens) Limits() (people.Limits, error) {
	longest, err := daysOf("tokens.longest", t.Longest)
	if err != nil {
		return people.Limits{}, err
	}
	if t.RequestsPerMinute < 0 || t.RequestsPerMinute > keyhatch.MaxRequestsPerMinute || t.FailuresPerMinute < 0 {
		return people.Limits{}, fmt.Errorf("tokens.requests_per_minute must be 1 to %d, and tokens.failures_per_minute at least 1", keyhatch.MaxRequestsPerMinute)
	}
	return people.Limits{LongestToken: longest, RequestsPerMinute: t.RequestsPerMinute, FailuresPerMinute: t.FailuresPerMinute}, nil
}

// Arvados is what clients of Arvados need besides their tokens.
type Arvados struct {
	// SystemRootTokenFile holds the secret of the system root's token, which tools of
	// Arvados use that administer: it may everything. It has the shape of every token
	// here; keyhatch token generate makes one. The file must be readable by its owner
	// only. A secret that was revoked does not come back with a restart: put another one
	// into the file. Default: none, and no such token works.
	SystemRootTokenFile string `yaml:"system_root_token_file"`
}

// RootSecret reads the system root's secret, empty for none.
func (a Arvados) RootSecret() (keyhatch.Secret, error) {
	if a.SystemRootTokenFile == "" {
		return "", nil
	}
	secret, err := secretIn("arvados.system_root_token_file", a.SystemRootTokenFile, "keyhatch token generate makes a secret to put into it")
	if err == nil && !keyhatch.IsTokenSecret(secret.Reveal()) {
		err = fmt.Errorf("arvados.system_root_token_file: %s does not hold a token: keyhatch token generate makes one", a.SystemRootTokenFile)
	}
	return secret, err
}
