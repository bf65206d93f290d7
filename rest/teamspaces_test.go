package rest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// TestTeamspaces: the life of a teamspace over the wire, by id and by name, and
// what a grant to it gives.
func TestTeamspaces(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ws := s.Workspace(t, "lab")
	s.Location(t, ws, "s3://lab-data/alpha/")
	ann := s.User(t, "ann")
	s.Member(t, ws, ann, keyhatch.MemberRole)
	admin, hers := s.secret(""), s.secret("ann")
	made := got[api.Teamspace](s, 201, admin, "POST", "/teamspaces?workspace=lab", `{"name":"survey"}`)
	if made.Visibility != "private" || made.Workspace != ws.ID || made.CreatedBy != s.Admin.User.ID || made.CreatedAt.IsZero() {
		t.Errorf("made: %+v", made)
	}
	s.wantProblem(404, keyhatch.CodeTeamspaceNotFound, hers, "GET", "/teamspaces/survey", "")
	s.wantProblem(422, keyhatch.CodeInvalidRequest, admin, "POST", "/teamspaces", `{"name":"x","visibility":"secret"}`)
	m := got[api.TeamspaceMember](s, 200, admin, "PUT", "/teamspaces/survey/members/ann?workspace=lab", `{"role":"viewer"}`)
	if m.Teamspace != made.ID || m.User != ann.User.ID || m.Role != "viewer" || m.Since.IsZero() {
		t.Errorf("the membership is %+v", m)
	}
	for _, path := range []string{"/teamspaces/" + made.ID, "/teamspaces/survey"} {
		if diff := cmp.Diff(made, got[api.Teamspace](s, 200, hers, "GET", path, "")); diff != "" {
			t.Errorf("%s (-made +seen):\n%s", path, diff)
		}
	}
	grant := got[api.Grant](s, 201, admin, "POST", "/grants", `{"location":"alpha","to":"teamspace","subject":"survey","access":"read"}`)
	if grant.To != "teamspace" || grant.Subject != made.ID {
		t.Errorf("the grant is %+v", grant)
	}
	got[api.Lent](s, 201, hers, "POST", "/leases", `{"location":"alpha","access":"read"}`)
	who := got[api.WhoCan](s, 200, admin, "GET", "/who-can?location=alpha&access=read", "")
	if len(who.Ways) != 2 || who.Ways[1].UserName != "ann" || who.Ways[1].Teamspace != made.ID || who.Ways[1].TeamspaceName != "survey" || who.Ways[1].Group != "" {
		t.Errorf("who can: %+v", who.Ways)
	}
	renamed := got[api.Teamspace](s, 200, admin, "PATCH", "/teamspaces/"+made.ID, `{"name":"survey-2","visibility":"public"}`)
	if renamed.Name != "survey-2" || renamed.Visibility != "public" {
		t.Errorf("changed: %+v", renamed)
	}
	if page := got[api.Page[api.TeamspaceMember]](s, 200, hers, "GET", "/teamspaces/survey-2/members?limit=1", ""); len(page.Items) != 1 || page.Next == "" {
		t.Errorf("a page of one: %+v", page)
	}
	got[struct{}](s, http.StatusNoContent, hers, "DELETE", "/teamspaces/survey-2/members/ann", "")
	s.wantProblem(404, keyhatch.CodeLocationNotFound, hers, "POST", "/leases", `{"location":"alpha","access":"read"}`)
	if page := got[api.Page[api.Teamspace]](s, 200, hers, "GET", "/teamspaces", ""); len(page.Items) != 1 {
		t.Errorf("she sees %+v", page.Items)
	}
	s.wantProblem(403, keyhatch.CodeNotPermitted, hers, "DELETE", "/teamspaces/survey-2", "")
	got[struct{}](s, http.StatusNoContent, admin, "DELETE", "/teamspaces/survey-2?workspace=lab", "")
	s.wantProblem(404, keyhatch.CodeGrantNotFound, admin, "GET", "/grants/"+grant.ID, "")
	s.wantProblem(404, keyhatch.CodeTeamspaceNotFound, admin, "GET", "/teamspaces/"+made.ID, "")
}
