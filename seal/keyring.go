package seal

import (
	"bytes"
	"fmt"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keyring holds an installation's data keys, open and in memory.
type Keyring struct {
	columns  tink.AEAD // secrets in rows
	sessions tink.AEAD // session tokens of our S3 endpoint
	tokens   *prf.Set  // peppers of API token hashes
	audit    *prf.Set  // keys of the audit record
}

// The keysets by name. Session tokens are XChaCha20-Poly1305, whose random
// nonces are safe at any number of leases.
const (
	columnsKeyset  = "columns"
	sessionsKeyset = "sessions"
	tokensKeyset   = "tokens"
	auditKeyset    = "audit"
)

var templates = []struct {
	name     string
	template func() *tinkpb.KeyTemplate
}{
	{columnsKeyset, aead.XChaCha20Poly1305KeyTemplate},
	{sessionsKeyset, aead.XChaCha20Poly1305KeyTemplate},
	{tokensKeyset, prf.HMACSHA256PRFKeyTemplate},
	{auditKeyset, prf.HMACSHA256PRFKeyTemplate},
}

// NewKeysets makes the data keys of a new installation, wrapped by kek.
func NewKeysets(kek KEK) ([]keyhatch.Keyset, error) {
	var out []keyhatch.Keyset
	for _, t := range templates {
		handle, err := keyset.NewHandle(t.template())
		if err != nil {
			return nil, fmt.Errorf("new keyset %s: %w", t.name, err)
		}
		var wrapped bytes.Buffer
		err = handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&wrapped), kek.aead, keysetContext(t.name))
		if err != nil {
			return nil, fmt.Errorf("wrap keyset %s: %w", t.name, err)
		}
		out = append(out, keyhatch.Keyset{Name: t.name, KEK: kek.ID, Wrapped: wrapped.Bytes(), CreatedAt: time.Now()})
	}
	return out, nil
}

// OpenKeyring opens the data keys. An error says whether the key-encryption key
// is another one than they were wrapped with.
func OpenKeyring(kek KEK, sets []keyhatch.Keyset) (*Keyring, error) {
	handles := map[string]*keyset.Handle{}
	for _, s := range sets {
		if s.KEK != kek.ID {
			return nil, fmt.Errorf("the key file holds %s, but the database was sealed with %s: put that key file back", kek.ID, s.KEK)
		}
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(s.Wrapped)), kek.aead, keysetContext(s.Name))
		if err != nil {
			return nil, fmt.Errorf("the key file's key does not open keyset %s: it is damaged or another one of the same name", s.Name)
		}
		handles[s.Name] = h
	}
	for _, t := range templates {
		if handles[t.name] == nil {
			return nil, fmt.Errorf("keyset %s is missing from the database", t.name)
		}
	}
	var r Keyring
	var err error
	if r.columns, err = aead.New(handles[columnsKeyset]); err != nil {
		return nil, fmt.Errorf("keyset %s: %w", columnsKeyset, err)
	}
	if r.sessions, err = aead.New(handles[sessionsKeyset]); err != nil {
		return nil, fmt.Errorf("keyset %s: %w", sessionsKeyset, err)
	}
	if r.tokens, err = prf.NewPRFSet(handles[tokensKeyset]); err != nil {
		return nil, fmt.Errorf("keyset %s: %w", tokensKeyset, err)
	}
	if r.audit, err = prf.NewPRFSet(handles[auditKeyset]); err != nil {
		return nil, fmt.Errorf("keyset %s: %w", auditKeyset, err)
	}
	return &r, nil
}

// keysetContext binds a wrapped keyset to its name, so that two cannot be
// swapped in the database.
func keysetContext(name string) []byte { return []byte("keyhatch keyset|" + name) }

// SealColumn seals a secret for one place of the database. It opens nowhere
// else: table, row and column are bound to the ciphertext.
func (r *Keyring) SealColumn(table, row, column string, secret keyhatch.Secret) ([]byte, error) {
	return r.columns.Encrypt([]byte(secret.Reveal()), columnContext(table, row, column))
}

// OpenColumn opens what SealColumn sealed for the same place.
func (r *Keyring) OpenColumn(table, row, column string, sealed []byte) (keyhatch.Secret, error) {
	secret, err := r.columns.Decrypt(sealed, columnContext(table, row, column))
	if err != nil {
		return "", fmt.Errorf("the sealed %s of %s %s does not open: it was moved, changed or sealed with another key", column, table, row)
	}
	return keyhatch.Secret(secret), nil
}

// columnContext names a place. Tables, ids and columns hold no "|".
func columnContext(table, row, column string) []byte {
	return []byte(table + "|" + row + "|" + column)
}

const hashBytes = 32

// HashToken is the hash under which a new token's secret is kept.
func (r *Keyring) HashToken(secret keyhatch.Secret) (keyhatch.TokenHash, error) {
	return tokenHash(r.tokens.PrimaryID, r.tokens.PRFs[r.tokens.PrimaryID], secret)
}

// HashesOfToken are the hashes under which a presented secret may be kept: one
// a pepper, the newest first.
func (r *Keyring) HashesOfToken(secret keyhatch.Secret) ([]keyhatch.TokenHash, error) {
	newest, err := r.HashToken(secret)
	if err != nil {
		return nil, err
	}
	out := []keyhatch.TokenHash{newest}
	for id, p := range r.tokens.PRFs {
		if id == r.tokens.PrimaryID {
			continue
		}
		h, err := tokenHash(id, p, secret)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

func tokenHash(id uint32, p prf.PRF, secret keyhatch.Secret) (keyhatch.TokenHash, error) {
	sum, err := p.ComputePRF([]byte(secret.Reveal()), hashBytes)
	if err != nil {
		return keyhatch.TokenHash{}, fmt.Errorf("hash token: %w", err)
	}
	return keyhatch.TokenHash{Pepper: id, Hash: string(sum)}, nil
}

// AuditMAC is the keyed hash of the audit record (HMAC-SHA-256).
func (r *Keyring) AuditMAC(data []byte) keyhatch.Hash {
	sum, err := r.audit.ComputePrimaryPRF(data, hashBytes)
	if err != nil {
		// Only an output length that the key cannot give fails, and it is fixed.
		panic(fmt.Sprintf("seal: audit hash: %v", err))
	}
	return sum
}
