// Package presigned signs URLs of objects with credentials that were lent.
package presigned

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhatch/keyhatch"
)

// unsigned stands for the hash of a body that a URL does not know.
const unsigned = "UNSIGNED-PAYLOAD"

// URL is one with which whoever has it reads one object for at most as long as life, in
// whole seconds. The bucket is in its path; disposition is the Content-Disposition of the
// answer, empty for the object's own.
func URL(ctx context.Context, c keyhatch.Credentials, bucket, key, disposition string, life time.Duration) (string, error) {
	base, err := url.Parse(c.Endpoint)
	if err != nil {
		return "", err
	}
	to := *base
	to.Path = strings.TrimRight(base.Path, "/") + "/" + bucket + "/" + key
	to.RawPath = escaped(to.Path)
	query := url.Values{"X-Amz-Expires": {strconv.Itoa(int(life / time.Second))}}
	if disposition != "" {
		query.Set("response-content-disposition", disposition)
	}
	to.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return "", err
	}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, aws.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
	}, r, unsigned, "s3", c.Region, time.Now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return signed, err
}

// escaped is a path as S3 signs it: everything is encoded but letters, digits and "-._~/".
func escaped(path string) string {
	var out strings.Builder
	for _, b := range []byte(path) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~/", b) >= 0 {
			out.WriteByte(b)
			continue
		}
		out.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(b)|0x100, 16)[1:]))
	}
	return out.String()
}
