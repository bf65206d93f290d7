package probe_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/probe"
	"github.com/keyhatch/keyhatch/internal/moto"
)

// TestProbeOnTheWire: AWS's own wire, as moto has it, is what the prober speaks. moto
// admits to every role, whatever external id is shown: that is what the warning is for.
func TestProbeOnTheWire(t *testing.T) {
	endpoint := moto.Start(t).URL
	p := probe.New(probe.Config{
		Transport: http.DefaultTransport, STSEndpoint: endpoint,
		Identity: credentials.NewStaticCredentialsProvider("AKIAUS", "secret", ""),
	})
	base := role(baseRole, "for-base")
	for _, tc := range []struct {
		what string
		of   keyhatch.Authority
		base *keyhatch.Authority
		want []keyhatch.Outcome
	}{
		{"keys", key("AKIATHEIRS", ""), nil, []keyhatch.Outcome{keyhatch.Passed}},
		{"keys of a store", key("AKIATHEIRS", endpoint), nil, []keyhatch.Outcome{keyhatch.Passed, keyhatch.Passed}},
		{"a role", role(theirRole, "word"), nil, []keyhatch.Outcome{keyhatch.Passed, keyhatch.Passed, keyhatch.Warning}},
		{"a role through a role", role(theirRole, "word"), &base, []keyhatch.Outcome{keyhatch.Passed, keyhatch.Passed, keyhatch.Warning}},
	} {
		found := p.Probe(t.Context(), tc.of, tc.base)
		if len(found) != len(tc.want) {
			t.Errorf("%s: found %+v", tc.what, found)
			continue
		}
		for i, want := range tc.want {
			if found[i].Outcome != want {
				t.Errorf("%s: found %+v, want it %s", tc.what, found[i], want)
			}
		}
	}
}
