package probe_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/probe"
)

// cloud is STS and a store as far as a prober asks them.
type cloud struct {
	keys      map[string]bool   // that are known; their secrets are not looked at
	roles     map[string]string // ARN → the external id that it asks for; empty for none
	admits    map[string]string // ARN → the beginning of the key id that it admits
	mayList   bool
	otherwise string // how a wrong external id is refused; empty: AccessDenied
	region    string // that signatures for a list have to be of; empty: any
	tells     string // the region that it names when they are of another
	mu        sync.Mutex
	asked     []string // Action of STS, or "list", by which key
	endpoints *httptest.Server
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{keys: map[string]bool{"AKIAUS": true, "AKIATHEIRS": true}, roles: map[string]string{}, admits: map[string]string{}}
	c.endpoints = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.endpoints.Close)
	return c
}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, rest, _ := strings.Cut(scope, "/")
	if key == "" {
		http.Error(w, "who are you", http.StatusForbidden)
		return
	}
	action := "list"
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "no form", http.StatusBadRequest)
			return
		}
		action = r.PostForm.Get("Action")
	}
	c.mu.Lock()
	c.asked = append(c.asked, action+" "+key)
	c.mu.Unlock()
	refuse := func(code string) {
		w.WriteHeader(http.StatusForbidden)
		if action == "list" {
			fmt.Fprintf(w, `<Error><Code>%s</Code><Message>secret of theirs</Message></Error>`, code)
			return
		}
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>secret of theirs</Message></Error></ErrorResponse>`, code)
	}
	switch {
	case !c.keys[key] && !strings.HasPrefix(key, "ASIA"):
		refuse(map[bool]string{true: "InvalidAccessKeyId", false: "InvalidClientTokenId"}[action == "list"])
	case action == "list" && c.region != "" && strings.Split(rest, "/")[1] != c.region:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>AuthorizationHeaderMalformed</Code><Message>secret of theirs</Message><Region>%s</Region></Error>`, c.tells)
	case action == "list" && !c.mayList:
		refuse("AccessDenied")
	case action == "list":
		fmt.Fprint(w, `<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>`)
	case action == "GetCallerIdentity":
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ann</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	case action == "AssumeRole":
		c.assume(w, r.PostForm, key, refuse)
	}
}

func (c *cloud) assume(w http.ResponseWriter, form url.Values, key string, refuse func(string)) {
	role := form.Get("RoleArn")
	wants, is := c.roles[role]
	_, name, _ := strings.Cut(role, "/")
	if !is || wants != "" && form.Get("ExternalId") != wants || !strings.HasPrefix(key, c.admits[role]) {
		refuse(cmp.Or(c.otherwise, "AccessDenied"))
		return
	}
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
		<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, strings.ToUpper(name))
}

const theirRole, baseRole = "arn:aws:iam::123456789012:role/theirs", "arn:aws:iam::210987654321:role/base"

func role(arn, externalID string) keyhatch.Authority {
	return keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: arn, Secret: keyhatch.Secret(externalID)}
}

func key(id, endpoint string) keyhatch.Authority {
	a := keyhatch.AWSKeys(id, "secret")
	a.Endpoint = endpoint
	return a
}

// TestProbe: what is found of keys and roles, with what is asked, and as whom.
func TestProbe(t *testing.T) {
	t.Parallel()
	base, baseKeys, storesKeys := role(baseRole, "for-base"), key("AKIATHEIRS", ""), key("AKIATHEIRS", "https://store.example")
	for _, tc := range []struct {
		name   string
		cloud  func(*cloud)
		nobody bool // Keyhatch itself
		ask    func(*cloud) keyhatch.Authority
		base   *keyhatch.Authority
		want   []string // check outcome, and a word of the reason
		asked  []string
	}{
		{
			name: "keys", ask: func(*cloud) keyhatch.Authority { return key("AKIATHEIRS", "") },
			want: []string{"identity passed user/ann"}, asked: []string{"GetCallerIdentity AKIATHEIRS"},
		},
		{
			name: "keys that there are not", ask: func(*cloud) keyhatch.Authority { return key("AKIANONE", "") },
			want: []string{"identity failed InvalidClientTokenId"}, asked: []string{"GetCallerIdentity AKIANONE"},
		},
		{
			name: "keys of a store", cloud: func(c *cloud) { c.mayList = true }, ask: func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want: []string{"endpoint passed", "identity passed"}, asked: []string{"list AKIATHEIRS"},
		},
		{
			name: "keys of a store that may not list", ask: func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want: []string{"endpoint passed", "identity warning may not list"}, asked: []string{"list AKIATHEIRS"},
		},
		{
			name:  "keys of a store of another region",
			cloud: func(c *cloud) { c.mayList, c.region, c.tells = true, "eu-central-1", "eu-central-1" },
			ask:   func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want:  []string{"endpoint passed", "identity passed region eu-central-1"}, asked: []string{"list AKIATHEIRS", "list AKIATHEIRS"},
		},
		{
			name:  "keys of a store of another region, that may not list",
			cloud: func(c *cloud) { c.region, c.tells = "eu-central-1", "eu-central-1" },
			ask:   func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want:  []string{"endpoint passed", "identity warning may not list"}, asked: []string{"list AKIATHEIRS", "list AKIATHEIRS"},
		},
		{
			name:  "keys of a store that changes its mind",
			cloud: func(c *cloud) { c.mayList, c.region, c.tells = true, "eu-central-1", "mars-north-1" },
			ask:   func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want:  []string{"endpoint passed", "identity warning mars-north-1"}, asked: []string{"list AKIATHEIRS", "list AKIATHEIRS"},
		},
		{
			name:  "keys of a store that does not name its region",
			cloud: func(c *cloud) { c.mayList, c.region = true, "eu-central-1" },
			ask:   func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want:  []string{"endpoint passed", "identity warning us-east-1"}, asked: []string{"list AKIATHEIRS"},
		},
		{
			name:  "keys of a store that names no region",
			cloud: func(c *cloud) { c.mayList, c.region, c.tells = true, "eu-central-1", "secret of theirs" },
			ask:   func(c *cloud) keyhatch.Authority { return key("AKIATHEIRS", c.endpoints.URL) },
			want:  []string{"endpoint passed", "identity warning us-east-1"}, asked: []string{"list AKIATHEIRS"},
		},
		{
			name: "keys that a store does not know", ask: func(c *cloud) keyhatch.Authority { return key("AKIANONE", c.endpoints.URL) },
			want: []string{"endpoint passed", "identity failed InvalidAccessKeyId"}, asked: []string{"list AKIANONE"},
		},
		{
			name: "keys of a store that is not there", ask: func(c *cloud) keyhatch.Authority { c.endpoints.Close(); return key("AKIATHEIRS", c.endpoints.URL) },
			want: []string{"endpoint failed nothing answers", "identity skipped before it failed"},
		},
		{
			name: "a role", cloud: func(c *cloud) { c.roles[theirRole] = "word" }, ask: func(*cloud) keyhatch.Authority { return role(theirRole, "word") },
			want: []string{"base passed what Keyhatch itself is", "assume_role passed", "external_id passed"}, asked: []string{"AssumeRole AKIAUS", "AssumeRole AKIAUS"},
		},
		{
			name: "a role with another external id", cloud: func(c *cloud) { c.roles[theirRole] = "word" }, ask: func(*cloud) keyhatch.Authority { return role(theirRole, "other") },
			want: []string{"base passed", "assume_role failed AccessDenied", "external_id skipped"}, asked: []string{"AssumeRole AKIAUS"},
		},
		{
			name: "a role that asks for no external id", cloud: func(c *cloud) { c.roles[theirRole] = "" }, ask: func(*cloud) keyhatch.Authority { return role(theirRole, "word") },
			want: []string{"base passed", "assume_role passed", "external_id warning without its external id"}, asked: []string{"AssumeRole AKIAUS", "AssumeRole AKIAUS"},
		},
		{
			name: "a role, by nobody", nobody: true, cloud: func(c *cloud) { c.roles[theirRole] = "word" }, ask: func(*cloud) keyhatch.Authority { return role(theirRole, "word") },
			want: []string{"base failed aws.identity", "assume_role skipped", "external_id skipped"},
		},
		{
			name: "a role through a key", nobody: true, cloud: func(c *cloud) { c.roles[theirRole], c.admits[theirRole] = "word", "AKIATHEIRS" },
			ask: func(*cloud) keyhatch.Authority { return role(theirRole, "word") }, base: &baseKeys,
			want: []string{"base passed AKIATHEIRS", "assume_role passed", "external_id passed"}, asked: []string{"AssumeRole AKIATHEIRS", "AssumeRole AKIATHEIRS"},
		},
		{
			name: "a role through a role", cloud: func(c *cloud) {
				c.roles[theirRole], c.admits[theirRole], c.roles[baseRole] = "word", "ASIABASE", "for-base"
			}, ask: func(*cloud) keyhatch.Authority { return role(theirRole, "word") }, base: &base,
			want: []string{"base passed " + baseRole, "assume_role passed an hour at most", "external_id passed"}, asked: []string{"AssumeRole AKIAUS", "AssumeRole ASIABASE", "AssumeRole ASIABASE"},
		},
		{
			name: "a role through a role that there is not", cloud: func(c *cloud) { c.roles[theirRole] = "word" },
			ask: func(*cloud) keyhatch.Authority { return role(theirRole, "word") }, base: &base,
			want: []string{"base failed AccessDenied", "assume_role skipped", "external_id skipped"}, asked: []string{"AssumeRole AKIAUS"},
		},
		{name: "a role of a store, as ourselves", cloud: func(c *cloud) { c.roles[theirRole] = "word" }, ask: func(c *cloud) keyhatch.Authority {
			a := role(theirRole, "word")
			a.Endpoint = c.endpoints.URL
			return a
		}, want: []string{"endpoint passed", "base failed keys of that store", "assume_role skipped", "external_id skipped"}},
		{name: "a role of a store, through AWS's keys", cloud: func(c *cloud) { c.roles[theirRole] = "word" }, base: &baseKeys, ask: func(c *cloud) keyhatch.Authority {
			a := role(theirRole, "word")
			a.Endpoint = c.endpoints.URL
			return a
		}, want: []string{"endpoint passed", "base failed keys of that store", "assume_role skipped", "external_id skipped"}},
		{name: "a role of AWS, through a store's keys", cloud: func(c *cloud) { c.roles[theirRole] = "word" }, base: &storesKeys, ask: func(*cloud) keyhatch.Authority {
			return role(theirRole, "word")
		}, want: []string{"base failed the role is of AWS", "assume_role skipped", "external_id skipped"}},
		{
			name: "a role that fails in another way without the external id", cloud: func(c *cloud) { c.roles[theirRole], c.otherwise = "word", "InternalFailure" },
			ask:  func(*cloud) keyhatch.Authority { return role(theirRole, "word") },
			want: []string{"base passed", "assume_role passed", "external_id skipped cannot be told"}, asked: []string{"AssumeRole AKIAUS", "AssumeRole AKIAUS"},
		},
		{name: "an account's key", ask: func(*cloud) keyhatch.Authority {
			return keyhatch.Authority{Provider: keyhatch.Azure, Kind: keyhatch.KeysCredential}
		}, want: []string{"use skipped AZURE yet"}},
		{name: "a signature that has ended", ask: func(*cloud) keyhatch.Authority {
			return keyhatch.Authority{Provider: keyhatch.Azure, Kind: keyhatch.TokenCredential, Secret: "?sv=1&sig=x&se=2001-01-01T00:00:00Z"}
		}, want: []string{"expiry failed 2001-01-01", "use skipped"}},
		{name: "a signature that has not", ask: func(*cloud) keyhatch.Authority {
			return keyhatch.Authority{Provider: keyhatch.Azure, Kind: keyhatch.TokenCredential, Secret: "sv=1&sig=x&se=2999-01-01"}
		}, want: []string{"expiry passed 2999-01-01", "use skipped"}},
		{name: "a service account", ask: func(*cloud) keyhatch.Authority {
			return keyhatch.Authority{Provider: keyhatch.GCP, Kind: keyhatch.TokenCredential}
		}, want: []string{"use skipped GCP yet"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			if tc.cloud != nil {
				tc.cloud(c)
			}
			config := probe.Config{Transport: http.DefaultTransport, STSEndpoint: c.endpoints.URL}
			if !tc.nobody {
				config.Identity = credentials.NewStaticCredentialsProvider("AKIAUS", "secret", "")
			}
			found := probe.New(config).Probe(t.Context(), tc.ask(c), tc.base)
			if len(found) != len(tc.want) {
				t.Fatalf("found %+v, want %q", found, tc.want)
			}
			for i, want := range tc.want {
				name, rest, _ := strings.Cut(want, " ")
				outcome, reason, _ := strings.Cut(rest, " ")
				if got := found[i]; got.Name != name || string(got.Outcome) != outcome || !strings.Contains(got.Reason, reason) {
					t.Errorf("found %+v, want %q", got, want)
				}
				if strings.Contains(found[i].Reason, "secret of theirs") {
					t.Errorf("%s says what the server said: %s", name, found[i].Reason)
				}
			}
			if !slices.Equal(c.asked, tc.asked) {
				t.Errorf("asked %q, want %q", c.asked, tc.asked)
			}
		})
	}
}

// TestRegionOfEndpoint: a request to an endpoint of a region of AWS is signed for that
// region. Once all were for us-east-1, and good keys did not verify.
func TestRegionOfEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, region := range map[string]string{
		"https://s3.eu-central-1.amazonaws.com":  "eu-central-1",
		"https://s3.cn-north-1.amazonaws.com.cn": "cn-north-1",
		"https://s3.amazonaws.com":               "us-east-1",
		"https://store.example":                  "us-east-1",
	} {
		var signed []string
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if of := strings.Split(r.Header.Get("Authorization"), "/"); len(of) > 2 {
				signed = append(signed, of[2])
			}
			return &http.Response{StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader(`<ListAllMyBucketsResult/>`))}, nil
		})
		found := probe.New(probe.Config{Transport: transport}).Probe(t.Context(), key("AKIATHEIRS", endpoint), nil)
		if !slices.Equal(signed, []string{region}) || found[len(found)-1].Outcome != keyhatch.Passed {
			t.Errorf("%s: signed for %q, found %+v", endpoint, signed, found)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestProbeEndsInTime: a cloud that does not answer is waited for no longer than the
// context says.
func TestProbeEndsInTime(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	p := probe.New(probe.Config{Transport: http.DefaultTransport, STSEndpoint: silent.URL})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, a := range []keyhatch.Authority{key("AKIATHEIRS", ""), key("AKIATHEIRS", silent.URL)} {
		if found := p.Probe(ctx, a, nil); found[0].Outcome != keyhatch.Failed {
			t.Errorf("found %+v", found)
		}
	}
}

// TestAnswersAreBounded: of an answer without end a mebibyte is read, and no more is held.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		for part := bytes.Repeat([]byte("<a>"), 10_000); sent.Load() < 1<<30; sent.Add(int64(len(part))) {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	t.Cleanup(endless.Close)
	found := probe.New(probe.Config{Transport: http.DefaultTransport}).Probe(t.Context(), key("AKIATHEIRS", endless.URL), nil)
	if found[len(found)-1].Outcome != keyhatch.Failed {
		t.Errorf("found %+v", found)
	}
	if n := sent.Load(); n > 64<<20 { // what the connections hold besides
		t.Errorf("%d bytes were taken", n)
	}
}
