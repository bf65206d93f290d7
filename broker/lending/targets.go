package lending

import (
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// target is one asked prefix and the location that holds it.
type target struct {
	location keyhatch.Location
	prefix   keyhatch.Prefix
}

// targets resolves what is asked. A location that no grant opens to the caller
// and that it does not decide over is not found, like one that does not exist.
func (d *decision) targets() ([]target, error) {
	workspace, err := d.workspace()
	if err != nil {
		return nil, err
	}
	base, err := d.target(workspace, d.request.Location, "location")
	if err != nil {
		return nil, err
	}
	if len(d.request.Prefixes) == 0 {
		return []target{base}, nil
	}
	var out []target
	for _, p := range d.request.Prefixes {
		t := base
		if keyhatch.IsS3URL(p) {
			if t, err = d.target(workspace, p, "prefixes"); err != nil {
				return nil, err
			}
		} else if t.prefix, err = base.prefix.Join(p); err != nil {
			return nil, inField(err, "prefixes")
		}
		// One workspace too: a lease is seen and ended where its record lies.
		if t.location.Store != base.location.Store || t.location.Workspace != base.location.Workspace {
			return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeStoresDiffer,
				"a lease is for one store and one workspace: ask for a lease for each").In("prefixes")
		}
		out = append(out, t)
	}
	return out, nil
}

// workspace is where the request's names are looked up; "" is none, which is
// well when the location is given by its id.
func (d *decision) workspace() (string, error) {
	if d.holds != nil && d.request.Workspace == "" {
		return d.holds.Workspace, nil
	}
	if asked := d.request.Workspace; asked != "" {
		ws, err := d.image.Workspace(asked)
		if own := d.caller.Token.Workspace; own != "" && own != ws.ID {
			return "", kernel.WorkspaceNotInToken() // there or not
		}
		if err != nil { // like a location in one that the caller may not see
			return "", inField(kernel.NotFound(keyhatch.CodeLocationNotFound), "location")
		}
		return ws.ID, nil
	}
	if own := d.caller.Token.Workspace; own != "" {
		return own, nil
	}
	if mine := d.image.WorkspacesOf(d.caller.User.ID); len(mine) == 1 {
		return mine[0], nil
	}
	return "", nil
}

func (d *decision) target(workspace, ref, field string) (t target, err error) {
	_, isID := keyhatch.IDPayload(keyhatch.LocationID, ref)
	switch {
	case isID:
		t.location, err = d.image.Location(ref)
		t.prefix = t.location.Prefix
	case workspace == "":
		return t, kernel.WorkspaceRequired()
	case keyhatch.IsS3URL(ref):
		url, parseErr := keyhatch.ParseS3URL(ref)
		if parseErr != nil {
			return t, inField(parseErr, field)
		}
		t.location, err = d.holding(workspace, url)
		t.prefix = url.Prefix
	default:
		t.location, err = d.image.LocationByName(workspace, ref)
		t.prefix = t.location.Prefix
	}
	if err == nil && !d.sees(t.location) {
		err = kernel.NotFound(keyhatch.CodeLocationNotFound)
	}
	if err != nil {
		return t, inField(err, field)
	}
	return t, nil
}

// holding finds the location of an address; with an access key the whole bucket is one.
func (d *decision) holding(workspace string, url keyhatch.S3URL) (keyhatch.Location, error) {
	if d.key != nil {
		return d.key.bucket(d.image, workspace, url.Bucket), nil
	}
	return d.image.LocationHolding(workspace, url)
}

// sees tells whether the caller may know of the location.
func (d *decision) sees(l keyhatch.Location) bool {
	if d.key != nil {
		return d.key.sees(l)
	}
	if d.holds != nil { // who holds a lease knows what it opens, and nothing of its user
		return slices.ContainsFunc(d.holds.Parts, func(p keyhatch.Part) bool { return p.Location == l.ID })
	}
	if own := d.caller.Token.Workspace; own != "" && own != l.Workspace {
		return false
	}
	user := d.caller.User
	if user.Admin || l.Owner == user.ID || d.image.Role(l.Workspace, user.ID).Manages() {
		return true
	}
	return slices.ContainsFunc(d.grantsOn(l.ID), func(g keyhatch.Grant) bool { return g.Live(d.now) })
}

// grantsOn are the grants on the location that reach the caller, looked up once
// a decision.
func (d *decision) grantsOn(location string) []keyhatch.Grant {
	if grants, ok := d.grants[location]; ok {
		return grants
	}
	grants := d.image.GrantsReaching(location, d.caller.User.ID)
	d.grants[location] = grants
	return grants
}
