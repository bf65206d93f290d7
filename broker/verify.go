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
		if report, err = audit.Verify(keys.AuditMAC, registry, heads, r.EventsOfAction(ctx, record.Checkpointed), r.AllEvents(ctx)); err != nil {
			return err
		}
		return audit.VerifyObjects(&report, audit.ObjectRecord{
			Recorded: record.ObjectsRecorded, Pruned: record.ObjectsPruned,
			Events: r.EventsByID(ctx), Prunings: r.EventsOfAction(ctx, record.ObjectsPruned), Rows: r.RecordedObjectRequests(ctx),
		})
	})
	return report, err
}
