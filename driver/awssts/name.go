package awssts

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/keyhatch/keyhatch/driver"
)

// DefaultSessionName is how sessions are called where nothing else is said. What stands
// in braces becomes the user, what it works with, and the id of the vend. A user's name may
// hold an @, and what it works with has none: the last one is between them.
const DefaultSessionName = "{user}@{client}"

// Limits of a session's name, and of that of a federation token.
//
// Source: AWS STS API reference, AssumeRole, RoleSessionName; GetFederationToken, Name.
const (
	maxSessionName    = 64
	maxFederationName = 32
)

// notInName is what no session's name has. AWS takes a plus, and Ceph's RGW refuses it.
var notInName = regexp.MustCompile(`[^\w=,.@-]`)

// marked is a name that ends as if it had been cut: it gets a mark of its own, or whoever is
// called so would have the name of another.
var marked = regexp.MustCompile(`-[0-9a-f]{16}$`)

// nameOf is how the session of a request is called. A name that does not fit, or has
// what no name may, is cut where that hurts least, and ends in a word that no other
// name has.
func nameOf(r driver.VendRequest, most int) string {
	template := r.As.SessionName
	if template == "" {
		template = DefaultSessionName
	}
	user, client := r.User, r.Client
	if r.Shared {
		user, client = "=shared", "keyhatch" // no user's name begins so
	}
	client = strings.ReplaceAll(client, "@", "-") // or a client could make another's name of its user's
	if client == "" {
		client = "keyhatch"
	}
	fill := func(longest int) string {
		return strings.NewReplacer("{user}", head(user, longest), "{client}", head(client, longest), "{vend}", r.ID).Replace(template)
	}
	whole := fill(len(user) + len(client))
	if name := notInName.ReplaceAllString(whole, "-"); name == whole && len(name) >= 2 && len(name) <= most && !marked.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(whole))
	mark := "-" + hex.EncodeToString(sum[:8])
	longest := most
	for longest > 1 && len(notInName.ReplaceAllString(fill(longest), "-")) > most-len(mark) {
		longest--
	}
	return head(notInName.ReplaceAllString(fill(longest), "-"), most-len(mark)) + mark
}

// head is the beginning of a text, so many characters.
func head(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
