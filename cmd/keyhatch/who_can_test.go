package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// ask runs the command line as the owner of the token.
func (r *running) ask(token string, args ...string) (status int, stdout, stderr string) {
	r.t.Helper()
	r.t.Setenv("KEYHATCH_SERVER", r.in.apiURL)
	r.t.Setenv("KEYHATCH_TOKEN", token)
	var out, failed bytes.Buffer
	status = run(r.t.Context(), args, strings.NewReader(""), &out, &failed)
	return status, out.String(), failed.String()
}

// who-can over HTTP, from the command line to the record and back.
func TestWhoCan(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	_, guest := r.user("guest")
	ann, keeper := must[api.User](r, admin, "POST", "/api/v1/users", `{"name":"ann"}`), must[api.User](r, admin, "POST", "/api/v1/users", `{"name":"keeper"}`)
	must[api.WorkspaceMember](r, admin, "PUT", "/api/v1/workspaces/demo/members/ann", `{"role":"member"}`)
	staff := must[api.Group](r, admin, "POST", "/api/v1/groups", `{"name":"staff"}`)
	must[api.GroupMember](r, admin, "PUT", "/api/v1/groups/"+staff.ID+"/members/"+ann.ID, `{}`)
	must[api.Location](r, admin, "PATCH", "/api/v1/locations/alpha", `{"owner":"`+keeper.ID+`"}`)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	before := time.Now().UTC()
	for _, grant := range []string{
		`{"location":"alpha","to":"group","subject":"staff","access":"write","expires_at":"` + end.Format(time.RFC3339) + `"}`,
		`{"location":"alpha","to":"user","subject":"guest","access":"read","prefix":"2024/\u202ex"}`,
		`{"location":"alpha","to":"everyone","access":"read","prefix":"public"}`,
	} {
		must[api.Grant](r, admin, "POST", "/api/v1/grants?workspace=demo", strings.Replace(grant, `"guest"`, `"`+must[api.User](r, admin, "GET", "/api/v1/users/guest", "").ID+`"`, 1))
	}
	status, out, failed := r.ask(admin, "audit", "who-can", "--location", "s3://demo/alpha/", "--access", "read")
	lines := strings.Split(out, "\n")
	if status != ask.ExitDone || failed != "" || len(lines) != 8 {
		t.Fatalf("status %d: %s%s", status, out, failed)
	}
	column := strings.Index(lines[2], "PREFIX")
	for i, want := range []struct{ user, prefix, until string }{
		{"(every active user)", "public/", "never"}, {"admin", "all", "never"}, {"ann", "all", end.Format(time.RFC3339)}, {"guest", `2024/\u202ex/`, "never"},
	} {
		line := lines[3+i]
		if !strings.HasPrefix(line, want.user+" ") || !strings.HasPrefix(line[column:], want.prefix+" ") || !strings.HasSuffix(line, "  "+want.until) {
			t.Errorf("line %q, want %+v", line, want)
		}
	}
	if !strings.Contains(lines[5], ", group staff ") {
		t.Errorf("the group is not told: %s", lines[5])
	}

	status, out, failed = r.ask(admin, "audit", "who-can", "--location", "alpha", "--access", "read", "--at", before.Format(time.RFC3339Nano), "-o", "json")
	var answer api.WhoCan
	if err := json.Unmarshal([]byte(out), &answer); err != nil || status != ask.ExitDone || len(answer.Ways) != 1 || answer.Ways[0].UserName != "admin" || !answer.At.Equal(before.Truncate(time.Microsecond)) {
		t.Errorf("before: status %d: %s%s (%v)", status, out, failed, err)
	}

	must[api.Location](r, admin, "PATCH", "/api/v1/locations/alpha", `{"locked":true}`)
	if _, out, _ = r.ask(admin, "audit", "who-can", "--location", "alpha", "--access", "write"); !strings.HasSuffix(out, "\nNobody: the location was locked.\n") {
		t.Errorf("locked: %s", out)
	}

	keepers := r.token(`{"user":"keeper"}`).Secret
	for _, refused := range []struct {
		token    string
		status   int
		location string
		says     string
	}{
		{guest, ask.ExitNotPermitted, "s3://demo/alpha/", "only the location's owner and the workspace's admins may do this"},
		{guest, ask.ExitNotFound, "beta", "it does not exist, or you may not see it"},
		{keepers, ask.ExitDone, "s3://demo/alpha/x/", ""},
		{keepers, ask.ExitNotFound, "beta", "it does not exist, or you may not see it"},
		{r.token(`{"scopes":["grants"]}`).Secret, ask.ExitNotPermitted, "alpha", "scope"},
		{r.token(`{"scopes":["locations:read"]}`).Secret, ask.ExitDone, "alpha", ""},
	} {
		status, _, failed := r.ask(refused.token, "audit", "who-can", "--workspace", "demo", "--location", refused.location, "--access", "read")
		if status != refused.status || !strings.Contains(failed, refused.says) || (failed == "") != (refused.says == "") {
			t.Errorf("%+v: status %d, %s", refused, status, failed)
		}
	}
	if status, _, failed := r.ask(guest, "audit", "who-can", "--location", "alpha", "--access", "read"); status != ask.ExitUsage || !strings.Contains(failed, "add --workspace NAME") {
		t.Errorf("without a workspace: status %d, %s", status, failed)
	}
	for _, query := range []string{"", "?location=alpha", "?location=alpha&access=own", "?location=alpha&access=read&at=" + canary, "?location=alpha&access=read&at=" + url.QueryEscape(end.Format(time.RFC3339))} {
		a := r.call(admin, "GET", "/api/v1/who-can"+query, "")
		if p := a.problem(t); a.status != 422 || p.Code != "invalid_request" || strings.Contains(a.text, canary) {
			t.Errorf("%s: %d %s", query, a.status, a.text)
		}
	}
}

// A record that leaves doubts is an answer, and a failure for programs.
func TestWhoCanInDoubt(t *testing.T) {
	r := start(t)
	if err := tamperWith(r.folder+"/keyhatch.db", "delete from events where action = 'grant.give'"); err != nil {
		t.Fatal(err)
	}
	g := must[api.Page[api.Grant]](r, r.admin.Reveal(), "GET", "/api/v1/grants", "").Items[0]
	must[struct{}](r, r.admin.Reveal(), "DELETE", "/api/v1/grants/"+g.ID, "")
	status, out, failed := r.ask(r.admin.Reveal(), "audit", "who-can", "--location", "alpha", "--access", "read")
	if status != ask.ExitFailed || !strings.Contains(out, "Nobody.") || !strings.Contains(failed, "in doubt: event event_") || !strings.Contains(failed, "audit verify") {
		t.Errorf("status %d: %s%s", status, out, failed)
	}
}
