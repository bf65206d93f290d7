package awssts

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// How long sessions last.
//
// Source: AWS STS API reference, DurationSeconds of AssumeRole, GetFederationToken and
// AssumeRoleWithWebIdentity; IAM User Guide, "Roles terms and concepts", role chaining.
// MinIO and Ceph have the same least; MinIO gives a week.
const (
	leastLife      = 15 * time.Minute
	roleLife       = 12 * time.Hour
	chainedLife    = time.Hour
	federationLife = 36 * time.Hour
	storeLife      = 7 * 24 * time.Hour
	sureLife       = time.Hour // no role can be set to less
)

// Lives implements driver.Vender.
func (l *Lender) Lives(store keyhatch.Store, as driver.Acting) driver.Lives {
	longest, by, sure := roleLife, "what a role's sessions can last at most", sureLife
	switch {
	case as.Authority.Kind == keyhatch.RoleCredential && as.WebIdentity == nil && l.chained(as):
		longest, by = chainedLife, "role chaining: a role that is assumed with another role's session gives an hour"
	case as.Authority.Kind == keyhatch.RoleCredential:
	case atAWS(store):
		longest, by = federationLife, "what a federation token can last at most"
	default: // MinIO gives them all, and others that have no roles do what it does
		longest, by, sure = storeLife, "what the store's sessions can last at most", roleLife
	}
	if as.Longest > 0 && as.Longest <= longest {
		longest, sure = as.Longest, as.Longest
		if as.Authority.Kind == keyhatch.RoleCredential {
			by = "the maximum session duration of the store's role"
		} else {
			by = "the maximum that is set for the store"
		}
	}
	return driver.Lives{Least: leastLife, Longest: longest, By: by, Sure: sure}
}

// checkLife refuses a life that the store would not give, and names what limits it
// (S15).
func checkLife(life time.Duration, lives driver.Lives) error {
	switch {
	case life < lives.Least:
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidDuration, "a session of this store lasts at least %d seconds", seconds(lives.Least)).In("duration_seconds")
	case life > lives.Longest:
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "a session of this store can last at most %d seconds: the limit is %s",
			seconds(lives.Longest), lives.By).In("duration_seconds")
	}
	return nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// checkEnd holds what a store gave to what it was asked for, in a request that began at
// a time. The clocks of two machines are never quite the same.
func checkEnd(end, begun time.Time, r driver.VendRequest) error {
	life, least := end.Sub(begun), r.Least
	if least == 0 {
		least = r.Life
	}
	switch {
	case life <= 0:
		return failure(EndedAlready, nil)
	case life < least-driver.ClocksMayBeApart:
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit, "the store gives a session of %d seconds and no longer: ask for that, or less",
			max(0, seconds(life))).In("duration_seconds").Because(TooShort)
	case life > r.Life+driver.ClocksMayBeApart:
		return failure(TooLong, nil)
	}
	return nil
}
