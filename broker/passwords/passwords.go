package passwords

import (
	"log/slog"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Service does the use cases.
type Service struct {
	k        *kernel.Kernel
	hashing  *hashing
	attempts *attempts
	proven   *proven
	log      *slog.Logger
}

// New makes the service. The log is told of what went wrong without harm. cheap makes
// hashes that cost next to nothing and protect nobody; it is for tests.
func New(k *kernel.Kernel, log *slog.Logger, cheap bool) *Service {
	of := today
	if cheap {
		of = nextToNothing
	}
	return &Service{k: k, hashing: newHashing(of), attempts: newAttempts(), proven: newProven(), log: log}
}

// seal hashes a password and seals the hash for the user's row: who has the database and
// not its keys can try no password on it.
func (svc *Service) seal(user, hash string) ([]byte, error) {
	return svc.k.Keys.SealColumn(db.PasswordsTable, user, db.HashColumn, keyhatch.Secret(hash))
}

func (svc *Service) open(p db.SealedPassword) (string, error) {
	hash, err := svc.k.Keys.OpenColumn(db.PasswordsTable, p.User, db.HashColumn, p.Sealed)
	return hash.Reveal(), err
}
