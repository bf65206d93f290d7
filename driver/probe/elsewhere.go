package probe

import (
	"net/url"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// elsewhere looks at what is no authority of AWS: nobody is asked.
func elsewhere(r *driver.Report, a keyhatch.Authority) {
	if a.Provider == keyhatch.Azure && a.Kind == keyhatch.TokenCredential {
		r.Check("expiry", func() driver.Finding { return notExpired(a.Secret, time.Now()) })
	}
	r.Skip("no store is reached with credentials of "+string(a.Provider)+" yet: it is kept, and no keys can be lent with it", "use")
}

// notExpired reads when a shared access signature ends.
//
// Source: Azure Storage documentation, "Create a service SAS", signedExpiry.
func notExpired(sas keyhatch.Secret, now time.Time) driver.Finding {
	q, err := url.ParseQuery(strings.TrimPrefix(sas.Reveal(), "?"))
	if err != nil {
		return driver.Failed("it is no query")
	}
	text := q.Get("se")
	if text == "" {
		return driver.Found(keyhatch.Warning, "it names no end: a stored access policy of the account decides")
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z", "2006-01-02"} {
		if end, err := time.Parse(layout, text); err == nil {
			if end.Before(now) {
				return driver.Failed("it ended at " + end.UTC().Format(time.RFC3339))
			}
			return driver.Found(keyhatch.Passed, "it ends at "+end.UTC().Format(time.RFC3339))
		}
	}
	return driver.Failed("its end is no time")
}
