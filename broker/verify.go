package broker

import (
	"context"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// VerifyAudit checks the whole audit record, of one moment.
func VerifyAudit(ctx context.Context, d *db.DB, keys *seal.Keyring) (report audit.Report, err error) {
	err = d.Snapshot(ctx, func(r db.Reader) error {
		registry, err := r.AuditRegistry(ctx)
		if err != nil {
			return err
		}
		heads, err := r.AuditHeads(ctx)
		if err != nil {
			return err
		}
		report, err = audit.Verify(keys.AuditMAC, registry, heads, r.AllEvents(ctx))
		return err
	})
	return report, err
}
