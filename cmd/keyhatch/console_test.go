package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
)

// federation answers as the token service of AWS and its sign-in do.
type federation struct {
	url string

	mu    sync.Mutex
	asked []url.Values // what sign-in was asked
	fails bool         // sign-in does
}

func newFederation(t *testing.T) *federation {
	f := &federation{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.URL.Path == "/federation" {
			f.asked = append(f.asked, r.URL.Query())
			if f.fails {
				http.Error(w, r.URL.RawQuery, http.StatusBadRequest)
				return
			}
			_, _ = w.Write([]byte(`{"SigninToken":"token-of-aws"}`)) // to a client that is gone
			return
		}
		action, life := r.FormValue("Action"), r.FormValue("DurationSeconds")
		lasts, err := time.ParseDuration(life + "s")
		if err != nil {
			http.Error(w, "no "+action, http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>`+
			`<SecretAccessKey>canary-secret</SecretAccessKey><SessionToken>canary-token</SessionToken><Expiration>%[2]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
			action, time.Now().Add(lasts).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// TestConsoleOverTheWire: who asks over the native API, on the command line or in Provena's
// format gets AWS's login for what was lent, which has none of its keys and does not outlast
// them; where it cannot be had nothing is lent.
func TestConsoleOverTheWire(t *testing.T) {
	f := newFederation(t)
	r := startWith(t, func(c *config.Config) { c.AWS.STSEndpoint, c.AWS.SigninEndpoint = f.url, f.url+"/federation" })
	admin := r.admin.Reveal()
	keys := must[api.Credential](r, admin, "POST", "/api/v1/credentials", `{"name":"keys","base":true,"aws_keys":{"access_key_id":"AKIAEXAMPLE","secret_access_key":"canary"}}`)
	role := must[api.Credential](r, admin, "POST", "/api/v1/credentials", `{"name":"role","any_external_id":true,"sessions":{"longest_seconds":43200},"aws_role":{"role_arn":"arn:aws:iam::123456789012:role/lender"}}`)
	for name, credential := range map[string]string{"of-role": role.ID, "of-keys": keys.ID} {
		r.storeAtAWS(name, credential)
		must[api.Bucket](r, admin, "POST", "/api/v1/buckets/register?workspace=demo", fmt.Sprintf(`{"store":%q,"name":"bucket-%s"}`, name, name))
		location := must[api.Location](r, admin, "POST", "/api/v1/locations?workspace=demo", fmt.Sprintf(`{"name":%q,"url":"s3://bucket-%s/data/"}`, name, name))
		must[api.Grant](r, admin, "POST", "/api/v1/grants?workspace=demo", fmt.Sprintf(`{"location":%q,"to":"everyone","access":"read"}`, location.ID))
	}
	page := func(name string) string {
		return "https://console.aws.amazon.com/s3/buckets/bucket-" + name + "?prefix=data%2F&region=eu-west-1"
	}
	login := func(what, text, name, duration string) {
		t.Helper()
		f.mu.Lock()
		defer f.mu.Unlock()
		u, err := url.Parse(text)
		if err != nil || !strings.HasPrefix(text, f.url+"/federation?") || len(f.asked) == 0 {
			t.Fatalf("%s: the console is %q, asked for %d times, %v", what, text, len(f.asked), err)
		}
		asked, q := f.asked[len(f.asked)-1], u.Query()
		if q.Get("Action") != "login" || q.Get("SigninToken") != "token-of-aws" || q.Get("Destination") != page(name) || q.Get("Issuer") != r.in.apiURL || strings.Contains(text, "canary") {
			t.Errorf("%s: the console is %s", what, text)
		}
		if asked.Get("Action") != "getSigninToken" || asked.Get("Session") != `{"sessionId":"ASIAEXAMPLE","sessionKey":"canary-secret","sessionToken":"canary-token"}` {
			t.Errorf("%s: sign-in was asked for %s", what, asked.Get("Action"))
		}
		if got := asked.Get("SessionDuration"); got != duration && (duration == "" || got > duration || len(got) != len(duration)) {
			t.Errorf("%s: the login lasts %q, want %q", what, got, duration)
		}
	}
	var provena struct {
		URL         string `json:"console_session_url"`
		Credentials struct{ Expiry time.Time }
	}
	for name, duration := range map[string]string{"of-role": "28800", "of-keys": ""} { // a federation token's login lasts as long as it does
		a := r.call(admin, "POST", "/registry/credentials/generate-read-access-credentials", `{"dataset_id":"`+name+`","console_session_required":true}`)
		if err := json.Unmarshal([]byte(a.text), &provena); a.status != http.StatusOK || err != nil || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d, %v", name, a.status, err)
		}
		if left := time.Until(provena.Credentials.Expiry); left > 8*time.Hour || left < 8*time.Hour-2*time.Minute {
			t.Errorf("%s: it lasts %v", name, left)
		}
		login("provena "+name, provena.URL, name, duration)
	}
	before := len(f.asked)
	if a := r.call(admin, "POST", "/registry/credentials/generate-read-access-credentials", `{"dataset_id":"of-role","console_session_required":false}`); a.status != http.StatusOK || strings.Contains(a.text, "console_session_url") || len(f.asked) != before {
		t.Errorf("a console that nobody asked for: %d, asked %d times", a.status, len(f.asked)-before)
	}
	lent := must[api.Lent](r, admin, "POST", "/api/v1/leases?workspace=demo", `{"location":"of-role","access":"read","duration_seconds":900,"console":true}`)
	login("native", lent.ConsoleURL, "of-role", "3600") // the session may last longer than was asked for
	status, out, failed := r.ask(admin, "lease", "s3://bucket-of-role/data/", "--for", "2h", "--console", "-o", "json")
	var told struct {
		URL string `json:"console_url"`
	}
	if err := json.Unmarshal([]byte(out), &told); status != 0 || err != nil {
		t.Fatalf("lease --console: %d %s, %v", status, failed, err)
	}
	login("on the command line", told.URL, "of-role", "14400")

	f.fails = true
	count := func() int {
		leases, err := r.in.db.Leases(t.Context(), db.LeaseFilter{}, db.Everything)
		if err != nil {
			t.Fatal(err)
		}
		return len(leases)
	}
	had := count()
	a := r.call(admin, "POST", "/registry/credentials/generate-read-access-credentials", `{"dataset_id":"of-role","console_session_required":true}`)
	if a.status != http.StatusInternalServerError || !strings.Contains(a.text, "Something went wrong when trading credentials for console session: ") || strings.Contains(a.text, "canary") || count() != had {
		t.Errorf("sign-in fails: %d %s; %d leases more", a.status, a.text, count()-had)
	}
	if strings.Contains(r.log.String(), "canary") || strings.Contains(r.log.String(), "token-of-aws") {
		t.Error("S5: the log has what was lent")
	}
}

// storeAtAWS puts a store on record as if it had been made, and verified: AWS is not there.
func (r *running) storeAtAWS(name, credential string) {
	r.t.Helper()
	ctx, now := r.t.Context(), time.Now()
	s := keyhatch.Store{
		ID: keyhatch.NewID(keyhatch.StoreID, now), Name: name, Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1",
		Credential: credential, Lends: keyhatch.LendsSTS, Keys: keyhatch.KeysNone, CreatedAt: now,
	}
	as, err := r.in.broker.Credentials.ActingOn(ctx, s)
	if err != nil {
		r.t.Fatal(err)
	}
	s.Proof = &keyhatch.Proof{At: now, With: as.With, Checks: []keyhatch.Check{{Name: driver.WorksStill, Outcome: keyhatch.Passed}}}
	if err := r.in.db.Write(ctx, func(tx *db.Tx) error { return tx.InsertStore(ctx, s) }); err != nil {
		r.t.Fatal(err)
	}
	if err := r.in.mirror.CatchUp(ctx); err != nil {
		r.t.Fatal(err)
	}
}
