package seal

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The keysets by name. Session tokens are XChaCha20-Poly1305, whose random
// nonces are safe at any number of leases.
const (
	ColumnsKeyset  = keyhatch.ColumnsKeyset
	SessionsKeyset = keyhatch.SessionsKeyset
	TokensKeyset   = keyhatch.TokensKeyset
	AuditKeyset    = keyhatch.AuditKeyset
)

var templates = []struct {
	name     string
	template func() *tinkpb.KeyTemplate
}{
	{ColumnsKeyset, aead.XChaCha20Poly1305KeyTemplate},
	{SessionsKeyset, aead.XChaCha20Poly1305KeyTemplate},
	{TokensKeyset, prf.HMACSHA256PRFKeyTemplate},
	{AuditKeyset, prf.HMACSHA256PRFKeyTemplate},
}

// keys are data keys that are open.
type keys struct {
	sets    map[string]keyhatch.Keyset // as they are stored
	handles map[string]*keyset.Handle
	ids     map[string]map[uint32]bool // of the keys of a keyset

	columns  tink.AEAD
	sessions tink.AEAD
	tokens   *prf.Set
	audit    *prf.Set
}

// NewKeysets makes the data keys of a new installation, wrapped by kek.
func NewKeysets(kek KEK) ([]keyhatch.Keyset, error) {
	var out []keyhatch.Keyset
	for _, t := range templates {
		handle, err := keyset.NewHandle(t.template())
		if err != nil {
			return nil, fmt.Errorf("new keyset %s: %w", t.name, err)
		}
		set := keyhatch.Keyset{Name: t.name, CreatedAt: time.Now()}
		if set, err = kek.wrap(set, handle); err != nil {
			return nil, err
		}
		out = append(out, set)
	}
	return out, nil
}

// wrap is the keyset with those keys in it, wrapped.
func (k KEK) wrap(set keyhatch.Keyset, handle *keyset.Handle) (keyhatch.Keyset, error) {
	var wrapped bytes.Buffer
	told := telling{AEAD: k.aead}
	err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&wrapped), &told, keysetContext(set.Name))
	if err != nil {
		return keyhatch.Keyset{}, fmt.Errorf("wrap keyset %s: %w", set.Name, errors.Join(told.err, err))
	}
	set.KEK, set.Wrapped = k.ID, wrapped.Bytes()
	return set, nil
}

// unwrap opens a keyset.
func (k KEK) unwrap(set keyhatch.Keyset) (*keyset.Handle, error) {
	told := telling{AEAD: k.aead}
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(set.Wrapped)), &told, keysetContext(set.Name))
	switch {
	case err == nil:
		return h, nil
	case errors.As(told.err, &ElsewhereError{}):
		return nil, fmt.Errorf("keyset %s cannot be opened: %w", set.Name, told.err)
	}
	return nil, fmt.Errorf("the key-encryption key does not open keyset %s: it is damaged or another one of the same name", set.Name)
}

// ElsewhereError is what a key management service says, or that it says nothing.
type ElsewhereError struct{ Err error }

func (e ElsewhereError) Error() string { return e.Err.Error() }
func (e ElsewhereError) Unwrap() error { return e.Err }

// telling keeps the error of an AEAD, which Tink does not hand on.
type telling struct {
	tink.AEAD
	err error
}

func (t *telling) Encrypt(plain, context []byte) (sealed []byte, err error) {
	sealed, err = t.AEAD.Encrypt(plain, context)
	t.err = err
	return sealed, err
}

func (t *telling) Decrypt(sealed, context []byte) (plain []byte, err error) {
	plain, err = t.AEAD.Decrypt(sealed, context)
	t.err = err
	return plain, err
}

// open opens keysets. Of those that are what they were nothing is opened again: a
// key management service would be asked.
func (r *Keyring) open(sets []keyhatch.Keyset, before *keys) (*keys, error) {
	k := &keys{sets: map[string]keyhatch.Keyset{}, handles: map[string]*keyset.Handle{}, ids: map[string]map[uint32]bool{}}
	for _, s := range sets {
		h := before.handles[s.Name]
		if had := before.sets[s.Name]; had.KEK != s.KEK || !bytes.Equal(had.Wrapped, s.Wrapped) {
			kek, err := r.kek(s.KEK)
			if err != nil {
				return nil, err
			}
			if h, err = kek.unwrap(s); err != nil {
				return nil, err
			}
		}
		k.sets[s.Name], k.handles[s.Name], k.ids[s.Name] = s, h, map[uint32]bool{}
		for _, key := range h.KeysetInfo().GetKeyInfo() {
			k.ids[s.Name][key.GetKeyId()] = true
		}
	}
	for _, t := range templates {
		if k.handles[t.name] == nil {
			return nil, fmt.Errorf("keyset %s is missing from the database", t.name)
		}
	}
	return k, k.prepare()
}

func (r *Keyring) kek(id string) (KEK, error) {
	for _, k := range r.keks {
		if k.ID == id {
			return k, nil
		}
	}
	if len(r.keks) == 1 {
		return KEK{}, fmt.Errorf("the key-encryption key is %s, but the database was sealed with %s: put that key back, or name it as the previous one", r.keks[0].ID, id)
	}
	return KEK{}, fmt.Errorf("the key-encryption keys are %s and, before, %s, but the database was sealed with %s: put that key back", r.keks[0].ID, r.keks[1].ID, id)
}

func (k *keys) prepare() (err error) {
	for _, p := range []struct {
		name string
		make func(*keyset.Handle) error
	}{
		{ColumnsKeyset, func(h *keyset.Handle) (err error) { k.columns, err = aead.New(h); return err }},
		{SessionsKeyset, func(h *keyset.Handle) (err error) { k.sessions, err = aead.New(h); return err }},
		{TokensKeyset, func(h *keyset.Handle) (err error) { k.tokens, err = prf.NewPRFSet(h); return err }},
		{AuditKeyset, func(h *keyset.Handle) (err error) { k.audit, err = prf.NewPRFSet(h); return err }},
	} {
		if err := p.make(k.handles[p.name]); err != nil {
			return fmt.Errorf("keyset %s: %w", p.name, err)
		}
	}
	return nil
}

// has tells whether the keyset has the key that something was sealed with. What
// does not say which is not ours.
func (k *keys) has(name string, sealed []byte) bool {
	id, ours := keyhatch.SealedWith(sealed)
	return !ours || k.ids[name][id]
}

// PrefixBytes is how long a Prefix is.
const PrefixBytes = keyhatch.SealedPrefixBytes

// Prefix is what all begins with that is sealed with the key.
func Prefix(id uint32) []byte { return keyhatch.SealedPrefix(id) }

// keysetContext binds a wrapped keyset to its name, so that two cannot be
// swapped in the database.
func keysetContext(name string) []byte { return []byte("keyhatch keyset|" + name) }
