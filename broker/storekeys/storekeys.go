package storekeys

import (
	"log/slog"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// The events of what a store has done with a key.
const (
	Configured keyhatch.Action = "access_key.configured"
	Failed     keyhatch.Action = "access_key.failed"
	// Withdrawn: a pair has ended; the reason says why.
	Withdrawn keyhatch.Action = "access_key.withdraw"
)

// Service does what there is to do.
type Service struct {
	k       *kernel.Kernel
	keepers map[keyhatch.KeysOf]driver.KeyProvisioner
	kick    func()
	log     *slog.Logger
}

// New makes the service. keepers keep the keys of stores, and kick has jobs done that were
// asked for.
func New(k *kernel.Kernel, keepers map[keyhatch.KeysOf]driver.KeyProvisioner, kick func(), log *slog.Logger) *Service {
	return &Service{k, keepers, kick, log}
}

// Keeps tells whether this process can reach stores whose keys are kept so.
func (svc *Service) Keeps(of keyhatch.KeysOf) bool { return svc.keepers[of] != nil }

// EndPair removes a pair of a key from the record, and says why in an event.
func EndPair(w *kernel.Work, key keyhatch.AccessKey, accessKeyID, why string) error {
	if err := w.Tx.DeletePair(w.Ctx, key, accessKeyID); err != nil {
		return err
	}
	return w.Record(Withdrawn, key.Workspace, key.ID, kernel.Detail("name", key.Name, "access_key_id", accessKeyID, "reason", why))
}
