package keyhatch_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/keyhatch/keyhatch"

// layers is the architecture: what each package may import of the module and of
// others. "std" is always allowed. A package that is not in the table, or an
// import that its line does not name, fails the test; change the table only with
// a decision in docs/decisions.
var layers = []struct {
	pkg    string // a "/*" at the end: every package below
	may    string // packages of the module, "root" being the top one
	others string // beginnings of import paths of other modules
}{
	{"", "", ""},
	{"api", "", ""},
	{"sigv4", "", ""},
	{"policy", "root", ""},
	{"policy/iamjson", "", ""},
	{"policy/sessionpolicy", "root policy policy/iamjson", ""},
	{"audit", "root", ""},
	{"seal", "root", "github.com/tink-crypto/tink-go"},
	{"seal/awskms", "seal", "github.com/aws/ github.com/tink-crypto/"},
	{"db/engine", "", ""},
	{"db/sqlite", "db/engine", "modernc.org/sqlite"},
	{"db/postgres", "db/engine", "github.com/jackc/pgx/v5"},
	{"db/schema", "db/engine", ""},
	{"db/groupcommit", "root", ""},
	{"db/dump", "", ""},
	{"db", "root audit db/dump db/engine db/sqlite db/postgres db/schema db/groupcommit", ""},
	{"mirror", "root db", ""},
	{"jobs", "root db", ""},
	{"driver", "root policy policy/sessionpolicy", ""},
	{"driver/drivertest", "root driver", "github.com/aws/"},
	{"driver/drivertest/matrix", "root driver driver/drivertest", "github.com/aws/"},
	{"driver/bounded", "", ""},
	{"driver/probe", "root driver driver/bounded", "github.com/aws/"},
	{"driver/presigned", "root", "github.com/aws/aws-sdk-go-v2/aws"},
	{"driver/own", "root policy driver driver/presigned", ""},
	{"driver/sessions", "root policy policy/sessionpolicy driver driver/presigned", ""},
	{"driver/s3buckets", "root driver driver/bounded", "github.com/aws/"},
	{"driver/awssts", "root policy policy/sessionpolicy driver driver/bounded", "github.com/aws/"},
	{"driver/confine", "root policy driver driver/bounded", "github.com/aws/"},
	{"driver/shield", "root driver", "github.com/maypok86/otter/v2 golang.org/x/time/rate"},
	{"driver/iam", "root policy/iamjson driver driver/bounded", "github.com/aws/"},
	{"driver/rgw", "root driver driver/iam", "github.com/aws/"},
	{"driver/drivertest/buckets", "root driver", ""},
	{"driver/drivertest/keys", "root policy driver", "github.com/aws/"},
	{"driver/*", "root policy policy/sessionpolicy driver", ""},
	{"broker/kernel", "root policy db mirror seal", "golang.org/x/time/rate"},
	{"broker/bearers", "root policy db mirror broker/kernel broker/people", ""},
	{"broker/past", "root policy db broker/accesskeys broker/accounts broker/buckets broker/kernel broker/lending broker/people broker/places broker/storekeys", ""},
	{"broker/passwords", "root policy db broker/kernel", "github.com/ccojocar/zxcvbn-go/data golang.org/x/crypto/argon2 golang.org/x/text/unicode/norm"},
	{"broker/terms", "root broker/kernel broker/places", ""},
	{"broker/oauth", "root policy db broker/kernel broker/people", "github.com/go-jose/go-jose"},
	{"broker/logins", "root db broker/kernel broker/people broker/sessions", ""},
	{"broker/accounts", "root db driver broker/kernel broker/storekeys", ""},
	{"broker/people", "root policy audit db mirror broker/kernel broker/storekeys", ""},
	{"broker/proofs", "root driver broker/kernel broker/credentials broker/places", ""},
	{"broker/places", "root policy db broker/kernel broker/accounts", ""},
	{"broker/buckets", "root policy db mirror driver broker/kernel broker/accesskeys broker/accounts broker/places broker/storekeys", ""},
	{"broker/accesskeys", "root policy db mirror broker/kernel broker/accounts broker/storekeys", ""},
	{"broker/*", "root policy policy/sessionpolicy audit seal db mirror driver broker/kernel", ""},
	{"broker", "root policy audit seal db mirror jobs driver broker/*", ""},
	{"auth", "root policy broker broker/*", ""},
	{"rest", "root api policy auth broker broker/*", "github.com/danielgtaylor/huma"},
	{"forms", "", ""},
	{"sts", "root policy policy/sessionpolicy sigv4 auth broker broker/* forms", ""},
	{"idp", "root policy auth broker broker/* forms", ""},
	{"compat/arvados/listing", "root", ""},
	{"compat/arvados", "root policy auth broker broker/* compat/arvados/listing", ""},
	{"compat/tiledb", "root policy auth broker broker/*", ""},
	{"compat/provena", "root policy auth broker broker/*", ""},
	{"compat/earthdata", "root policy auth broker broker/*", ""},
	{"compat/katapult/arguments", "root", ""},
	{"compat/katapult/wiretest", "", ""},
	{"compat/katapult", "root policy auth broker broker/* compat/katapult/arguments", ""},
	{"issuers", "root policy", "github.com/go-jose/go-jose golang.org/x/time/rate"},
	{"providers", "root issuers", "github.com/coreos/go-oidc golang.org/x/oauth2 github.com/go-jose/go-jose"},
	{"outbound", "root", "code.dny.dev/ssrf"},
	{"gateway", "root policy policy/sessionpolicy sigv4 broker broker/* gateway/*", ""},
	{"gateway/limit", "", "golang.org/x/time/rate"},
	{"gateway/s3wire", "root", ""},
	{"gateway/classify", "root policy policy/sessionpolicy sigv4 gateway/s3wire", ""},
	{"gateway/document", "gateway/s3wire", ""},
	{"gateway/upstream", "root gateway/limit gateway/s3wire", "github.com/aws/aws-sdk-go-v2/aws"},
	{"gateway/dirstore/openuploads", "", ""},
	{"gateway/dirstore/disk", "", ""},
	{"gateway/dirstore/tree", "root gateway/dirstore/disk gateway/dirstore/openuploads", ""},
	{"gateway/dirstore/checksum", "", ""},
	{"gateway/dirstore", "root gateway/s3wire gateway/dirstore/checksum gateway/dirstore/tree", ""},
	{"server", "root", ""},
	{"metrics", "root", "github.com/prometheus/client_golang"},
	{"client", "api", ""},
	{"client/leasecreds", "api client", "github.com/aws/aws-sdk-go-v2/aws github.com/aws/aws-sdk-go-v2/service/s3"},
	{"deliver", "api deliver/awsconfig deliver/filelock deliver/textfile", "golang.org/x/sys"},
	{"deliver/snippets", "api deliver", ""},
	{"deliver/awsconfig", "", ""},
	{"deliver/textfile", "deliver/filelock", ""},
	{"deliver/filelock", "", "golang.org/x/sys"},
	{"cli/ask", "root api client deliver/textfile", "golang.org/x/term"},
	{"cli/times", "", ""},
	{"cli/account", "root api cli/ask cli/times client", ""},
	{"cli/lending", "api cli/ask cli/times client deliver deliver/snippets", ""},
	{"cli/tokens", "root api cli/ask cli/times client", ""},
	{"cli/complete", "cli/ask", "github.com/alecthomas/kong"},
	{"cli", "root api cli/account cli/ask cli/lending cli/times cli/tokens client", "github.com/alecthomas/kong"},
	{"cmd/keyhatch/agefile", "", "filippo.io/age"},
	{"cmd/keyhatch/tour", "root api cli/ask client", "github.com/aws/"},
	{
		"cmd/keyhatch/config", "root broker/oauth broker/people cli/ask compat/earthdata db driver driver/* issuers providers seal seal/*",
		"github.com/goccy/go-yaml github.com/aws/",
	},
	{"cmd/keyhatch/doctor", "root cmd/keyhatch/config db driver/s3buckets driver/shield outbound seal", ""},
	{
		"cmd/keyhatch", "root api cli cli/* cmd/keyhatch/agefile cmd/keyhatch/config cmd/keyhatch/doctor cmd/keyhatch/tour audit auth broker broker/* client compat/* db db/dump deliver driver driver/* gateway gateway/* idp issuers jobs metrics mirror outbound policy providers rest seal seal/* server sigv4 sts",
		"github.com/alecthomas/kong github.com/goccy/go-yaml github.com/aws/",
	},
	{"db/dbtest/ground", "root audit db", ""},
	{"db/dbtest/queue", "root db db/dbtest/ground", "pgregory.net/rapid github.com/google/go-cmp"},
	{"db/dbtest/*", "root audit db db/dbtest/ground", "github.com/google/go-cmp"},
	{"db/dbtest", "root db db/dbtest/*", "pgregory.net/rapid github.com/google/go-cmp"},
	{"internal/emptydb", "db", ""},
	{"internal/coretest", "root audit jobs broker broker/* db driver driver/* internal/emptydb mirror policy seal", ""},
	{"internal/devserver", "internal/certificate internal/child", ""},
	{"internal/doortest", "root broker/* internal/coretest internal/logged server", "github.com/google/go-cmp github.com/rogpeppe/go-internal/txtar"},
	{"internal/peers", "internal/certificate internal/child", "github.com/aws/"},
	{"internal/moto", "internal/child", ""},
	{"internal/pgcluster", "internal/child", "github.com/jackc/pgx/v5/stdlib"},
	{"internal/*", "root api", ""},
	{"conformance", "", ""},
}

// noHTTP are the packages in which a web protocol has no business.
var noHTTP = []string{
	"", "policy", "policy/sessionpolicy", "audit", "seal", "db", "db/engine", "db/sqlite", "db/postgres", "db/schema", "db/groupcommit", "db/dump", "mirror", "jobs", "driver", "driver/shield",
	"broker", "broker/kernel", "broker/people", "broker/bearers", "broker/passwords", "broker/sessions", "broker/logins", "broker/oauth", "broker/places", "broker/accounts", "broker/accesskeys", "broker/storekeys", "broker/buckets", "broker/proofs", "broker/lending", "broker/terms", "broker/record", "broker/past", "broker/keys",
}

// badNames say nothing about what a package is.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "manager", "service"}

func TestImportArrows(t *testing.T) {
	for _, p := range listPackages(t) {
		rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		line := slices.IndexFunc(layers, func(l struct{ pkg, may, others string }) bool { return matches(l.pkg, rel) })
		if line < 0 {
			t.Errorf("package %q is not in the table of layers", rel)
			continue
		}
		if name := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]; slices.Contains(badNames, name) {
			t.Errorf("package %q: its name does not tell what it is", rel)
		}
		for _, imported := range p.Imports {
			if imported == "net/http" && slices.Contains(noHTTP, rel) {
				t.Errorf("package %q imports net/http", rel)
			}
			if !allowed(layers[line].may, layers[line].others, imported) {
				t.Errorf("package %q must not import %q", rel, imported)
			}
		}
	}
}

func allowed(may, others, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // std
	}
	inside, ok := strings.CutPrefix(imported, module)
	if !ok {
		return slices.ContainsFunc(strings.Fields(others), func(o string) bool { return strings.HasPrefix(imported, o) })
	}
	inside = strings.TrimPrefix(inside, "/")
	if inside == "" {
		inside = "root"
	}
	return slices.ContainsFunc(strings.Fields(may), func(m string) bool { return matches(m, inside) })
}

func matches(pattern, pkg string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, parent+"/")
	}
	return pattern == pkg
}

type listed struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < len(layers)-4 {
		t.Fatalf("go list names only %d packages", len(packages))
	}
	return packages
}
