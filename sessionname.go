package keyhatch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// MaxSessionName is how long a session's name can be, in characters.
//
// Source: AWS STS API reference, AssumeRole, parameter RoleSessionName.
const MaxSessionName = 64

// SessionOf is what a session is called after.
type SessionOf struct {
	User   string // a name
	Client string // what the user works with; empty: keyhatch
	Vend   string // id
}

// defaultSessionName is how sessions are called where nothing else is said. A user's name may
// hold an @, and what it works with has none: the last one is between them.
const defaultSessionName = "{user}@{client}"

// What no session's name has: AWS takes a plus, as we do (CheckSessionName), and Ceph's RGW
// refuses it.
var (
	notInSession = regexp.MustCompile(`[^\w=,.@-]`)
	notInLease   = regexp.MustCompile(`[^\w+=,.@-]`)
)

// marked is a name that ends as if it had been cut: it gets a mark of its own, or whoever is
// called so would have the name of another.
var marked = regexp.MustCompile(`-[0-9a-f]{16}$`)

// Name is how a store's session is called: the template with what stands in braces filled in,
// {user}, {client} and {vend}; empty: {user}@{client}. It has at most so many characters, of
// those that all stores take. A name that does not fit, or has what no name may, is cut where
// that hurts least, and ends in a word that no other name has.
func (n SessionOf) Name(template string, most int) string {
	return n.named(cmp.Or(template, defaultSessionName), most, notInSession)
}

// LeaseName is how a lease is called by which nobody said how: in the same way, with what a
// lease's name may have (CheckSessionName).
func (n SessionOf) LeaseName() string {
	return n.named(defaultSessionName, MaxSessionName, notInLease)
}

func (n SessionOf) named(template string, most int, not *regexp.Regexp) string {
	client := cmp.Or(strings.ReplaceAll(n.Client, "@", "-"), "keyhatch") // or a client could make another's name of its user's
	fill := func(longest int) string {
		return strings.NewReplacer("{user}", head(n.User, longest), "{client}", head(client, longest), "{vend}", n.Vend).Replace(template)
	}
	whole := fill(len(n.User) + len(client))
	if name := not.ReplaceAllString(whole, "-"); name == whole && len(name) >= 2 && len(name) <= most && !marked.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(whole))
	mark := "-" + hex.EncodeToString(sum[:8])
	longest := most
	for longest > 1 && len(not.ReplaceAllString(fill(longest), "-")) > most-len(mark) {
		longest--
	}
	return head(not.ReplaceAllString(fill(longest), "-"), most-len(mark)) + mark
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
