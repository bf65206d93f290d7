package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// examples shows each command in use. --help shows them, and a test reads every
// line of them as a command line.
var examples = map[string]string{
	"dev":     "keyhatch dev",
	"init":    "keyhatch init --config /etc/keyhatch/keyhatch.yaml",
	"serve":   "keyhatch serve --config /etc/keyhatch/keyhatch.yaml",
	"doctor":  "keyhatch doctor --config /etc/keyhatch/keyhatch.yaml",
	"copy":    "keyhatch copy --from sqlite:/var/lib/keyhatch/keyhatch.db --to postgres://keyhatch@db.example.org/keyhatch --password-file pg.password",
	"migrate": "keyhatch migrate --config /etc/keyhatch/keyhatch.yaml",

	"backup":  "keyhatch backup --to /backup/keyhatch.age --recipient age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa",
	"restore": "keyhatch restore /backup/keyhatch.age --identity /root/age-identity.txt",

	"keys list": "keyhatch keys list",
	"keys rotate": `keyhatch keys rotate --wait
keyhatch keys rotate columns`,
	"keys generate": "keyhatch keys generate /etc/keyhatch/new.key",

	"login": `keyhatch login --server https://keyhatch.example.org --token
keyhatch login --user ada --expires 30d`,
	"logout": "keyhatch logout --server https://keyhatch.example.org",
	"whoami": "keyhatch whoami",

	"lease borrow": `eval "$(keyhatch lease s3://demo/alpha/ --access read --for 1h)"
keyhatch lease s3://demo/alpha/ --access write -o profile --profile alpha
keyhatch lease alpha --prefix 2024/ --for-tool duckdb`,
	"lease list": "keyhatch lease list --live",
	"lease show": "keyhatch lease show lease_0mz3k8q2a7c4f9d",
	"lease revoke": `keyhatch lease revoke lease_0mz3k8q2a7c4f9d
keyhatch lease revoke $AWS_ACCESS_KEY_ID`,
	"exec": "keyhatch exec s3://demo/alpha/ --access write -- aws s3 cp x.csv s3://demo/alpha/",

	"key list": "keyhatch key list --store local",
	"key show": "keyhatch key show backup",
	"key create": `keyhatch key create backup --store local --read demo --write demo
keyhatch key create reports --store local --read-all --expires 90d`,
	"key issue": `keyhatch key issue backup
keyhatch key issue backup --grace 1h`,
	"key update": `keyhatch key update backup --read demo
keyhatch key update backup --no-rights`,
	"key delete": "keyhatch key delete backup",

	"location list":   "keyhatch location list --workspace demo",
	"location show":   "keyhatch location show alpha",
	"location create": "keyhatch location create gamma s3://demo/gamma/ --owner ada --longest-lease 2h",
	"location update": "keyhatch location update gamma --owner grace",
	"location lock":   "keyhatch location lock alpha",
	"location unlock": "keyhatch location unlock alpha",
	"location delete": "keyhatch location delete gamma",

	"location terms":     "keyhatch location terms alpha",
	"location set-terms": `keyhatch location set-terms alpha --title "Terms of use" --file terms.txt`,
	"location accepted":  "keyhatch location accepted alpha",

	"grant list": "keyhatch grant list --location alpha",
	"grant show": "keyhatch grant show grant_0mz3k8q2a7c4f9d",
	"grant give": `keyhatch grant give alpha --to user:ada --access write
keyhatch grant give alpha --to group:geologists --access read --prefix 2024/ --expires 30d
keyhatch grant give alpha --to everyone --access read`,
	"grant update": "keyhatch grant update grant_0mz3k8q2a7c4f9d --expires never",
	"grant take":   "keyhatch grant take grant_0mz3k8q2a7c4f9d",

	"bucket list": "keyhatch bucket list --workspace demo",
	"bucket show": "keyhatch bucket show demo",
	"bucket create": `keyhatch bucket create photos --store local
keyhatch bucket create maps --store local --label "Maps of all" --public`,
	"bucket register": "keyhatch bucket register demo --store local",
	"bucket update": `keyhatch bucket update demo --owner ada
keyhatch bucket update maps --no-public`,
	"bucket usage":  "keyhatch bucket usage demo",
	"bucket object": "keyhatch bucket object demo alpha/readme.txt",
	"bucket keys": `keyhatch bucket keys demo
keyhatch bucket keys demo --read backup --no-write`,
	"bucket presign":     "keyhatch bucket presign demo alpha/levels.csv --for 30m",
	"bucket revoke-urls": "keyhatch bucket revoke-urls demo",
	"bucket unregister":  "keyhatch bucket unregister demo",
	"bucket delete":      "keyhatch bucket delete photos",

	"store-account list":    "keyhatch store-account list --workspace demo",
	"store-account show":    "keyhatch store-account show local",
	"store-account open":    "keyhatch store-account open local",
	"store-account suspend": "keyhatch store-account suspend local --workspace demo",
	"store-account resume":  "keyhatch store-account resume local --workspace demo",
	"store-account delete":  "keyhatch store-account delete local",
	"store-account restore": "keyhatch store-account restore local",
	"store-account purge":   "keyhatch store-account purge local",

	"store list": "keyhatch store list",
	"store show": "keyhatch store show local",
	"store create": `keyhatch store create local --path /srv/objects
keyhatch store create archive --endpoint https://s3.example.org --credential archive-keys`,
	"store update": "keyhatch store update archive --credential new-keys",
	"store verify": "keyhatch store verify archive --bucket scratch --other-bucket data",
	"store accept": "keyhatch store accept archive --confirm archive",
	"store delete": "keyhatch store delete archive",

	"credential list": "keyhatch credential list --workspace lab --provider AWS",
	"credential show": "keyhatch credential show archive-keys",
	"credential create": `keyhatch credential create archive-keys --access-key-id AKIAEXAMPLE < secret.txt
keyhatch credential create landsat --workspace lab --role-arn arn:aws:iam::123456789012:role/keyhatch`,
	"credential verify": `keyhatch credential verify archive-keys
keyhatch credential verify --access-key-id AKIAEXAMPLE --endpoint https://s3.example.org < secret.txt`,
	"credential update": "keyhatch credential update archive-keys --access-key-id AKIAOTHER --only-verified < secret.txt",
	"credential delete": "keyhatch credential delete archive-keys",

	"user list":   "keyhatch user list",
	"user show":   "keyhatch user show ada",
	"user create": `keyhatch user create ada --full-name "Ada Lovelace" --email ada@example.org`,
	"user update": "keyhatch user update ada --no-active",
	"user delete": "keyhatch user delete ada",
	"user set-password": `keyhatch user set-password
keyhatch user set-password --reset`,
	"user reset-password":  "keyhatch user reset-password ada --revoke-tokens",
	"user remove-password": "keyhatch user remove-password ada",

	"group list":          "keyhatch group list --workspace demo",
	"group show":          "keyhatch group show geologists",
	"group create":        "keyhatch group create geologists",
	"group update":        "keyhatch group update geologists --name earth-science",
	"group delete":        "keyhatch group delete geologists",
	"group members":       "keyhatch group members geologists",
	"group add-member":    "keyhatch group add-member geologists ada",
	"group remove-member": "keyhatch group remove-member geologists ada",

	"teamspace list":          "keyhatch teamspace list --workspace demo",
	"teamspace show":          "keyhatch teamspace show field-trip",
	"teamspace create":        "keyhatch teamspace create field-trip --visibility public",
	"teamspace update":        "keyhatch teamspace update field-trip --visibility private",
	"teamspace delete":        "keyhatch teamspace delete field-trip",
	"teamspace members":       "keyhatch teamspace members field-trip",
	"teamspace add-member":    "keyhatch teamspace add-member field-trip ada --role editor",
	"teamspace remove-member": "keyhatch teamspace remove-member field-trip ada",

	"workspace list":          "keyhatch workspace list",
	"workspace show":          "keyhatch workspace show demo",
	"workspace create":        "keyhatch workspace create lab",
	"workspace update":        "keyhatch workspace update lab --name laboratory",
	"workspace delete":        "keyhatch workspace delete lab",
	"workspace members":       "keyhatch workspace members demo",
	"workspace add-member":    "keyhatch workspace add-member demo ada --role admin",
	"workspace remove-member": "keyhatch workspace remove-member demo ada",

	"token list": "keyhatch token list",
	"token show": "keyhatch token show",
	"token create": `keyhatch token create nightly --expires 90d --workspace demo --scope "s3:read s3://demo/alpha/"
keyhatch token create dashboard --scope leases --scope locations:read
keyhatch token create ci --network 10.1.0.0/16 --requests-per-minute 60 --annotate owner=build`,
	"token update": `keyhatch token update --expires 30d
keyhatch token update tok_0mz3k8q2a7c4f9d --scope leases --network everywhere --annotate owner=`,
	"token rotate": "keyhatch token rotate --grace 1h",
	"token revoke": `keyhatch token revoke tok_0mz3k8q2a7c4f9d --made
keyhatch token revoke --all --user ada
keyhatch token revoke --all --keep-current`,

	"oauth-client list": "keyhatch oauth-client list",
	"oauth-client create": `keyhatch oauth-client create portal --title Portal --redirect https://portal.example.org/back --confidential --scope leases
keyhatch oauth-client create client-tools --device --signed --scope all --refresh 720h`,
	"oauth-client delete": "keyhatch oauth-client delete portal",
	"signing-key list":    "keyhatch signing-key list",
	"signing-key rotate": `keyhatch signing-key rotate
keyhatch signing-key rotate --now`,
	"consent list":   "keyhatch consent list",
	"consent revoke": "keyhatch consent revoke consent_0mz3k8q2a7c4f9d",

	"session list": "keyhatch session list",
	"session show": "keyhatch session show sess_0mz3k8q2a7c4f9d",
	"session revoke": `keyhatch session revoke sess_0mz3k8q2a7c4f9d
keyhatch session revoke --all --user ada`,
	"token leak":     "keyhatch token leak --server https://keyhatch.example.org < found.txt",
	"token inspect":  "keyhatch token inspect < found.txt",
	"token generate": "keyhatch token generate",

	"audit events": "keyhatch audit events --action lease.lend",
	"audit access": `keyhatch audit access alpha --since 2h
keyhatch audit access alpha --user ada --wide
keyhatch audit access s3://demo/alpha/2024/ --access write --since 2026-07-01 -o json`,
	"audit who-can": `keyhatch audit who-can alpha --access write
keyhatch audit who-can s3://demo/alpha/2024/ --access read --at 2026-07-01`,
	"audit verify": "keyhatch audit verify --config /etc/keyhatch/keyhatch.yaml",

	"completion": `eval "$(keyhatch completion bash)"`,
	"man":        "keyhatch man | man -l -",
	"version":    "keyhatch version",
}

// showExamples puts them into --help: those of a command, and of a noun one for each of
// its verbs.
func showExamples(root *kong.Node) error {
	for _, leaf := range root.Leaves(true) {
		text, ok := examples[leaf.Path()]
		if !ok {
			return fmt.Errorf("no example of %q", leaf.Path())
		}
		showExample(leaf, text)
	}
	for _, noun := range root.Children {
		var lines []string
		for _, leaf := range noun.Leaves(true) {
			first, _, _ := strings.Cut(examples[leaf.Path()], "\n")
			lines = append(lines, first)
		}
		if len(lines) > 0 {
			showExample(noun, strings.Join(lines, "\n"))
		}
	}
	return nil
}

func showExample(node *kong.Node, text string) {
	detail := "Example:\n\n  " + strings.ReplaceAll(text, "\n", "\n  ")
	if node.Detail != "" {
		detail = node.Detail + "\n\n" + detail
	}
	node.Detail = detail
}
