package iam

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy/iamjson"
)

// Language is how a store reads policies.
type Language struct {
	// Partition is the second part of ARNs: "aws", and others in AWS's own regions
	// that are apart.
	Partition string
	// Escapes: ${*}, ${?} and ${$} are these characters themselves. Where it is not
	// so each of them is written "?", which is any one character: what is denied is
	// then a little more than what is locked, never less.
	Escapes bool
	// Owners: what a user puts is its own, and its own is open to it by other rules
	// than the policy. What is not ordered is then denied, by name.
	Owners bool
	// Sessions: who has a pair makes sessions of it that outlast the pair by a day and
	// more, which no policy can refuse to make. So they are denied everything.
	Sessions bool
	// Limit is how many characters a policy may have.
	Limit int
}

// Beside a bucket's own actions stand those on its objects: each kind of resource
// has actions of its own, so that one statement can hold both.
//
// Versions are read, and never written: what a store keeps for the worst case
// outlives a leaked key.
var (
	readActions = []string{
		"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation",
		"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging",
	}
	writeActions = []string{
		"s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload",
		"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectTagging",
	}
	bothActions   = slices.Concat(readActions, writeActions)
	lockedActions = []string{"s3:Put*", "s3:Delete*", "s3:AbortMultipartUpload"}
	// ownerActions are what nobody may with a key, and an owner else might.
	ownerActions = []string{
		"s3:*Acl", "s3:DeleteObjectVersion*", "s3:PutObjectVersion*", "s3:*Retention", "s3:*LegalHold", "s3:RestoreObject", "s3:GetObjectTorrent",
	}
	// openingLists are the lists of rights for others that can be sent along with an object.
	openingLists = []string{"public-read", "public-read-write", "authenticated-read"}
	grantHeaders = []string{"read", "write", "read-acp", "write-acp", "full-control"}
)

func deny(actions, resources []string) iamjson.Statement {
	return iamjson.Statement{Effect: "Deny", Action: actions, Resource: resources}
}

// all is every action, or every resource.
var all = []string{"*"}

// Policy is the document that opens what is ordered and nothing else. What opens
// nothing denies everything: it is a policy all the same.
//
// The names of a store's buckets it never opens, also for an order that sees all:
// stores show the names of all buckets to who may see any, and an order is about
// some.
//
// It is a keyhatch.Conflict when it would be longer than the store takes, or when the
// order names what is no bucket.
func (l Language) Policy(order driver.KeyOrder) (string, error) {
	buckets, err := merged(order.Buckets)
	if err != nil {
		return "", err
	}
	text := l.document(buckets, order.Until)
	if len(text) <= l.Limit {
		return text, nil
	}
	fits := 0
	for fits < len(buckets) && len(l.document(buckets[:fits+1], order.Until)) <= l.Limit {
		fits++
	}
	locked := 0
	for _, b := range buckets {
		locked += len(b.Locked)
	}
	return "", keyhatch.Fail(keyhatch.Conflict, keyhatch.CodePolicyTooLarge,
		"%d buckets with %d locked prefixes make a policy of %d characters, and the store takes %d: "+
			"it would fit with %d of these buckets; use several keys, or lock fewer and shorter prefixes",
		len(buckets), locked, len(text), l.Limit, fits)
}

// merged are the buckets that are opened at all, each once, by their names, with the
// locks that make a difference.
func merged(rights []driver.BucketRight) ([]driver.BucketRight, error) {
	byName := map[string]driver.BucketRight{}
	for _, r := range rights {
		// Of what is allowed a wildcard would open more.
		if err := keyhatch.CheckBucketName(r.Bucket); err != nil {
			return nil, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInvalidBucketName,
				"a bucket has a name that no policy can hold").Because(err)
		}
		m := byName[r.Bucket]
		m.Bucket, m.Read, m.Write = r.Bucket, m.Read || r.Read, m.Write || r.Write
		m.Locked = append(slices.Clip(m.Locked), r.Locked...)
		m.Confined = append(slices.Clip(m.Confined), r.Confined...)
		byName[r.Bucket] = m
	}
	var out []driver.BucketRight
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		m := byName[name]
		m.Locked = outermost(m.Locked)
		if slices.Contains(m.Locked, "") {
			m.Write = false
		}
		if !m.Write {
			m.Locked = nil
		}
		if m.Read || m.Write {
			out = append(out, m)
		}
	}
	return out, nil
}

// outermost are the prefixes that lie in no other one.
func outermost(prefixes []keyhatch.Prefix) []keyhatch.Prefix {
	sorted := slices.Sorted(slices.Values(prefixes))
	var out []keyhatch.Prefix
	for _, p := range sorted {
		if len(out) == 0 || !out[len(out)-1].Covers(p) {
			out = append(out, p)
		}
	}
	return out
}

// document writes a policy: a statement for each sort of rights that some bucket
// has, one for what is locked, and one for the end.
func (l Language) document(buckets []driver.BucketRight, until time.Time) string {
	var statements []iamjson.Statement
	var opened []string
	for _, sort := range []struct {
		read, write     bool
		actions, denied []string
	}{
		{true, false, readActions, writeActions},
		{false, true, writeActions, readActions},
		{true, true, bothActions, nil},
	} {
		var resources []string
		for _, b := range buckets {
			if b.Read == sort.read && b.Write == sort.write {
				resources = append(resources, l.arn(b.Bucket), l.arn(b.Bucket)+"/*")
			}
		}
		if len(resources) == 0 {
			continue
		}
		opened = append(opened, resources...)
		statements = append(statements, iamjson.Statement{Effect: "Allow", Action: sort.actions, Resource: resources})
		if l.Owners && sort.denied != nil {
			statements = append(statements, deny(sort.denied, resources))
		}
	}
	var locked []string
	for _, b := range buckets {
		for _, p := range b.Locked {
			locked = append(locked, l.arn(b.Bucket)+"/"+l.literal(string(p))+"*")
		}
	}
	if len(locked) > 0 {
		statements = append(statements, deny(lockedActions, locked))
	}
	statements = append(statements, l.elsewhere(buckets)...)
	switch {
	case len(statements) == 0:
		statements = []iamjson.Statement{deny(all, all)}
	case l.Owners:
		statements = append(statements, ofOwners(opened)...)
	}
	if !until.IsZero() && len(opened) > 0 {
		ends := deny(all, all)
		ends.Condition = iamjson.Condition{"DateGreaterThanEquals": {"aws:CurrentTime": {until.UTC().Format(time.RFC3339)}}}
		statements = append(statements, ends)
	}
	if l.Sessions && len(opened) > 0 {
		ofSessions := deny(all, all)
		ofSessions.Condition = iamjson.Condition{"Null": {"aws:TokenIssueTime": {"false"}}}
		statements = append(statements, ofSessions)
	}
	return iamjson.Document(statements)
}

// elsewhere denies what is confined to networks, and lists of its bucket, to who asks from
// none of them, or from nowhere that the store could tell.
func (l Language) elsewhere(buckets []driver.BucketRight) (out []iamjson.Statement) {
	for _, b := range buckets {
		for _, c := range b.Confined {
			s := deny([]string{"s3:*"}, []string{l.arn(b.Bucket), l.arn(b.Bucket) + "/" + l.literal(string(c.Prefix)) + "*"})
			s.Condition = iamjson.Condition{"NotIpAddress": {"aws:SourceIp": nil}}
			for _, n := range c.Networks {
				s.Condition["NotIpAddress"]["aws:SourceIp"] = append(s.Condition["NotIpAddress"]["aws:SourceIp"], n.String())
			}
			out = append(out, s)
		}
	}
	return out
}

// ofOwners denies what the owner of objects may do with them by being that: everything
// in buckets that are not opened, and everywhere to open them to others.
func ofOwners(opened []string) []iamjson.Statement {
	statements := []iamjson.Statement{
		{Effect: "Deny", Action: all, NotResource: opened},
		deny(ownerActions, all),
	}
	put := func(c iamjson.Condition) {
		s := deny([]string{"s3:PutObject"}, all)
		s.Condition = c
		statements = append(statements, s)
	}
	put(iamjson.Condition{"StringEquals": {"s3:x-amz-acl": openingLists}})
	for _, header := range grantHeaders {
		put(iamjson.Condition{"StringLike": {"s3:x-amz-grant-" + header: all}})
	}
	return statements
}

func (l Language) arn(bucket string) string { return "arn:" + l.Partition + ":s3:::" + bucket }

var (
	escapes  = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
	anything = strings.NewReplacer("*", "?", "$", "?")
)

// literal is text as it stands in what is denied.
func (l Language) literal(text string) string {
	if l.Escapes {
		return escapes.Replace(text)
	}
	return anything.Replace(text)
}
