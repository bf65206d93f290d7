package places

import (
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// lendAs says where the leases of an S3 store come from; empty leaves it.
func lendAs(s *keyhatch.Store, lends keyhatch.Lending) error {
	if lends == "" {
		return nil
	}
	if !slices.Contains([]keyhatch.Lending{keyhatch.LendsOwn, keyhatch.LendsSTS}, lends) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
			`leases are lent by our own S3 endpoint ("own") or by the store's token service ("sts")`).In("lends")
	}
	if s.OneBucket && lends != keyhatch.LendsOwn {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the store was made for one bucket, of a storage setting, and lends through our own S3 endpoint").In("lends")
	}
	s.Lends = lends
	return nil
}

var inConsole = strings.NewReplacer("{bucket}", "", "{prefix}", "")

// checkConsole refuses what is not a page of a store's console.
func checkConsole(template string) error {
	if template == "" {
		return nil
	}
	u, err := url.Parse(template)
	rest := inConsole.Replace(template)
	if err != nil || strings.ContainsAny(rest, "{}") || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(template) > 500 {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidEndpoint,
			"a console is a URL as https://console.example/browser/{bucket}/{prefix}, with nothing else in braces, of at most 500 characters").In("console")
	}
	return nil
}

// otherThan is a text that is worth telling, when it is not the usual one.
func otherThan[T ~string](usual, is T) string {
	if is == usual {
		return ""
	}
	return string(is)
}

// with tells that something was given, whatever it is.
func with[T any](given *T) string {
	if given == nil {
		return ""
	}
	return "given"
}

// setSessions puts what is said of the store's sessions into a location.
func setSessions(v kernel.View, l *keyhatch.Location, change LocationChange) error {
	if change.KMSKey == nil && change.SharedSessions == nil {
		return nil
	}
	if err := mayDivide(v, l.Workspace); err != nil {
		return err
	}
	kernel.Set(&l.KMSKey, change.KMSKey)
	kernel.Set(&l.SharedSessions, change.SharedSessions)
	if l.KMSKey == "" {
		return nil
	}
	return keyhatch.CheckKMSKey(l.KMSKey)
}
