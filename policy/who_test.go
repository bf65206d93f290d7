package policy_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

// club is users, active or not, and circles of them.
type club struct {
	active  map[string]bool
	circles map[string][]string
}

func (c club) Active(user string) bool                  { return c.active[user] }
func (c club) MembersOf(circle string) iter.Seq[string] { return slices.Values(c.circles[circle]) }

var people = club{
	active:  map[string]bool{"ann": true, "bob": true, "cy": false},
	circles: map[string][]string{"staff": {"ann", "cy"}, "empty": nil, "space": {"bob", "cy"}},
}

func to(kind keyhatch.SubjectKind, id string, g keyhatch.Grant) keyhatch.Grant {
	g.Subject = keyhatch.Subject{Kind: kind, ID: id}
	return g
}

func TestWho(t *testing.T) {
	const user, group, teamspace, everyone = keyhatch.SubjectUser, keyhatch.SubjectGroup, keyhatch.SubjectTeamspace, keyhatch.SubjectEveryone
	for _, tc := range []struct {
		name   string
		grants []keyhatch.Grant
		access keyhatch.Access
		prefix keyhatch.Prefix
		locked bool
		want   string // user grant, * for everyone, "part" for one
	}{
		{"no grants", nil, "read", "a/", false, ""},
		{"a user", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "a/", 0))}, "read", "a/", false, "ann g1"},
		{"write is read too", []keyhatch.Grant{to(user, "ann", grant("g1", "write", "a/", 0))}, "read", "a/", false, "ann g1"},
		{"read is not write", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "a/", 0))}, "write", "a/", false, ""},
		{"who is not active", []keyhatch.Grant{to(user, "cy", grant("g1", "read", "a/", 0))}, "read", "a/", false, ""},
		{"who is not there", []keyhatch.Grant{to(user, "eve", grant("g1", "read", "a/", 0))}, "read", "a/", false, ""},
		{"a group's active members", []keyhatch.Grant{to(group, "staff", grant("g1", "read", "a/", 0))}, "read", "a/", false, "ann g1"},
		{"a teamspace's active members", []keyhatch.Grant{to(teamspace, "space", grant("g1", "read", "a/", 0))}, "read", "a/", false, "bob g1"},
		{"an empty group", []keyhatch.Grant{to(group, "empty", grant("g1", "read", "a/", 0))}, "read", "a/", false, ""},
		{"everyone is one", []keyhatch.Grant{to(everyone, "", grant("g1", "read", "a/", 0))}, "read", "a/", false, "* g1"},
		{"in two ways", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "a/", 0)), to(group, "staff", grant("g2", "read", "a/", 1))}, "read", "a/", false, "ann g1, ann g2"},
		{"expired", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "a/", -1))}, "read", "a/", false, ""},
		{"from above", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "a/", 0))}, "read", "a/b/", false, "ann g1"},
		{"a part", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "a/b/", 0))}, "read", "a/", false, "ann g1 part"},
		{"beside", []keyhatch.Grant{to(user, "ann", grant("g1", "read", "ab/", 0))}, "read", "a/", false, ""},
		{"locked, to read", []keyhatch.Grant{to(user, "ann", grant("g1", "write", "a/", 0))}, "read", "a/", true, "ann g1"},
		{"locked, to write", []keyhatch.Grant{to(everyone, "", grant("g1", "write", "a/", 0))}, "write", "a/", true, ""},
	} {
		q := policy.Question{Location: keyhatch.Location{Locked: tc.locked}, Prefix: tc.prefix, Access: tc.access, At: noon}
		var got []string
		for w := range q.Who(tc.grants, people) {
			line := w.User + " " + w.Grant.ID
			if w.User == "" {
				line = "*" + line
			}
			if w.Part {
				line += " part"
			}
			got = append(got, line)
		}
		if line := strings.Join(got, ", "); line != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, line, tc.want)
		}
	}
}

// TestWhoIsWhomALeaseIsLentTo: who has a way to all of a prefix is who has a
// grant that a lease on it can rest on; who has one to a part has it inside.
func TestWhoIsWhomALeaseIsLentTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folders := rapid.SliceOfN(rapid.SampledFrom(someFolders), 0, 3)
		prefix := rapid.Map(folders, func(f []string) keyhatch.Prefix { return keyhatch.Prefix(folderText(f)) })
		access := rapid.SampledFrom([]keyhatch.Access{keyhatch.Read, keyhatch.Write})
		c := club{map[string]bool{}, map[string][]string{}}
		for _, u := range someUsers {
			c.active[u] = rapid.Bool().Draw(t, u+" is active")
		}
		for _, g := range allCircles() {
			c.circles[g] = rapid.SliceOfDistinct(rapid.SampledFrom(someUsers), rapid.ID[string]).Draw(t, g)
		}
		var grants []keyhatch.Grant
		for i := range rapid.IntRange(0, 5).Draw(t, "grants") {
			g := grant(fmt.Sprintf("g%d", i), access.Draw(t, "access"), prefix.Draw(t, "on"), rapid.SampledFrom([]int{0, 1, -1}).Draw(t, "expires"))
			kind := rapid.SampledFrom([]keyhatch.SubjectKind{keyhatch.SubjectUser, keyhatch.SubjectGroup, keyhatch.SubjectTeamspace, keyhatch.SubjectEveryone}).Draw(t, "kind")
			who := map[keyhatch.SubjectKind][]string{keyhatch.SubjectUser: someUsers, keyhatch.SubjectEveryone: {""}}[kind]
			if circles := someCircles[string(kind)]; circles != nil {
				who = circles
			}
			grants = append(grants, to(kind, pick(t, who, "subject"), g))
		}
		q := policy.Question{
			Location: keyhatch.Location{Locked: rapid.Bool().Draw(t, "locked")}, Prefix: prefix.Draw(t, "prefix"), Access: access.Draw(t, "asked"), At: noon,
		}
		whole := map[string]bool{}
		for w := range q.Who(grants, c) {
			if w.Part != (w.Grant.Prefix != q.Prefix && q.Prefix.Covers(w.Grant.Prefix)) {
				t.Errorf("the way %+v is a part: %v", w, w.Part)
			}
			whole[w.User] = whole[w.User] || !w.Part
		}
		for user, active := range maps.All(c.active) {
			reaching := slices.DeleteFunc(slices.Clone(grants), func(g keyhatch.Grant) bool {
				return !(g.Subject.Kind == keyhatch.SubjectEveryone || g.Subject.ID == user || slices.Contains(c.circles[g.Subject.ID], user))
			})
			_, granted := policy.BestGrant(reaching, q.Access, q.Prefix, noon)
			lent := granted && active && !(q.Location.Locked && q.Access == keyhatch.Write)
			if could := active && (whole[user] || whole[""]); could != lent {
				t.Errorf("%s could: %v; a lease is lent: %v", user, could, lent)
			}
		}
	})
}
