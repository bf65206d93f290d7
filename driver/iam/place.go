package iam

import (
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// MaxPolicy is how many characters the inline policies of a user have together at
// AWS, and at stores that do as AWS does.
//
// Source: IAM User Guide, "IAM and AWS STS quotas".
const MaxPolicy = 2048

// place is where a store's IAM is asked, and how it reads policies.
type place struct {
	endpoint *string // nil: AWS's own
	region   string  // that requests are signed for
	language Language
}

// partitions are the parts of AWS that know nothing of each other, by how their
// regions' names begin, each with the one region in which its IAM is.
//
// Source: AWS General Reference, "AWS Identity and Access Management endpoints and
// quotas".
var partitions = []struct{ regions, name, region string }{
	{"cn-", "aws-cn", "cn-north-1"},
	{"us-gov-", "aws-us-gov", "us-gov-west-1"},
	{"", "aws", "us-east-1"},
}

// placeOf is where a store has its IAM: where it says, else at AWS when it is AWS's,
// else at its endpoint. What acts on a store that is not AWS's is not shown to AWS.
func placeOf(store keyhatch.Store) (place, error) {
	endpoint := store.KeysEndpoint
	if endpoint == "" {
		endpoint = store.Endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return place{}, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInvalidEndpoint, "the store's endpoint for keys is no URL")
	}
	if !isAWS(u.Hostname()) {
		return place{&endpoint, store.Region, Language{Partition: "aws", Limit: MaxPolicy}}, nil
	}
	for _, p := range partitions {
		if strings.HasPrefix(store.Region, p.regions) {
			found := place{region: p.region, language: Language{Partition: p.name, Escapes: true, Sessions: true, Limit: MaxPolicy}}
			if store.KeysEndpoint != "" {
				found.endpoint = &endpoint
			}
			return found, nil
		}
	}
	panic("unreachable: the last of the partitions has all regions")
}

// isAWS tells whether a host is Amazon's.
func isAWS(host string) bool {
	host = strings.ToLower(host)
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}
