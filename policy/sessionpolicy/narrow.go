package sessionpolicy

import (
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// narrowed are the clauses that say what c and the policy both say, exactly; what
// cannot be said so is refused. What a clause of c denies, it denies on.
//
// A store takes one session policy, and the sum of several would be more, not less.
func narrowed(c []clause, p Policy) ([]clause, error) {
	var allows, denies []clause
	for _, s := range p.statements {
		for _, n := range s.clauses() {
			if n.deny {
				denies = append(denies, n)
			} else {
				allows = append(allows, n)
			}
		}
	}
	var out []clause
	for _, a := range c {
		if a.deny {
			out = append(out, a)
			continue
		}
		for _, b := range allows {
			both, err := a.meet(b)
			if err != nil {
				return nil, err
			}
			out = append(out, both...)
		}
	}
	for _, d := range denies {
		matters, err := d.denying(out)
		if err != nil {
			return nil, err
		}
		out = append(out, matters...)
	}
	return out, nil
}

// known are all permissions that a clause may allow.
var known = slices.Concat(objectReads, objectLooks, objectWrites, bucketLooks, bucketLists, uploadLists)

// clauses are the statement as far as it is about what is known. Lists alone have what
// conditions compare; for all else one that says what must not be holds, and one that
// says what must be does not.
func (s statement) clauses() []clause {
	lists, others := clause{deny: s.deny, resources: globs(s.resources)}, clause{deny: s.deny, resources: globs(s.resources)}
	for _, action := range known {
		switch {
		case !matchesAny(s.actions, strings.ToLower(action)):
		case slices.Contains(bucketLists, action):
			lists.actions = append(lists.actions, action)
		default:
			others.actions = append(others.actions, action)
		}
	}
	for _, c := range s.conditions {
		lists.compares = append(lists.compares, compare{c.not, c.key, globs(c.values)})
		if !c.not {
			others.actions = nil
		}
	}
	return slices.DeleteFunc([]clause{lists, others}, func(c clause) bool { return len(c.actions) == 0 })
}

// meet is what both clauses allow: one clause, or none.
func (c clause) meet(d clause) ([]clause, error) {
	both := clause{actions: common(c.actions, d.actions), networks: c.networks}
	if len(both.actions) == 0 {
		return nil, nil
	}
	var exact bool
	if both.resources, exact = meetAll(c.resources, d.resources); !exact {
		return nil, notExact()
	}
	if len(both.resources) == 0 {
		return nil, nil
	}
	for _, n := range slices.Concat(c.compares, d.compares) {
		if both.compares, exact = withCompare(both.compares, n); !exact {
			return nil, notExact()
		}
	}
	if both.never() {
		return nil, nil
	}
	return []clause{both}, nil
}

// withCompare adds a condition. A statement has one of a kind for a parameter: what
// must fit two lists fits what both have in common, and what must fit none of two
// fits none of all.
func withCompare(all []compare, n compare) ([]compare, bool) {
	for i, c := range all {
		if c.key != n.key || c.not != n.not {
			continue
		}
		all = slices.Clone(all)
		if c.not {
			all[i].values = outermostOf(slices.Concat(c.values, n.values))
			return all, true
		}
		values, exact := meetAll(c.values, n.values)
		all[i].values = values
		return all, exact
	}
	return append(slices.Clone(all), n), true
}

// denying is what of a clause that denies matters beside those that allow: one clause,
// or none.
func (c clause) denying(allowed []clause) ([]clause, error) {
	touches := func(action string, r glob) bool {
		return slices.ContainsFunc(allowed, func(a clause) bool {
			return !a.deny && slices.Contains(a.actions, action) && slices.ContainsFunc(a.resources, func(b glob) bool { return !b.apart(r) })
		})
	}
	c.actions = slices.DeleteFunc(slices.Clone(c.actions), func(action string) bool {
		return !slices.ContainsFunc(c.resources, func(r glob) bool { return touches(action, r) })
	})
	c.resources = slices.DeleteFunc(outermostOf(c.resources), func(r glob) bool {
		return !slices.ContainsFunc(c.actions, func(action string) bool { return touches(action, r) })
	})
	if len(c.resources) == 0 {
		return nil, nil
	}
	all, exact := c.compares, true
	c.compares = nil
	for _, n := range all {
		if c.compares, exact = withCompare(c.compares, n); !exact {
			return nil, notExact()
		}
	}
	if c.never() {
		return nil, nil
	}
	return []clause{c}, nil
}

// never tells whether nothing can fit a condition.
func (c clause) never() bool {
	return slices.ContainsFunc(c.compares, func(n compare) bool { return !n.not && len(n.values) == 0 })
}

// common are the actions that both have.
func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

func notExact() error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPolicy,
		"the session policies and the prefixes cannot be made one policy, which is what this store takes: use no wildcard but a * at the end of resources and prefixes").In("policy")
}
