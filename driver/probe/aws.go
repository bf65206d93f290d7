package probe

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// sessionName is how our asking looks in the account's own record.
const sessionName = "keyhatch-verify"

// shortest is the least that AWS gives, in seconds.
const shortest = 900

func (p *Prober) config(as aws.CredentialsProvider, region string) aws.Config {
	return aws.Config{Region: region, Credentials: as, HTTPClient: p.client, RetryMaxAttempts: 2}
}

func static(a keyhatch.Authority) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(a.Principal, a.Secret.Reveal(), "")
}

// stsFor is the STS that knows a role or a key: that of an S3-compatible store is at
// its endpoint.
func (p *Prober) stsFor(as aws.CredentialsProvider, a keyhatch.Authority) *sts.Client {
	region := p.regionOf(a)
	return sts.NewFromConfig(p.config(as, region), func(o *sts.Options) {
		switch {
		case a.Endpoint != "":
			o.BaseEndpoint = &a.Endpoint
		case p.sts != "":
			o.BaseEndpoint = &p.sts
		}
	})
}

// regionOf is ours, or one of the partition in which the role is.
func (p *Prober) regionOf(a keyhatch.Authority) string {
	switch partition, _, _ := strings.Cut(strings.TrimPrefix(a.Principal, "arn:"), ":"); partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return p.region
}

// keys looks at an access key.
func (p *Prober) keys(ctx context.Context, r *driver.Report, a keyhatch.Authority) {
	if a.Endpoint == "" {
		r.Check("identity", func() driver.Finding {
			out, err := p.stsFor(static(a), a).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return driver.Failed(why(err))
			}
			return driver.Found(keyhatch.Passed, "it acts as "+aws.ToString(out.Arn))
		})
		return
	}
	if !r.Check("endpoint", func() driver.Finding { return p.answers(ctx, a.Endpoint) }) {
		r.Skip(noUse, "identity")
		return
	}
	r.Check("identity", func() driver.Finding { return p.known(ctx, a) })
}

// answers tells whether something speaks HTTP at the address.
func (p *Prober) answers(ctx context.Context, endpoint string) driver.Finding {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return driver.Failed("it is no address")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return driver.Failed("nothing answers there, or not by HTTP, or its certificate is not one that is trusted")
	}
	response.Body.Close()
	return driver.Passed
}

// known asks an S3-compatible store for a list of buckets: few have another way to ask
// who one is. A key that is known but may not list is refused in its own words. A store
// that names another region than the request was signed for is asked once more.
func (p *Prober) known(ctx context.Context, a keyhatch.Authority) driver.Finding {
	region, good := cmp.Or(keyhatch.AWSRegion(a.Endpoint), p.region), driver.Passed
	named, err := p.list(ctx, a, region)
	if codeOf(err) == otherRegion && named != "" && named != region {
		region, good.Reason = named, "its store is asked for region "+named
		_, err = p.list(ctx, a, region)
	}
	switch {
	case err == nil:
		return good
	case codeOf(err) == "AccessDenied":
		return driver.Found(keyhatch.Warning, "it may not list the buckets, which some stores say of keys that they do not know")
	case codeOf(err) == otherRegion:
		return driver.Found(keyhatch.Warning, "it cannot be told: the store takes no request for region "+region+"; name the endpoint of its region")
	}
	return driver.Failed(why(err))
}

// otherRegion is how a store refuses a signature for another region than its own.
const otherRegion = "AuthorizationHeaderMalformed"

// codeOf is what a cloud calls a failure; empty: it was not a cloud that failed.
func codeOf(err error) string {
	var said smithy.APIError
	if !errors.As(err, &said) {
		return ""
	}
	return said.ErrorCode()
}

// role looks at a role: whether we can become it, and whether only who knows its
// external id can have us become it.
func (p *Prober) role(ctx context.Context, r *driver.Report, a keyhatch.Authority, base *keyhatch.Authority) {
	const assume, external = "assume_role", "external_id"
	if a.Endpoint != "" && !r.Check("endpoint", func() driver.Finding { return p.answers(ctx, a.Endpoint) }) {
		r.Skip(noUse, "base", assume, external)
		return
	}
	as, chained := p.identity, false
	if !r.Check("base", func() (f driver.Finding) {
		as, chained, f = p.base(ctx, a, base)
		return f
	}) {
		r.Skip(noUse, assume, external)
		return
	}
	if !r.Check(assume, func() driver.Finding {
		err := p.assume(ctx, as, a, aws.String(a.Secret.Reveal()))
		switch {
		case err != nil:
			return driver.Failed(why(err))
		case chained:
			return driver.Found(keyhatch.Passed, "it is assumed through another role, so its sessions last an hour at most")
		}
		return driver.Passed
	}) {
		r.Skip(noUse, external)
		return
	}
	r.Check(external, func() driver.Finding {
		err := p.assume(ctx, as, a, nil)
		switch {
		case err == nil:
			return driver.Found(keyhatch.Warning, "the role admits us without its external id too: let its trust policy ask for it, with the condition sts:ExternalId")
		case codeOf(err) == "AccessDenied":
			return driver.Passed
		}
		return driver.Found(keyhatch.Skipped, "it cannot be told: "+why(err))
	})
}

// base is what a role is assumed as: what Keyhatch itself is, a key, or a role before
// it. What is somebody's at one place is shown to no other: who named the endpoint
// would have a request that is signed as us, and could carry it to AWS.
func (p *Prober) base(ctx context.Context, a keyhatch.Authority, base *keyhatch.Authority) (as aws.CredentialsProvider, chained bool, f driver.Finding) {
	switch {
	case a.Endpoint != "" && (base == nil || base.Kind != keyhatch.KeysCredential || base.Endpoint != a.Endpoint):
		return nil, false, driver.Failed("a role of an S3-compatible store is assumed with keys of that store: give the place a base credential with this endpoint")
	case a.Endpoint == "" && base != nil && base.Endpoint != "":
		return nil, false, driver.Failed("the place's base credential is of an S3-compatible store, and the role is of AWS")
	case base != nil && base.Kind == keyhatch.KeysCredential:
		return static(*base), false, driver.Found(keyhatch.Passed, "it is assumed as "+base.Principal)
	case p.identity == nil:
		return nil, false, driver.Failed("Keyhatch is nobody at AWS here: set aws.identity in its configuration, or give the place a base credential")
	case base == nil:
		return p.identity, false, driver.Found(keyhatch.Passed, "it is assumed as what Keyhatch itself is")
	}
	out, err := p.stsFor(p.identity, *base).AssumeRole(ctx, input(*base, aws.String(base.Secret.Reveal())))
	if err != nil {
		return nil, true, driver.Failed(why(err))
	}
	c := out.Credentials
	as = credentials.NewStaticCredentialsProvider(aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken))
	return as, true, driver.Found(keyhatch.Passed, "it is assumed through "+base.Principal)
}

// assume becomes the role, and throws away what that gives.
func (p *Prober) assume(ctx context.Context, as aws.CredentialsProvider, a keyhatch.Authority, externalID *string) error {
	_, err := p.stsFor(as, a).AssumeRole(ctx, input(a, externalID))
	return err
}

func input(a keyhatch.Authority, externalID *string) *sts.AssumeRoleInput {
	return &sts.AssumeRoleInput{
		RoleArn: &a.Principal, RoleSessionName: aws.String(sessionName), ExternalId: externalID, DurationSeconds: aws.Int32(shortest),
	}
}

// words are what AWS's codes mean here.
var words = map[string]string{
	"AccessDenied":          "AccessDenied: it does not admit us; look at its trust policy: the principal, and the external id",
	"InvalidClientTokenId":  "InvalidClientTokenId: there is no such key, or it is not active",
	"InvalidAccessKeyId":    "InvalidAccessKeyId: there is no such key",
	"SignatureDoesNotMatch": "SignatureDoesNotMatch: the secret is not the key's",
	"ExpiredToken":          "ExpiredToken: what we act as has ended",
	"NoSuchEntity":          "NoSuchEntity: there is no such role",
}

var ofCode = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// why tells of a failure in words of our own: what a server says, or a network, may
// hold what is not for showing.
func why(err error) string {
	var said smithy.APIError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "there was no answer in time"
	case !errors.As(err, &said):
		return "it could not be asked: nothing answers, or what answers is not what it should be"
	case words[said.ErrorCode()] != "":
		return words[said.ErrorCode()]
	case ofCode.MatchString(said.ErrorCode()):
		return "the answer was " + said.ErrorCode()
	}
	return "the answer was an error"
}
