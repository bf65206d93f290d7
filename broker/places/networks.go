package places

import (
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// confine puts other networks into a location that is about to be written. What was lent
// while they were wider ends.
func (ch LocationChange) confine(w *kernel.Work, l *keyhatch.Location) error {
	if ch.Networks == nil {
		return nil
	}
	if err := keyhatch.CheckNetworks(*ch.Networks); err != nil {
		return err
	}
	if !keyhatch.NetworksWithin(l.Networks, *ch.Networks) {
		l.NetworksSince = w.Now
	}
	l.Networks = *ch.Networks
	return nil
}

// confined tells others of networks that were changed.
func (svc *Service) confined(w *kernel.Work, was, is keyhatch.Location) error {
	if slices.Equal(was.Networks, is.Networks) {
		return nil
	}
	return svc.locks.Confined(w, is)
}
