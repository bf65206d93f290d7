package keyhatch

import (
	"regexp"
	"time"
	"unicode/utf8"
)

// Sessions is how a credential's sessions are asked for at a store's token service.
type Sessions struct {
	// WebIdentity: a role is assumed with the server's own web identity token
	// (aws.web_identity_token_file), and with no keys. An installation admin's word: such a
	// role asks for no external id, and whoever names it acts as the server.
	WebIdentity bool `json:"web_identity,omitempty"`
	// Longest is how long the store lets one last; zero: not known, and an hour is asked
	// for without doubt.
	Longest time.Duration `json:"longest,omitempty"`
	// SourceIdentity: the store's own record gets the id of each vend as its source
	// identity. The role has to allow that.
	SourceIdentity bool `json:"source_identity,omitempty"`
	// Name is how they are called in the store's own record: a text in which {user},
	// {client} and {vend} stand for themselves; empty: {user}@{client}.
	Name string `json:"name,omitempty"`
	// Tags are those of each. The role has to allow them.
	Tags map[string]string `json:"tags,omitempty"`
}

// Limits of the sessions of token services.
//
// Source: AWS STS API reference, AssumeRole: DurationSeconds, RoleSessionName, Tags.
const (
	LeastSession   = 15 * time.Minute
	LongestSession = LongestMaxLeaseLife // MinIO's
	maxTags        = 50
	maxTagKey      = 128
	maxTagValue    = 256
)

var (
	ofTag       = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	inBraces    = regexp.MustCompile(`\{(user|client|vend)\}`)
	ofTheirName = regexp.MustCompile(`^[\w=,.@-]*$`)
)

// Check refuses settings that a token service would refuse.
func (s Sessions) Check() error {
	fail := func(field, format string, args ...any) error {
		return Fail(Invalid, CodeInvalidCredential, format, args...).In("sessions." + field)
	}
	if s.Longest != 0 && (s.Longest < LeastSession || s.Longest > LongestSession || s.Longest%time.Second != 0) {
		return fail("longest_seconds", "the longest session is %d to %d seconds", int(LeastSession.Seconds()), int(LongestSession.Seconds()))
	}
	rest := inBraces.ReplaceAllString(s.Name, "")
	if s.Name != "" && (len(s.Name) > MaxSessionName || rest == s.Name || !ofTheirName.MatchString(rest)) {
		return fail("name", `a session's name has {user}, {client} or {vend}, letters, digits and "_=,.@-", and at most %d characters`, MaxSessionName)
	}
	if len(s.Tags) > maxTags {
		return fail("tags", "a session has at most %d tags", maxTags)
	}
	for key, value := range s.Tags {
		if n := utf8.RuneCountInString(key); n == 0 || n > maxTagKey || utf8.RuneCountInString(value) > maxTagValue || !ofTag.MatchString(key) || !ofTag.MatchString(value) {
			return fail("tags", `a tag has 1 to %d letters, digits, blanks and "_.:/=+-@", and its value at most %d`, maxTagKey, maxTagValue)
		}
	}
	switch { // the token says both
	case s.WebIdentity && s.SourceIdentity:
		return fail("source_identity", "with a web identity the identity provider's token says what the source identity is: leave it out")
	case s.WebIdentity && len(s.Tags) > 0:
		return fail("tags", "with a web identity the identity provider's token says what the tags are: leave them out")
	}
	return nil
}

// ofKMSKey are ARNs of keys. An alias is no key, and a policy that names one opens none.
//
// Source: AWS KMS Developer Guide, "Key identifiers".
var ofKMSKey = regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z0-9-]{1,32}):[0-9]{12}:key/[A-Za-z0-9-]{1,64}$`)

// CheckKMSKey refuses what is not the ARN of a KMS key.
func CheckKMSKey(arn string) error {
	if _, _, ok := KMSKeyPlace(arn); !ok {
		return Fail(Invalid, CodeInvalidRequest, "a KMS key's ARN looks like arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab").In("kms_key")
	}
	return nil
}

// KMSKeyPlace tells the partition and the region of the KMS key of an ARN; not ok: it is
// none.
func KMSKeyPlace(arn string) (partition, region string, ok bool) {
	found := ofKMSKey.FindStringSubmatch(arn)
	if found == nil {
		return "", "", false
	}
	return found[1], found[2], true
}
