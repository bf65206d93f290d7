package earthdata

import (
	"cmp"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/policy"
)

// longest is how long keys last where nothing sets an earlier end. One client keeps them for 55
// minutes whatever is said.
const longest = time.Hour

// credentials are the keys, in the order and the spelling in which clients read them.
type credentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Expiration      string `json:"expiration"`
}

// timeForm is how the end is written: GDAL reads this one and no other. A part of a second is
// left out.
const timeForm = "2006-01-02 15:04:05-07:00"

// reading is the call as scopes see it.
var reading = policy.Route{Method: http.MethodGet, Path: "/s3credentials", Noun: "leases", Lending: true}

func (d *Door) credentials(w http.ResponseWriter, r *http.Request) error {
	client, err := clientOf(r)
	if err != nil {
		return err
	}
	c, err := d.caller(w, r)
	if err != nil {
		return d.orToLogin(w, r, err)
	}
	q := r.URL.Query()
	lent, err := d.lending.LeaseReadable(r.Context(), c, lending.ReadRequest{
		Workspace: auth.AskedWorkspace(r), Location: q.Get("location"), Prefix: q.Get("prefix"), OtherwiseIn: d.Workspace, Otherwise: d.Location,
		UpTo: longest, Client: client,
	})
	if err != nil {
		return d.withTermsPage(err, c, r)
	}
	keys := lent.Credentials
	return d.send(w, r, http.StatusOK, credentials{
		AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey.Reveal(), SessionToken: keys.SessionToken.Reveal(),
		Expiration: lent.Lease.ExpiresAt.UTC().Format(timeForm),
	})
}

// noClient is how keys are called for programs that do not say what they are.
const noClient = "s3credentials"

// clientOf is what a program calls itself: it stands in the names of sessions.
func clientOf(r *http.Request) (string, error) {
	for _, header := range []string{"EDL-Client-Name", "App-Name"} {
		name := r.Header.Get(header)
		if name != "" && keyhatch.CheckSessionName(name) != nil {
			return "", failure{Status: http.StatusBadRequest, Code: "invalid_client_name", Description: header + " is invalid: send 2 to 64 letters, digits and _+,.=@-"}
		}
	}
	return cmp.Or(r.Header.Get("EDL-Client-Name"), r.Header.Get("App-Name"), noClient), nil
}

// caller tells who asks, by what counts first: a token beside the id of a client, what stands in
// Authorization, the cookie. errNobody when nothing was shown.
func (d *Door) caller(w http.ResponseWriter, r *http.Request) (keyhatch.Caller, error) {
	ctx := auth.InWorkspace(r.Context(), auth.AskedWorkspace(r))
	shown, beside := r.Header.Values("Authorization"), keyhatch.Secret(r.Header.Get("EDL-Token"))
	cookie, remembers := d.cookies.Shown(r, auth.KeysCookie)
	var c keyhatch.Caller
	var err error
	switch {
	case beside != "" && r.Header.Get("EDL-Client-Id") != "":
		if c, err = d.guard.AdmitToken(ctx, beside, reading); isNobody(err) {
			err = errBeside
		}
	case len(shown) > 0:
		if err = wellFormed(shown); err == nil {
			c, err = d.guard.Admit(ctx, r.Header, reading)
		}
	case d.cookies.Embedded(r):
		err = errEmbedded
	case remembers:
		if c, err = d.guard.AdmitToken(ctx, cookie, reading); isNobody(err) || err == nil && wornOut(c.Token) {
			c, err = keyhatch.Caller{}, errNobody
		}
	default:
		err = errNobody
	}
	if err == nil && c.Password != "" {
		c, err = d.withToken(r, c)
	}
	auth.TellAllowance(w.Header(), c.Allowance)
	return c, err
}

// wornOut tells whether a cookie's token ends before the keys would, so that it is time to
// log in again. One that lives for little longer than the keys is used for half of its life: the
// login would give another like it. One of another issuer is used to its end: the login there may
// give the same one.
func wornOut(t keyhatch.Token) bool {
	return t.Bearer.Issuer == "" && time.Until(t.ExpiresAt) < min(longest, t.ExpiresAt.Sub(t.CreatedAt)/2)
}

// withToken is a caller with the token that Earthdata Login would have given for its password:
// leases end with a token.
func (d *Door) withToken(r *http.Request, c keyhatch.Caller) (keyhatch.Caller, error) {
	if auth.ByAnother(r) {
		return keyhatch.Caller{}, errEmbedded
	}
	t, err := d.oauth.FindOrCreateUserToken(r.Context(), c)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	return d.guard.AdmitToken(r.Context(), t.Text, reading)
}

func (d *Door) locate(w http.ResponseWriter, r *http.Request) error {
	c, err := d.caller(w, r)
	if err != nil {
		return d.orToLogin(w, r, err)
	}
	bucket := r.URL.Query().Get("bucket_name")
	if bucket == "" {
		return failure{Status: http.StatusBadRequest, Code: "invalid_request", Description: `Required "bucket_name" query parameter not specified: add ?bucket_name=`}
	}
	prefixes, err := d.lending.ReadableIn(r.Context(), c, bucket)
	if err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, prefixes)
}

func (d *Door) version(w http.ResponseWriter, r *http.Request) error {
	return d.send(w, r, http.StatusOK, struct {
		Response string `json:"response_version"`
		API      string `json:"api_version"`
	}{"v1", d.Version})
}
