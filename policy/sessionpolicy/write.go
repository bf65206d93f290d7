package sessionpolicy

import (
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/iamjson"
)

// Dialect is how a store reads session policies.
type Dialect struct {
	// Partition is the second part of ARNs: "aws", and "aws-cn" or "aws-us-gov" in
	// AWS's own regions that are apart.
	Partition string
	// Escapes: ${*}, ${?} and ${$} are these characters themselves. Where it is not so
	// a prefix with * or ? cannot be told from a wildcard, and is refused.
	Escapes bool
	// Attributes: the store has GetObjectAttributes. Others refuse a policy that names
	// what they do not know.
	Attributes bool
	// Resolves: of a key with "..", "." or nothing as a segment the store decides by the
	// key as it is written, and then takes the object that it leads to as a path. Such keys
	// are closed.
	Resolves bool
}

// Policy writes the session policy that opens exactly what the set opens, and of
// that only what every one of the policies allows. It has the fewest statements that
// say so. What opens nothing denies everything: it is a policy all the same (S8).
//
// Of what is open in a set there is one thing that no session policy can open: lists of
// uploads below a prefix, since no store compares their prefix. They are open where a
// whole bucket is.
//
// What is Confined is open from its networks: the store is told by the condition key
// aws:SourceIp, which compares where a request comes from. Who asks AWS through a VPC
// endpoint has none, and nothing is open then. Elsewhere is not looked at.
//
// keys are the ARNs of the KMS keys that the objects are encrypted with, which may
// then be used, for objects and through S3 alone.
//
// It is keyhatch.Invalid when it would be longer than MaxLength, which tells how
// many of the set's prefixes fit, and when the policies and the set cannot be made one.
func (d Dialect) Write(open policy.Set, policies Policies, keys []string) (string, error) {
	text, err := d.write(open, policies, keys)
	if err != nil || len(text) <= MaxLength {
		return text, err
	}
	fits := 0
	for fits < len(open) {
		shorter, err := d.write(open[:fits+1], policies, keys)
		if err != nil || len(shorter) > MaxLength {
			break
		}
		fits++
	}
	if len(policies) > 0 {
		return "", TooLong("with the session policies that narrow it, %d prefixes make a policy of %d characters, and a store takes %d: %d of them would fit; make the policies shorter, or ask for several leases",
			len(open), len(text), MaxLength, fits).In("policy")
	}
	if fits == 0 && slices.ContainsFunc(open, func(o policy.Open) bool { return len(o.Confined) > 0 }) {
		return "", TooLong("with the networks of the location and the token, one prefix makes a session policy of %d characters, and a store takes %d: the location or the token has to name fewer networks, or wider ones", len(text), MaxLength)
	}
	return "", TooLong("%d prefixes make a session policy of %d characters, and a store takes %d: %d of them would fit; ask for fewer, for one that holds them, or for several leases",
		len(open), len(text), MaxLength, fits).In("prefixes")
}

// TooLong is that a session policy is more than a store takes.
func TooLong(format string, args ...any) *keyhatch.Error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodePolicyTooLarge, format, args...)
}

func (d Dialect) write(open policy.Set, policies Policies, keys []string) (string, error) {
	parts, err := partsOf(open)
	if err != nil {
		return "", err
	}
	clauses, err := d.clauses(parts)
	if err != nil {
		return "", err
	}
	for _, p := range policies {
		if clauses, err = narrowed(clauses, p); err != nil {
			return "", err
		}
	}
	if !slices.ContainsFunc(clauses, func(c clause) bool { return !c.deny }) {
		return iamjson.Document([]iamjson.Statement{{Effect: "Deny", Action: []string{"*"}, Resource: []string{"*"}}}), nil
	}
	var statements []iamjson.Statement
	for _, c := range joined(clauses) {
		s, err := d.statement(c)
		if err != nil {
			return "", err
		}
		statements = append(statements, s)
	}
	if len(keys) > 0 {
		s, err := d.keyStatement(parts, keys)
		if err != nil {
			return "", err
		}
		statements = append(statements, s)
	}
	return iamjson.Document(statements), nil
}

// joined are the same clauses in fewer. What is allowed of objects and what is allowed
// of buckets stand beside each other in one: neither means anything for the other.
func joined(clauses []clause) []clause {
	var out []clause
	for _, c := range clauses {
		at := slices.IndexFunc(out, func(o clause) bool {
			return o.asks(c) && slices.Equal(o.actions, c.actions)
		})
		if at >= 0 {
			out[at].resources = outermostOf(slices.Concat(out[at].resources, c.resources))
			continue
		}
		at = slices.IndexFunc(out, func(o clause) bool {
			return o.asks(c) && sameGlobs(o.resources, c.resources)
		})
		if at >= 0 {
			out[at].actions = slices.Compact(slices.Sorted(slices.Values(slices.Concat(out[at].actions, c.actions))))
			continue
		}
		out = append(out, c)
	}
	ofBuckets := slices.DeleteFunc(slices.Clone(out), func(c clause) bool { return !c.alone(false) })
	out = slices.DeleteFunc(out, func(c clause) bool { return c.alone(false) })
	for i := range out {
		at := slices.IndexFunc(ofBuckets, out[i].asks)
		if at >= 0 && out[i].alone(true) {
			out[i].actions = slices.Concat(out[i].actions, ofBuckets[at].actions)
			out[i].resources = slices.Concat(out[i].resources, ofBuckets[at].resources)
			ofBuckets = slices.Delete(ofBuckets, at, at+1)
		}
	}
	return append(out, ofBuckets...)
}

// asks tells whether both clauses mean something under the same conditions.
func (c clause) asks(d clause) bool {
	return c.deny == d.deny && slices.EqualFunc(c.compares, d.compares, compare.equal) && slices.Equal(c.networks, d.networks)
}

// alone tells whether the clause allows things of objects, or of buckets, and nothing
// else, whatever is asked.
func (c clause) alone(objects bool) bool {
	ofObject := func(g glob) bool { return slices.Contains(g, sign{'/', itself}) }
	return !c.deny && len(c.compares) == 0 && !slices.ContainsFunc(c.resources, func(g glob) bool { return ofObject(g) != objects })
}

func (c compare) equal(d compare) bool {
	return c.not == d.not && c.key == d.key && sameGlobs(c.values, d.values)
}

func sameGlobs(a, b []glob) bool {
	return slices.EqualFunc(a, b, func(g, h glob) bool { return slices.Equal(g, h) })
}

func (d Dialect) statement(c clause) (iamjson.Statement, error) {
	s := iamjson.Statement{Effect: "Allow", Action: c.actions}
	if c.deny {
		s.Effect = "Deny"
	}
	for _, g := range c.resources {
		end, err := d.written(g, c.deny)
		if err != nil {
			return s, err
		}
		s.Resource = append(s.Resource, "arn:"+d.Partition+":s3:::"+end)
	}
	if len(c.networks) > 0 {
		var networks iamjson.List
		for _, n := range c.networks {
			networks = append(networks, n.String())
		}
		s.Condition = iamjson.Condition{"IpAddress": {"aws:SourceIp": networks}}
	}
	for _, n := range c.compares {
		operator := "StringLike"
		if n.not {
			operator = "StringNotLike"
		}
		var values iamjson.List
		for _, g := range n.values {
			value, err := d.written(g, c.deny != n.not)
			if err != nil {
				return s, err
			}
			values = append(values, value)
		}
		if s.Condition == nil {
			s.Condition = iamjson.Condition{}
		}
		if s.Condition[operator] == nil {
			s.Condition[operator] = map[string]iamjson.List{}
		}
		s.Condition[operator][n.key] = values
	}
	return s, nil
}

// written is a glob in the dialect. Where what stands for itself cannot be said, it
// becomes a "?" if the policy then opens less.
func (d Dialect) written(g glob, closes bool) (string, error) {
	said, sayable := g.written(d.Escapes)
	if sayable {
		return said, nil
	}
	if !closes {
		return "", keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPrefix,
			"in this store's policies a * or a ? of a name cannot be told from a wildcard, nor ${ from a variable: no lease can be confined to such a prefix").In("prefixes")
	}
	blurred := slices.Clone(g)
	for i, s := range blurred {
		if s.kind == itself && strings.ContainsRune("*?$", s.r) {
			blurred[i] = sign{kind: one}
		}
	}
	said, _ = blurred.written(false)
	return said, nil
}

// keyStatement lets the keys be used by S3, on behalf of who has the lease.
//
// Source: AWS KMS Developer Guide, "kms:ViaService"; Amazon S3 User Guide, "Using
// server-side encryption with AWS KMS keys", permissions.
func (d Dialect) keyStatement(parts []part, keys []string) (iamjson.Statement, error) {
	s := iamjson.Statement{Effect: "Allow", Action: []string{"kms:Decrypt"}}
	if slices.ContainsFunc(parts, func(p part) bool { return p.write }) {
		s.Action = append(s.Action, "kms:GenerateDataKey")
	}
	var services iamjson.List
	for _, key := range keys {
		partition, region, ok := keyhatch.KMSKeyPlace(key)
		if !ok || partition != d.Partition {
			return s, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInvalidPolicy,
				"the location's encryption key must be named by the ARN of a KMS key in the store's partition, as arn:aws:kms:eu-west-1:123456789012:key/…")
		}
		service := "s3." + region + ".amazonaws.com"
		if d.Partition == "aws-cn" {
			service += ".cn"
		}
		s.Resource = append(s.Resource, key)
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	s.Condition = iamjson.Condition{"StringEquals": {"kms:ViaService": services}}
	return s, nil
}
