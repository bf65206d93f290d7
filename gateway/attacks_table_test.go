package gateway_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is one attack.
type row struct {
	name   string
	attack request
	want   wants
	// control differs from the attack in nothing but what makes it one, and has
	// to succeed: else the refusal would prove nothing. It may change what is
	// inside, but not what other rows need. In a group it is made once.
	control request
}

// wants is the one outcome that an attack has on every ground: the status and the
// code, "403 AccessDenied". Grounds with one of their own follow: "404 NoSuchUpload;
// minio: 204".
type wants string

func (w wants) on(ground string) string {
	outcome, others, _ := strings.Cut(string(w), "; ")
	for other := range strings.SplitSeq(others, "; ") {
		if name, own, _ := strings.Cut(other, ": "); name == ground {
			return own
		}
	}
	return outcome
}

// harmless is what is answered where an attack turns out to be none.
var harmless = regexp.MustCompile(`^2\d\d$`)

// group is a heading of the table.
type group struct {
	name string
	rows []row
}

// none is the control of an attack that has nothing harmless beside it.
var none request

// table is every attack that is made on every ground.
func table() []group {
	return slices.Concat(
		keyAttacks(), targetAttacks(), copyAttacks(), uploadAttacks(), listAttacks(), deleteAttacks(), operationAttacks(),
		holderAttacks(), presignedAttacks(), signatureAttacks(), tokenAttacks(),
		wireAttacks(), bodyAttacks(), largeAttacks(), slowAttacks(), conditionAttacks(), documentAttacks(), metadataAttacks(),
	)
}

// families are the kinds of attack that there are refusals of, each with the groups
// and rows ("group/row") that are of it.
var families = map[string]string{
	"prefix edges":                         `^prefix edges/|^prefixes of lists/`,
	"encodings: single":                    `^encodings of a key/(letter|slash|dots)$`,
	"encodings: double":                    `twice`,
	"encodings: mixed case":                `mixed case|lower case`,
	"encodings: overlong":                  `overlong`,
	"dot segments in keys":                 `^dot segments`,
	"copy sources":                         `^copy sources/`,
	"upload ids":                           `^upload ids and part numbers/`,
	"version ids":                          `/.*version`,
	"list parameters":                      `^other parameters of lists/`,
	"batch delete with foreign keys":       `^batch delete/(neighbour|what begins alike|another bucket)`,
	"begun outside, completed inside":      `^uploads begun outside or ended outside/begun outside, completed inside`,
	"begun inside, completed outside":      `^uploads begun outside or ended outside/begun inside, completed`,
	"crafted delimiter":                    `lists/delimiter`,
	"crafted start-after":                  `lists/start after`,
	"continuation token of another caller": `lists/another caller's token`,
	"bucket-level configuration calls":     `^configuration of buckets/`,
	"anonymous":                            `^by nobody/`,
	"POST forms":                           `^forms/`,
	"presign with changed query":           `^presigned addresses/(parameter|prefix|operation)`,
	"presign with changed method":          `^presigned addresses/(another method|HEAD|PUT)`,
	"presign with changed header":          `^presigned addresses/(header|signed header)`,
	"replay after revoke":                  `^replay after the end of the lease/revoked`,
	"replay after expiry":                  `^replay after the end of the lease/expired`,
	"tampered session tokens":              `^session tokens and access keys/tampered`,
	"truncated session tokens":             `^session tokens and access keys/truncated`,
	"foreign session tokens":               `^session tokens and access keys/outsider`,
	"swapped session tokens":               `^session tokens and access keys/(neighbour|token swapped)`,
	"wrong region in the scope":            `^scope and signature/.*region`,
	"wrong service in the scope":           `^scope and signature/.*service`,
	"unsigned headers that matter":         `^headers that matter`,
	"duplicate headers":                    `^(host header|headers that matter.*|two lengths)/.*twice`,
	"duplicate parameters":                 `^(prefixes of lists|other parameters of lists|upload ids and part numbers)/.*(twice|two)`,
	"request smuggling, both lengths":      `^two lengths/`,
	"request smuggling, chunked leftovers": `^hidden requests/`,
	"slow bodies":                          `^what does not come/`,
	"huge headers":                         `^headers/(100 kB|30 kB)`,
	"huge XML":                             `^documents/(1 MiB|deep)`,
	"XML entities":                         `^documents/.*entit`,
	"decompression":                        `/(compressed|bomb)`,
	"host header games":                    `^host header/`,
	"metadata injection":                   `^metadata/`,
}

// The table is one: every row says one outcome for each ground, at least 150 are
// refused on each, and there are refusals of each kind of attack.
func TestTableOfAttacks(t *testing.T) {
	all, attacks := grounds(), table()
	for _, g := range all {
		t.Run(g.name(), func(t *testing.T) {
			named, refused := map[string]bool{}, []string{}
			for _, h := range slices.Concat(attacks, g.groups()) {
				for _, r := range h.rows {
					name := h.name + "/" + r.name
					if named[name] {
						t.Errorf("there are two %q", name)
					}
					named[name] = true
					r.want.check(t, name, all)
					if !harmless.MatchString(r.want.on(g.name())) {
						refused = append(refused, name)
					}
				}
			}
			t.Logf("%d attacks, of which %d are refused", len(named), len(refused))
			if len(refused) < 150 {
				t.Error("there have to be 150")
			}
			for family, rows := range families {
				if !slices.ContainsFunc(refused, regexp.MustCompile(rows).MatchString) {
					t.Errorf("none of the kind %q is refused", family)
				}
			}
		})
	}
}

// oneOutcome is what an attack may be said to have.
var oneOutcome = regexp.MustCompile(`^(none|\d\d\d( [A-Za-z0-9]+)?( and \d\d\d( [A-Za-z0-9]+)?)?)$`)

func (w wants) check(t *testing.T, name string, all []ground) {
	t.Helper()
	common, others, differ := strings.Cut(string(w), "; ")
	if !oneOutcome.MatchString(common) {
		t.Errorf("%s: %q is not one outcome", name, common)
	}
	for other := range strings.SplitSeq(others, "; ") {
		where, own, _ := strings.Cut(other, ": ")
		known := slices.ContainsFunc(all, func(g ground) bool { return g.name() == where })
		if differ && (!known || !oneOutcome.MatchString(own) || own == common) {
			t.Errorf("%s: %q is not one other outcome on a ground", name, other)
		}
	}
}
