package passwords

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// proven remembers, for a minute, which passwords were right: some clients show theirs
// with every request. It holds no passwords but hashes of them under a key that this
// process alone has and forgets. What is remembered is of one setting of one user's
// password, which is read again at each use: a password that was changed since is not
// found here.
type proven struct {
	key []byte

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

const (
	provenFor  = time.Minute
	mostProven = 10_000
)

func newProven() *proven {
	return &proven{key: random(sha256.Size), until: map[[sha256.Size]byte]time.Time{}}
}

func (p *proven) has(of db.SealedPassword, password keyhatch.Secret, now time.Time) bool {
	sum := p.sum(of, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.until[sum] // a map tells nothing by its timing: its keys are keyed hashes
	return ok && now.Before(until)
}

func (p *proven) add(of db.SealedPassword, password keyhatch.Secret, now time.Time) {
	sum := p.sum(of, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.until) >= mostProven {
		for sum, until := range p.until {
			if !now.Before(until) {
				delete(p.until, sum)
			}
		}
	}
	if len(p.until) < mostProven {
		p.until[sum] = now.Add(provenFor)
	}
}

// sum is over ids of fixed length and what follows them.
func (p *proven) sum(of db.SealedPassword, password keyhatch.Secret) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(of.User + "|" + of.ID + "|" + password.Reveal()))
	mac.Sum(out[:0])
	return out
}
