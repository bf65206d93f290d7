package lending

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// ReadRequest asks for what a caller may read, where it need not know what that is.
type ReadRequest struct {
	Workspace string // id or name; empty: in all of them
	Location  string // id, name, or an s3:// address; empty: everything
	Prefix    string // inside Location, or an s3:// address; empty: all of it
	// OtherwiseIn and Otherwise are the workspace and the location to read where everything
	// is more than one lease can say; empty, or the caller may not read it: that is an error,
	// which lists what there is.
	OtherwiseIn, Otherwise string
	UpTo                   time.Duration // as in a LeaseRequest
	Client                 string        // likewise
}

// place is something that one grant lets a caller read.
type place struct {
	location keyhatch.Location
	url      keyhatch.S3URL
}

// LeaseReadable lends all that grants let the caller read of what is asked, within the s3 scopes
// of its token, if one lease can say it. Leases are of one store and one workspace, of so many
// prefixes, and as long as a policy or a session token can be: keyhatch.Invalid with
// CodeLocationRequired when that is too little, and nothing else is said to be read. Where
// nothing is asked for by name, what cannot be lent now and from where the caller asks is left
// out, if anything is left then. The other errors are those of Lease.
func (svc *Service) LeaseReadable(ctx context.Context, c keyhatch.Caller, r ReadRequest) (Lent, error) {
	want, err := svc.readable(ctx, c, r, true)
	if err != nil {
		return Lent{}, err
	}
	lent, err := svc.Lease(ctx, c, want)
	if r.Location != "" || r.Prefix != "" || !tooMuch(err) {
		return lent, err
	}
	if want, err = svc.readable(ctx, c, r, false); err != nil {
		return Lent{}, err
	}
	return svc.Lease(ctx, c, want)
}

// tooMuch tells whether a lease was refused since no policy or no session token can say so many
// prefixes, of which each alone is well.
func tooMuch(err error) bool {
	var e *keyhatch.Error
	return errors.As(err, &e) && (e.Code == keyhatch.CodePolicyTooLarge || e.Code == keyhatch.CodeInvalidPrefix && e.Field == "prefixes")
}

// readable is the lease to ask for. Where nothing is asked for by name it is for all, if that is
// to be tried. What is asked for by name and cannot be read is left to Lease to refuse.
func (svc *Service) readable(ctx context.Context, c keyhatch.Caller, r ReadRequest, tryAll bool) (out LeaseRequest, err error) {
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return out, err
	}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		d := decision{image: image, caller: c, scopes: scopes, now: svc.k.Now(), request: LeaseRequest{Workspace: r.Workspace}}
		in := ""
		if r.Workspace != "" || c.Token.Workspace != "" {
			if in, err = d.workspace(); err != nil {
				return err
			}
		}
		if keyhatch.IsS3URL(r.Prefix) && r.Location == "" {
			r.Location, r.Prefix = r.Prefix, ""
		}
		if r.Location != "" {
			out, err = named(d.readable(in, anyPlace), r)
			return err
		}
		all := d.readable(in, svc.lendsNow(&d))
		if len(all) == 0 { // what there is, and why it is not lent, is left to Lease to say
			all = d.readable(in, anyPlace)
		}
		out, err = svc.everything(image, all, r, tryAll)
		return err
	})
	out.UpTo, out.Client = r.UpTo, r.Client
	return out, err
}

func anyPlace(keyhatch.Location, keyhatch.Grant) bool { return true }

// lendsNow tells of what a grant opens whether it can be lent from where the caller asks, and
// for as long as a lease lasts at least.
func (svc *Service) lendsNow(d *decision) func(keyhatch.Location, keyhatch.Grant) bool {
	return func(l keyhatch.Location, g keyhatch.Grant) bool {
		store, err := d.image.Store(l.Store)
		if err != nil || !keyhatch.InNetworks(d.caller.Origin.Address, l.Networks) {
			return false
		}
		least := svc.least
		if lender, lends := svc.lenders[store.Lends]; lends {
			least = max(least, lender.Capabilities().MinLife)
		}
		return g.ExpiresAt.IsZero() || g.ExpiresAt.Sub(d.now) >= least
	}
}

// readable are the places that grants let the caller read and that count: none is in another,
// and they are in the order of their addresses.
func (d *decision) readable(in string, counts func(keyhatch.Location, keyhatch.Grant) bool) (out []place) {
	for _, g := range d.image.GrantsTo(d.caller.User.ID) {
		l, err := d.image.Location(g.Location)
		open, _ := d.image.BucketOpen(l.Bucket)
		if err != nil || !open || !g.Live(d.now) || !g.Access.Covers(keyhatch.Read) || in != "" && l.Workspace != in || !d.scopes.AllowsS3(keyhatch.Read, g.URL()) {
			continue
		}
		if counts(l, g) {
			out = append(out, place{l, g.URL()})
		}
	}
	slices.SortFunc(out, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.location.Workspace, b.location.Workspace), cmp.Compare(a.location.Store, b.location.Store), cmp.Compare(a.url.String(), b.url.String()))
	})
	kept := out[:0]
	for _, p := range out { // what covers comes before what it covers
		if len(kept) > 0 && kept[len(kept)-1].holds(p) {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

func (p place) holds(q place) bool {
	return p.location.Workspace == q.location.Workspace && p.url.Bucket == q.url.Bucket && p.url.Prefix.Covers(q.url.Prefix)
}

// named is the lease for what was asked by name, in the one workspace where the caller can read
// such.
func named(all []place, r ReadRequest) (LeaseRequest, error) {
	out := LeaseRequest{Workspace: r.Workspace, Location: r.Location, Access: keyhatch.Read}
	if r.Prefix != "" {
		out.Prefixes = []string{r.Prefix}
	}
	url, _ := keyhatch.ParseS3URL(r.Location) // zero: it is none
	found := slices.DeleteFunc(slices.Clone(all), func(p place) bool {
		l := p.location
		holds := url.Bucket != "" && l.BucketName == url.Bucket && l.Prefix.Covers(url.Prefix)
		return !holds && l.ID != r.Location && l.Name != r.Location
	})
	if len(found) == 0 {
		return out, nil
	}
	first := found[0].location
	if slices.ContainsFunc(found, func(p place) bool { return p.location.ID != first.ID }) {
		return out, kernel.WorkspaceRequired()
	}
	out.Workspace = first.Workspace
	if url.Bucket == "" && r.Prefix == "" {
		out.Prefixes = urls(found)
	}
	return out, nil
}

// everything is the lease for all that the caller can read, if that is to be tried.
func (svc *Service) everything(image *mirror.Image, all []place, r ReadRequest, tryAll bool) (LeaseRequest, error) {
	if len(all) == 0 {
		return LeaseRequest{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted, "no grant lets you read anything here: ask the owner of a location for one")
	}
	first := all[0].location
	store, err := image.Store(first.Store)
	if err != nil {
		return LeaseRequest{}, err
	}
	lender, lends := svc.lenders[store.Lends]
	elsewhere := slices.ContainsFunc(all, func(p place) bool { return p.location.Store != first.Store || p.location.Workspace != first.Workspace })
	several := slices.ContainsFunc(all, func(p place) bool { return p.location.ID != first.ID })
	sayable := tryAll && lends && !elsewhere && len(all) <= lender.Capabilities().MaxPrefixes
	switch {
	case sayable && r.Prefix == "":
		return LeaseRequest{Workspace: first.Workspace, Location: first.ID, Access: keyhatch.Read, Prefixes: urls(all)}, nil
	case r.Prefix != "" && !several: // inside the only location that there is for the caller
		return LeaseRequest{Workspace: first.Workspace, Location: first.ID, Access: keyhatch.Read, Prefixes: []string{r.Prefix}}, nil
	}
	if found := otherwise(image, all, r); len(found) > 0 {
		r.Workspace, r.Location = found[0].location.Workspace, r.Otherwise
		if found[0].location.URL().String() == r.Otherwise { // of which a part may be read
			r.Location = found[0].location.ID
		}
		return named(found, r)
	}
	return LeaseRequest{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLocationRequired,
		"you may read more than one lease can open: say which by ?location= or ?prefix=, of %s", listed(all)).In("location")
}

// otherwise are the places of the location that is read instead of everything. Those of an
// address inside a location hold all of it.
func otherwise(image *mirror.Image, all []place, r ReadRequest) []place {
	in, err := image.Workspace(r.OtherwiseIn)
	if r.Otherwise == "" || err != nil { // there is no such workspace
		return nil
	}
	url, _ := keyhatch.ParseS3URL(r.Otherwise) // zero: it is none
	return slices.DeleteFunc(slices.Clone(all), func(p place) bool {
		l := p.location
		is := l.ID == r.Otherwise || l.Name == r.Otherwise || l.URL() == url || p.url.Bucket == url.Bucket && p.url.Prefix.Covers(url.Prefix)
		return !is || l.Workspace != in.ID
	})
}

// mostListed bounds how many addresses an error names.
const mostListed = 20

func listed(all []place) string {
	texts := urls(all)
	if more := len(texts) - mostListed; more > 0 {
		texts = append(texts[:mostListed], "and others")
	}
	return strings.Join(texts, " ")
}

func urls(all []place) (out []string) {
	for _, p := range all {
		out = append(out, p.url.String())
	}
	return out
}

// ReadableIn are the prefixes of a bucket that the caller may read: keyhatch.NotFound when there
// are none, whether there is such a bucket or not.
func (svc *Service) ReadableIn(ctx context.Context, c keyhatch.Caller, bucket string) (out []keyhatch.Prefix, err error) {
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return nil, err
	}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		d := decision{image: image, caller: c, scopes: scopes, now: svc.k.Now()}
		for _, p := range d.readable(c.Token.Workspace, anyPlace) {
			if p.url.Bucket == bucket {
				out = append(out, p.url.Prefix)
			}
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = kernel.NotFound(keyhatch.CodeBucketNotFound)
	}
	return out, err
}
