package lending

import (
	"net/netip"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// conditions refuses who has a right on the location and does not meet what it asks of who
// borrows: that its terms are accepted, and that one asks from its networks.
func (d *decision) conditions(l keyhatch.Location, name string) error {
	if l.Terms != "" && !d.image.HasAccepted(l.ID, d.caller.User.ID, l.Terms) {
		return keyhatch.AcceptTermsFirst(l.ID)
	}
	return d.fromHere(l, name)
}

// fromHere refuses who asks from elsewhere than from the location's networks: what it would
// get could not be used there.
func (d *decision) fromHere(l keyhatch.Location, name string) error {
	if keyhatch.InNetworks(d.caller.Origin.Address, l.Networks) {
		return nil
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeOutsideNetworks,
		"%s is used from certain networks alone, and you ask from another one: ask from a machine there, or ask the location's owner which they are", name)
}

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
