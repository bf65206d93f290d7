package lending

import (
	"net/netip"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// confine notes from which networks a part is open.
func (d *decision) confine(p keyhatch.Part, l keyhatch.Location) {
	if len(l.Networks) == 0 {
		return
	}
	if d.networks == nil {
		d.networks = map[keyhatch.Part][]netip.Prefix{}
	}
	d.networks[p] = l.Networks
}

// hasAccepted tells whether the caller has accepted what the location asks for, as the
// database has it.
func hasAccepted(w *kernel.Work, l keyhatch.Location) (bool, error) {
	if l.Terms == "" {
		return true, nil
	}
	return w.HasAccepted(w.Ctx, keyhatch.Acceptance{Location: l.ID, User: w.Caller.User.ID, Version: l.Terms})
}
