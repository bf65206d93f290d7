package katapult

import (
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accounts"
)

// account is an organization's standing on a cluster as answers have it.
type account struct {
	Region            string     `json:"region"`
	CreatedAt         int64      `json:"created_at"`
	ProvisioningState string     `json:"provisioning_state"`
	Size              int64      `json:"size"` // bytes, in the buckets that were counted
	BucketCount       int        `json:"bucket_count"`
	DataCenter        dataCenter `json:"data_center"`
}

// dataCenter is the cluster once more. In which country it stands is not known here.
type dataCenter struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Permalink string    `json:"permalink"`
	Country   *struct{} `json:"country"`
}

type oneAccount struct {
	Account account `json:"object_storage_account"`
}

// provisioningStates are those of an account that can be shown.
var provisioningStates = map[keyhatch.AccountState]string{
	keyhatch.AccountPending: "provisioning", keyhatch.AccountProvisioned: "provisioned", keyhatch.AccountFailed: "failed",
}

func encodeAccount(a accounts.Account, on keyhatch.Store) account {
	return account{
		Region: on.Name, CreatedAt: a.CreatedAt.Unix(), ProvisioningState: provisioningStates[a.State], Size: a.Bytes, BucketCount: a.Buckets,
		DataCenter: dataCenter{ID: on.ID, Name: on.Name, Permalink: on.Name},
	}
}

// standing is the organization and the cluster that a call is about.
func (d *Door) standing(c *call) (ws keyhatch.Workspace, on keyhatch.Store, err error) {
	if ws, err = d.workspace(c); err == nil {
		on, err = d.cluster(c)
	}
	return ws, on, err
}

// account is the organization's on the cluster, on which what it has there rests. One that
// is closed is a failure.
func (d *Door) account(c *call) (accounts.Account, keyhatch.Store, error) {
	ws, on, err := d.standing(c)
	if err != nil {
		return accounts.Account{}, on, err
	}
	a, err := d.accounts.Account(c.ctx, c.caller, ws.ID, on.ID)
	if err == nil {
		err = closed(a.StoreAccount)
	}
	return a, on, err
}

// closed refuses an account on which nothing is open.
func closed(a keyhatch.StoreAccount) error {
	switch a.State {
	case keyhatch.AccountTrash:
		return inTrash(a)
	case keyhatch.AccountSuspended:
		return fail(accountSuspended)
	}
	return nil
}

// createAccount opens an account, which is provisioned in the background.
func (d *Door) createAccount(c *call) (any, error) {
	ws, on, err := d.standing(c)
	if err != nil {
		return nil, err
	}
	has, err := d.accounts.Account(c.ctx, c.caller, ws.ID, on.ID)
	if err == nil {
		err = closed(has.StoreAccount)
	}
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return nil, err
	}
	a, err := d.accounts.Open(c.ctx, c.caller, ws.ID, on.ID)
	return oneAccount{encodeAccount(accounts.Account{StoreAccount: a, AccountUsage: has.AccountUsage}, on)}, err
}

func (d *Door) getAccount(c *call) (any, error) {
	a, on, err := d.account(c)
	return oneAccount{encodeAccount(a, on)}, err
}

// deleteAccount puts an account into the trash. It is told as it was.
func (d *Door) deleteAccount(c *call) (any, error) {
	a, on, err := d.account(c)
	if err != nil {
		return nil, err
	}
	gone, err := d.accounts.Delete(c.ctx, c.caller, "", a.ID)
	if err != nil {
		return nil, err
	}
	type trashPart struct {
		ID         string `json:"id"`
		KeepUntil  int64  `json:"keep_until"`
		ObjectType string `json:"object_type"`
	}
	t := trashOf(gone)
	return struct {
		Trash   trashPart `json:"trash_object"`
		Account account   `json:"object_storage_account"`
	}{trashPart{t.ID, t.KeepUntil, t.ObjectType}, encodeAccount(a, on)}, nil
}
