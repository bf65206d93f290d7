package katapult

import (
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// trashLookup is what the calls on the trash take.
var trashLookup = arguments.Argument{Name: "trash_object", Kind: arguments.Lookup, Required: true, Fields: []arguments.Argument{{Name: "id"}}}

// Accounts are all that is put into the trash. What lies there has the id of its account,
// but for the kind.
const (
	trashID     = "trsh_"
	accountType = "ObjectStorageAccount"
)

// trashOf is an account that is in the trash.
func trashOf(a keyhatch.StoreAccount) trashed {
	id, _ := keyhatch.IDPayload(keyhatch.StoreAccountID, a.ID)
	return trashed{ID: trashID + id, KeepUntil: a.KeepUntil.Unix(), ObjectID: a.ID, ObjectType: accountType}
}

// inTrash refuses what is about an account that is there.
func inTrash(a keyhatch.StoreAccount) error {
	t := trashOf(a)
	return fail(objectInTrash, trashDetail{&t})
}

// trashedAccount is what lies in the trash that a call is about.
func (d *Door) trashedAccount(c *call) (keyhatch.StoreAccount, error) {
	said, _ := arguments.Get[arguments.Values](c.Values, "trash_object")
	text, _ := arguments.Get[string](said, "id")
	payload, ok := strings.CutPrefix(text, trashID)
	id := string(keyhatch.StoreAccountID) + "_" + payload
	if _, isID := keyhatch.IDPayload(keyhatch.StoreAccountID, id); !ok || !isID {
		return keyhatch.StoreAccount{}, fail(trashObjectNotFound)
	}
	a, err := d.accounts.Account(c.ctx, c.caller, "", id)
	if errors.Is(err, keyhatch.NotFound) || err == nil && a.State != keyhatch.AccountTrash {
		err = fail(trashObjectNotFound)
	}
	return a.StoreAccount, err
}

func (d *Door) getTrash(c *call) (any, error) {
	a, err := d.trashedAccount(c)
	return struct {
		Trash trashed `json:"trash_object"`
	}{trashOf(a)}, err
}

// task is what goes on in the background. Ours is over before it is told of.
type task struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Status     string `json:"status"`
	CreatedAt  int64  `json:"created_at"`
	StartedAt  *int64 `json:"started_at"`
	FinishedAt *int64 `json:"finished_at"`
	Progress   int    `json:"progress"`
}

// purgeTrash removes what lies in the trash before its time.
func (d *Door) purgeTrash(c *call) (any, error) {
	a, err := d.trashedAccount(c)
	if err != nil {
		return nil, err
	}
	if err := d.accounts.Purge(c.ctx, c.caller, "", a.ID); err != nil {
		return nil, err
	}
	now := time.Now()
	id, _ := keyhatch.IDPayload(keyhatch.JobID, keyhatch.NewID(keyhatch.JobID, now))
	at := now.Unix()
	return struct {
		Task task `json:"task"`
	}{task{ID: "task_" + id, Name: "Purge items from trash", Status: "completed", CreatedAt: at, StartedAt: &at, FinishedAt: &at, Progress: 100}}, nil
}
