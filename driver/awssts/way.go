package awssts

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// asking asks a token service once, with a session policy.
type asking func(ctx context.Context, document string) (aws.Credentials, error)

// way is how sessions of an authority are had.
func (l *Lender) way(r driver.VendRequest) (asking, error) {
	a := r.As.Authority
	ofStore := a.Endpoint != ""
	switch {
	case a.Provider != keyhatch.AWS:
		return nil, failure(Unsuited, nil)
	case !ofStore && !atAWS(r.Store):
		return nil, failure(ForeignStore, nil)
	case a.Kind == keyhatch.RoleCredential && r.As.WebIdentity != nil:
		return l.webIdentity(r), nil
	case a.Kind == keyhatch.RoleCredential:
		return l.role(r)
	case a.Kind == keyhatch.KeysCredential && ofStore:
		return l.assuming(r, static(a), ""), nil
	case a.Kind == keyhatch.KeysCredential:
		return l.federation(r), nil
	}
	return nil, failure(Unsuited, nil)
}

// role assumes the role as its base, or as what we are ourselves. What is somebody's at
// one place is shown to no other: who named the endpoint would have a request that is
// signed as us, and could carry it to AWS.
func (l *Lender) role(r driver.VendRequest) (asking, error) {
	a, base := r.As.Authority, r.As.Base
	switch {
	case a.Endpoint != "" && (base == nil || base.Kind != keyhatch.KeysCredential || base.Endpoint != a.Endpoint),
		a.Endpoint == "" && base != nil && (base.Endpoint != "" || base.Provider != keyhatch.AWS):
		return nil, failure(ForeignBase, nil)
	case base != nil && base.Kind == keyhatch.KeysCredential:
		return l.assuming(r, static(*base), a.Principal), nil
	case l.identity == nil:
		return nil, failure(NoIdentity, nil)
	case base == nil:
		return l.assuming(r, l.identity, a.Principal), nil
	}
	return l.assuming(r, l.bases.through(l, *base, r), a.Principal), nil
}

// chained tells whether a role is assumed with a session, and not with keys that last.
func (l *Lender) chained(as driver.Acting) bool {
	if as.Base != nil {
		return as.Base.Kind == keyhatch.RoleCredential
	}
	return l.identity != nil && l.ours.isSession(l)
}

// assuming assumes a role; without one keys keep their own rights, at stores where that
// can be.
func (l *Lender) assuming(r driver.VendRequest, as aws.CredentialsProvider, role string) asking {
	in := &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String(nameOf(r, keyhatch.MaxSessionName)), DurationSeconds: aws.Int32(int32(seconds(r.Life))), Tags: tags(r.As),
	}
	if role != "" && r.As.Authority.Secret != "" {
		in.ExternalId = aws.String(r.As.Authority.Secret.Reveal())
	}
	if r.As.SourceIdentity {
		in.SourceIdentity = &r.ID
	}
	return func(ctx context.Context, document string) (aws.Credentials, error) {
		in.Policy = &document
		return l.ask(ctx, as, r, func(service *sts.Client) (*types.Credentials, error) {
			out, err := service.AssumeRole(ctx, in)
			if err != nil {
				return nil, err
			}
			return out.Credentials, nil
		})
	}
}

// federation gets a token for keys of AWS, which then have the rights that they and the
// policy have.
func (l *Lender) federation(r driver.VendRequest) asking {
	return func(ctx context.Context, document string) (aws.Credentials, error) {
		return l.ask(ctx, static(r.As.Authority), r, func(service *sts.Client) (*types.Credentials, error) {
			out, err := service.GetFederationToken(ctx, &sts.GetFederationTokenInput{
				Name: aws.String(nameOf(r, maxFederationName)), DurationSeconds: aws.Int32(int32(seconds(r.Life))), Policy: &document, Tags: tags(r.As),
			})
			if err != nil {
				return nil, err
			}
			return out.Credentials, nil
		})
	}
}

// webIdentity assumes a role with what an identity provider says of us, and no keys.
func (l *Lender) webIdentity(r driver.VendRequest) asking {
	return func(ctx context.Context, document string) (aws.Credentials, error) {
		token, err := r.As.WebIdentity(ctx)
		if err != nil {
			return aws.Credentials{}, failure(NoToken, err)
		}
		return l.ask(ctx, aws.AnonymousCredentials{}, r, func(service *sts.Client) (*types.Credentials, error) {
			out, err := service.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: &r.As.Authority.Principal, RoleSessionName: aws.String(nameOf(r, keyhatch.MaxSessionName)), WebIdentityToken: aws.String(token.Reveal()),
				DurationSeconds: aws.Int32(int32(seconds(r.Life))), Policy: &document,
			})
			if err != nil {
				return nil, err
			}
			return out.Credentials, nil
		})
	}
}

// ask asks the token service that knows the request's authority. Nothing is sent twice
// by the SDK: Vend does that.
func (l *Lender) ask(ctx context.Context, as aws.CredentialsProvider, r driver.VendRequest, do func(*sts.Client) (*types.Credentials, error)) (aws.Credentials, error) {
	if r.Spend != nil {
		if err := r.Spend(ctx); err != nil {
			return aws.Credentials{}, err
		}
	}
	client := &listener{client: l.client}
	o := sts.Options{Region: cmp.Or(r.Store.Region, "us-east-1"), Credentials: as, HTTPClient: client, Retryer: aws.NopRetryer{}}
	switch {
	case r.As.Authority.Endpoint != "":
		o.BaseEndpoint = &r.As.Authority.Endpoint
	case l.sts != "":
		o.BaseEndpoint = &l.sts
	}
	out, err := do(sts.New(o))
	if err != nil {
		return aws.Credentials{}, client.told(err)
	}
	return given(out), nil
}

func static(a keyhatch.Authority) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(a.Principal, a.Secret.Reveal(), "")
}

func given(c *types.Credentials) aws.Credentials {
	if c == nil {
		return aws.Credentials{}
	}
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
		CanExpire: true, Expires: aws.ToTime(c.Expiration).Truncate(time.Second),
	}
}

// tags are those of a session, in their order.
func tags(as driver.Acting) (out []types.Tag) {
	for _, name := range slices.Sorted(maps.Keys(as.Tags)) {
		out = append(out, types.Tag{Key: &name, Value: aws.String(as.Tags[name])})
	}
	return out
}
