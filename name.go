package keyhatch

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNameBytes is how long a name that people choose can be.
const MaxNameBytes = 128

var idKinds = []IDKind{UserID, GroupID, WorkspaceID, TeamspaceID, TokenID, PasswordID, SessionID, CredentialID, StoreID, BucketID, LocationID, GrantID, LeaseID, EventID, ChainID, ObjectRequestID, KeyID, JobID, StoreAccountID, VendID, OAuthClientID, ConsentID, DeviceID, RefreshID, SigningKeyID}

// CheckName holds the rule for every name that people choose: 1 to 128 of
// letters, digits, '.', '_', '-', '@' and '+', beginning with a letter or a
// digit, and not of the shape of an id, since both are accepted where one is.
func CheckName(name string) error {
	fail := Fail(Invalid, CodeInvalidName,
		"a name has 1 to %d of a-z, A-Z, 0-9, '.', '_', '-', '@' and '+', begins with a letter or a digit, and does not look like an id",
		MaxNameBytes).In("name")
	if name == "" || len(name) > MaxNameBytes || !isBase62(name[0]) {
		return fail
	}
	for i := range len(name) {
		if !isBase62(name[i]) && strings.IndexByte("._-@+", name[i]) < 0 {
			return fail
		}
	}
	looksLikeID := slices.ContainsFunc(idKinds, func(k IDKind) bool {
		_, ok := IDPayload(k, name)
		return ok
	})
	if looksLikeID {
		return fail
	}
	return nil
}

// CheckSessionName holds the rule for what a borrower calls a lease: 2 to 64 of
// letters, digits and "_+=,.@-".
//
// Source: AWS STS API reference, AssumeRole, parameter RoleSessionName.
func CheckSessionName(name string) error {
	ok := len(name) >= 2 && len(name) <= 64
	for i := range len(name) {
		ok = ok && (isBase62(name[i]) || strings.IndexByte("_+=,.@-", name[i]) >= 0)
	}
	if !ok {
		return Fail(Invalid, CodeInvalidName, "a session's name has 2 to 64 of a-z, A-Z, 0-9, '_', '+', '=', ',', '.', '@' and '-'").In("session_name")
	}
	return nil
}

const maxTextBytes = 500

// CheckText bounds a free text such as a full name: at most 500 bytes, no
// control characters.
func CheckText(field, s string) error {
	if len(s) > maxTextBytes || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return Fail(Invalid, CodeInvalidRequest, "a text is UTF-8, has at most %d bytes and no control characters", maxTextBytes).In(field)
	}
	return nil
}
