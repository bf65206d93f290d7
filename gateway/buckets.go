package gateway

import (
	"encoding/xml"
	"net/http"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/policy"
)

// bucketList is S3's ListAllMyBucketsResult.
type bucketList struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   struct{ ID, DisplayName string }
	Buckets struct {
		Bucket []bucketEntry
	}
}

type bucketEntry struct {
	Name         string
	CreationDate string
}

// buckets are the names of those in which the caller has something: an object or a
// list that the lease opens from here, and that its session policies do not close wholly.
func (v *visit) buckets() []string {
	var left policy.Set
	for _, o := range v.open {
		if o.NothingHere() {
			continue
		}
		if o.Access == "" || slices.ContainsFunc(classify.Operations, func(op classify.Operation) bool {
			inside := op.Level == classify.Object || op.Lists()
			return inside && o.Access.Covers(op.Access) && v.policies.MayAllow(op.Name, o.Bucket, o.Prefix)
		}) {
			left = append(left, o)
		}
	}
	return left.Buckets()
}

// listBuckets answers with these buckets. The dates are the lease's or the access key's:
// when the bucket was made is not its business.
func listBuckets(a *answer, r *http.Request, by signer, names []string) {
	var list bucketList
	list.Owner.ID, list.Owner.DisplayName = by.user, by.user
	for _, name := range names {
		list.Buckets.Bucket = append(list.Buckets.Bucket, bucketEntry{
			Name: name, CreationDate: by.since.Format(time.RFC3339),
		})
	}
	a.status = http.StatusOK
	a.sendXML(r, list)
}

// locateBucket answers with the one region that clients sign for here, wherever
// the store behind is.
func (g *Gateway) locateBucket(a *answer, r *http.Request) {
	location := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: g.Region}
	if location.Region == "us-east-1" { // which S3 calls by no name
		location.Region = ""
	}
	a.status = http.StatusOK
	a.sendXML(r, location)
}
