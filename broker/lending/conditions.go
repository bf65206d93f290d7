package lending

import (
	"net/netip"
	"slices"

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

// meets tells whether the caller has accepted what the location asks for, and the location
// has the networks that were decided with, as the database has it.
func meets(w *kernel.Work, l keyhatch.Location, networks []netip.Prefix) (bool, error) {
	if !slices.Equal(l.Networks, networks) {
		return false, nil
	}
	if l.Terms == "" {
		return true, nil
	}
	return w.HasAccepted(w.Ctx, keyhatch.Acceptance{Location: l.ID, User: w.Caller.User.ID, Version: l.Terms})
}

// confinesBeside tells whether another of a bucket's locations is for certain networks.
func confinesBeside(all []keyhatch.Location, l keyhatch.Location) bool {
	return slices.ContainsFunc(all, func(n keyhatch.Location) bool { return n.ID != l.ID && len(n.Networks) > 0 })
}
