package katapult

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// What the calls on tokens take.
var (
	tokenProperties = arguments.Argument{Name: "properties", Kind: arguments.Object, Required: true, Fields: []arguments.Argument{
		{Name: "name"},
		{Name: "authorized_ip_addresses", List: true},
		{Name: "expires_at", Kind: arguments.Integer},
		{Name: "scopes", List: true},
	}}
	annotations      = arguments.Argument{Name: "annotations", Kind: arguments.Object, List: true, Fields: []arguments.Argument{{Name: "key", Required: true}, {Name: "value"}}}
	annotationFilter = arguments.Argument{Name: "annotations", Kind: arguments.Object, List: true, Fields: []arguments.Argument{{Name: "key"}, {Name: "value"}}}
)

// token is one as answers have it. One of an organization works in that workspace only.
type token struct {
	ID                    string           `json:"id"`
	Name                  string           `json:"name"`
	OrganizationID        *string          `json:"organization_id"`
	AuthorizedIPAddresses []string         `json:"authorized_ip_addresses"` // none: from everywhere
	ExpiresAt             *int64           `json:"expires_at"`              // null: never
	RateLimit             int              `json:"rate_limit"`              // a minute
	Scopes                []keyhatch.Scope `json:"scopes"`
	Secret                *string          `json:"secret,omitempty"` // of who has just been given it
}

func (d *Door) encodeToken(t keyhatch.Token) token {
	out := token{ID: t.ID, Name: t.Name, AuthorizedIPAddresses: []string{}, RateLimit: t.RequestsPerMinute, Scopes: append([]keyhatch.Scope{}, t.Scopes...)}
	if t.Workspace != "" {
		out.OrganizationID = &t.Workspace
	}
	for _, n := range t.Networks {
		if n.IsSingleIP() {
			out.AuthorizedIPAddresses = append(out.AuthorizedIPAddresses, n.Addr().String())
		} else {
			out.AuthorizedIPAddresses = append(out.AuthorizedIPAddresses, n.String())
		}
	}
	if !t.ExpiresAt.IsZero() {
		at := t.ExpiresAt.Unix()
		out.ExpiresAt = &at
	}
	if out.RateLimit == 0 {
		out.RateLimit = d.people.Limits().RequestsPerMinute
	}
	return out
}

func (d *Door) encodeTokenWith(t keyhatch.Token, secret keyhatch.Secret) token {
	out := d.encodeToken(t)
	shown := secret.Reveal()
	out.Secret = &shown
	return out
}

type annotation struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// annotatedToken is a token with what its user notes about it.
type annotatedToken struct {
	Token       token        `json:"api_token"`
	Annotations []annotation `json:"annotations"`
}

func annotated(t token, notes map[string]string) annotatedToken {
	out := annotatedToken{t, []annotation{}}
	for _, key := range slices.Sorted(maps.Keys(notes)) {
		out.Annotations = append(out.Annotations, annotation{key, notes[key]})
	}
	return out
}

// listTokens lists the organization's tokens that the caller may see: its own, or of an
// installation admin all.
func (d *Door) listTokens(c *call) (any, error) {
	ws, err := d.workspace(c)
	if err != nil {
		return nil, err
	}
	wanted, _ := c.Objects("annotations")
	all := everything(func(p kernel.Page) (kernel.List[keyhatch.Token], error) {
		return d.people.TokensIn(c.ctx, c.caller, ws.ID, p)
	})
	items, p, err := paged(c.Values, those(all, func(t keyhatch.Token) bool { return noted(t, wanted) }), d.encodeToken)
	return struct {
		Pagination pagination `json:"pagination"`
		Tokens     []token    `json:"api_tokens"`
	}{p, items}, err
}

// those are the items of a list of which something is true.
func those[T any](all iter.Seq2[T, error], is func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range all {
			if (err != nil || is(item)) && !yield(item, err) {
				return
			}
		}
	}
}

// noted tells whether a token has all of the annotations. One without a key is any, one
// without a value has any.
func noted(t keyhatch.Token, wanted []arguments.Values) bool {
	for _, w := range wanted {
		key, anyKey := arguments.Get[string](w, "key")
		value, anyValue := arguments.Get[string](w, "value")
		found := false
		for k, v := range t.Annotations {
			found = found || (!anyKey || k == key) && (!anyValue || v == value)
		}
		if !found && len(w) > 0 {
			return false
		}
	}
	return true
}

// createToken makes a token of the organization. One for which no scopes are said may
// nothing.
func (d *Door) createToken(c *call) (any, error) {
	ws, err := d.workspace(c)
	if err != nil {
		return nil, err
	}
	change, err := d.change(c)
	if err != nil {
		return nil, err
	}
	n := people.NewToken{Workspace: ws.ID, Scopes: []keyhatch.Scope{}}
	kernel.Set(&n.Name, change.Name)
	kernel.Set(&n.Scopes, change.Scopes)
	kernel.Set(&n.ExpiresAt, change.ExpiresAt)
	kernel.Set(&n.Networks, change.Networks)
	kernel.Set(&n.Annotations, change.Annotations)
	t, secret, err := d.people.CreateToken(c.ctx, c.caller, n)
	return annotated(d.encodeTokenWith(t, secret), t.Annotations), err
}

func (d *Door) updateToken(c *call) (any, error) {
	change, err := d.change(c)
	if err != nil {
		return nil, err
	}
	t, err := d.people.Token(c.ctx, c.caller, c.Reference("api_token", keyhatch.TokenID))
	if err != nil {
		return nil, err
	}
	if change != (people.TokenChange{}) {
		t, err = d.people.UpdateToken(c.ctx, c.caller, t.ID, change)
	}
	return annotated(d.encodeToken(t), t.Annotations), err
}

// change reads what is said of a token. What is not said stays, and null is nothing said,
// but of the expiry: it is never. Lists, of annotations too, are replaced.
func (d *Door) change(c *call) (out people.TokenChange, err error) {
	said, _ := arguments.Get[arguments.Values](c.Values, "properties")
	if name, ok := arguments.Get[string](said, "name"); ok {
		out.Name = &name
	}
	if texts, ok := said.Texts("scopes"); ok {
		scopes := make([]keyhatch.Scope, len(texts))
		for i, s := range texts {
			scopes[i] = keyhatch.Scope(s)
		}
		out.Scopes = &scopes
	}
	if texts, ok := said.Texts("authorized_ip_addresses"); ok {
		networks := make([]netip.Prefix, len(texts))
		for i, s := range texts {
			if networks[i], err = keyhatch.ParseNetwork(s); err != nil {
				return out, err
			}
		}
		out.Networks = &networks
	}
	if out.ExpiresAt, err = expiry(said); err != nil {
		return out, err
	}
	notes, ok := c.Objects("annotations")
	if !ok {
		return out, nil
	}
	kept := make(map[string]string, len(notes))
	for _, n := range notes {
		key, _ := arguments.Get[string](n, "key")
		if _, twice := kept[key]; twice {
			return out, fail(validationError, messages{[]string{"Annotations key has already been taken"}})
		}
		kept[key], _ = arguments.Get[string](n, "value")
	}
	out.Annotations = &kept
	return out, nil
}

// lastSecond is the end of the year 9999.
const lastSecond = 253402300799

// expiry is when a token is to end, zero for never, nil when nothing is said.
func expiry(said arguments.Values) (*time.Time, error) {
	v, there := said["expires_at"]
	if !there {
		return nil, nil
	}
	at, ok := v.(int64)
	switch {
	case !ok:
		return &time.Time{}, nil
	case at < 0 || at > lastSecond:
		return nil, fail(validationError, messages{[]string{"Expires at must be a time before the year 10000, in seconds since 1970"}})
	}
	end := time.Unix(at, 0).UTC()
	return &end, nil
}

func (d *Door) deleteToken(c *call) (any, error) {
	t, err := d.people.Token(c.ctx, c.caller, c.Reference("api_token", keyhatch.TokenID))
	if err != nil {
		return nil, err
	}
	type ended struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	return struct {
		Token ended `json:"api_token"`
	}{ended{t.ID, t.Name}}, d.people.RevokeToken(c.ctx, c.caller, t.ID)
}

// regenerateSecret gives a token another secret. The one before is dead at once.
func (d *Door) regenerateSecret(c *call) (any, error) {
	t, secret, err := d.people.RotateToken(c.ctx, c.caller, c.Reference("api_token", keyhatch.TokenID), 0)
	return struct {
		Token token `json:"api_token"`
	}{d.encodeTokenWith(t, secret)}, err
}
