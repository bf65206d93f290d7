package keyhatch

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Terms are the terms of use of a location: plain text that users have to accept before
// something of it is lent to them.
type Terms struct {
	Location  string // id
	Workspace string // id
	// Version tells one text from another: it is the same whenever title and text are.
	Version string
	Title   string
	Text    string
	SetBy   string // user id
	SetAt   time.Time
}

// Acceptance is that a user has accepted terms.
type Acceptance struct {
	Location  string // id
	Workspace string // id
	User      string // id
	Version   string // of the terms
	At        time.Time
}

// What terms have at most.
const (
	MaxTermsTitle = 200       // characters
	MaxTermsText  = 64 * 1024 // bytes
)

// NewTerms makes terms of a title, which is one line, and a text, of which the lines may end
// in any way. What is no plain text, empty or too long is Invalid.
func NewTerms(title, text string) (Terms, error) {
	t := Terms{Title: strings.TrimSpace(title), Text: strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text))}
	if t.Title == "" || utf8.RuneCountInString(t.Title) > MaxTermsTitle || CheckText("title", t.Title) != nil {
		return Terms{}, Fail(Invalid, CodeInvalidRequest, "terms of use have a title of one line, with at most %d characters", MaxTermsTitle).In("title")
	}
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if t.Text == "" || len(t.Text) > MaxTermsText || !utf8.ValidString(t.Text) || strings.ContainsFunc(t.Text, control) {
		return Terms{}, Fail(Invalid, CodeInvalidRequest, "terms of use are plain text in UTF-8, with at most %d bytes and no control characters but ends of lines and tabs", MaxTermsText).In("text")
	}
	sum := sha256.Sum256([]byte(t.Title + "\n" + t.Text))
	t.Version = hex.EncodeToString(sum[:])
	return t, nil
}

// TermsPage is the page, below the address of the service, on which people accept the terms
// of a location.
func TermsPage(location string) string { return "/terms/" + location }

// AcceptTermsFirst refuses who has not accepted the terms of a location.
func AcceptTermsFirst(location string) *Error {
	return Fail(Forbidden, CodeTermsNotAccepted,
		"the terms of use of the location have to be accepted first: log in on the page %s of this service and accept them there, then ask again", TermsPage(location)).AfterTerms(location)
}
