package awssts

import (
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// partition is a part of AWS that knows nothing of the others.
type partition struct {
	regions string // how the names of its regions begin
	name    string
	signin  string // where sessions become logins
	console string
}

// Source: IAM User Guide, "Enable custom identity broker access to the AWS console";
// AWS General Reference, "AWS Sign-In endpoints and quotas".
var partitions = []partition{
	{"cn-", "aws-cn", "https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn/"},
	{"us-gov-", "aws-us-gov", "https://signin.amazonaws-us-gov.com/federation", "https://console.amazonaws-us-gov.com/"},
	{"", "aws", "https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/"},
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.regions) {
			return p
		}
	}
	panic("unreachable: the last of the partitions has all regions")
}

// atAWS tells whether a store is Amazon's.
func atAWS(store keyhatch.Store) bool {
	u, err := url.Parse(store.Endpoint)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

// dialectOf is how a store reads policies. Neither MinIO nor Ceph knows the escapes of
// IAM's language; Ceph has no GetObjectAttributes; and MinIO deletes, in a batch, what a
// key leads to as a path.
func dialectOf(store keyhatch.Store) sessionpolicy.Dialect {
	if atAWS(store) {
		return sessionpolicy.Dialect{Partition: partitionOf(store.Region).name, Escapes: true, Attributes: true}
	}
	return sessionpolicy.Dialect{Partition: "aws", Resolves: true}
}
