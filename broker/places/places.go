package places

import (
	"log/slog"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// Service does the use cases.
type Service struct {
	k     *kernel.Kernel
	roots []string
	log   *slog.Logger
	least time.Duration // that a lease lasts
	locks Locks
}

// Locks tells others of locks that are set or taken away, and of networks.
type Locks struct {
	// Changed is called in the transaction, when the location is as it is to be.
	Changed func(*kernel.Work, keyhatch.Location) error
	// Confined is called in the transaction, when the location has the networks that it is
	// to have.
	Confined func(*kernel.Work, keyhatch.Location) error
	// Durable is called after it.
	Durable func()
}

// New makes the service. directoryRoots are the folders inside which directory
// stores may lie. least is the shortest lease; zero is keyhatch.MinLeaseLife.
func New(k *kernel.Kernel, directoryRoots []string, log *slog.Logger, least time.Duration, locks Locks) *Service {
	if least == 0 {
		least = keyhatch.MinLeaseLife
	}
	return &Service{k, directoryRoots, log, least, locks}
}
