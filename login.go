package keyhatch

import "time"

// LoginProvider is where people log in besides here.
type LoginProvider struct {
	Name   string // in paths; unique
	Title  string // what people read
	Issuer string // the URL that it is known by to itself; unique
}

// LoginRequest is what a browser is sent to a provider with.
type LoginRequest struct {
	Redirect  string // where it is to come back to
	State     string
	Nonce     string
	Challenge string // of PKCE, S256
	Age       LoginAge
}

// LoginAge is how long ago somebody may have logged in at a provider who comes from it: unless it is
// bounded, however long ago. Most is in whole seconds, and zero for who is to log in anew.
//
// Source: OpenID Connect Core 1.0, section 3.1.2.1, prompt and max_age.
type LoginAge struct {
	Bounded bool
	Most    time.Duration
}

// ProviderClock is how far a provider's clock may be behind ours.
const ProviderClock = time.Minute

// LoginAnswer is what it came back with, and what shows that we have sent it.
type LoginAnswer struct {
	Redirect string
	Code     Secret
	Verifier Secret // of PKCE
	Nonce    string
}

// LoginStatement is what a provider says of who has logged in there, as the configuration's
// rules read it. Issuer and Subject alone say who that is: everything else can be another's
// tomorrow.
type LoginStatement struct {
	Issuer, Subject string
	// Known is the name of the user that the configuration says it is; empty: it says none.
	Known string
	// Allowed tells whether one of the rules lets it in.
	Allowed bool
	// Name is what a new user is called; empty: the rules make no name of what the provider
	// says.
	Name            string
	FullName, Email string // of a new user; the e-mail address only where the provider has verified it
	Places          []LoginPlace
	Admin           bool // of the installation
	// LoggedIn is when it has logged in there; zero: the provider does not say.
	LoggedIn time.Time
}

// LoginPlace is a place that rules give: in a group of a workspace, or in the workspace alone.
// Both are names.
type LoginPlace struct{ Workspace, Group string }

// LoginRefusal is why somebody who comes back from a provider is not let in.
type LoginRefusal string

func (r LoginRefusal) Error() string { return "the login was refused: " + string(r) }

// The reasons. The first are about the browser and the way back, the next about what the provider has
// signed, the last about the user.
const (
	RefusedState     LoginRefusal = "state"        // none that this browser was sent with
	RefusedReplay    LoginRefusal = "replay"       // came back before, or too late
	RefusedIssuer    LoginRefusal = "issuer"       // another provider's answer
	RefusedThere     LoginRefusal = "there"        // the provider says no
	RefusedCode      LoginRefusal = "code"         // the provider does not take its own code
	RefusedAnswer    LoginRefusal = "answer"       // what the provider sends cannot be read
	RefusedAlgorithm LoginRefusal = "algorithm"    // signed in a way that is not accepted
	RefusedSignature LoginRefusal = "signature"    // by no key of the provider
	RefusedAudience  LoginRefusal = "audience"     // for somebody else
	RefusedExpired   LoginRefusal = "expired"      //
	RefusedNonce     LoginRefusal = "nonce"        // of another login
	RefusedAge       LoginRefusal = "age"          // logged in longer ago than was asked for, or the provider does not say when
	RefusedStranger  LoginRefusal = "not_allowed"  // no rule lets it in
	RefusedNameless  LoginRefusal = "no_name"      // the rules make no name for a new user
	RefusedNameTaken LoginRefusal = "name_taken"   // by somebody else here
	RefusedUnknown   LoginRefusal = "unknown_user" // the configuration names a user that is not there
	RefusedDisabled  LoginRefusal = "disabled"
	RefusedRemoved   LoginRefusal = "removed"
)
