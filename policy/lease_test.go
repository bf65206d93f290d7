package policy_test

import (
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

// TestS2_LeaseOpensWhatIsGrantedAndPermitted draws histories, lends at one minute
// and asks everything there is to ask at every later one. What is open is what
// the evaluator says, and of what was decided by the rules nothing is beyond the
// grants, and these nothing beyond the token's scopes.
func TestS2_LeaseOpensWhatIsGrantedAndPermitted(t *testing.T) {
	asked := questions()
	opened, closed, decidedOpen := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		all := chronicle(h)
		issued := rapid.IntRange(0, minutes-1).Draw(t, "issued")
		bounds := drawBounds(t)
		l, decided := loan{}, rapid.Bool().Draw(t, "decided")
		if decided {
			w, ok := keeper(h, issued), false
			for range 12 { // most asks are refused: a few, for one that is not
				if l, ok = decide(t, w, issued, bounds); ok {
					break
				}
			}
			if !ok {
				return
			}
		} else {
			l = anyLoan(t, all[issued], issued)
		}
		for now := issued; now <= minutes; now++ {
			open, err := policy.Standing(l.lease(), keeper(h, now), at(now))
			if err != nil && (open != nil || !errors.Is(err, policy.ErrLeaseExpired) && !errors.Is(err, policy.ErrLeaseRevoked)) {
				t.Fatalf("minute %d: %v, %v", now, open, err)
			}
			if (now >= l.expires) != errors.Is(err, policy.ErrLeaseExpired) {
				t.Fatalf("minute %d of a lease until %d: %v", now, l.expires, err)
			}
			read, write := l.stands(all, now)
			for _, q := range asked {
				for _, ask := range []struct {
					what      string
					got, want bool
					write     bool
				}{
					{"read", open.AllowsObject(keyhatch.Read, q.bucket, q.text()), q.text() != "" && l.answers(q, read), false},
					{"write", open.AllowsObject(keyhatch.Write, q.bucket, q.text()), q.text() != "" && l.answers(q, write), true},
					{"list", open.AllowsList(keyhatch.Read, q.bucket, q.text()), l.answers(q, read), false},
				} {
					switch {
					case ask.got && !ask.want:
						t.Fatalf("minute %d: may %s s3://%s/%s, and must not: %+v", now, ask.what, q.bucket, q.text(), l)
					case !ask.got && ask.want:
						t.Fatalf("minute %d: may not %s s3://%s/%s, and should: %+v", now, ask.what, q.bucket, q.text(), l)
					case !ask.got:
						closed++
						continue
					}
					opened++
					if !decided {
						continue
					}
					decidedOpen++
					if !all[now].granted(l.user, q, ask.write, now) || !all[issued].granted(l.user, q, ask.write, issued) {
						t.Fatalf("minute %d: may %s s3://%s/%s, and no grant gives it: %+v", now, ask.what, q.bucket, q.text(), l)
					}
					if !permitted(bounds, q, ask.write) {
						t.Fatalf("minute %d: may %s s3://%s/%s, beyond the scopes %+v: %+v", now, ask.what, q.bucket, q.text(), bounds, l)
					}
				}
			}
		}
	})
	if opened < 500 || closed < 500 || decidedOpen < 100 {
		t.Errorf("%d questions were open (%d by decided leases), %d closed: too few to tell", opened, decidedOpen, closed)
	}
}

func drawBounds(t *rapid.T) []bound {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bound {
		return bound{rapid.Bool().Draw(t, "write"), pick(t, demoBuckets, "bucket"), drawFolders(t, 1, "folders")}
	}), 0, 2).Draw(t, "bounds")
}

// decide makes a loan as the broker does: each prefix rests on the best grant
// that reaches the user, within the scopes, and the loan outlives none of them.
func decide(t *rapid.T, w *world, issued int, bounds []bound) (loan, bool) {
	list := []keyhatch.Scope{keyhatch.ScopeAll}
	for _, b := range bounds {
		list = append(list, keyhatch.Scope("s3:"+string(access(b.write))+" s3://"+b.bucket+"/"+folderText(b.folders)))
	}
	scopes, err := policy.ParseScopes(list)
	if err != nil {
		t.Fatal(err)
	}
	l := loan{user: "user_1", write: rapid.Bool().Draw(t, "write"), issued: issued, expires: issued + rapid.IntRange(1, 9).Draw(t, "life")}
	for range rapid.IntRange(1, 2).Draw(t, "parts") {
		place, ok := w.locations[pick(t, someLocations, "location")]
		if !ok || l.store != "" && place.Store != l.store || l.write && place.Locked {
			return l, false
		}
		l.store = place.Store
		below := drawFolders(t, 2, "relative")
		prefix, err := place.Prefix.Join(folderText(below))
		if err != nil {
			t.Fatal(err)
		}
		if !scopes.AllowsS3(access(l.write), keyhatch.S3URL{Bucket: place.BucketName, Prefix: prefix}) {
			return l, false
		}
		best, ok := policy.BestGrant(reaching(w, place.ID, l.user), access(l.write), prefix, at(issued))
		if !ok {
			return l, false
		}
		if !best.ExpiresAt.IsZero() {
			l.expires = min(l.expires, int(best.ExpiresAt.Sub(noon).Minutes()))
		}
		l.parts = append(l.parts, loanPart{place.BucketName, foldersOf(prefix), place.ID, best.ID})
	}
	if !w.users[l.user].Active {
		return l, false
	}
	_, ok := w.tokens["tok_1"]
	return l, ok && !w.revoked["lease_1"]
}

func reaching(w *world, location, user string) []keyhatch.Grant {
	var out []keyhatch.Grant
	for _, g := range w.grants {
		_, member := w.members[[2]string{g.Subject.ID, user}]
		switch {
		case g.Location != location:
		case g.Subject.Kind == keyhatch.SubjectEveryone,
			g.Subject.Kind == keyhatch.SubjectUser && g.Subject.ID == user,
			g.Subject.Kind == keyhatch.SubjectGroup && member,
			g.Subject.Kind == keyhatch.SubjectTeamspace && member:
			out = append(out, g)
		}
	}
	return out
}

// anyLoan makes a loan that no rule made: its parts may rest on grants that
// never carried them, or that did not exist yet. Two things it has from lending,
// and Standing relies on them: no more access than its grants had then, and no
// longer life.
func anyLoan(t *rapid.T, m moment, issued int) loan {
	l := loan{
		user: pick(t, someUsers, "user"), store: pick(t, someStores, "store"), write: rapid.Bool().Draw(t, "write"),
		issued: issued, expires: issued + rapid.IntRange(0, 9).Draw(t, "life"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		p := loanPart{grant: pick(t, append(someGrants, "grant_9"), "grant")}
		g := m.grants[p.grant]
		p.location, p.bucket = g.location, m.locations[g.location].bucket
		p.folders = append(append(p.folders, g.folders...), drawFolders(t, 1, "below")...)
		switch pick(t, []string{"", "", "", "bucket", "location", "folders"}, "wrong") {
		case "bucket":
			p.bucket = pick(t, demoBuckets, "bucket")
		case "location":
			p.location = pick(t, someLocations, "location")
		case "folders":
			p.folders = drawFolders(t, 3, "folders")
		}
		if g.expires != 0 {
			l.expires = min(l.expires, g.expires)
		}
		l.write = l.write && g.write
		l.parts = append(l.parts, p)
	}
	return l
}

func (l loan) lease() keyhatch.Lease {
	out := keyhatch.Lease{
		ID: "lease_1", User: l.user, Token: "tok_1", Store: l.store, Access: access(l.write), IssuedAt: at(l.issued), ExpiresAt: at(l.expires),
	}
	for _, p := range l.parts {
		out.Parts = append(out.Parts, keyhatch.Part{
			Bucket: p.bucket, Prefix: keyhatch.Prefix(folderText(p.folders)), Location: p.location, Grant: p.grant,
		})
	}
	return out
}

func access(write bool) keyhatch.Access {
	if write {
		return keyhatch.Write
	}
	return keyhatch.Read
}

func foldersOf(p keyhatch.Prefix) []string {
	var out []string
	for _, a := range p.Ancestors()[1:] {
		name := string(a[len(folderText(out)):])
		out = append(out, name[:len(name)-1])
	}
	return out
}
