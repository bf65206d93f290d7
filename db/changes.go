package db

import (
	"context"
	"time"
)

// ChangeKind says what memory must read again.
type ChangeKind string

// The kinds, and what ID holds.
const (
	UserChanged            ChangeKind = "user"             // the user's id
	WorkspaceChanged       ChangeKind = "workspace"        // the workspace's id
	WorkspaceMemberChanged ChangeKind = "workspace_member" // workspace|user
	CircleMemberChanged    ChangeKind = "circle_member"    // group or teamspace|user
	TokenChanged           ChangeKind = "token"            // the token's id
	CredentialChanged      ChangeKind = "credential"       // the credential's id
	StoreChanged           ChangeKind = "store"            // the store's id
	StoreAccountChanged    ChangeKind = "store_account"    // the account's id
	BucketChanged          ChangeKind = "bucket"           // the bucket's id
	LocationChanged        ChangeKind = "location"         // the location's id
	GrantChanged           ChangeKind = "grant"            // the grant's id
	TermsAccepted          ChangeKind = "terms_accepted"   // location|user
	AccessKeyChanged       ChangeKind = "access_key"       // the key's id
	PairChanged            ChangeKind = "access_key_pair"  // the access key id
	LeaseRevoked           ChangeKind = "lease"            // the lease's id
	KeysetChanged          ChangeKind = "keyset"           // the keyset's name
)

// Change is one line of the change feed.
type Change struct {
	Seq       int64
	Kind      ChangeKind
	ID        string
	Workspace string // empty: the installation's
}

// PairSeparator stands between the two ids of a membership's change.
const PairSeparator = "|"

// changed notes in the feed that something is to be read again. The next number
// is the highest plus one: writes never run side by side.
func (t *Tx) changed(ctx context.Context, kind ChangeKind, workspace, id string) error {
	t.chain.fed++
	return t.exec(ctx, `insert into changes (seq, at, workspace, kind, id)
		values ((select coalesce(max(seq), 0) + 1 from changes), $1, $2, $3, $4)`,
		micros(time.Now()), workspace, string(kind), id)
}

// LastChange returns the number of the newest change, 0 for none.
func (r Reader) LastChange(ctx context.Context) (int64, error) {
	var seq int64
	err := r.q.QueryRowContext(ctx, "select coalesce(max(seq), 0) from changes").Scan(&seq)
	return seq, dbError(err)
}

// FeedMark tells a line of the feed from any other that has had its number: a database
// that was put back to an earlier state gives numbers once more.
type FeedMark struct {
	Seq  int64
	at   int64
	kind ChangeKind
	id   string
}

// ChangesSince returns the changes behind a line that who asks has heard of, and the mark of
// the last of them. It is to be called in a Snapshot. Followed is false when they cannot be
// told, since the feed was pruned past that line or is another one, of a database that was
// put back: then everything may have changed.
func (r Reader) ChangesSince(ctx context.Context, mark FeedMark) (changes []Change, now FeedMark, followed bool, err error) {
	here, err := r.feedMark(ctx, mark.Seq)
	if err != nil || here != mark {
		return nil, FeedMark{}, false, err
	}
	if changes, err = r.ChangesAfter(ctx, mark.Seq); err != nil || len(changes) == 0 {
		return nil, mark, err == nil, err
	}
	last := changes[len(changes)-1].Seq
	if last-mark.Seq != int64(len(changes)) { // some are missing
		return nil, FeedMark{}, false, nil
	}
	now, err = r.feedMark(ctx, last)
	return changes, now, err == nil, err
}

// FeedEnd returns the mark of the newest line of the feed, a zero one when it is empty. It
// is to be called in a Snapshot.
func (r Reader) FeedEnd(ctx context.Context) (FeedMark, error) {
	last, err := r.LastChange(ctx)
	if err != nil {
		return FeedMark{}, err
	}
	return r.feedMark(ctx, last)
}

// feedMark returns that of the line with the number, and a zero one when it is not there.
func (r Reader) feedMark(ctx context.Context, seq int64) (FeedMark, error) {
	marks, err := many(ctx, r, func(row row) (m FeedMark, err error) {
		err = row.Scan(&m.Seq, &m.at, &m.kind, &m.id)
		return m, err
	}, "select seq, at, kind, id from changes where seq = $1", seq)
	if err != nil || len(marks) == 0 {
		return FeedMark{}, err
	}
	return marks[0], nil
}

// ChangesAfter returns the changes behind the number, in their order.
func (r Reader) ChangesAfter(ctx context.Context, seq int64) ([]Change, error) {
	return many(ctx, r, func(row row) (c Change, err error) {
		err = row.Scan(&c.Seq, &c.Kind, &c.ID, &c.Workspace)
		return c, err
	}, "select seq, kind, id, workspace from changes where seq > $1 order by seq", seq)
}

// PruneChanges takes a step of forgetting the changes below the first that is not before a time,
// except the newest, which holds the count: the oldest go first, so that none is missing between
// others. By the clocks of those who wrote them they need not be in order.
func (t *Tx) PruneChanges(ctx context.Context, before time.Time) (more bool, err error) {
	return t.prune(ctx, "changes", "seq", `seq < (select max(seq) from changes)
		and seq < coalesce((select min(seq) from changes where at >= $1), (select max(seq) from changes)) order by seq`, micros(before))
}
