package audit

import (
	"crypto/hmac"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/keyhatch/keyhatch"
)

// MAC computes the keyed hash of data. The key is sealed in the database.
type MAC func(data []byte) keyhatch.Hash

// Head says how far a chain has come, with a signature over it.
type Head struct {
	Chain  string
	Number int64 // 1, 2, 3 … in the order in which the chains were opened
	Seq    int64 // of the last event; 0 for none
	Hash   keyhatch.Hash
	Sign   keyhatch.Hash
}

// Registry says how many chains were ever opened, with a signature over it.
type Registry struct {
	Chains int64
	Sign   keyhatch.Hash
}

// Chain links events one behind the other. It is not safe for concurrent use:
// the one writer of a process owns it. Copy a Chain to be able to go back.
type Chain struct {
	id     string
	number int64
	seq    int64
	last   keyhatch.Hash
	mac    MAC
}

// NewChain begins a chain with its id and number.
func NewChain(id string, number int64, mac MAC) Chain {
	return Chain{id: id, number: number, mac: mac}
}

// Link makes e the next event of the chain: it sets Chain, Seq and Hash.
func (c *Chain) Link(e keyhatch.Event) keyhatch.Event {
	c.seq++
	e.Chain, e.Seq = c.id, c.seq
	e.Hash = c.mac(eventBytes(e, c.last))
	c.last = e.Hash
	return e
}

// Genuine tells whether the event is what was written behind the one of that hash.
func Genuine(e keyhatch.Event, before keyhatch.Hash, mac MAC) bool {
	return equal(e.Hash, mac(eventBytes(e, before)))
}

// Seq is the number of the chain's last event, 0 for none.
func (c *Chain) Seq() int64 { return c.seq }

// Head returns the chain's signed head.
func (c *Chain) Head() Head {
	h := Head{Chain: c.id, Number: c.number, Seq: c.seq, Hash: c.last}
	h.Sign = c.mac(h.bytes())
	return h
}

// NewRegistry signs a number of chains.
func NewRegistry(chains int64, mac MAC) Registry {
	r := Registry{Chains: chains}
	r.Sign = mac(r.bytes())
	return r
}

// Genuine tells whether the registry was signed with the key.
func (r Registry) Genuine(mac MAC) bool { return equal(r.Sign, mac(r.bytes())) }

// Genuine tells whether the head is what was signed.
func (h Head) Genuine(mac MAC) bool { return equal(h.Sign, mac(h.bytes())) }

// SignBackup signs the digest of a backup: who has the keys of the installation has made it.
func SignBackup(digest []byte, mac MAC) keyhatch.Hash {
	return mac(appendBytes(appendText(nil, "backup"), digest))
}

// GenuineBackup tells whether the digest was signed with the key.
func GenuineBackup(digest, sign []byte, mac MAC) bool { return equal(SignBackup(digest, mac), sign) }

// The four things that are signed begin with different words, so that none can
// be passed off as another.

func eventBytes(e keyhatch.Event, before keyhatch.Hash) []byte {
	b := appendText(nil, "event")
	b = appendBytes(b, before)
	b = appendText(b, e.Chain)
	b = appendInt(b, e.Seq)
	b = appendText(b, e.ID)
	b = appendInt(b, e.At.UnixMicro())
	for _, s := range []string{e.Workspace, e.User, e.Token, e.Address, e.RequestID, string(e.Action), e.Target} {
		b = appendText(b, s)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		b = appendText(b, key)
		b = appendText(b, e.Detail[key])
	}
	return b
}

func (h Head) bytes() []byte {
	b := appendText(nil, "head")
	b = appendText(b, h.Chain)
	b = appendInt(b, h.Number)
	b = appendInt(b, h.Seq)
	return appendBytes(b, h.Hash)
}

func (r Registry) bytes() []byte { return appendInt(appendText(nil, "registry"), r.Chains) }

func appendText(b []byte, s string) []byte { return appendBytes(b, []byte(s)) }

// appendBytes writes the length before the bytes: no two lists of fields have
// the same encoding.
func appendBytes(b, s []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func appendInt(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func equal(a, b keyhatch.Hash) bool { return hmac.Equal(a, b) }
