package drivertest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// prefixRows are about leases of other shapes than one plain prefix.
var prefixRows = slices.Concat([]row{
	{name: "several prefixes: get in each", lease: reading("a/", "c/"), try: all(get("a/in.txt"), get("c/in.txt")), want: allowed},
	{name: "several prefixes: put in each", lease: writing("a/", "c/"), try: all(put("a/new.txt"), put("c/new.txt")), want: allowed, changes: []string{"+a/new.txt", "+c/new.txt"}},
	{name: "several prefixes: list each", lease: reading("a/", "c/"), try: all(list("a/", "a/in.txt", "a/sub/deep.txt"), list("c/", "c/in.txt")), want: allowed},
	{name: "several prefixes: copy from one to another", lease: writing("a/", "c/"), try: copyOf("a/in.txt", "c/copy.txt"), want: allowed, changes: []string{"+c/copy.txt"}},
	{name: "several prefixes: batch delete in each", lease: writing("a/", "c/"), try: batch("a/in.txt", "c/in.txt"), want: allowed, changes: []string{"-a/in.txt", "-c/in.txt"}, needs: BatchDelete},
	{name: "several prefixes: get what lies between", lease: reading("a/", "c/"), try: get("b/out.txt"), want: denied},
	{name: "several prefixes: put at the prefix edge", lease: writing("a/", "c/"), try: put("ab/out.txt"), want: denied},
	{name: "several prefixes: list what holds them", lease: reading("a/", "c/"), try: listFolder(""), want: denied},
	{name: "several prefixes: put with a read lease", lease: reading("a/", "c/"), try: put("c/new.txt"), want: denied},
	{name: "one prefix inside another", lease: reading("a/", "a/sub/"), try: all(get("a/in.txt"), get("a/sub/deep.txt")), want: allowed},
	{name: "as many prefixes as a lease can have: get in the first", lease: most(reading("a/", "c/")), try: get("a/in.txt"), want: allowed},
	{name: "as many prefixes as a lease can have: get in the last", lease: most(reading("a/")), seeds: []string{"more-1/in.txt"}, try: get("more-1/in.txt"), want: allowed},
	{name: "as many prefixes as a lease can have: get outside", lease: most(reading("a/", "c/")), try: get("b/out.txt"), want: denied},

	{name: "a whole bucket: get", lease: wholly(reading()), try: get("b/out.txt"), want: allowed},
	{name: "a whole bucket: put", lease: wholly(writing()), try: put("b/new.txt"), want: allowed, changes: []string{"+b/new.txt"}},
	{name: "a whole bucket: delete", lease: wholly(writing()), try: remove("a.txt"), want: allowed, changes: []string{"-a.txt"}},
	{name: "a whole bucket: list a prefix", lease: wholly(reading()), try: list("c/", "c/in.txt"), want: allowed},
	{name: "a whole bucket: list without a prefix", lease: wholly(reading()), try: listBare, want: allowed},
	{name: "a whole bucket: put with a read lease", lease: wholly(reading()), try: put("b/new.txt"), want: denied},
	{name: "a whole bucket: get in another bucket", lease: wholly(reading()), try: get("other:a/in.txt"), want: denied},
	{name: "a whole bucket: put in another bucket", lease: wholly(writing()), try: put("other:a/new.txt"), want: denied},
	{name: "a whole bucket: list another bucket", lease: wholly(reading()), try: listOther, want: denied},
	{name: "a whole bucket: copy source in another bucket", lease: wholly(writing()), try: copyOf("other:a/in.txt", "a/stolen.txt"), want: denied},
}, oddRows())

func most(t terms) terms {
	t.most = true
	return t
}

func listOther(v *visit) error {
	_, err := v.client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: aws.String(v.site.Other)})
	return err
}

// odd are prefixes that a driver could spoil on the way from the lease to what
// confines it, with a sibling that a spoilt one would open.
var odd = []struct {
	what, prefix, sibling string
	pattern               bool // means something in an IAM pattern
}{
	{"a star", "p*q/", "p-and-q/", true},
	{"a star alone", "*/", "star/", true},
	{"a question mark", "p?q/", "pxq/", true},
	{"a variable of IAM", "p${*}q/", "p*q/", true},
	{"a dollar sign", "p$q/", "pq/", true},
	{"a percent sign", "p%41q/", "pAq/", false},
	{"an encoded slash", "p%2Fq/", "p/q/", false},
	{"a plus sign", "p+q/", "p q/", false},
	{"a space", "p q/", "p+q/", false},
	{"umlauts", "größe/", "grö/", false},
	{"characters beyond two bytes", "水位🌊/", "水位/", false},
	{"double quotes", `p"q/`, `p\"q/`, false},
	{"a single quote", "p'q/", "pq/", false},
	{"a backslash", `p\q/`, "pq/", false},
	{"an ampersand and a hash", "p&q#r=s/", "p/", false},
	{"angle brackets", "p<q>&amp;/", "p<q>&/", false},
	{"a dot before the name", ".p/", "p/", false},
}

// oddRows are four rows for each.
func oddRows() []row {
	var rows []row
	for _, o := range odd {
		var needs Feature
		if o.pattern {
			needs = OddPrefixes
		}
		seeds := []string{o.prefix + "in.txt", o.sibling + "in.txt"}
		rows = append(rows,
			row{
				name: "a prefix with " + o.what + ": get, head and list inside", lease: reading(o.prefix), seeds: seeds, needs: needs,
				try: all(get(o.prefix+"in.txt"), head(o.prefix+"in.txt"), list(o.prefix, o.prefix+"in.txt"), listFolder(o.prefix, o.prefix+"in.txt")), want: allowed,
			},
			row{
				name: "a prefix with " + o.what + ": put, copy and delete inside", lease: writing(o.prefix), seeds: seeds, needs: needs,
				try:  all(put(o.prefix+"new.txt"), copyOf(o.prefix+"in.txt", o.prefix+"copy.txt"), remove(o.prefix+"in.txt")),
				want: allowed, changes: []string{"+" + o.prefix + "new.txt", "+" + o.prefix + "copy.txt", "-" + o.prefix + "in.txt"},
			},
			row{
				name: "a prefix with " + o.what + ": get in what it is not", lease: reading(o.prefix), seeds: seeds, needs: needs,
				try: get(o.sibling + "in.txt"), want: denied,
			},
			row{
				name: "a prefix with " + o.what + ": put in what it is not", lease: writing(o.prefix), seeds: seeds, needs: needs,
				try: put(o.sibling + "in.txt"), want: denied,
			},
			row{
				name: "a prefix with " + o.what + ": list what it is not", lease: reading(o.prefix), seeds: seeds, needs: needs,
				try: list(o.sibling), want: denied,
			},
			row{
				name: "a prefix with " + o.what + ": copy from what it is not", lease: writing(o.prefix), seeds: seeds, needs: needs,
				try: copyOf(o.sibling+"in.txt", o.prefix+"stolen.txt"), want: denied,
			},
		)
	}
	return rows
}
