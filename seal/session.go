package seal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

// ErrSessionToken: the session token is not one of ours, or was changed.
var ErrSessionToken = errors.New("not a session token of this installation")

// sessionContext keeps a session token from being passed off as anything else
// that these keys seal.
var sessionContext = []byte("keyhatch session")

// maxSessionToken bounds what is decoded: a header of this size is refused by
// many servers anyway.
const maxSessionToken = 8 << 10

// sealedSession is what a session token holds. The names are short because the
// token travels with each request.
type sealedSession struct {
	Lease     string          `json:"l"`
	Workspace string          `json:"w"`
	User      string          `json:"u"`
	Token     string          `json:"t"`
	Store     string          `json:"s"`
	Key       string          `json:"k"` // access key id
	Secret    string          `json:"x"`
	Access    keyhatch.Access `json:"a"`
	Issued    int64           `json:"i"` // microseconds
	Expires   int64           `json:"e"`
	Parts     []sealedPart    `json:"p"`
	Name      string          `json:"n,omitempty"`
	Policies  []string        `json:"y,omitempty"`
	Ancestors []string        `json:"f,omitempty"`
	Pair      string          `json:"r,omitempty"`
	Presigned bool            `json:"q,omitempty"`
}

type sealedPart struct {
	Bucket      string          `json:"b"`
	Prefix      keyhatch.Prefix `json:"p"`
	Location    string          `json:"l,omitempty"`
	Grant       string          `json:"g,omitempty"`
	ListsBucket bool            `json:"i,omitempty"`
}

// SealSession makes the session token of a lease of our own S3 endpoint. It
// carries everything that the endpoint must know, so that a request needs no
// look-up of the lease.
func (r *Keyring) SealSession(s keyhatch.Session) (keyhatch.Secret, error) {
	l := s.Lease
	plain := sealedSession{
		Lease: l.ID, Workspace: l.Workspace, User: l.User, Token: l.Token, Store: l.Store,
		Key: l.AccessKeyID, Secret: s.SecretKey.Reveal(), Access: l.Access,
		Issued: l.IssuedAt.UnixMicro(), Expires: l.ExpiresAt.UnixMicro(),
		Name: l.SessionName, Policies: l.Policies, Ancestors: l.Ancestors, Pair: l.Pair, Presigned: l.Presigned,
	}
	for _, p := range l.Parts {
		plain.Parts = append(plain.Parts, sealedPart(p))
	}
	encoded, err := json.Marshal(plain)
	if err != nil {
		return "", fmt.Errorf("seal session of %s: %w", l.ID, err)
	}
	sealed, err := r.state.Load().sessions.Encrypt(encoded, sessionContext)
	if err != nil {
		return "", fmt.Errorf("seal session of %s: %w", l.ID, err)
	}
	return keyhatch.Secret(base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// SessionKey is the data key that a session token is sealed with; not ok: it is none of
// ours.
func SessionKey(token keyhatch.Secret) (id uint32, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(token.Reveal())
	if err != nil {
		return 0, false
	}
	return keyhatch.SealedWith(sealed)
}

// sessionKeys is knowing for what strangers send: they must not have the database
// asked as often as they like. Keys are in memory long before they seal anything.
func (r *Keyring) sessionKeys(sealed []byte) *keys {
	k := r.state.Load()
	now, last := time.Now().UnixNano(), r.asked.Load()
	if k.has(SessionsKeyset, sealed) || now-last < int64(time.Second) || !r.asked.CompareAndSwap(last, now) {
		return k
	}
	if read, err := r.knowing(SessionsKeyset, sealed); err == nil {
		return read
	}
	return k
}

// OpenSession opens a session token. Whatever is wrong with it, the error is
// ErrSessionToken. An expired one opens: its lease says when it ended.
func (r *Keyring) OpenSession(token string) (keyhatch.Session, error) {
	// Go's base64 skips line breaks: a token has one spelling.
	if len(token) > maxSessionToken || strings.ContainsAny(token, "\r\n") {
		return keyhatch.Session{}, ErrSessionToken
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return keyhatch.Session{}, ErrSessionToken
	}
	encoded, err := r.sessionKeys(sealed).sessions.Decrypt(sealed, sessionContext)
	if err != nil {
		return keyhatch.Session{}, ErrSessionToken
	}
	var plain sealedSession
	if err := json.Unmarshal(encoded, &plain); err != nil {
		return keyhatch.Session{}, ErrSessionToken
	}
	l := keyhatch.Lease{
		ID: plain.Lease, Workspace: plain.Workspace, User: plain.User, Token: plain.Token, Store: plain.Store,
		AccessKeyID: plain.Key, Access: plain.Access,
		IssuedAt: time.UnixMicro(plain.Issued).UTC(), ExpiresAt: time.UnixMicro(plain.Expires).UTC(),
		SessionName: plain.Name, Policies: plain.Policies, Ancestors: plain.Ancestors, Pair: plain.Pair, Presigned: plain.Presigned,
	}
	for _, p := range plain.Parts {
		l.Parts = append(l.Parts, keyhatch.Part(p))
	}
	return keyhatch.Session{Lease: l, SecretKey: keyhatch.Secret(plain.Secret)}, nil
}
