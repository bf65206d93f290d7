package places

import (
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accounts"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// The events of what is on record of buckets. Package buckets has those of the rest.
const (
	BucketCreated keyhatch.Action = "bucket.create"
	BucketUpdated keyhatch.Action = "bucket.update"
	BucketDeleted keyhatch.Action = "bucket.delete"
)

// InsertBucket puts a bucket on record, on the account that its workspace has on the
// store, which is made if there is none.
func InsertBucket(w *kernel.Work, s keyhatch.Store, bk keyhatch.Bucket) error {
	if err := notElsewhere(w, s, bk.Name); err != nil {
		return err
	}
	if err := accounts.Ensure(w, bk.Workspace, s.ID); err != nil {
		return err
	}
	if err := w.Tx.InsertBucket(w.Ctx, bk); err != nil {
		return err
	}
	return w.Record(BucketCreated, bk.Workspace, bk.ID, BucketDetail(bk))
}

// BucketDetail are the facts of an event of a bucket that was made or changed.
func BucketDetail(bk keyhatch.Bucket) map[string]string {
	return kernel.Detail("name", bk.Name, "store", bk.Store, "owner", bk.Owner, "state", string(bk.State), "label", bk.Label,
		"serve_static_site", kernel.Yes(bk.Site.Serve), "static_site_index", bk.Site.Index, "static_site_error", bk.Site.Error,
		"all_keys_read", kernel.Yes(bk.AllKeysRead), "all_keys_write", kernel.Yes(bk.AllKeysWrite), "max_presigned", bk.MaxPresigned.String(),
		"list_whole", kernel.Yes(!bk.ListWholeSince.IsZero()))
}

// notElsewhere refuses a bucket that another store of the same endpoint has on
// record: the same object would have two addresses and two sets of rights. Stores of
// the installation and of each workspace are looked at apart: what others reach with
// keys of their own is not known here.
func notElsewhere(w *kernel.Work, s keyhatch.Store, name string) error {
	if s.Kind != keyhatch.S3Store {
		return nil
	}
	taken, err := w.BucketElsewhere(w.Ctx, s, name)
	if err != nil || !taken {
		return err
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken,
		"another store of this endpoint has a bucket of the name on record: it is the same one").In("name")
}

// DropBucket takes a bucket off the record. reason says why, when nobody has asked for it.
func DropBucket(w *kernel.Work, bk keyhatch.Bucket, reason string) error {
	if err := w.Tx.DeleteBucket(w.Ctx, bk); err != nil {
		return err
	}
	return w.Record(BucketDeleted, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "store", bk.Store, "reason", reason))
}
