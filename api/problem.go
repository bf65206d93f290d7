package api

import (
	"net/http"
	"slices"
	"strconv"
)

// Problem is every answer that is not a success (RFC 9457).
type Problem struct {
	Type   string `json:"type" doc:"Where the code is explained" example:"https://github.com/keyhatch/keyhatch/blob/main/docs/errors.md#location_not_found"`
	Title  string `json:"title" doc:"The HTTP status in words" example:"Not Found"`
	Status int    `json:"status" doc:"The HTTP status" example:"404"`
	Code   string `json:"code" doc:"The stable name of the failure, for programs" example:"location_not_found"`
	Detail string `json:"detail" doc:"What is wrong and what to do, for people" example:"it does not exist, or you may not see it: GET /api/v1/leases lists yours"`
	Field  string `json:"field,omitempty" doc:"The input at fault" example:"location"`

	TermsURL string `json:"terms_url,omitempty" doc:"Where the terms of use can be read and accepted that have to be first" example:"https://keyhatch.example.org/terms/loc_0mz3k8q2a7c4f9d"`

	Errors    []FieldError `json:"errors,omitempty" nullable:"false" doc:"All inputs at fault, when there are several"`
	RequestID string       `json:"request_id,omitempty" doc:"What the request is called in the server's log"`

	// RetryAfter is in how many seconds the same request may succeed, 0 for not known.
	// It travels as a header.
	RetryAfter int `json:"-"`
}

// FieldError is one input at fault. It never repeats what was submitted.
type FieldError struct {
	Location string `json:"location" doc:"Where the input was" example:"body.access"`
	Message  string `json:"message" doc:"What it should have been" example:"expected value to be one of \"read, write\""`
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Detail }

// Final tells whether the same call would be refused again: the server has understood
// it, and no.
func (p *Problem) Final() bool {
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return p.Status >= 400 && p.Status <= 499
}

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with it.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="keyhatch"`) // RFC 9110, section 15.5.2
	}
	return h
}

// ContentType is the media type of a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// EndsLeases tells whether a refusal to lend says something of what was lent before,
// too: that the right has ended. What only says how to ask, or that the right ends too
// soon for another lease, leaves the one at hand its time. So does a code that is not
// known here: keys that have ended open nothing, whoever holds them.
func (p *Problem) EndsLeases() bool { return p.Final() && slices.Contains(endOfLeases, p.Code) }

// endOfLeases are the codes of a right that has ended.
var endOfLeases = []string{
	"token_missing", "token_malformed", "token_invalid",
	"not_permitted", "scope_not_granted", "workspace_not_in_token", "access_not_granted", "location_locked",
	"store_account_suspended", "store_account_in_trash",
	"workspace_not_found", "store_not_found", "bucket_not_found", "location_not_found",
}
