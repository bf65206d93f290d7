package matrix

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

// prefixRows are about leases of other shapes than one plain prefix.
var prefixRows = slices.Concat([]drivertest.Row{
	{Name: "several prefixes: get in each", Lease: drivertest.Reading("a/", "c/"), Try: all(get("a/in.txt"), get("c/in.txt")), Want: drivertest.Allowed},
	{Name: "several prefixes: put in each", Lease: drivertest.Writing("a/", "c/"), Try: all(put("a/new.txt"), put("c/new.txt")), Want: drivertest.Allowed, Changes: []string{"+a/new.txt", "+c/new.txt"}},
	{Name: "several prefixes: list each", Lease: drivertest.Reading("a/", "c/"), Try: all(list("a/", "a/in.txt", "a/sub/deep.txt"), list("c/", "c/in.txt")), Want: drivertest.Allowed},
	{Name: "several prefixes: copy from one to another", Lease: drivertest.Writing("a/", "c/"), Try: copyOf("a/in.txt", "c/copy.txt"), Want: drivertest.Allowed, Changes: []string{"+c/copy.txt"}},
	{Name: "several prefixes: batch delete in each", Lease: drivertest.Writing("a/", "c/"), Try: batch("a/in.txt", "c/in.txt"), Want: drivertest.Allowed, Changes: []string{"-a/in.txt", "-c/in.txt"}, Needs: drivertest.BatchDelete},
	{Name: "several prefixes: get what lies between", Lease: drivertest.Reading("a/", "c/"), Try: get("b/out.txt"), Want: drivertest.Denied},
	{Name: "several prefixes: put at the prefix edge", Lease: drivertest.Writing("a/", "c/"), Try: put("ab/out.txt"), Want: drivertest.Denied},
	{Name: "several prefixes: list what holds them", Lease: drivertest.Reading("a/", "c/"), Try: listFolder(""), Want: drivertest.Denied},
	{Name: "several prefixes: put with a read lease", Lease: drivertest.Reading("a/", "c/"), Try: put("c/new.txt"), Want: drivertest.Denied},
	{Name: "one prefix inside another", Lease: drivertest.Reading("a/", "a/sub/"), Try: all(get("a/in.txt"), get("a/sub/deep.txt")), Want: drivertest.Allowed},
	{Name: "as many prefixes as a lease can have: get in the first", Lease: most(drivertest.Reading("a/", "c/")), Try: get("a/in.txt"), Want: drivertest.Allowed},
	{Name: "as many prefixes as a lease can have: get in the last", Lease: most(drivertest.Reading("a/")), Seeds: []string{"more-1/in.txt"}, Try: get("more-1/in.txt"), Want: drivertest.Allowed},
	{Name: "as many prefixes as a lease can have: get outside", Lease: most(drivertest.Reading("a/", "c/")), Try: get("b/out.txt"), Want: drivertest.Denied},

	{Name: "a whole bucket: get", Lease: wholly(drivertest.Reading()), Try: get("b/out.txt"), Want: drivertest.Allowed},
	{Name: "a whole bucket: put", Lease: wholly(drivertest.Writing()), Try: put("b/new.txt"), Want: drivertest.Allowed, Changes: []string{"+b/new.txt"}},
	{Name: "a whole bucket: delete", Lease: wholly(drivertest.Writing()), Try: remove("a.txt"), Want: drivertest.Allowed, Changes: []string{"-a.txt"}},
	{Name: "a whole bucket: list a prefix", Lease: wholly(drivertest.Reading()), Try: list("c/", "c/in.txt"), Want: drivertest.Allowed},
	{Name: "a whole bucket: list without a prefix", Lease: wholly(drivertest.Reading()), Try: listBare, Want: drivertest.Allowed},
	{Name: "a whole bucket: put with a read lease", Lease: wholly(drivertest.Reading()), Try: put("b/new.txt"), Want: drivertest.Denied},
	{Name: "a whole bucket: get in another bucket", Lease: wholly(drivertest.Reading()), Try: get("other:a/in.txt"), Want: drivertest.Denied},
	{Name: "a whole bucket: put in another bucket", Lease: wholly(drivertest.Writing()), Try: put("other:a/new.txt"), Want: drivertest.Denied},
	{Name: "a whole bucket: list another bucket", Lease: wholly(drivertest.Reading()), Try: listOther, Want: drivertest.Denied},
	{Name: "a whole bucket: copy source in another bucket", Lease: wholly(drivertest.Writing()), Try: copyOf("other:a/in.txt", "a/stolen.txt"), Want: drivertest.Denied},
}, oddRows())

func most(t drivertest.Terms) drivertest.Terms {
	t.Most = true
	return t
}

func listOther(v *drivertest.Visit) error {
	_, err := v.Client().ListObjectsV2(v, &s3.ListObjectsV2Input{Bucket: aws.String(v.Site.Other)})
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
func oddRows() []drivertest.Row {
	var rows []drivertest.Row
	for _, o := range odd {
		var needs drivertest.Feature
		if o.pattern {
			needs = drivertest.OddPrefixes
		}
		seeds := []string{o.prefix + "in.txt", o.sibling + "in.txt"}
		rows = append(rows,
			drivertest.Row{
				Name: "a prefix with " + o.what + ": get, head and list inside", Lease: drivertest.Reading(o.prefix), Seeds: seeds, Needs: needs,
				Try: all(get(o.prefix+"in.txt"), head(o.prefix+"in.txt"), list(o.prefix, o.prefix+"in.txt"), listFolder(o.prefix, o.prefix+"in.txt")), Want: drivertest.Allowed,
			},
			drivertest.Row{
				Name: "a prefix with " + o.what + ": put, copy and delete inside", Lease: drivertest.Writing(o.prefix), Seeds: seeds, Needs: needs,
				Try:  all(put(o.prefix+"new.txt"), copyOf(o.prefix+"in.txt", o.prefix+"copy.txt"), remove(o.prefix+"in.txt")),
				Want: drivertest.Allowed, Changes: []string{"+" + o.prefix + "new.txt", "+" + o.prefix + "copy.txt", "-" + o.prefix + "in.txt"},
			},
			drivertest.Row{
				Name: "a prefix with " + o.what + ": get in what it is not", Lease: drivertest.Reading(o.prefix), Seeds: seeds, Needs: needs,
				Try: get(o.sibling + "in.txt"), Want: drivertest.Denied,
			},
			drivertest.Row{
				Name: "a prefix with " + o.what + ": put in what it is not", Lease: drivertest.Writing(o.prefix), Seeds: seeds, Needs: needs,
				Try: put(o.sibling + "in.txt"), Want: drivertest.Denied,
			},
			drivertest.Row{
				Name: "a prefix with " + o.what + ": list what it is not", Lease: drivertest.Reading(o.prefix), Seeds: seeds, Needs: needs,
				Try: list(o.sibling), Want: drivertest.Denied,
			},
			drivertest.Row{
				Name: "a prefix with " + o.what + ": copy from what it is not", Lease: drivertest.Writing(o.prefix), Seeds: seeds, Needs: needs,
				Try: copyOf(o.sibling+"in.txt", o.prefix+"stolen.txt"), Want: drivertest.Denied,
			},
		)
	}
	return rows
}
