package matrix

import (
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/drivertest"
)

// with does the attempt with other credentials than those of the lease.
func with(change func(*drivertest.Visit, *keyhatch.Credentials) error, try drivertest.Attempt) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		kept := v.Lent
		defer func() { v.Lent = kept }()
		if err := change(v, &v.Lent.Credentials); err != nil {
			return err
		}
		return try(v)
	}
}

// all does attempts one after the other, until one is refused.
func all(tries ...drivertest.Attempt) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		for _, try := range tries {
			if err := try(v); err != nil {
				return err
			}
		}
		return nil
	}
}

// first does an attempt that must be allowed before another.
func first(try, then drivertest.Attempt) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		if err := try(v); err != nil {
			return drivertest.Wrong("what comes before it: %v", err)
		}
		return then(v)
	}
}
