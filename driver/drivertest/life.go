package drivertest

import (
	"net/http"
	"time"
)

// lifeRows are about the end of leases.
var lifeRows = []row{
	{name: "an expired lease: get, list and put", lease: short(writing("a/")), try: afterExpiry(get("a/in.txt"), list("a/", "a/in.txt", "a/sub/deep.txt"), put("a/in.txt")), want: expired, changes: []string{"~a/in.txt"}, needs: shortLives},
	{name: "an expired lease: a presigned URL", lease: short(reading("a/")), try: afterExpiryOf(presigned("a/in.txt")), want: expired, needs: shortLives},

	{name: "a revoked lease: get", lease: reading("a/"), try: afterEnd(get("a/in.txt")), want: denied, needs: revocation},
	{name: "a revoked lease: put", lease: writing("a/"), try: first(put("a/new.txt"), afterEnd(get("a/new.txt"), put("a/newer.txt"))), want: denied, changes: []string{"+a/new.txt"}, needs: revocation},
	{name: "a revoked lease: delete", lease: writing("a/"), try: afterEnd(get("a/in.txt"), remove("a/in.txt")), want: denied, needs: revocation},
	{name: "a revoked lease: list", lease: reading("a/"), try: afterEnd(list("a/", "a/in.txt", "a/sub/deep.txt")), want: denied, needs: revocation},
	{name: "a revoked lease: complete an upload", lease: writing("a/"), uploads: []string{"a/big.bin"}, try: afterEnd(listParts("a/big.bin"), complete("a/big.bin", "a/big.bin")), want: denied, needs: revocation},
	{name: "a revoked lease: a presigned URL", lease: reading("a/"), try: afterEndOf(presigned("a/in.txt")), want: denied, needs: revocation},
	{name: "a revoked lease ends no other", lease: reading("a/"), try: endAnother(get("a/in.txt")), want: allowed, needs: revocation},
}

func short(t terms) terms {
	t.short = true
	return t
}

// lateness is how long after its expiry a lease may still open something, as
// with a store that counts whole seconds.
const lateness = time.Second

// afterExpiry does what works until the lease has expired, and again then, when
// each must be refused alike.
func afterExpiry(tries ...attempt) attempt {
	return func(v *visit) error {
		// On a machine that is very slow the lease has ended before.
		if err := all(tries...)(v); err != nil && time.Now().Before(v.lent.ExpiresAt) {
			return wrong("before it expired: %v", err)
		}
		err := v.untilRefused(tries[0])
		status, code := refusal(err)
		for _, try := range tries[1:] {
			if s, c := refusal(try(v)); s != status || c != code {
				return wrong("one thing is answered with %d %s, another with %d %s", status, code, s, c)
			}
		}
		return err
	}
}

// untilRefused waits for the lease's expiry and tries until it is refused, or is
// late.
func (v *visit) untilRefused(try attempt) error {
	expiry := time.NewTimer(time.Until(v.lent.ExpiresAt))
	defer expiry.Stop()
	select {
	case <-v.Done():
		return v.Err()
	case <-expiry.C:
	}
	for {
		late := time.Now().After(v.lent.ExpiresAt.Add(lateness))
		if err := try(v); err != nil || late {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// afterExpiryOf is afterExpiry with a URL that was made before.
func afterExpiryOf(at address) attempt {
	return func(v *visit) error {
		u, err := at(v)
		if err != nil {
			return wrong("make a URL: %v", err)
		}
		return afterExpiry(fetch(http.MethodGet, fixed(u)))(v)
	}
}

func fixed(u string) address { return func(*visit) (string, error) { return u, nil } }

// afterEnd does what must work, revokes the lease, and does the next thing, or
// the same again.
func afterEnd(before attempt, then ...attempt) attempt {
	after := before
	if len(then) > 0 {
		after = then[0]
	}
	return first(all(before, end), after)
}

func afterEndOf(at address) attempt {
	return func(v *visit) error {
		u, err := at(v)
		if err != nil {
			return wrong("make a URL: %v", err)
		}
		return afterEnd(fetch(http.MethodGet, fixed(u)))(v)
	}
}

func end(v *visit) error {
	if v.lent.End == nil {
		return wrong("the driver promises immediate revocation, and the site has no way to revoke")
	}
	return v.lent.End(v)
}

// endAnother revokes a second lease of the same terms.
func endAnother(then attempt) attempt {
	return func(v *visit) error {
		another, err := v.site.Lend(v, v.ask)
		if err != nil {
			return wrong("a second lease: %v", err)
		}
		if err := another.End(v); err != nil {
			return wrong("revoke: %v", err)
		}
		return then(v)
	}
}
