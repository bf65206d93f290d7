package auth

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
)

// TellAllowance tells a caller what is left of its token's request limit: in all, now,
// and in how many seconds it is all there again. Who is nobody is told nothing.
func TellAllowance(h http.Header, a keyhatch.Allowance) {
	if a.PerMinute == 0 {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(a.PerMinute))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(a.Remaining))
	h.Set("X-RateLimit-Reset", strconv.Itoa(WholeSeconds(a.Full)))
}

// TellWait tells who was refused for now when to come again: see keyhatch.Error.Wait. What is
// no error of the core is over in a second.
func TellWait(h http.Header, err error) {
	wait := time.Second
	var e *keyhatch.Error
	if errors.As(err, &e) {
		wait = e.Wait()
	}
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(WholeSeconds(wait)))
	}
}

// WholeSeconds rounds up: who waits so long has waited long enough.
func WholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
