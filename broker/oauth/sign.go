package oauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

const keyBits = 2048

func noIssuer() error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the server does not know its public URL, which stands in all that it signs: tell its operator to set public_url")
}

// mayHaveToSign makes the first key before it is needed, which takes a while.
func (svc *Service) mayHaveToSign(ctx context.Context) error {
	if svc.issuer == "" {
		return nil
	}
	_, err := svc.keys(ctx)
	return err
}

// keys are the signing keys, the newest first, of which the first signs. There is one at least.
func (svc *Service) keys(ctx context.Context) ([]db.SigningKey, error) {
	keys, err := svc.k.DB.SigningKeys(ctx)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	private, err := svc.newKey()
	if err != nil {
		return nil, err
	}
	err = svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		if keys, err = w.SigningKeys(ctx); err != nil {
			return err
		}
		if len(keys) > 0 {
			return errMade
		}
		keys, err = svc.insertKey(w, private)
		return err
	})
	if errors.Is(err, errMade) {
		err = nil
	}
	return keys, err
}

var errMade = errors.New("somebody has made one at the same time")

// newKey makes a key, which takes some tenths of a second.
func (svc *Service) newKey() (*rsa.PrivateKey, error) {
	if svc.issuer == "" {
		return nil, noIssuer()
	}
	return rsa.GenerateKey(rand.Reader, keyBits)
}

func (svc *Service) insertKey(w *kernel.Work, private *rsa.PrivateKey) ([]db.SigningKey, error) {
	k := db.SigningKey{ID: keyhatch.NewID(keyhatch.SigningKeyID, w.Now), CreatedAt: w.Now}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	k.Public = base64.StdEncoding.EncodeToString(public)
	secret := keyhatch.Secret(base64.StdEncoding.EncodeToString(plain))
	if k.Sealed, err = svc.k.Keys.SealColumn(db.OAuthKeysTable, k.ID, db.SecretColumn, secret); err != nil {
		return nil, err
	}
	if err := w.Tx.InsertSigningKey(w.Ctx, k); err != nil {
		return nil, err
	}
	return []db.SigningKey{k}, w.Record(KeyMade, "", k.ID, nil)
}

// PublicKey is one with which others check what we have signed.
type PublicKey struct {
	ID  string // its kid
	DER string // PKIX, in base64
}

// PublicKeys are those keys, the one first that signs now.
func (svc *Service) PublicKeys(ctx context.Context) ([]PublicKey, error) {
	keys, err := svc.keys(ctx)
	out := make([]PublicKey, len(keys))
	for i, k := range keys {
		out[i] = PublicKey{k.ID, k.Public}
	}
	return out, err
}

// KeySet is the JWK set of those keys.
func (svc *Service) KeySet(ctx context.Context) (json.RawMessage, error) {
	keys, err := svc.keys(ctx)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	for _, k := range keys {
		der, err := base64.StdEncoding.DecodeString(k.Public)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		public, err := x509.ParsePKIXPublicKey(der)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: public, KeyID: k.ID, Algorithm: string(jose.RS256), Use: "sig"})
	}
	return json.Marshal(set)
}

// sign signs claims with the newest key. typ keeps access tokens and ID tokens apart.
//
// Source: RFC 7515; RFC 9068, section 2.1.
func (svc *Service) sign(w *kernel.Work, typ string, claims any) (keyhatch.Secret, error) {
	if svc.issuer == "" {
		return "", noIssuer()
	}
	keys, err := w.SigningKeys(w.Ctx)
	if err != nil || len(keys) == 0 {
		return "", errors.Join(err, errors.New("there is no signing key"))
	}
	return svc.signWith(keys[0], typ, claims)
}

// signWith signs claims with a key. The text is the same for the same claims.
func (svc *Service) signWith(key db.SigningKey, typ string, claims any) (keyhatch.Secret, error) {
	secret, err := svc.k.Keys.OpenColumn(db.OAuthKeysTable, key.ID, db.SecretColumn, key.Sealed)
	if err != nil {
		return "", err
	}
	plain, err := base64.StdEncoding.DecodeString(secret.Reveal())
	if err != nil {
		return "", err
	}
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	text, err := signed.CompactSerialize()
	return keyhatch.Secret(text), err
}

// claims are what we say of a user.
//
// Source: OpenID Connect Core 1.0, sections 2 and 5.1; RFC 9068, section 2.2.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
	AuthTime int64  `json:"auth_time,omitempty"`
	UID      string `json:"uid,omitempty"`
	UserInfo
}

// UserInfo is who a user is. There is no e-mail address: users write their own, nobody verifies
// it, and many a client takes whom an address names for the one who has it, whatever
// email_verified says. Names are given by installation admins.
//
// Source: OpenID Connect Core 1.0, section 5.7: iss and sub alone tell users apart.
type UserInfo struct {
	Username string `json:"preferred_username"`
	Name     string `json:"name,omitempty"`
}

func infoOf(u keyhatch.User) UserInfo { return UserInfo{u.Name, u.FullName} }

// signAccess writes an access token as a signed text. Its jti is the token's id, its end is
// the token's, and nobody else has it while the key is secret: what it says is not. It is for our API, which
// stands in aud; an ID token is for the client: neither passes for the other where aud is looked
// at, also by who does not look at typ. A client that was made for Earthdata Login reads the user's
// name from uid, as in all tokens of that.
//
// Source: RFC 9068, sections 2.2 and 4.
func (svc *Service) signAccess(w *kernel.Work, client keyhatch.OAuthClient, u keyhatch.User, t keyhatch.Token) (keyhatch.Secret, error) {
	says := claims{
		Issuer: svc.issuer, Subject: u.ID, Audience: svc.issuer, Expires: t.ExpiresAt.Unix(), IssuedAt: w.Now.Unix(),
		ID: t.ID, ClientID: client.Name, UserInfo: infoOf(u),
	}
	if client.Earthdata {
		says.UID = u.Name
	}
	return svc.sign(w, "at+jwt", says)
}

// idLife is how long an ID token can be read at most: by then its client has read it. It is less
// than a key is published after it was retired.
const idLife = time.Hour

// signID writes an ID token. It opens nothing here.
func (svc *Service) signID(w *kernel.Work, client keyhatch.OAuthClient, u keyhatch.User, consent keyhatch.Consent, until time.Time) (keyhatch.Secret, error) {
	if last := w.Now.Add(idLife); until.After(last) {
		until = last
	}
	says := claims{
		Issuer: svc.issuer, Subject: u.ID, Audience: client.Name, Expires: until.Unix(), IssuedAt: w.Now.Unix(),
		Nonce: consent.Nonce, UserInfo: infoOf(u),
	}
	if !consent.LoggedIn.IsZero() {
		says.AuthTime = consent.LoggedIn.Unix()
	}
	return svc.sign(w, "JWT", says)
}

// TellUser tells who the caller is, if its token came of a consent to that: keyhatch.Forbidden
// when not.
//
// Source: OpenID Connect Core 1.0, section 5.3.
func (svc *Service) TellUser(ctx context.Context, c keyhatch.Caller) (UserInfo, error) {
	consent, err := svc.k.DB.Consent(ctx, c.Token.Consent)
	if errors.Is(err, keyhatch.NotFound) || err == nil && (!consent.OpenID || c.Token.MadeWith != "") {
		return UserInfo{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeNotGranted, "the token did not come of a consent to the scope openid: ask for it when you ask for a token")
	}
	return infoOf(c.User), err
}
