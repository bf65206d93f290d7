package seal

import (
	"fmt"

	"github.com/keyhatch/keyhatch"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Key is a data key as the outside may know it.
type Key struct {
	ID      uint32
	Primary bool // what is new is sealed with it
}

// Keys are those of a keyset, in the order in which they were made.
func (r *Keyring) Keys(name string) []Key {
	h := r.state.Load().handles[name]
	if h == nil {
		return nil
	}
	info := h.KeysetInfo()
	var out []Key
	for _, k := range info.GetKeyInfo() {
		out = append(out, Key{ID: k.GetKeyId(), Primary: k.GetKeyId() == info.GetPrimaryKeyId()})
	}
	return out
}

// Keyset is a keyset as it is stored, as far as memory knows.
func (r *Keyring) Keyset(name string) keyhatch.Keyset { return r.state.Load().sets[name] }

// KEKs are the ids of the key-encryption keys at hand, the current one first.
func (r *Keyring) KEKs() []string {
	var out []string
	for _, k := range r.keks {
		out = append(out, k.ID)
	}
	return out
}

// Replacement is a keyset that is stored and what is to be stored instead. It takes
// effect when it is stored, in memory when that is read again.
type Replacement struct{ Old, New keyhatch.Keyset }

// Rewrapped wraps all keysets with the current key-encryption key that are wrapped
// with a previous one.
func (r *Keyring) Rewrapped() ([]Replacement, error) {
	var out []Replacement
	for _, t := range templates {
		if r.Keyset(t.name).KEK == r.keks[0].ID {
			continue
		}
		changed, err := r.changed(t.name, func(*keyset.Manager) error { return nil })
		if err != nil {
			return nil, err
		}
		out = append(out, changed)
	}
	return out, nil
}

// WithNew adds a key to a keyset. Nothing is sealed with it before it is made the
// primary one, so that everybody can know it by then.
func (r *Keyring) WithNew(name string) (changed Replacement, id uint32, err error) {
	changed, err = r.changed(name, func(m *keyset.Manager) (err error) {
		for _, t := range templates {
			if t.name == name {
				id, err = m.Add(t.template())
			}
		}
		return err
	})
	return changed, id, err
}

// WithPrimary has what is new sealed with the key.
func (r *Keyring) WithPrimary(name string, id uint32) (Replacement, error) {
	return r.changed(name, func(m *keyset.Manager) error { return m.SetPrimary(id) })
}

// Without drops a key for ever: what is sealed with it never opens again. The
// primary one cannot be dropped.
func (r *Keyring) Without(name string, id uint32) (Replacement, error) {
	return r.changed(name, func(m *keyset.Manager) error { return m.Delete(id) })
}

func (r *Keyring) changed(name string, change func(*keyset.Manager) error) (Replacement, error) {
	k := r.state.Load()
	fail := func(err error) (Replacement, error) {
		return Replacement{}, fmt.Errorf("change keyset %s: %w", name, err)
	}
	m := keyset.NewManagerFromHandle(k.handles[name])
	if err := change(m); err != nil {
		return fail(err)
	}
	h, err := m.Handle()
	if err != nil {
		return fail(err)
	}
	wrapped, err := r.keks[0].wrap(k.sets[name], h)
	if err != nil {
		return fail(err)
	}
	return Replacement{Old: k.sets[name], New: wrapped}, nil
}
