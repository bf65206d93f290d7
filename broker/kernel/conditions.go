package kernel

import (
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/mirror"
)

// Conditions refuses who has a right on the location and does not meet what it asks of who
// uses that: that its terms are accepted, and that one asks from its networks. name is what
// the refusal calls it.
func Conditions(image *mirror.Image, c keyhatch.Caller, l keyhatch.Location, name string) error {
	if l.Terms != "" && !image.HasAccepted(l.ID, c.User.ID, l.Terms) {
		return keyhatch.AcceptTermsFirst(l.ID)
	}
	return FromHere(c, l, name)
}

// FromHere refuses who asks from elsewhere than from the location's networks: what it would
// get could not be used there.
func FromHere(c keyhatch.Caller, l keyhatch.Location, name string) error {
	if keyhatch.InNetworks(c.Origin.Address, l.Networks) {
		return nil
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeOutsideNetworks,
		"%s is used from certain networks alone, and you ask from another one: ask from a machine there, or ask the location's owner which they are", name)
}
