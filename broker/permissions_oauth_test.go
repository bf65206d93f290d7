package broker_test

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
)

// oauthUseCases is who may do what with programs that users let act for them.
var oauthUseCases = []useCase{
	//                                     admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"register a program", "               ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", oauth.ClientCreated, "oauth_clients", func(w *lab, c caller) act {
		return func() error { _, _, err := w.Broker.OAuth.CreateClient(w.ctx, c, newProgram("program")); return err }
	}},
	{"remove a program", "                 ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", oauth.ClientDeleted, "oauth_clients", func(w *lab, c caller) act {
		p := w.newProgram()
		return func() error { return w.Broker.OAuth.DeleteClient(w.ctx, c, p.ID) }
	}},
	{"list the programs", "                ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", "", "", func(w *lab, c caller) act {
		w.newProgram()
		return func() error { return only(w.Broker.OAuth.Clients(w.ctx, c, page)) }
	}},
	{"have another key sign", "            ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", oauth.KeyMade, "oauth_keys", func(w *lab, c caller) act {
		return func() error { return w.Broker.OAuth.RotateKey(w.ctx, c, false) }
	}},
	{"list the signing keys", "            ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.OAuth.SigningKeys(w.ctx, c)) }
	}},
	{"let a program act, with a token", "  forbidden forbidden forbidden forbidden forbidden forbidden forbidden forbidden", oauth.Consented, "oauth_consents", func(w *lab, c caller) act {
		p := w.newProgram()
		return func() error { return only(w.Broker.OAuth.Allow(w.ctx, c, asksFor(p))) }
	}},
	{"get a token as for a password", "    forbidden forbidden forbidden forbidden forbidden forbidden forbidden forbidden", people.TokenCreated, "earthdata_tokens", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.OAuth.FindOrCreateUserToken(w.ctx, c)) }
	}},
	{"end what a member lets it do", "     ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", oauth.Ended, "oauth_consents", func(w *lab, c caller) act {
		id := w.newConsent(w.newMember(keyhatch.MemberRole).Name)
		return func() error { return w.Broker.OAuth.EndConsent(w.ctx, c, id) }
	}},
	{"end what one lets it do oneself", "  ok        hidden    ok        ok        ok        ok        ok        ok", oauth.Ended, "oauth_consents", func(w *lab, c caller) act {
		id := w.newConsent(c.User.Name)
		return func() error { return w.Broker.OAuth.EndConsent(w.ctx, c, id) }
	}},
}

// TestPermissions_Withdraw: that no key but the new one signs, nor has signed, is for installation admins too. It writes an
// event for each key, so it has no line in the table.
func TestPermissions_Withdraw(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	w.must(w.Broker.OAuth.RotateKey(w.ctx, w.Admin, false))
	before := w.Dump(t)
	for _, column := range columns[1:] {
		wantOutcome(t, column, w.Broker.OAuth.RotateKey(w.ctx, w.who[column], true), "forbidden")
	}
	if diff := gocmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("who was refused changed something:\n%s", diff)
	}
	wantOutcome(t, columns[0], w.Broker.OAuth.RotateKey(w.ctx, w.who[columns[0]], true), "ok")
	if e := w.newestEvent(); e.Action != oauth.KeyWithdrawn || e.User != w.who[columns[0]].User.ID {
		t.Errorf("the record ends with %+v", e)
	}
}

func newProgram(name string) keyhatch.OAuthClient {
	return keyhatch.OAuthClient{
		Name: name, Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{"https://program.example.org/back"},
		Scopes: []keyhatch.Scope{"leases"}, AccessLife: time.Hour,
	}
}

func (w *lab) newProgram() keyhatch.OAuthClient {
	w.t.Helper()
	made, _, err := w.Broker.OAuth.CreateClient(w.ctx, w.Admin, newProgram("program-"+strings.ToLower(keyhatch.NewTokenSecret().Reveal()[3:12])))
	w.must(err)
	return made
}

func asksFor(p keyhatch.OAuthClient) oauth.Request {
	return oauth.Request{Client: p.Name, Redirect: p.Redirects[0], Challenge: strings.Repeat("A", 43), Method: "S256"}
}

// newConsent is what a user lets a new program do; it is its id.
func (w *lab) newConsent(user string) string {
	w.t.Helper()
	w.givePassword(user)
	c, err := w.Broker.Passwords.Authenticate(w.ctx, user, labPassword)
	w.must(err)
	p := w.newProgram()
	w.must(only(w.Broker.OAuth.Allow(w.ctx, c, asksFor(p))))
	all, err := w.DB.Consents(w.ctx, c.User.ID, p.ID, kernel.Page{Limit: 1})
	w.must(err)
	return all[0].ID
}
