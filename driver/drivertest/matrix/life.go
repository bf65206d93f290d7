package matrix

import (
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/driver/drivertest"
)

// lifeRows are about the end of leases.
var lifeRows = []drivertest.Row{
	{Name: "an expired lease: get, list and put", Lease: short(drivertest.Writing("a/")), Try: afterExpiry(get("a/in.txt"), list("a/", "a/in.txt", "a/sub/deep.txt"), put("a/in.txt")), Want: drivertest.Expired, Changes: []string{"~a/in.txt"}, Needs: drivertest.ShortLives},
	{Name: "an expired lease: a presigned URL", Lease: short(drivertest.Reading("a/")), Try: afterExpiryOf(presigned("a/in.txt")), Want: drivertest.Expired, Needs: drivertest.ShortLives},

	{Name: "a revoked lease: get", Lease: drivertest.Reading("a/"), Try: afterEnd(get("a/in.txt")), Want: drivertest.Denied, Needs: drivertest.Revocation},
	{Name: "a revoked lease: put", Lease: drivertest.Writing("a/"), Try: first(put("a/new.txt"), afterEnd(get("a/new.txt"), put("a/newer.txt"))), Want: drivertest.Denied, Changes: []string{"+a/new.txt"}, Needs: drivertest.Revocation},
	{Name: "a revoked lease: delete", Lease: drivertest.Writing("a/"), Try: afterEnd(get("a/in.txt"), remove("a/in.txt")), Want: drivertest.Denied, Needs: drivertest.Revocation},
	{Name: "a revoked lease: list", Lease: drivertest.Reading("a/"), Try: afterEnd(list("a/", "a/in.txt", "a/sub/deep.txt")), Want: drivertest.Denied, Needs: drivertest.Revocation},
	{Name: "a revoked lease: complete an upload", Lease: drivertest.Writing("a/"), Uploads: []string{"a/big.bin"}, Try: afterEnd(listParts("a/big.bin"), complete("a/big.bin", "a/big.bin")), Want: drivertest.Denied, Needs: drivertest.Revocation},
	{Name: "a revoked lease: a presigned URL", Lease: drivertest.Reading("a/"), Try: afterEndOf(presigned("a/in.txt")), Want: drivertest.Denied, Needs: drivertest.Revocation},
	{Name: "a revoked lease ends no other", Lease: drivertest.Reading("a/"), Try: endAnother(get("a/in.txt")), Want: drivertest.Allowed, Needs: drivertest.Revocation},
}

func short(t drivertest.Terms) drivertest.Terms {
	t.Short = true
	return t
}

// lateness is how long after its expiry a lease may still open something, as
// with a store that counts whole seconds.
const lateness = time.Second

// afterExpiry does what works until the lease has expired, and again then, when
// each must be refused alike.
func afterExpiry(tries ...drivertest.Attempt) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		// On a machine that is very slow the lease has ended before.
		if err := all(tries...)(v); err != nil && time.Now().Before(v.Lent.ExpiresAt) {
			return drivertest.Wrong("before it expired: %v", err)
		}
		err := untilRefused(v, tries[0])
		status, code := drivertest.Refusal(err)
		for _, try := range tries[1:] {
			if s, c := drivertest.Refusal(try(v)); s != status || c != code {
				return drivertest.Wrong("one thing is answered with %d %s, another with %d %s", status, code, s, c)
			}
		}
		return err
	}
}

// untilRefused waits for the lease's expiry and tries until it is refused, or is
// late.
func untilRefused(v *drivertest.Visit, try drivertest.Attempt) error {
	expiry := time.NewTimer(time.Until(v.Lent.ExpiresAt))
	defer expiry.Stop()
	select {
	case <-v.Done():
		return v.Err()
	case <-expiry.C:
	}
	for {
		late := time.Now().After(v.Lent.ExpiresAt.Add(lateness))
		if err := try(v); err != nil || late {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// afterExpiryOf is afterExpiry with a URL that was made before.
func afterExpiryOf(at drivertest.Address) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		u, err := at(v)
		if err != nil {
			return drivertest.Wrong("make a URL: %v", err)
		}
		return afterExpiry(fetch(http.MethodGet, fixed(u)))(v)
	}
}

func fixed(u string) drivertest.Address {
	return func(*drivertest.Visit) (string, error) { return u, nil }
}

// afterEnd does what must work, revokes the lease, and does the next thing, or
// the same again.
func afterEnd(before drivertest.Attempt, then ...drivertest.Attempt) drivertest.Attempt {
	after := before
	if len(then) > 0 {
		after = then[0]
	}
	return first(all(before, end), after)
}

func afterEndOf(at drivertest.Address) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		u, err := at(v)
		if err != nil {
			return drivertest.Wrong("make a URL: %v", err)
		}
		return afterEnd(fetch(http.MethodGet, fixed(u)))(v)
	}
}

func end(v *drivertest.Visit) error {
	if v.Lent.End == nil {
		return drivertest.Wrong("the driver promises immediate revocation, and the site has no way to revoke")
	}
	return v.Lent.End(v)
}

// endAnother revokes a second lease of the same terms.
func endAnother(then drivertest.Attempt) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		another, err := v.Site.Lend(v, v.Ask)
		if err != nil {
			return drivertest.Wrong("a second lease: %v", err)
		}
		if err := another.End(v); err != nil {
			return drivertest.Wrong("revoke: %v", err)
		}
		return then(v)
	}
}
