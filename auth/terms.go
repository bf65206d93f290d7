package auth

import (
	"errors"

	"github.com/keyhatch/keyhatch"
)

// TermsAddress is where people accept the terms of use that a refusal asks for, below the address of the
// pages; empty: it asks for none, or there are no pages.
func TermsAddress(pages string, err error) string {
	var e *keyhatch.Error
	if pages == "" || !errors.As(err, &e) || e.Terms == "" {
		return ""
	}
	return pages + keyhatch.TermsPage(e.Terms)
}
