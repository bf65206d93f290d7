package idp

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// issued is what a client gets.
//
// Source: RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3.
type issued struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"` // Bearer
	ExpiresIn int    `json:"expires_in"` // seconds
	Refresh   string `json:"refresh_token,omitempty"`
	ID        string `json:"id_token,omitempty"`
	Scope     string `json:"scope"`
	// Endpoint is the path of the user, for clients that were made for Earthdata Login.
	Endpoint string `json:"endpoint,omitempty"`
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// grants are the ways to come to tokens.
var grants = map[string]func(*Door, *http.Request, oauth.Proof, form) (oauth.Issued, error){
	"authorization_code": func(d *Door, r *http.Request, p oauth.Proof, f form) (oauth.Issued, error) {
		return d.oauth.Redeem(r.Context(), p, oauth.Redemption{
			Code: keyhatch.Secret(f["code"]), Redirect: f["redirect_uri"], Verifier: keyhatch.Secret(f["code_verifier"]),
		})
	},
	"refresh_token": func(d *Door, r *http.Request, p oauth.Proof, f form) (oauth.Issued, error) {
		scopes, _, err := readScopes(f["scope"])
		if err != nil {
			return oauth.Issued{}, err
		}
		return d.oauth.Refresh(r.Context(), p, keyhatch.Secret(f["refresh_token"]), scopes)
	},
	deviceGrant: func(d *Door, r *http.Request, p oauth.Proof, f form) (oauth.Issued, error) {
		return d.oauth.PollDevice(r.Context(), p, keyhatch.Secret(f["device_code"]))
	},
}

var errGrantType = failure{
	status: http.StatusBadRequest, Code: "unsupported_grant_type",
	Description: "send as grant_type authorization_code, refresh_token or " + deviceGrant,
}

// token gives a client tokens.
func (d *Door) token(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	p, err := proofOf(r, f)
	if err != nil {
		return err
	}
	grant := grants[f["grant_type"]]
	if grant == nil {
		return errGrantType
	}
	out, err := grant(d, r, p, f)
	if err != nil {
		return err
	}
	endpoint := ""
	if out.Earthdata {
		endpoint = "/api/users/" + url.PathEscape(out.User.Name)
	}
	d.writeJSON(w, r, http.StatusOK, issued{
		Endpoint: endpoint,
		Access:   out.Access.Reveal(), Type: "Bearer", ExpiresIn: int(out.Life.Seconds()), Refresh: out.Refresh.Reveal(), ID: out.ID.Reveal(),
		Scope: scopeList(out.Scopes, out.OpenID),
	})
	return nil
}

// proofOf is how a client proves itself: by Basic, or with parameters, and not by both.
//
// Source: RFC 6749, section 2.3.1.
func proofOf(r *http.Request, f form) (oauth.Proof, error) {
	named := oauth.Proof{Client: f["client_id"], Secret: keyhatch.Secret(f["client_secret"])}
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return named, nil
	}
	scheme, rest, _ := strings.Cut(headers[0], " ")
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	name, secret, found := strings.Cut(string(plain), ":")
	if err != nil || len(headers) > 1 || !found || !strings.EqualFold(scheme, "basic") {
		return oauth.Proof{}, oauth.ErrClient
	}
	shown, badName := url.QueryUnescape(name)
	text, badSecret := url.QueryUnescape(secret)
	if badName != nil || badSecret != nil || named.Secret != "" || named.Client != "" && named.Client != shown {
		return oauth.Proof{}, oauth.ErrClient
	}
	return oauth.Proof{Client: shown, Secret: keyhatch.Secret(text)}, nil
}

// passedOver are the scopes of OpenID Connect that open nothing of themselves here: what is
// told of a user goes with openid, and whether tokens are refreshed with the client.
var passedOver = []string{"profile", "email", "address", "phone", "offline_access"}

// readScopes reads a list of scopes, each percent-encoded as scopeToken writes it.
func readScopes(list string) (scopes []keyhatch.Scope, openID bool, err error) {
	for _, text := range strings.Fields(list) {
		switch {
		case text == "openid":
			openID = true
		case slices.Contains(passedOver, text):
		default:
			plain, err := url.PathUnescape(text)
			if err != nil {
				return nil, false, oauth.ErrScope
			}
			scopes = append(scopes, keyhatch.Scope(plain))
		}
	}
	return scopes, openID, nil
}

func scopeList(scopes []keyhatch.Scope, openID bool) string {
	var out []string
	if openID {
		out = append(out, "openid")
	}
	for _, s := range scopes {
		out = append(out, scopeToken(s))
	}
	return strings.Join(out, " ")
}

// deviceStarted is what a device shows to its user, and keeps for itself.
//
// Source: RFC 8628, section 3.2.
type deviceStarted struct {
	Device    string `json:"device_code"`
	Code      string `json:"user_code"`
	At        string `json:"verification_uri"`
	Complete  string `json:"verification_uri_complete"`
	ExpiresIn int    `json:"expires_in"` // seconds
	Interval  int    `json:"interval"`   // seconds
}

// startDevice begins the login of a device.
func (d *Door) startDevice(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	p, err := proofOf(r, f)
	if err != nil {
		return err
	}
	var wanted oauth.Wanted
	if wanted.Scopes, wanted.OpenID, err = readScopes(f["scope"]); err != nil {
		return err
	}
	out, err := d.oauth.StartDevice(r.Context(), p, wanted)
	if err != nil {
		return err
	}
	at := d.url + "/device"
	d.writeJSON(w, r, http.StatusOK, deviceStarted{
		Device: out.Secret.Reveal(), Code: out.Code, At: at, Complete: at + "?user_code=" + out.Code,
		ExpiresIn: int(oauth.DeviceLife.Seconds()), Interval: int(oauth.DeviceInterval.Seconds()),
	})
	return nil
}
