package driver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// Vender mints credentials with a store's own token service. What is minted is the
// store's: it lives to its end, whatever becomes of what it was minted for.
type Vender interface {
	// Lives tells how long its credentials can last, as that authority.
	Lives(store keyhatch.Store, as Acting) Lives

	// Vend mints credentials that open what the request says and nothing else, for at
	// least the asked time. What cannot be confined so is refused; the authority
	// itself is never handed out. The message of an error is for callers, its cause
	// tells the store's operator what to repair; a secret is in neither. When the
	// store did not answer the error is ErrNoAnswer.
	Vend(ctx context.Context, r VendRequest) (Vended, error)
}

// Keeper is a Vender that serves credentials again.
type Keeper interface {
	// Forget has the credentials of a vend served to nobody any more.
	Forget(vend string)
}

// Fault is an error of which who operates a store is told in words of their own, how to
// repair it; no secret is in them.
type Fault interface {
	error
	ForOperators() string
}

// ErrNoAnswer is that a store could not be asked at all, by nobody.
var ErrNoAnswer = errors.New("the store does not answer")

// ErrUnnamed is that a store does not say which parameter it refuses: that it is how long the
// session is to last is a guess.
var ErrUnnamed = errors.New("the store does not say which parameter it means")

// Acting is what acts for us on a store, as credentials and what is set beside them
// say. It exists in memory only.
type Acting struct {
	Credential string // id
	// Version is another one whenever anything that is said here is: credentials that
	// were minted before are not served then.
	Version string
	// With is another one whenever a store has to be proven again with it: as another kind
	// of authority, at another token service, as another role, or through another base; and
	// when more is tried (keyhatch.ProvenBy). It is the same when keys are rotated.
	With      string
	Authority keyhatch.Authority
	// Base is what a role is assumed through; nil: what Keyhatch itself is.
	Base *keyhatch.Authority
	// WebIdentity tells who we are, for a role that is assumed with a token of an
	// identity provider. Nil: with keys.
	WebIdentity func(context.Context) (keyhatch.Secret, error)
	// AnyExternalID: a role is used although it admits us without its external id.
	AnyExternalID bool
	// Longest is how long the store lets sessions of this authority last at most; zero:
	// not known.
	Longest time.Duration
	// SourceIdentity: the store's own record gets the id of each vend as its source
	// identity. A role has to allow that.
	SourceIdentity bool
	// Tags are those of each session. A role has to allow them.
	Tags map[string]string
	// SessionName is how sessions are called in the store's own record; empty: in the
	// driver's way.
	SessionName string
}

// AsksExternalID tells whether the role has to ask for its external id.
func (a Acting) AsksExternalID() bool {
	return a.Authority.Kind == keyhatch.RoleCredential && a.WebIdentity == nil && !a.AnyExternalID
}

// Lives are how long credentials can last.
type Lives struct {
	Least   time.Duration
	Longest time.Duration
	By      string // what sets Longest, in words for callers
	// Sure is how long they can last without doubt; what is longer, up to Longest, the
	// store may refuse.
	Sure time.Duration
	// Refused is the shortest life that the store refused lately as too long; zero: none is
	// known. Who takes less need not ask for so much again.
	Refused time.Duration
}

// VendRequest asks for credentials.
type VendRequest struct {
	ID     string // of this vend, for the store's own record
	Store  keyhatch.Store
	As     Acting
	User   string // name of whom they are for, which can become another's
	UserID string // of the same; nobody else ever has it. Empty: the server itself
	Client string // what the user works with; may be empty
	// Open is what they are to open, and Policies narrow it.
	Open     policy.Set
	Policies sessionpolicy.Policies
	// Keys are ARNs of the KMS keys that the objects are encrypted with.
	Keys []string
	// Life is how long they are to last, which the store is asked for.
	Life time.Duration
	// Least is how long they have to last; zero: Life.
	Least time.Duration
	// Latest is when they have to have ended, as location, grants and token say.
	Latest time.Time
	// Spend is called before each request to the token service, and may refuse it. Nil:
	// requests are not counted.
	Spend func(context.Context) error
	// Shared: they may be handed to other users too that may have the same. The
	// store's record then does not tell who did what.
	Shared bool
}

// Scope is the same for requests that are to open the same, and tells nothing else.
func (r VendRequest) Scope() string {
	open := slices.Clone(r.Open)
	text := func(o policy.Open) string {
		out, err := json.Marshal(o)
		if err != nil {
			panic(err) // of texts alone
		}
		return string(out)
	}
	slices.SortFunc(open, func(a, b policy.Open) int { return strings.Compare(text(a), text(b)) })
	policies := []string{}
	for _, p := range r.Policies {
		policies = append(policies, p.String())
	}
	all, err := json.Marshal([]any{open, policies, r.Keys})
	if err != nil {
		panic(err) // of texts alone
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:])
}

// Vended are credentials that were minted.
type Vended struct {
	keyhatch.Credentials
	// ID is of the vend in which they were minted. Leases that are served from one vend
	// share it.
	ID string
	// Chained: their session came about through another one.
	Chained bool
}
