package tiledb_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
)

const aRole = `"role":{"aws":{"role_arn":"arn:aws:iam::123456789012:role/demo","external_id":"123ABC-canary"}}`

// TestEveryForm: each provider and kind is taken, and shown with its secret left out
// where clients demand the field.
func TestEveryForm(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct{ provider, authority, shown string }{
		"keys":       {"AWS", `"credential":{"aws":{"access_key_id":"AKIA","secret_access_key":"canary"}}`, `{"aws":{"access_key_id":"AKIA","secret_access_key":""}}`},
		"store-keys": {"AWS", `"credential":{"aws":{"access_key_id":"AKIA","secret_access_key":"canary","endpoint":"https://S3.example:443"}}`, `{"aws":{"access_key_id":"AKIA","secret_access_key":"","endpoint":"https://s3.example"}}`},
		"role":       {"AWS", aRole, `{"aws":{"role_arn":"arn:aws:iam::123456789012:role/demo","external_id":""}}`},
		"azure-keys": {"AZURE", `"credential":{"azure":{"account_name":"demo","account_key":"Y2FuYXJ5"}}`, `{"azure":{"account_name":"demo"}}`},
		"sas":        {"AZURE", `"token":{"azure":{"account_name":"demo","sas_token":"?sv=1&sig=canary"}}`, `{"azure":{"account_name":"demo","sas_token":""}}`},
		"gcp-keys":   {"GCP", `"credential":{"gcp":{"access_key_id":"GOOG","secret_access_key":"canary"}}`, `{"gcp":{"access_key_id":"GOOG"}}`},
		"null":       {"AWS", `"role":null,"token":null,"status":"x","credential":{"azure":null,"gcp":null,"aws":{"access_key_id":"AKIA","secret_access_key":"canary","endpoint":null,"use_path_style":true}}`, `{"aws":{"access_key_id":"AKIA","secret_access_key":""}}`},
	} {
		w.want(201, "", "ann", "POST", "/v4/credentials/lab", fmt.Sprintf(`{"name":%q,"provider":%q,"provider_default":null,%s}`, name, tc.provider, tc.authority))
		a := w.want(200, "one credential", "bob", "GET", "/v4/credentials/"+w.lab.ID+"/"+name, "")
		got := into[map[string]json.RawMessage](w, a).Data
		shown := slices.Concat(got["credential"], got["role"], got["token"])
		if string(shown) != tc.shown {
			t.Errorf("%s: shown is %s, want %s", name, shown, tc.shown)
		}
	}
	list := w.want(200, "credentials", "bob", "GET", "/v4/credentials/lab?page=1", "")
	for _, text := range [][]byte{[]byte(list.Body), []byte(w.Log.String()), w.DatabaseBytes(t)} {
		if bytes.Contains(text, []byte("canary")) || bytes.Contains(text, []byte("Y2FuYXJ5")) {
			t.Error("a secret can be read")
		}
	}
}

// TestGenerations: the three forms of the paths do the same.
func TestGenerations(t *testing.T) {
	w := newWorld(t)
	const header = "X-TILEDB-WORKSPACE-ID"
	for _, g := range []struct {
		name, one, all, verify string
		headers                []string
	}{
		{"now", "/v4/credentials/lab/", "/v4/credentials/lab", "/v4/actions/credentials/verify", nil},
		{"mid-2025", "/v4/credentials/" + w.lab.ID + "/", "/v4/credentials/" + w.lab.ID, "/v4/credentials/lab/verify", nil},
		{"march-2025", "/v4/credentials/", "/v4/credentials", "/v4/credentials/verify", []string{header, w.lab.ID}},
	} {
		body := fmt.Sprintf(`{"name":%q,"provider":"AWS","workspace_id":%q,%s}`, g.name, w.lab.ID, aRole)
		w.want(201, "", "ann", "POST", g.all, body, g.headers...)
		w.refused(409, "name", "ann", "POST", g.all, body, g.headers...)
		w.want(200, "one credential", "ann", "GET", g.one+g.name, "", g.headers...)
		w.want(200, "credentials", "ann", "GET", g.all, "", g.headers...)
		w.want(204, "", "ann", "PATCH", g.one+g.name, `{"name":"other"}`, g.headers...)
		w.want(200, "", "ann", "POST", g.verify, body, g.headers...)
		w.want(204, "", "ann", "DELETE", g.one+"other", "", g.headers...)
		w.refused(404, "", "ann", "GET", g.one+"other", "", g.headers...)
		w.refused(404, "", "ann", "DELETE", g.one+"other", "", g.headers...)
	}
	// Named as a way is called.
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"verify","provider":"AWS",`+aRole+`}`)
	w.want(200, "one credential", "ann", "GET", "/v4/credentials/lab/verify", "")
	w.want(200, "one credential", "ann", "GET", "/v4/credentials/verify", "", header, "lab")
	w.want(204, "", "ann", "DELETE", "/v4/credentials/lab/verify", "")
}

// TestPlaces: a teamspace's credentials are its own, and a teamspace of another
// workspace is not there.
func TestPlaces(t *testing.T) {
	w := newWorld(t)
	made := into[struct {
		ID string `json:"teamspace_id"`
	}](w, w.want(201, "one teamspace", "ann", "POST", "/v4/teamspaces/lab", `{"name":"survey","visibility":"private"}`)).Data
	in := "?teamspace_id=" + made.ID
	body := func(authority string) string { return `{"name":"cred1","provider":"AWS",` + authority + `}` }
	w.want(201, "", "ann", "POST", "/v4/credentials/lab"+in, body(aRole))
	w.want(201, "", "ann", "POST", "/v4/credentials/lab?teamspace_id=", body(`"credential":{"aws":{"access_key_id":"AKIA","secret_access_key":"x"}}`))
	type typed struct{ ID, Credential_type string }
	inside := into[typed](w, w.want(200, "one credential", "ann", "GET", "/v4/credentials/lab/cred1"+in, "")).Data
	outside := into[typed](w, w.want(200, "one credential", "ann", "GET", "/v4/credentials/lab/cred1", "")).Data
	if inside.Credential_type != "teamspace" || outside.Credential_type != "workspace" || inside.ID == outside.ID {
		t.Errorf("inside is %+v, outside %+v", inside, outside)
	}
	w.refused(404, "", "bob", "GET", "/v4/credentials/lab/cred1"+in, "") // who is not in it
	w.refused(404, "", "ann", "GET", "/v4/credentials/lab/"+inside.ID, "")
	w.refused(404, "", "ann", "GET", "/v4/credentials/shop", "")
	w.refused(404, "", "ann", "GET", "/v4/credentials/none", "")
	w.refused(404, "", "admin", "GET", "/v4/credentials/shop/cred1"+in, "")
	w.refused(404, "", "admin", "POST", "/v4/actions/credentials/verify", fmt.Sprintf(`{"name":"x","provider":"AWS","workspace_id":"shop","teamspace_id":%q,%s}`, made.ID, aRole))
	w.refused(403, "", "bob", "POST", "/v4/credentials/lab", body(aRole))
	w.refused(403, "", "bob", "POST", "/v4/actions/credentials/verify", `{"name":"x","provider":"AWS","workspace_id":"lab",`+aRole+`}`)
	w.refused(403, "", "bob", "DELETE", "/v4/credentials/lab/cred1", "")
	w.want(200, "one teamspace", "ann", "GET", "/v4/teamspaces/lab/survey", "")
	w.want(200, "one teamspace", "ann", "GET", "/v4/teamspaces/lab/"+made.ID, "")
	w.refused(404, "", "ann", "GET", "/v4/teamspaces/lab/none", "")
	for query, want := range map[string]int{"": 1, "?memberships=false&order_by=name&order=desc": 1} {
		if list := into[[]any](w, w.want(200, "teamspaces", "ann", "GET", "/v4/teamspaces/lab"+query, "")).Data; len(list) != want {
			t.Errorf("%q: %d teamspaces, want %d", query, len(list), want)
		}
	}
	w.want(200, "teamspaces", "bob", "GET", "/v4/teamspaces/lab?memberships=false", "")
	w.refused(400, "order", "ann", "GET", "/v4/teamspaces/lab?order=up", "")
	w.want(204, "", "ann", "DELETE", "/v4/credentials/lab/cred1"+in, "")
	w.want(204, "", "ann", "DELETE", "/v4/teamspaces/lab/survey", "")
}

// TestAdminOfNoWorkspace: an installation admin does in every workspace what an owner does
// there, also with a token that is confined to it. Once such a one was told that there
// was no workspace.
func TestAdminOfNoWorkspace(t *testing.T) {
	w := newWorld(t)
	root, err := w.Broker.People.CreateUser(t.Context(), w.Admin, people.NewUser{Name: "root", Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	w.key["root"], w.key["rooted"] = w.Secret(people.NewToken{User: root.ID}), w.Secret(people.NewToken{User: root.ID, Workspace: w.lab.ID})
	type seen struct {
		Name      string
		CreatedBy struct{ Username string } `json:"created_by"`
		Self      struct{ Username, Role string }
	}
	// Whom a confined token does not show, its workspace does not either.
	for who, creator := range map[string]string{"root": w.Admin.User.Name, "rooted": "root"} {
		ws := into[seen](w, w.want(200, "one workspace", who, "GET", "/v4/workspaces/lab", "")).Data
		if ws.Name != "lab" || ws.CreatedBy.Username != creator || ws.Self.Username != "root" || ws.Self.Role != "owner" {
			t.Errorf("%s sees %+v", who, ws)
		}
		self := into[struct{ Workspaces []seen }](w, w.want(200, "oneself", who, "GET", "/v4/users/self", "")).Data
		if len(self.Workspaces) == 0 || !slices.Contains(self.Workspaces, ws) {
			t.Errorf("%s is in %+v", who, self.Workspaces)
		}
	}
	if a := w.ask("rooted", "GET", "/v4/workspaces/shop", ""); a.Status < 400 {
		t.Errorf("with a token of another workspace: %s", a.Body)
	}
}

// TestUpdateIsPartial: what is not said stays; another kind replaces the one before.
func TestUpdateIsPartial(t *testing.T) {
	w := newWorld(t)
	const one = "/v4/credentials/lab/cred1"
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"cred1","provider":"AWS","provider_default":true,"allowed_in_tasks":true,`+aRole+`}`)
	type seen struct {
		Default    bool `json:"provider_default"`
		Tasks      bool `json:"allowed_in_tasks"`
		Provider   string
		Credential any
		Role       any
		Token      any
	}
	look := func(name string) seen {
		t.Helper()
		return into[seen](w, w.want(200, "one credential", "ann", "GET", "/v4/credentials/lab/"+name, "")).Data
	}
	w.want(204, "", "ann", "PATCH", one, `{}`)
	if s := look("cred1"); !s.Default || !s.Tasks || s.Role == nil || s.Credential != nil {
		t.Errorf("after a change of nothing it is %+v", s)
	}
	w.want(204, "", "ann", "PATCH", one, `{"allowed_in_tasks":false,"credential":{"aws":{"access_key_id":"AKIA","secret_access_key":"x"}}}`)
	if s := look("cred1"); !s.Default || s.Tasks || s.Role != nil || s.Credential == nil {
		t.Errorf("with keys it is %+v", s)
	}
	w.want(204, "", "ann", "PATCH", one, `{"name":"cred2","provider":"AZURE","token":{"azure":{"account_name":"demo","sas_token":"sv=1&sig=x"}}}`)
	if s := look("cred2"); s.Provider != "AZURE" || s.Token == nil || s.Credential != nil {
		t.Errorf("with a token of Azure it is %+v", s)
	}
	w.refused(400, "provider", "ann", "PATCH", "/v4/credentials/lab/cred2", `{"provider":"GCP"}`)
	w.want(204, "", "ann", "PATCH", "/v4/credentials/lab/cred2", `{"provider":"AZURE"}`)
}

// TestBadInput: each fault names its field, and never its value.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	const all = "/v4/credentials/lab"
	keys := `"credential":{"aws":{"access_key_id":"AKIA","secret_access_key":"x-canary"}}`
	w.want(201, "", "ann", "POST", all, `{"name":"taken","provider":"AWS",`+keys+`}`)
	for what, tc := range map[string]struct {
		status int
		field  string
		body   string
	}{
		"two kinds":                      {400, "role", `{"name":"c","provider":"AWS",` + keys + `,` + aRole + `}`},
		"no kind":                        {400, "credential", `{"name":"c","provider":"AWS"}`},
		"two providers":                  {400, "credential", `{"name":"c","provider":"AWS","credential":{"aws":{},"gcp":{}}}`},
		"no object":                      {400, "credential", `{"name":"c","provider":"AWS","credential":{}}`},
		"another provider's":             {400, "credential.aws", `{"name":"c","provider":"GCP",` + keys + `}`},
		"a role of Azure":                {400, "role.azure", `{"name":"c","provider":"AZURE","role":{"azure":{"account_name":"x-canary"}}}`},
		"a token of AWS":                 {400, "token.aws", `{"name":"c","provider":"AWS","token":{"aws":{"sas_token":"x-canary"}}}`},
		"an unknown provider":            {400, "provider", `{"name":"c","provider":"R2-canary",` + keys + `}`},
		"a provider in small":            {400, "provider", `{"name":"c","provider":"aws",` + keys + `}`},
		"no provider":                    {400, "provider", `{"name":"c",` + keys + `}`},
		"a long name":                    {400, "name", `{"name":"` + strings.Repeat("n", 300) + `","provider":"AWS",` + keys + `}`},
		"an empty name":                  {400, "name", `{"name":"","provider":"AWS",` + keys + `}`},
		"no name":                        {400, "name", `{"provider":"AWS",` + keys + `}`},
		"a name that is taken":           {409, "name", `{"name":"taken","provider":"AWS",` + keys + `}`},
		"no secret":                      {400, "credential.aws.secret_access_key", `{"name":"c","provider":"AWS","credential":{"aws":{"access_key_id":"AKIA-canary"}}}`},
		"no external id":                 {400, "role.aws.external_id", `{"name":"c","provider":"AWS","role":{"aws":{"role_arn":"arn:aws:iam::123456789012:role/demo"}}}`},
		"no role":                        {400, "role.aws.role_arn", `{"name":"c","provider":"AWS","role":{"aws":{"role_arn":"canary","external_id":"xyz"}}}`},
		"an endpoint with a path":        {400, "credential.aws.endpoint", `{"name":"c","provider":"AWS","credential":{"aws":{"access_key_id":"A","secret_access_key":"x","endpoint":"https://canary.example/x"}}}`},
		"a key file that is none":        {400, "token.gcp.key_text", `{"name":"c","provider":"GCP","token":{"gcp":{"account_id":"a","key_id":"k","key_text":"{canary"}}}`},
		"a long key file":                {400, "token.gcp.key_text", `{"name":"c","provider":"GCP","token":{"gcp":{"key_text":"` + strings.Repeat("canary", 20_000) + `"}}}`},
		"a number for a name":            {400, "name", `{"name":7,"provider":"AWS",` + keys + `}`},
		"a text for an object":           {400, "credential", `{"name":"c","provider":"AWS","credential":"canary"}`},
		"no JSON":                        {400, "", `{"canary`},
		"nothing":                        {400, "", ``},
		"a list":                         {400, "", `["canary"]`},
		"a body of more than a mebibyte": {413, "", `{"name":"c","provider":"GCP","token":{"gcp":{"key_text":"` + strings.Repeat("canary", 200_000) + `"}}}`},
	} {
		a := w.ask("ann", "POST", all, tc.body)
		if strings.Contains(a.Body, "canary") {
			t.Errorf("%s: the answer shows what was sent: %s", what, a.Body)
		}
		w.refused(tc.status, tc.field, "ann", "POST", all, tc.body)
	}
	if a := w.ask("ann", "POST", all, `{"name":"c","provider":"GCP","token":{"gcp":{"key_text":"`+strings.Repeat("x", 1<<20)+`"}}}`); !strings.Contains(a.Body, "key_text") {
		t.Errorf("of a key file of 1 MiB it says %s", a.Body)
	}
	for _, query := range []string{"page=0", "page=x", "per_page=0", "per_page=1001", "page=-1"} {
		name, _, _ := strings.Cut(query, "=")
		w.refused(400, name, "ann", "GET", all+"?"+query, "")
	}
	w.refused(400, "type", "ann", "GET", all+"?type=canary", "")
	w.refused(404, "", "ann", "GET", "/v4/nothing", "")
	w.refused(404, "", "ann", "GET", "/v4/credentials/lab/a%2Fb", "")
	w.refused(404, "", "ann", "GET", "/v4/credentials/lab/%2e%2e", "")
	w.refused(405, "", "ann", "PUT", all, "")
}

// TestPages: by number, with how many there are; the last is short and behind it are
// empty ones.
func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.want(201, "", "ann", "POST", "/v4/credentials/lab", fmt.Sprintf(`{"name":"c%d","provider":"AWS","credential":{"aws":{"access_key_id":"A","secret_access_key":"x"}}}`, i))
	}
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"role","provider":"AWS",`+aRole+`}`)
	for query, want := range map[string][5]int{ // items, and the metadata
		"":                       {10, 1, 10, 2, 13},
		"?page=2":                {3, 2, 10, 2, 13},
		"?page=3":                {0, 3, 10, 2, 13},
		"?page=2&per_page=5":     {5, 2, 5, 3, 13},
		"?per_page=1000":         {13, 1, 1000, 1, 13},
		"?type=arn":              {1, 1, 10, 1, 1},
		"?type=key&provider=AWS": {10, 1, 10, 2, 12},
		"?provider=GCP":          {0, 1, 10, 0, 0},
	} {
		a := w.want(200, "credentials", "bob", "GET", "/v4/credentials/lab"+query, "")
		var got struct {
			Data []any
			M    struct {
				Page    int
				PerPage int `json:"per_page"`
				Pages   int `json:"total_pages"`
				Items   int `json:"total_items"`
			} `json:"pagination_metadata"`
		}
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
			t.Fatal(err)
		}
		if have := [5]int{len(got.Data), got.M.Page, got.M.PerPage, got.M.Pages, got.M.Items}; have != want {
			t.Errorf("%q: %v, want %v", query, have, want)
		}
	}
}

// TestWhoCalls: every header that clients send, alone and together with empty ones.
func TestWhoCalls(t *testing.T) {
	w := newWorld(t)
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	reset, _, err := w.Broker.Passwords.NewReset(t.Context(), w.Admin, "ann")
	if err == nil {
		err = w.Broker.Passwords.ResetPassword(t.Context(), reset, "plum orbit candle seventeen")
	}
	if err != nil {
		t.Fatal(err)
	}
	for what, tc := range map[string]struct {
		status  int
		headers []string
	}{
		"a key":                             {200, []string{"X-TILEDB-REST-API-KEY", w.key["ann"]}},
		"a key and empty credentials":       {200, []string{"X-TILEDB-REST-API-KEY", w.key["ann"], "Authorization", "Basic Og=="}},
		"a key and somebody's":              {200, []string{"X-TILEDB-REST-API-KEY", w.key["ann"], "Authorization", basic("bob:wrong")}},
		"an empty key and a token":          {200, []string{"X-TILEDB-REST-API-KEY", "", "Authorization", "Bearer " + w.key["ann"]}},
		"a bearer":                          {200, []string{"Authorization", "Bearer " + w.key["ann"]}},
		"a token for a password":            {200, []string{"Authorization", basic("ann:" + w.key["ann"])}},
		"a name and a password":             {200, []string{"Authorization", basic("ann:plum orbit candle seventeen")}},
		"those, and an empty key":           {200, []string{"X-TILEDB-REST-API-KEY", "", "Authorization", basic("ann:plum orbit candle seventeen")}},
		"a wrong password":                  {401, []string{"Authorization", basic("ann:violet tractor under bridges")}},
		"a wrong key and a password":        {401, []string{"X-TILEDB-REST-API-KEY", "tiledb_x", "Authorization", basic("ann:plum orbit candle seventeen")}},
		"a key with its workspace":          {200, []string{"X-TILEDB-REST-API-KEY", keyhatch.SpellWithin(keyhatch.Secret(w.key["ann"]), w.lab.ID).Reveal()}},
		"nothing":                           {401, nil},
		"an empty key":                      {401, []string{"X-TILEDB-REST-API-KEY", ""}},
		"empty credentials":                 {401, []string{"Authorization", "Basic Og=="}},
		"a wrong key":                       {401, []string{"X-TILEDB-REST-API-KEY", keyhatch.NewTokenSecret().Reveal()}},
		"a wrong key and a token":           {401, []string{"X-TILEDB-REST-API-KEY", "tiledb_x", "Authorization", "Bearer " + w.key["ann"]}},
		"a key with a workspace not theirs": {401, []string{"X-TILEDB-REST-API-KEY", "kh-ws_000000000000000-" + w.key["ann"][3:]}},
	} {
		a := w.ask("", "GET", "/v4/workspaces/lab", "", tc.headers...)
		if a.Status != tc.status {
			t.Errorf("%s: %d %s, want %d", what, a.Status, a.Body, tc.status)
		}
	}
}

// TestTokens: made with the workspace in their spelling, listed without their
// secrets, ended; and one that is scoped makes none that may more.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	type made struct {
		ID        string `json:"token_id"`
		Key       string `json:"api_key"`
		ExpiresAt string `json:"expires_at"`
		Scope     string
	}
	create := func(who, body string) made {
		t.Helper()
		return into[made](w, w.want(201, "one token", who, "POST", "/v4/tokens", body)).Data
	}
	session := create("ann", `{"name":"login-session-x","scope":"*","workspace_id":"`+w.lab.ID+`"}`)
	if !strings.HasPrefix(session.Key, "kh-"+w.lab.ID+"-") || strings.Count(session.Key, "-") != 2 {
		t.Errorf("the key is not of three parts, with its workspace in the middle")
	}
	w.key["session"] = session.Key
	w.want(200, "one workspace", "session", "GET", "/v4/workspaces/lab", "")
	bare := create("ann", `{"scope":"user:read","expires_at":"2999-01-01T00:00:00Z"}`)
	if !strings.HasPrefix(bare.Key, "kh_") || bare.Scope != "user:read" || bare.ExpiresAt != "2999-01-01T00:00:00Z" {
		t.Errorf("made is %+v", bare)
	}
	w.key["bare"] = bare.Key
	w.want(200, "oneself", "bare", "GET", "/v4/users/self", "")
	w.refused(403, "", "bare", "GET", "/v4/workspaces/lab", "")
	w.refused(403, "", "bare", "POST", "/v4/tokens", `{"scope":"*"}`)
	w.refused(400, "scope", "ann", "POST", "/v4/tokens", `{"scope":"array:read"}`)
	w.refused(400, "scope", "ann", "POST", "/v4/tokens", `{}`)
	for kind, want := range map[string]int{"": 5, "?type=api": 4, "?type=session": 1} { // three of the world, and these
		a := w.want(200, "tokens", "ann", "GET", "/v4/tokens"+kind, "")
		var list struct{ Data []made }
		if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Data) != want {
			t.Errorf("%q: %d tokens, want %d", kind, len(list.Data), want)
		}
		if slices.ContainsFunc(list.Data, func(m made) bool { return m.Key != "" }) {
			t.Errorf("%q: the list has secrets", kind)
		}
	}
	w.want(204, "", "ann", "DELETE", "/v4/tokens/"+session.ID, "")
	w.refused(401, "", "session", "GET", "/v4/workspaces/lab", "")
	w.refused(404, "", "ann", "DELETE", "/v4/tokens/"+session.ID, "")
}

// TestScopes: the noun's scopes open its calls, and those of paths the path as it was
// routed, whatever its spelling.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	w.want(201, "", "ann", "POST", "/v4/credentials/lab", `{"name":"c","provider":"AWS",`+aRole+`}`)
	for i, tc := range []struct {
		scope                keyhatch.Scope
		list, change, others int
	}{
		{"credentials:read", 200, 403, 403},
		{"credentials", 200, 204, 403},
		{"GET /v4/credentials/", 200, 403, 403},
		{"PATCH /v4/credentials/lab/c", 403, 204, 403},
		{"workspaces:read", 403, 403, 200},
	} {
		who := fmt.Sprint("scoped", i)
		w.key[who] = w.Secret(people.NewToken{User: w.ann.User.ID, Scopes: []keyhatch.Scope{tc.scope}})
		for path, want := range map[string]int{"/v4/credentials/lab": tc.list, "/v4/%63redentials/l%61b": tc.list, "/v4/workspaces/lab": tc.others} {
			if a := w.ask(who, "GET", path, ""); a.Status != want {
				t.Errorf("%s: GET %s: %d, want %d", tc.scope, path, a.Status, want)
			}
		}
		if a := w.ask(who, "PATCH", "/v4/credentials/lab/%63", `{"provider_default":false}`); a.Status != tc.change {
			t.Errorf("%s: PATCH: %d, want %d", tc.scope, a.Status, tc.change)
		}
	}
}

// TestNo503: what may work later is told by a status that clients do not repeat.
func TestNo503(t *testing.T) {
	w := newWorld(t)
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range [][2]string{{"GET", "/v4/workspaces/lab"}, {"POST", "/v4/credentials/lab"}} {
		a := w.ask("ann", tc[0], tc[1], `{"name":"c","provider":"AWS",`+aRole+`}`)
		if a.Status < 500 || a.Status == 503 || a.Header.Get("Retry-After") != "" {
			t.Errorf("%s %s without a database: %d", tc[0], tc[1], a.Status)
		}
		if err := schemas.Check("failure", []byte(a.Body)); err != nil {
			t.Error(err)
		}
	}
}

// TestVerifyTellsWhy: a failed check is a refusal whose message has its reason.
func TestVerifyTellsWhy(t *testing.T) {
	w := newWorld(t)
	body := `{"name":"x","provider":"AZURE","workspace_id":"lab","token":{"azure":{"account_name":"demo","sas_token":"none"}}}`
	a := w.want(400, "failure", "ann", "POST", "/v4/actions/credentials/verify", body)
	if !strings.Contains(a.Body, "structure (sas_token") {
		t.Errorf("it says %s", a.Body)
	}
	before := w.Dump(t)
	w.want(200, "", "ann", "POST", "/v4/actions/credentials/verify", `{"name":"x","provider":"AWS","workspace_id":"lab",`+aRole+`}`)
	w.want(200, "", "confined", "POST", "/v4/actions/credentials/verify", `{"name":"x","provider":"AWS",`+aRole+`}`)
	if after := w.Dump(t); !slices.Equal(before["credentials"], after["credentials"]) || !slices.Equal(before["role_claims"], after["role_claims"]) {
		t.Error("verifying stored something")
	}
}
