package issuers

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// claims are the members of a JSON object.
type claims map[string]json.RawMessage

// text is a claim that is a text, empty for none.
func (c claims) text(name string) (string, error) {
	raw, has := c[name]
	if !has {
		return "", nil
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", fmt.Errorf("%s is no text", name)
	}
	return *s, keyhatch.CheckText(name, *s)
}

// Texts are the values of a member of a JSON object that is a text or a list of texts; none
// where it is not there.
func Texts(members map[string]json.RawMessage, name string) ([]string, error) {
	list, _, err := claims(members).texts(name)
	return list, err
}

// texts is a claim that is a text or a list of texts.
func (c claims) texts(name string) (list []string, isList bool, err error) {
	raw, has := c[name]
	if !has {
		return nil, false, nil
	}
	var one *string
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []string{*one}, false, nil
	}
	var several []*string
	if json.Unmarshal(raw, &several) != nil || several == nil || slices.Contains(several, nil) {
		return nil, false, fmt.Errorf("%s is neither a text nor a list of texts", name)
	}
	list = make([]string, len(several))
	for i, s := range several {
		list[i] = *s
	}
	return list, true, nil
}

// maxRoles bounds the roles that are read.
const maxRoles = 1000

// roles are those of Keycloak's claim realm_access; nil where it does not say any.
// What has another form is no reason to refuse a token for those who do not ask for roles.
func (c claims) roles() []string {
	var realm struct {
		Roles []string `json:"roles"`
	}
	if json.Unmarshal(c["realm_access"], &realm) != nil || len(realm.Roles) > maxRoles {
		return nil
	}
	return realm.Roles
}

// lastSecond is the end of the year 9999: no time is later.
const lastSecond = 253402300799

// time is a claim that is a time, in seconds, cut to the second; zero for none.
//
// Source: RFC 7519, section 2, NumericDate.
func (c claims) time(name string) (time.Time, error) {
	raw, has := c[name]
	if !has {
		return time.Time{}, nil
	}
	var seconds *float64
	if json.Unmarshal(raw, &seconds) != nil || seconds == nil || *seconds < 1 || *seconds > lastSecond {
		return time.Time{}, fmt.Errorf("%s is no time", name)
	}
	return time.Unix(int64(math.Floor(*seconds)), 0).UTC(), nil
}

// skew is how far another's clock may be ahead of ours.
const skew = time.Minute

// lifetime checks the times that a token says, and returns when it was made and its end. The end is not
// stretched by anybody's clock.
func (c claims) lifetime(longest time.Duration, now time.Time) (made, end time.Time, err error) {
	var begins time.Time
	for name, field := range map[string]*time.Time{"exp": &end, "nbf": &begins, "iat": &made} {
		if *field, err = c.time(name); err != nil {
			return made, end, err
		}
	}
	switch {
	case end.IsZero():
		err = errors.New("it has no exp")
	case made.IsZero():
		err = errors.New("it has no iat, so nobody knows how long it lives")
	case !now.Before(end):
		err = errors.New("it has expired")
	case begins.After(now.Add(skew)):
		err = errors.New("its nbf is to come")
	case made.After(now.Add(skew)):
		err = errors.New("its iat is to come")
	case end.Sub(made) > longest:
		err = errors.New("it lives longer than longest says")
	}
	return made, end, err
}

// isFor checks the audience.
func (c claims) isFor(a Audience) error {
	values, _, err := c.texts(a.Claim)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(a.Values, v) }) {
		return fmt.Errorf("it is for somebody else: none of audience.values is in its %s", a.Claim)
	}
	return nil
}

// standardScopes are words of OpenID Connect that providers put among the others, and that mean
// nothing here.
//
// Source: OpenID Connect Core 1.0, sections 3.1.2.1, 5.4 and 11.
var standardScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// scopes are what a token may do: what it says, which must be within what its issuer's tokens
// may; or all of that when it says nothing, or standardScopes alone. One whose claim is empty
// may do nothing. A word that is not known is refused and not passed over: one that was to
// take something away may have been mistyped.
func (c claims) scopes(i *Issuer) ([]keyhatch.Scope, error) {
	var said []keyhatch.Scope
	if i.ScopesClaim != "" {
		texts, isList, err := c.texts(i.ScopesClaim)
		if err != nil {
			return nil, err
		}
		if !isList {
			texts = scopeWords(strings.Join(texts, ""))
		}
		if _, says := c[i.ScopesClaim]; says && len(texts) == 0 {
			return nil, nil
		}
		for _, s := range texts {
			if !slices.Contains(standardScopes, s) {
				said = append(said, keyhatch.Scope(s))
			}
		}
	}
	if len(said) == 0 {
		return i.Scopes, nil
	}
	if bytes := len(i.ScopesClaim) + len(c[i.ScopesClaim]); len(said) > keyhatch.MaxScopes || bytes > keyhatch.MaxScopesBytes {
		return nil, errors.New("it has too many scopes")
	}
	may, err := policy.ParseScopes(said)
	if err != nil {
		return nil, errors.New("it has a scope that is not known here")
	}
	if len(i.Scopes) == 0 {
		return said, nil
	}
	most, err := policy.ParseScopes(i.Scopes)
	if err != nil {
		return nil, err
	}
	if !may.Within(most) {
		return nil, errors.New("its scopes are not within those of its issuer's rules")
	}
	return said, nil
}

// scopeWords are the scopes in a text that has spaces between them. Some scopes are two
// words: a method or an s3 scope, and what it is for.
func scopeWords(text string) (out []string) {
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		s := words[i]
		if two := strings.HasPrefix(s, "s3:") || strings.ToUpper(s) == s && s != strings.ToLower(s); two && i+1 < len(words) {
			i++
			s += " " + words[i]
		}
		out = append(out, s)
	}
	return out
}
