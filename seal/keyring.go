package seal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/tink-crypto/tink-go/v2/prf"
)

// Keyring holds an installation's data keys, open and in memory. They can be
// replaced while it is in use.
type Keyring struct {
	keks  []KEK // the current one first
	state atomic.Pointer[keys]

	source  Source // nil: the keys stay what they are
	behind  atomic.Bool
	loading sync.Mutex
	failed  atomic.Pointer[failure] // the last
	asked   atomic.Int64            // when a session token last had them read, in nanoseconds
}

// Source reads the keysets as they are stored now.
type Source func(context.Context) ([]keyhatch.Keyset, error)

// OpenKeyring opens the data keys. They may be wrapped by the current
// key-encryption key or by the previous ones. An error says when it was by
// another one.
func OpenKeyring(current KEK, sets []keyhatch.Keyset, previous ...KEK) (*Keyring, error) {
	r := &Keyring{keks: append([]KEK{current}, previous...)}
	opened, err := r.open(sets, &keys{})
	if err != nil {
		return nil, err
	}
	r.state.Store(opened)
	return r, nil
}

// Follow tells where to read the keysets again. It is called before the keyring is
// used by several.
func (r *Keyring) Follow(source Source) { r.source = source }

// MarkBehind notes that there are other keysets than those in memory. It does not
// wait for anything.
func (r *Keyring) MarkBehind() { r.behind.Store(true) }

// Behind tells whether there are other keysets than those in memory.
func (r *Keyring) Behind() bool { return r.behind.Load() }

// CatchUp takes in other keysets, if there are any. When that has just failed it is
// not tried again: a key management service that is away must not be asked by each
// who waits for it.
func (r *Keyring) CatchUp(ctx context.Context) error {
	if !r.Behind() {
		return nil
	}
	if f := r.failed.Load(); f != nil && time.Since(f.at) < time.Second {
		return f.err
	}
	return r.Reload(ctx)
}

// failure is when the keysets could not be read, and why.
type failure struct {
	at  time.Time
	err error
}

// Reload reads the keysets again. When that fails those in memory stay.
func (r *Keyring) Reload(ctx context.Context) error {
	if r.source == nil {
		return nil
	}
	r.loading.Lock()
	defer r.loading.Unlock()
	was := r.behind.Swap(false) // before reading: what comes while it reads is told anew
	sets, err := r.source(ctx)
	if err == nil {
		var opened *keys
		if opened, err = r.open(sets, r.state.Load()); err == nil {
			r.state.Store(opened)
			return nil
		}
	}
	if was {
		r.behind.Store(true)
	}
	err = keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the service cannot read its keys at the moment; try again").Because(err)
	r.failed.Store(&failure{time.Now(), err})
	return err
}

// reloadPatience is how long what has met a key that it does not know waits for the
// database and a key management service.
const reloadPatience = 5 * time.Second

// knowing is the keys in memory, read again first when they do not have the key
// that something was sealed with: another process has made it.
func (r *Keyring) knowing(name string, sealed []byte) (*keys, error) {
	k := r.state.Load()
	if k.has(name, sealed) || r.source == nil {
		return k, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadPatience)
	defer cancel()
	if err := r.Reload(ctx); err != nil {
		return nil, err
	}
	return r.state.Load(), nil
}

// SealColumn seals a secret for one place of the database. It opens nowhere
// else: table, row and column are bound to the ciphertext.
func (r *Keyring) SealColumn(table, row, column string, secret keyhatch.Secret) ([]byte, error) {
	return r.state.Load().columns.Encrypt([]byte(secret.Reveal()), columnContext(table, row, column))
}

// OpenColumn opens what SealColumn sealed for the same place. It is
// keyhatch.Unavailable when the key is one that cannot be read at the moment.
func (r *Keyring) OpenColumn(table, row, column string, sealed []byte) (keyhatch.Secret, error) {
	k, err := r.knowing(ColumnsKeyset, sealed)
	if err != nil {
		return "", err
	}
	secret, err := k.columns.Decrypt(sealed, columnContext(table, row, column))
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
	peppers := r.state.Load().tokens
	return tokenHash(peppers.PrimaryID, peppers.PRFs[peppers.PrimaryID], secret)
}

// HashesOfToken are the hashes under which a presented secret may be kept: one
// a pepper, the newest first.
func (r *Keyring) HashesOfToken(secret keyhatch.Secret) ([]keyhatch.TokenHash, error) {
	peppers := r.state.Load().tokens
	newest, err := tokenHash(peppers.PrimaryID, peppers.PRFs[peppers.PrimaryID], secret)
	if err != nil {
		return nil, err
	}
	out := []keyhatch.TokenHash{newest}
	for id, p := range peppers.PRFs {
		if id == peppers.PrimaryID {
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
	sum, err := r.state.Load().audit.ComputePrimaryPRF(data, hashBytes)
	if err != nil {
		// Only an output length that the key cannot give fails, and it is fixed.
		panic(fmt.Sprintf("seal: audit hash: %v", err))
	}
	return sum
}
