package deliver

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Astray tells what there is in an environment that would have clients take the leases
// of a profile elsewhere than to its endpoint: a line for each, for the user who has it
// written. What is not in the environment then cannot be told; docs/leases.md does.
func Astray(ctx context.Context, env []string, profile, endpoint string) []string {
	var found []string
	if set, _ := lookup(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"); strings.EqualFold(set, "true") {
		found = append(found, fmt.Sprintf("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is set here: with it clients ignore the endpoint of profile %s, and send its leases to Amazon; unset it", profile))
	}
	// The first that is set counts.
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if set, _ := lookup(env, name); set != "" {
			if strings.TrimSuffix(set, "/") != strings.TrimSuffix(endpoint, "/") {
				found = append(found, fmt.Sprintf("%s is set here: with it clients send the leases of profile %s there, and not to its endpoint; unset it", name, profile))
			}
			break
		}
	}
	if path, err := exec.LookPath("aws"); err == nil {
		if err := CheckCLI(ctx, path, nil, env); err != nil {
			found = append(found, err.Error())
		}
	}
	return found
}
