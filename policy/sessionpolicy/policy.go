package sessionpolicy

import (
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Policy is a session policy in IAM's language, which narrows a lease: what
// it does not allow, or denies, the lease does not open. It never widens one. The
// zero value allows nothing.
//
// Understood is the part of the language that session policies for S3 use, and
// Parse refuses the rest rather than pass over it.
type Policy struct {
	text       string
	statements []statement
}

type statement struct {
	deny       bool
	actions    []pattern // in lower case
	resources  []pattern // on "bucket" or "bucket/key"
	conditions []condition
}

// condition compares one of the condition keys with values; one must fit, or with
// not, none may.
type condition struct {
	not    bool
	key    string // in lower case
	values []pattern
}

// The condition keys that are understood. Only lists of objects and of versions
// have them.
const (
	prefixKey    = "s3:prefix"
	delimiterKey = "s3:delimiter"
)

// String is the policy's text without blanks.
func (p Policy) String() string { return p.text }

// Ask is one permission in IAM's words.
type Ask struct {
	Action string // "s3:GetObject"
	Bucket string // name; empty for what is about no bucket
	Key    string // of an object; empty for what is about the bucket
	// Of a list of objects or versions:
	Lists     bool
	Prefix    *string // nil: not sent
	Delimiter *string // nil: not sent
}

// Allows tells whether the policy allows it: a statement must, and none may deny
// it.
//
// Stores differ in whether a list without the parameter prefix has an s3:prefix:
// it counts as empty with some and as not there with others. What was not sent is
// therefore asked about in both ways, and both must be allowed; so is delimiter.
func (p Policy) Allows(a Ask) bool {
	for _, values := range readings(a) {
		if !p.allows(a, values) {
			return false
		}
	}
	return true
}

func readings(a Ask) []map[string]string {
	all := []map[string]string{{}}
	if !a.Lists {
		return all
	}
	for key, sent := range map[string]*string{prefixKey: a.Prefix, delimiterKey: a.Delimiter} {
		var next []map[string]string
		for _, before := range all {
			with := map[string]string{key: ""}
			for k, v := range before {
				with[k] = v
			}
			if sent != nil {
				with[key] = *sent
			} else {
				next = append(next, before)
			}
			next = append(next, with)
		}
		all = next
	}
	return all
}

func (p Policy) allows(a Ask, values map[string]string) bool {
	allowed := false
	for _, s := range p.statements {
		if !s.fits(a, values) {
			continue
		}
		if s.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s statement) fits(a Ask, values map[string]string) bool {
	return matchesAny(s.actions, strings.ToLower(a.Action)) && matchesAny(s.resources, a.resource()) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(values) })
}

// resource is what the end of a resource's ARN is compared with. What is about no
// bucket has the resource "*" with IAM.
func (a Ask) resource() string {
	switch {
	case a.Bucket == "":
		return "*"
	case a.Key == "":
		return a.Bucket
	}
	return a.Bucket + "/" + a.Key
}

// holds compares with what the request has. A key that it does not have fits
// nothing, so that only a negation holds.
func (c condition) holds(values map[string]string) bool {
	value, there := values[c.key]
	return c.not != (there && matchesAny(c.values, value))
}

// Policies are all those that a lease is under: every one must allow. None
// narrow nothing.
type Policies []Policy

// ParseAll reads the policies that a lease carries.
func ParseAll(texts []string) (Policies, error) {
	var out Policies
	for _, text := range texts {
		p, err := Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Allow tells whether every policy allows everything that the request takes.
func (p Policies) Allow(r Request) bool {
	if len(p) == 0 {
		return true
	}
	asks, known := r.asks()
	if !known {
		return false
	}
	for _, policy := range p {
		if slices.ContainsFunc(asks, func(a Ask) bool { return !policy.Allows(a) }) {
			return false
		}
	}
	return true
}

// MayAllow tells whether some request of the operation inside the prefix of a bucket
// may be allowed by every policy. No is certain. Yes is not: conditions are taken to
// hold where they allow and not to where they deny, and it may need several
// statements together, or what no two policies both allow, to close a prefix.
func (p Policies) MayAllow(operation, bucket string, prefix keyhatch.Prefix) bool {
	for _, policy := range p {
		permissions := operationPermissions[operation]
		if len(permissions.actions) == 0 {
			return false
		}
		on := place{bucket + "/" + string(prefix), true}
		if permissions.onBucket {
			on = place{bucket, false}
		}
		if slices.ContainsFunc(permissions.actions, func(action string) bool { return !policy.mayAllow(action, on) }) {
			return false
		}
	}
	return true
}

// place is a resource, or with below every one that begins with it.
type place struct {
	resource string
	below    bool
}

func (p Policy) mayAllow(action string, on place) bool {
	action = strings.ToLower(action)
	allowed := false
	for _, s := range p.statements {
		switch {
		case !matchesAny(s.actions, action):
		case s.deny && len(s.conditions) == 0 && slices.ContainsFunc(s.resources, on.coveredBy):
			return false
		case !s.deny && slices.ContainsFunc(s.resources, on.touchedBy):
			allowed = true
		}
	}
	return allowed
}

// coveredBy tells whether the pattern matches all of the place.
func (on place) coveredBy(p pattern) bool {
	return p.matches(on.resource) && (!on.below || p.endsOpen())
}

// touchedBy tells whether the pattern matches something of the place.
func (on place) touchedBy(p pattern) bool {
	if on.below {
		return p.matchesBelow(on.resource)
	}
	return p.matches(on.resource)
}
