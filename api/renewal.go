package api

import "time"

// RenewAt is when a lease that was lent at one time and ends at another is due to
// be renewed: ten minutes before its end, or, when it lives for less than fifteen,
// after a third of its life. Until then it is handed out again. Whatever delivers
// leases goes by this rule, so that a program gets one that is good for a while,
// and a server that is away for some minutes is not noticed.
//
// Lent is by the clock of this machine, expires by the server's.
func RenewAt(lent, expires time.Time) time.Time {
	return expires.Add(-min(renewBefore, expires.Sub(lent)*2/3))
}

// renewBefore is what SDKs want too: botocore insists on new credentials ten
// minutes before the end of those it has.
const renewBefore = 10 * time.Minute
