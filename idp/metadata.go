package idp

import (
	"net/http"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// metadata tells clients what there is.
//
// Source: RFC 8414, section 2; OpenID Connect Discovery 1.0, section 3; RFC 9207, section 3.
type metadata struct {
	Issuer         string   `json:"issuer"`
	Authorization  string   `json:"authorization_endpoint"`
	Token          string   `json:"token_endpoint"`
	Device         string   `json:"device_authorization_endpoint"`
	UserInfo       string   `json:"userinfo_endpoint"`
	Revocation     string   `json:"revocation_endpoint"`
	Introspection  string   `json:"introspection_endpoint"`
	Keys           string   `json:"jwks_uri"`
	Scopes         []string `json:"scopes_supported"`
	ResponseTypes  []string `json:"response_types_supported"`
	ResponseModes  []string `json:"response_modes_supported"`
	Grants         []string `json:"grant_types_supported"`
	SubjectTypes   []string `json:"subject_types_supported"`
	Algorithms     []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth     []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuth []string `json:"revocation_endpoint_auth_methods_supported"`
	Challenges     []string `json:"code_challenge_methods_supported"`
	Claims         []string `json:"claims_supported"`
	Prompts        []string `json:"prompt_values_supported"`
	TellsIssuer    bool     `json:"authorization_response_iss_parameter_supported"`
	RequestURI     bool     `json:"request_uri_parameter_supported"` // false, which has to be said
}

func metadataOf(url string) metadata {
	return metadata{
		Issuer: url, Authorization: url + "/oauth/authorize", Token: url + "/oauth/token", Device: url + "/oauth/device", UserInfo: url + "/oauth/userinfo",
		Revocation: url + "/oauth/revoke", Introspection: url + "/oauth/introspect", Keys: url + "/oauth/keys",
		Scopes: []string{"openid", "profile", "offline_access"}, ResponseTypes: []string{"code"}, ResponseModes: []string{"query"},
		Grants: []string{"authorization_code", "refresh_token", deviceGrant}, SubjectTypes: []string{"public"}, Algorithms: []string{"RS256"},
		ClientAuth: []string{"client_secret_basic", "client_secret_post", "none"}, RevocationAuth: []string{"none"}, Challenges: []string{"S256"},
		Claims:      []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "preferred_username", "name"},
		Prompts:     []string{"none", "login", "consent", "select_account"},
		TellsIssuer: true,
	}
}

func (d *Door) metadata(w http.ResponseWriter, r *http.Request) error {
	d.writeJSON(w, r, http.StatusOK, metadataOf(d.url))
	return nil
}

// keys is the JWK set.
//
// Source: RFC 7517, section 5.
func (d *Door) keys(w http.ResponseWriter, r *http.Request) error {
	set, err := d.oauth.KeySet(r.Context())
	if err != nil {
		return err
	}
	d.writeJSON(w, r, http.StatusOK, set)
	return nil
}

// userInfo is who the user of a token is.
//
// Source: OpenID Connect Core 1.0, section 5.3.
type userInfo struct {
	Subject string `json:"sub"`
	oauth.UserInfo
}

func (d *Door) userInfo(w http.ResponseWriter, r *http.Request) error {
	caller, err := d.guard.Identify(r.Context(), r.Header)
	auth.TellAllowance(w.Header(), caller.Allowance)
	if err != nil {
		return err
	}
	info, err := d.oauth.TellUser(r.Context(), caller)
	if err != nil {
		return err
	}
	d.writeJSON(w, r, http.StatusOK, userInfo{caller.User.ID, info})
	return nil
}

// realm is what Keycloak tells of a realm, for clients that were made for it. All realms are
// this installation: their names are the clients' configuration.
//
// Source: Keycloak, PublishedRealmRepresentation.
type realm struct {
	Realm        string `json:"realm"`
	PublicKey    string `json:"public_key"` // PKIX, in base64
	TokenService string `json:"token-service"`
	Account      string `json:"account-service"`
	NotBefore    int    `json:"tokens-not-before"`
}

func (d *Door) realm(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("realm")
	if keyhatch.CheckName(name) != nil {
		return failures[keyhatch.NotFound]
	}
	keys, err := d.oauth.PublicKeys(r.Context())
	if err != nil {
		return err
	}
	d.writeJSON(w, r, http.StatusOK, realm{
		Realm: name, PublicKey: keys[0].DER, TokenService: d.url + "/auth/realms/" + name + "/protocol/openid-connect", Account: d.url + "/profile",
	})
	return nil
}
