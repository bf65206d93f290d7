package broker

import (
	"context"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// VerifyAudit checks the whole audit record, of one moment: the events, and the
// object requests that they vouch for.
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
		objects := audit.NewObjectsVerifier()
		report, err = audit.Verify(keys.AuditMAC, registry, heads, objects.Watch(r.AllEvents(ctx), record.ObjectsRecorded))
		if err != nil {
			return err
		}
		for batch, err := range r.ObjectRequestBatches(ctx) {
			if err != nil {
				return err
			}
			objects.Batch(batch.Event, batch.Requests)
		}
		objects.Report(&report)
		return nil
	})
	return report, err
}
