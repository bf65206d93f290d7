package passwords

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/keyhatch/keyhatch"
)

// normal is a password in the one spelling in which it is hashed: keyboards and systems
// write the same character in several ways.
//
// Source: NIST SP 800-63B-4, section 3.1.1.2; RFC 8265, section 4.2.2.
func normal(password keyhatch.Secret) keyhatch.Secret {
	return keyhatch.Secret(norm.NFC.String(password.Reveal()))
}

// checkNew holds a new password, in its normal spelling, against the rules: its length,
// and that it is none that is guessed early. Which characters it has is no rule.
func checkNew(u keyhatch.User, password keyhatch.Secret) error {
	text := password.Reveal()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return invalid("a password consists of characters, spaces included, and holds no control characters")
	}
	if n := utf8.RuneCountInString(text); n < keyhatch.MinPasswordChars || len(text) > keyhatch.MaxPasswordBytes {
		return invalid("a password has at least %d characters and at most %d bytes: a few words that do not belong together are good",
			keyhatch.MinPasswordChars, keyhatch.MaxPasswordBytes)
	}
	if guessBits(text, ownWords(u)) < leastBits {
		return invalid("the password is guessed early: it is one of a known breach, or made of your own name, repetitions, runs or very few words; add words that do not belong together")
	}
	return nil
}

// ownWords are what everybody tries first who knows the user.
func ownWords(u keyhatch.User) (out []string) {
	all := strings.ToLower(strings.Join([]string{u.Name, u.FullName, u.Email, "keyhatch"}, " "))
	for _, word := range append(strings.FieldsFunc(all, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), strings.Fields(all)...) {
		if utf8.RuneCountInString(word) >= minWord {
			out = append(out, word)
		}
	}
	return out
}

func invalid(format string, args ...any) error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPassword, format, args...).In("password")
}
