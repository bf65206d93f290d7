package ask

import (
	"fmt"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// WhyNoToken is what is wrong with a text that is no token; empty when it is one. It
// repeats nothing of it.
func WhyNoToken(text string) string {
	if _, ok := keyhatch.ParseTokenSecret(text); ok {
		return ""
	}
	const prefix, behind = "kh_", 49
	rest, bare := strings.CutPrefix(text, prefix)
	switch {
	case strings.HasPrefix(text, "v2/"):
		return "that is no token: behind v2/ there must be its UUID, CLUSTER-gj3su- and 15 characters, a slash, and a secret that is whole"
	case strings.HasPrefix(text, "kh-ws_"):
		return "that is no token: behind kh-ws_ there must be a workspace's 15 characters, a hyphen, and the 49 of a secret that is whole, without its kh_"
	case !bare:
		return "that is no token: one begins with kh_, v2/ or kh-ws_"
	case len(rest) != behind:
		return fmt.Sprintf("that is no token: behind kh_ there are %d characters, and not %d", len(rest), behind)
	case strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return "that is no token: behind kh_ there are letters and digits only"
	}
	return "that is a look-alike, or mistyped: its last six characters, the checksum, do not fit the others"
}
