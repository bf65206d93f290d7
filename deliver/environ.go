package deliver

import (
	"cmp"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/api"
)

// cleared are variables that a program under Run does not get, because clients take
// them before the container endpoint, or would not go to ours because of them.
//
// The order of sources, where they differ (2026): botocore, the AWS CLI and the SDKs
// for C++, Java, Rust: environment, web identity, profile, container. Go: the same,
// the profile's own sources first. JavaScript: a named profile before the environment.
// In all of them the relative URI comes before the full one, and a file with the
// token before the token.
var cleared = []string{
	// Other credentials.
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_SECURITY_TOKEN", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", // their older names
	"AWS_CREDENTIAL_FILE", "BOTO_CONFIG", // of boto, which botocore still reads
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	// Other endpoints, also those of botocore's data, and what cannot go with one of one's
	// own.
	"AWS_DATA_PATH", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT",
	// rclone has names of its own for keys that win over the rest, and for requests that
	// are not what our endpoint takes.
	"RCLONE_S3_ACCESS_KEY_ID", "RCLONE_S3_SECRET_ACCESS_KEY", "RCLONE_S3_SESSION_TOKEN", "RCLONE_S3_PROFILE",
	"RCLONE_S3_SHARED_CREDENTIALS_FILE", "RCLONE_S3_V2_AUTH", "RCLONE_S3_FORCE_PATH_STYLE", "RCLONE_S3_USE_ACCELERATE_ENDPOINT",
	// GDAL would not sign, or read other keys; nor would what is on Rust's object_store,
	// as obstore, which has a second name for its endpoint.
	"AWS_NO_SIGN_REQUEST", "CPL_AWS_CREDENTIALS_FILE",
	"AWS_SKIP_SIGNATURE", "AWS_ENDPOINT", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
	// The program gets the lease, not what borrows it.
	"KEYHATCH_TOKEN",
}

// fsspec takes what s3fs is called with from variables: these are other keys, none, or
// another place. Its names are not told apart by their case behind FSSPEC_.
var fsspec = regexp.MustCompile(`(?i)^FSSPEC_S3A?(_(KEY|SECRET|TOKEN|USERNAME|PASSWORD|PROFILE|ANON|ENDPOINT_URL|CLIENT_KWARGS|CONFIG_KWARGS))?$`)

// Environ is the environment of a program that gets its leases from the container
// endpoint: that of env, without what would keep clients from it.
//
// The files of the AWS configuration are hidden too. Their keys would win; and a
// program that named another profile in them would send that profile's requests,
// with its session token, to our endpoint.
func Environ(env []string, c *Container, l api.Lent) []string {
	set := append(append(c.Env(), place(l)...),
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"S3_ENDPOINT_URL="+l.Endpoint, // of s5cmd
		// What rclone needs to know of ":s3:bucket/…".
		"RCLONE_S3_PROVIDER=Other",
		"RCLONE_S3_ENV_AUTH=true",
		"RCLONE_S3_ENDPOINT="+l.Endpoint,
		"RCLONE_S3_REGION="+l.Region,
		"RCLONE_S3_NO_CHECK_BUCKET=true",
	)
	set = append(append(set, gdal(l)...), directly(env)...)
	gone := slices.Clone(cleared)
	for _, v := range set {
		gone = append(gone, nameOf(v))
	}
	out := slices.DeleteFunc(slices.Clone(env), func(v string) bool { return slices.Contains(gone, nameOf(v)) || fsspec.MatchString(nameOf(v)) })
	return append(out, set...)
}

// gdal are the variables that tell GDAL where a lease is used: it has its own.
func gdal(l api.Lent) []string {
	scheme, host, _ := strings.Cut(strings.TrimSuffix(l.Endpoint, "/"), "://")
	secure := "NO"
	if scheme == "https" {
		secure = "YES"
	}
	return []string{"AWS_S3_ENDPOINT=" + host, "AWS_HTTPS=" + secure, "AWS_VIRTUAL_HOSTING=FALSE"}
}

// nameOf is the name of a variable; Windows does not tell its cases apart.
func nameOf(variable string) string {
	name, _, _ := strings.Cut(variable, "=")
	if runtime.GOOS == "windows" {
		name = strings.ToUpper(name)
	}
	return name
}

// directly has clients that use a proxy ask the container endpoint without it: a
// proxy cannot reach this machine's loopback interface, and must not get the token.
// Clients read one spelling of the variable or the other first, and the other when that
// is missing, so one that is missing gets what the other says: what went past the proxy
// still does.
func directly(env []string) []string {
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasSuffix(strings.ToLower(nameOf(v)), "_proxy") }) {
		return nil
	}
	lower, isLower := lookup(env, "no_proxy")
	upper, _ := lookup(env, "NO_PROXY")
	if !isLower { // an empty one says that all go through the proxy, where it is read first
		lower = upper
	}
	return []string{"no_proxy=" + withLoopback(lower), "NO_PROXY=" + withLoopback(cmp.Or(upper, lower))}
}

func withLoopback(exceptions string) string {
	switch {
	case exceptions == "":
		return "127.0.0.1"
	case exceptions == "*" || slices.Contains(strings.Split(exceptions, ","), "127.0.0.1"):
		return exceptions
	}
	return exceptions + ",127.0.0.1"
}

func lookup(env []string, name string) (value string, ok bool) {
	for _, v := range slices.Backward(env) { // the last one counts
		if nameOf(v) == nameOf(name) {
			_, value, _ := strings.Cut(v, "=")
			return value, true
		}
	}
	return "", false
}
