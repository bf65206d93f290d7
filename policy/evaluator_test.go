package policy_test

import (
	"maps"
	"slices"
)

// moment is what was true in one minute of a history. It knows nothing of since
// when: the evaluator looks at every minute instead.
type moment struct {
	users     map[string]bool // those that exist: whether they are active
	members   map[[2]string]bool
	locations map[string]locationAct
	grants    map[string]grantAct
	token     bool
	revoked   bool
	narrowed  []string // ids of what became less in this minute
}

// chronicle tells a history minute by minute.
func chronicle(h history) []moment {
	m := moment{
		users: maps.Clone(h.users), members: map[[2]string]bool{}, locations: maps.Clone(h.locations), grants: maps.Clone(h.grants), token: true,
	}
	for k, v := range h.members {
		if v {
			m.members[k] = true
		}
	}
	all := []moment{m}
	for _, a := range h.acts {
		m = moment{
			users: maps.Clone(m.users), members: maps.Clone(m.members), locations: maps.Clone(m.locations), grants: maps.Clone(m.grants),
			token: m.token, revoked: m.revoked,
		}
		m.happens(h, a)
		all = append(all, m)
	}
	return all
}

func (m *moment) happens(h history, a act) {
	g, given := m.grants[a.id]
	l, exists := m.locations[a.id]
	switch a.what {
	case "disable":
		m.users[a.id] = false
	case "enable":
		m.users[a.id] = true
	case "delete user":
		delete(m.users, a.id)
	case "join":
		m.members[[2]string{a.id, a.of}] = true
	case "leave":
		delete(m.members, [2]string{a.id, a.of})
	case "set access":
		if given {
			if g.write && !a.write {
				m.narrowed = append(m.narrowed, a.id)
			}
			g.write = a.write
			m.grants[a.id] = g
		}
	case "set expiry":
		if given {
			if a.expires != 0 && (g.expires == 0 || a.expires < g.expires) {
				m.narrowed = append(m.narrowed, a.id)
			}
			g.expires = a.expires
			m.grants[a.id] = g
		}
	case "take":
		delete(m.grants, a.id)
	case "give again":
		if _, there := m.locations[h.grants[a.id].location]; !given && there {
			m.grants[a.id] = h.grants[a.id]
		}
	case "lock", "unlock":
		if exists {
			l.locked = a.what == "lock"
			m.locations[a.id] = l
		}
	case "delete location":
		delete(m.locations, a.id)
		for id := range m.grants {
			if m.grants[id].location == a.id {
				delete(m.grants, id)
			}
		}
	case "make location again":
		if !exists {
			m.locations[a.id] = h.locations[a.id]
		}
	case "delete token":
		m.token = false
	case "narrow token":
		m.narrowed = append(m.narrowed, "tok_1")
	case "revoke lease":
		m.revoked = true
	}
}

// loan is a lease in the evaluator's words.
type loan struct {
	user, store     string
	write           bool
	issued, expires int // minutes
	parts           []loanPart
}

type loanPart struct {
	bucket          string
	folders         []string
	location, grant string
}

// stands decides what of each part may be open at a minute: for reading, for
// writing. All of what carries it must have been true in every minute since the
// loan was made, and have become less in none.
func (l loan) stands(all []moment, now int) (read, write []bool) {
	read, write = make([]bool, len(l.parts)), make([]bool, len(l.parts))
	for i, p := range l.parts {
		read[i], write[i] = now < l.expires, now < l.expires && l.write
		for minute := l.issued; minute <= now; minute++ {
			m := all[minute]
			if m.revoked || !m.token || !m.users[l.user] || !l.carried(m, p, minute) {
				read[i], write[i] = false, false
			}
			if minute > l.issued && (slices.Contains(m.narrowed, p.grant) || slices.Contains(m.narrowed, "tok_1")) {
				read[i], write[i] = false, false
			}
			if m.locations[p.location].locked {
				write[i] = false
			}
		}
	}
	return read, write
}

func (l loan) carried(m moment, p loanPart, minute int) bool {
	g, given := m.grants[p.grant]
	place, exists := m.locations[p.location]
	if !given || !exists || g.location != p.location || g.expires != 0 && minute >= g.expires || l.write && !g.write {
		return false
	}
	if place.store != l.store || place.bucket != p.bucket {
		return false
	}
	return m.reaches(g, l.user) && below(p.folders, g.folders) && below(p.folders, place.folders)
}

func (m moment) reaches(g grantAct, user string) bool {
	return g.kind == "everyone" || g.kind == "user" && g.to == user ||
		(g.kind == "group" || g.kind == "teamspace") && m.members[[2]string{g.to, user}]
}

// below compares folder by folder.
func below(inner, outer []string) bool {
	for i, name := range outer {
		if i >= len(inner) || inner[i] != name {
			return false
		}
	}
	return true
}

// question is one object, or one list of what begins with its name.
type question struct {
	bucket  string
	folders []string
	name    string
}

func (q question) text() string { return folderText(q.folders) + q.name }

// questions are all there are in the small world of the histories.
func questions() []question {
	var out []question
	level := [][]string{nil}
	for range 4 {
		var next [][]string
		for _, folders := range level {
			for _, bucket := range []string{"demo", "demo2"} {
				for _, name := range []string{"", "a", "x"} {
					out = append(out, question{bucket, folders, name})
				}
			}
			for _, f := range someFolders {
				next = append(next, append(slices.Clone(folders), f))
			}
		}
		level = next
	}
	return out
}

// answers decides a question from what stands.
func (l loan) answers(q question, standing []bool) bool {
	for i, p := range l.parts {
		if standing[i] && p.bucket == q.bucket && below(q.folders, p.folders) {
			return true
		}
	}
	return false
}

// granted decides whether any live grant at all gives it to the user at the
// minute: nothing that was lent may go beyond.
func (m moment) granted(user string, q question, write bool, minute int) bool {
	for _, g := range m.grants {
		place := m.locations[g.location]
		if m.users[user] && m.reaches(g, user) && (g.expires == 0 || minute < g.expires) && (g.write || !write) && !(write && place.locked) &&
			place.bucket == q.bucket && below(q.folders, g.folders) && below(q.folders, place.folders) {
			return true
		}
	}
	return false
}

// bound is an s3 scope in the evaluator's words.
type bound struct {
	write   bool
	bucket  string
	folders []string
}

// permitted decides whether a token with these bounds may ask for it; without
// any it may.
func permitted(bounds []bound, q question, write bool) bool {
	for _, b := range bounds {
		if b.bucket == q.bucket && (b.write || !write) && below(q.folders, b.folders) {
			return true
		}
	}
	return len(bounds) == 0
}
