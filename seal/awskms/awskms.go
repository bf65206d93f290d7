package awskms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	tinkkms "github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/keyhatch/keyhatch/seal"
)

// patience is how long one question to KMS may take, with what is asked again.
const patience = 10 * time.Second

// uri has the region and, behind the scheme, the ARN. An alias may be led to another
// key at any time, and what the first one wrapped would be lost with it: only keys.
var uri = regexp.MustCompile(`^aws-kms://(arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+)$`)

// CheckURI refuses what is no URI of a key.
func CheckURI(u string) error {
	if !uri.MatchString(u) {
		return errors.New("a key of AWS KMS is named by aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID; an alias is no name, since it can be led to another key")
	}
	return nil
}

// Open is a key of KMS as a key-encryption key. Its id is the URI. KMS is not asked
// before something is wrapped or opened.
func Open(ctx context.Context, u string) (seal.KEK, error) {
	if err := CheckURI(u); err != nil {
		return seal.KEK{}, err
	}
	parts := uri.FindStringSubmatch(u)
	arn, region := parts[1], parts[2]
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, time.Second })
	}))
	if err != nil {
		return seal.KEK{}, fmt.Errorf("AWS KMS: %w", err)
	}
	wraps, err := tinkkms.NewAEADWithContext(ctx, arn, tinkkms.WithKMS(kms.NewFromConfig(c)))
	if err != nil {
		return seal.KEK{}, fmt.Errorf("AWS KMS: %w", err)
	}
	return seal.NewKEK(u, key{wraps, arn}), nil
}

// key asks KMS, not for ever, and says what to do when it does not answer as it should.
type key struct {
	wraps tink.AEADWithContext
	arn   string
}

func (k key) Encrypt(plain, context []byte) ([]byte, error) {
	return k.ask("wrap", k.wraps.EncryptWithContext, plain, context)
}

func (k key) Decrypt(sealed, context []byte) ([]byte, error) {
	return k.ask("open", k.wraps.DecryptWithContext, sealed, context)
}

func (k key) ask(what string, do func(ctx context.Context, in, about []byte) ([]byte, error), in, about []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := do(ctx, in, about)
	if err == nil {
		return out, nil
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		advice := advices[refused.ErrorCode()]
		if advice == "" {
			advice = "see what KMS says in the account's trail"
		}
		return nil, seal.ElsewhereError{Err: fmt.Errorf("AWS KMS refuses to %s with %s (%s): %s", what, k.arn, refused.ErrorCode(), advice)}
	}
	return nil, seal.ElsewhereError{Err: fmt.Errorf("AWS KMS does not answer, which is to %s with %s: check the network, AWS_ENDPOINT_URL_KMS and where the credentials come from: %w", what, k.arn, err)}
}

// advices are what to do about what KMS says:
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html.
var advices = map[string]string{
	"AccessDeniedException":       "the credentials of this process need kms:Encrypt and kms:Decrypt on the key",
	"DisabledException":           "enable the key",
	"InvalidCiphertextException":  "what is stored was wrapped by another key, or changed",
	"IncorrectKeyException":       "what is stored was wrapped by another key",
	"InvalidKeyUsageException":    "the key must be a symmetric one, for ENCRYPT_DECRYPT",
	"KMSInvalidStateException":    "the key is pending deletion or import: cancel that",
	"NotFoundException":           "there is no such key in the account and region",
	"UnrecognizedClientException": "KMS does not know the credentials of this process",
	"InvalidClientTokenId":        "KMS does not know the credentials of this process",
	"ExpiredTokenException":       "the credentials of this process have expired",
}
