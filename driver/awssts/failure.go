package awssts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// Fault is why a store lends nothing, in words for who can repair it. It is the cause
// of a keyhatch.Error, whose message tells the caller no more than that the store
// refused: how a store is set up is not for borrowers.
type Fault string

func (f Fault) Error() string { return string(f) }

// ForOperators implements driver.Fault.
func (f Fault) ForOperators() string { return string(f) }

// The faults. Nothing that a store says is in one but its code.
const (
	AccessDenied    Fault = "the store does not admit us: see the trust policy of the role (its principal, its external id, sts:SetSourceIdentity and sts:TagSession where those are on), and whether what acts for us may assume it"
	UnknownKeys     Fault = "the store does not know the access key of its credential, or it is not active: replace the credential's authority"
	WrongSecret     Fault = "the secret of the store's credential is not the access key's: replace the credential's authority"
	ExpiredKeys     Fault = "what acts for us on the store has expired: replace the credential's authority, or see where the server's own identity comes from"
	UnknownRole     Fault = "there is no such role: see the role's ARN in the store's credential"
	NoRole          Fault = "the store has no sessions for keys alone: make its credential a role of the store, and these keys the base of its place"
	ClockSkew       Fault = "the clocks of the store and of this server differ by minutes: set them, both by NTP"
	BadPolicy       Fault = "the store does not understand the session policy: it may not have what the policy names"
	WebIdentity     Fault = "the store does not take the web identity token: see the role's trust policy (provider, audience, subject), and whether the token is of that provider"
	ExpiredIdentity Fault = "the web identity token has expired: see that what writes it (aws.web_identity_token_file) renews it in time, and the clocks of both"
	NoToken         Fault = "the web identity token cannot be read: see aws.web_identity_token_file"
	ProviderAway    Fault = "the store cannot ask the identity provider of the web identity token: see that the provider answers at its address, from where the store is"
	RegionOff       Fault = "the token service is not enabled for this account in the store's region: enable it, or name another endpoint"
	Crowded         Fault = "the store takes no more requests at the moment, after several tries"
	Broken          Fault = "the store answers with errors of its own, after several tries"
	NoAnswer        Fault = "the store cannot be asked: nothing answers in time, or the address is refused, or its certificate is not one that is trusted"
	Unreadable      Fault = "what answers at the store's endpoint is not a token service"
	NoService       Fault = "the store has no token service: let it lend through our own endpoint"
	NoIdentity      Fault = "Keyhatch is nobody at AWS here: set aws.identity in its configuration, or give the place of the store's credential a base"
	ForeignBase     Fault = "a role of an S3-compatible store is assumed with keys of that store, and one of AWS with what is AWS's: what acts at one place is shown to no other"
	ForeignStore    Fault = "the store's credential is of AWS, and the store is not: give the credential the endpoint of the store's token service"
	Unsuited        Fault = "sessions of this store need a credential of AWS: a role, or keys"
	EndedAlready    Fault = "the store gave credentials that have ended already: see the clocks of both"
	TooShort        Fault = "the store gave a shorter session than it was asked for"
	TooLong         Fault = "the store gave a longer session than it was asked for: it does not keep to what is asked, or the clocks differ"
	NoCredentials   Fault = "the store answered without credentials"
	NoLogin         Fault = "AWS does not make the session a login: it may have ended, or its session be chained where the server does not know of that"
	BadParameter    Fault = "the store does not take a parameter of the request, which the log names where the store does: see the session name, tags, source identity, external id and longest session of the store's credential, and the role's ARN"
	LimitOfRole     Fault = "the store does not give sessions of that length: see the role's maximum session duration, and set it for the store's credential too"
)

// verdict is what a fault means for a caller, and whether it may pass with another try.
type verdict struct {
	kind    keyhatch.Kind
	code    keyhatch.Code
	message string
	again   bool
}

const (
	shut  = "the store lends nothing at the moment: who operates it can see the reason in the log"
	pause = 5 * time.Second // until one asks again what was too much
)

// verdicts are of the faults that are not the operator's alone.
var verdicts = map[Fault]verdict{
	Crowded:      {keyhatch.TooMany, keyhatch.CodeTooManyRequests, "the store takes no more requests at the moment: ask again in a few seconds", true},
	Broken:       {keyhatch.Unavailable, keyhatch.CodeUnavailable, shut, true},
	NoAnswer:     {keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store does not answer: ask again later", true},
	ProviderAway: {keyhatch.Unavailable, keyhatch.CodeUnavailable, shut, true}, // which passes, AWS says
	LimitOfRole: {
		keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit,
		"a session of this store cannot last so long: the limit is the maximum session duration of the store's role; ask for less", false,
	},
}

// codes are what token services call their refusals.
//
// Source: AWS STS API reference, errors of AssumeRole, AssumeRoleWithWebIdentity and
// GetFederationToken, and "Common errors"; MinIO, cmd/sts-errors.go; Ceph,
// rgw_common.cc.
var codes = map[string]Fault{
	"AccessDenied": AccessDenied, "AccessDeniedException": AccessDenied, "UnauthorizedAccess": AccessDenied,
	"InvalidClientTokenId": UnknownKeys, "InvalidAccessKeyId": UnknownKeys, "UnrecognizedClientException": UnknownKeys, "OptInRequired": UnknownKeys,
	"InvalidToken": ExpiredKeys, "InvalidTokenId": ExpiredKeys, "ExpiredToken": ExpiredKeys, "ExpiredTokenException": ExpiredKeys,
	"SignatureDoesNotMatch": WrongSecret, "IncompleteSignature": WrongSecret, "InvalidSignatureException": WrongSecret, "AuthFailure": WrongSecret,
	"RequestExpired": ClockSkew, "RequestTimeTooSkewed": ClockSkew, "RequestInTheFuture": ClockSkew,
	"NoSuchEntity": UnknownRole, "NoSuchRole": UnknownRole,
	"MalformedPolicyDocument": BadPolicy, "MalformedPolicy": BadPolicy,
	"IDPRejectedClaim": WebIdentity, "InvalidIdentityToken": WebIdentity, "IDPCommunicationError": ProviderAway,
	"RegionDisabledException": RegionOff,
	"Throttling":              Crowded, "ThrottlingException": Crowded, "ThrottledException": Crowded, "RequestLimitExceeded": Crowded, "RequestThrottled": Crowded,
	"SlowDown": Crowded, "TooManyRequestsException": Crowded, "BandwidthLimitExceeded": Crowded, "LimitExceeded": Crowded, "XMinioServerNotInitialized": Broken,
	"InvalidAction": NoService, "NotImplemented": NoService, "MethodNotAllowed": NoService, "UnknownOperationException": NoService, "NoSuchBucket": NoService,
	"InternalFailure": Broken, "InternalError": Broken, "ServiceUnavailable": Broken, "ServiceFailure": Broken,
}

// packed are the codes that a policy was too large for the store after all: only the
// store knows how it packs one.
var packed = []string{"PackedPolicyTooLarge", "PackedPolicyTooLargeException"}

// ofCode is what a code looks like; others are not repeated.
var ofCode = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// failure is the error of a fault.
func failure(f Fault, why error) *keyhatch.Error {
	v, told := verdicts[f]
	if !told {
		v = verdict{keyhatch.Unavailable, keyhatch.CodeUnavailable, shut, false}
	}
	e := keyhatch.Fail(v.kind, v.code, "%s", v.message)
	if v.kind == keyhatch.TooMany {
		e = e.After(pause)
	}
	if v.code == keyhatch.CodeLifeExceedsLimit {
		e = e.In("duration_seconds")
	}
	cause := error(f)
	if f == NoAnswer {
		cause = fmt.Errorf("%w (%w)", f, driver.ErrNoAnswer)
	}
	if why != nil {
		cause = fmt.Errorf("%w: %w", cause, why)
	}
	return e.Because(cause)
}

// again tells whether another try may help.
func again(err error) bool {
	var f Fault
	return errors.As(err, &f) && verdicts[f].again
}

// translated puts an error of a request in our words. now is when it came.
func translated(err error, r driver.VendRequest, now time.Time) error {
	var ours *keyhatch.Error
	if errors.As(err, &ours) { // as of what it is had through
		return ours
	}
	var said *refusal
	if !errors.As(err, &said) {
		return unanswered(err)
	}
	why := fmt.Errorf("%d %s", said.status, said.code)
	if !ofCode.MatchString(said.code) {
		why = fmt.Errorf("%d", said.status)
	}
	if slices.Contains(packed, said.code) {
		return sessionpolicy.TooLong("the session policy is more than the store takes once it has packed it: ask for fewer or shorter prefixes (there are %d), or for several leases",
			len(r.Open)).In("prefixes").Because(why)
	}
	f := said.fault(r, now)
	if about := said.parameter(); f == BadParameter && about != "" {
		why = fmt.Errorf("%w of %s", why, about)
	} else if f == LimitOfRole && about == "" {
		why = fmt.Errorf("%w (%w)", why, driver.ErrUnnamed)
	}
	return failure(f, why)
}

// fault is what a refusal is about.
func (said *refusal) fault(r driver.VendRequest, now time.Time) Fault {
	f, told := codes[said.code]
	tells := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said.message, w) })
	}
	keys := r.As.Authority.Kind == keyhatch.KeysCredential
	switch {
	case f == WrongSecret && (tells("Signature expired", "Signature not yet current") || !said.date.IsZero() && said.date.Sub(now).Abs() > 5*driver.ClocksMayBeApart):
		return ClockSkew
	case f == AccessDenied && tells("signature we calculated"): // as MinIO says it
		return WrongSecret
	case f == AccessDenied && tells("does not exist in our records"):
		return UnknownKeys
	case f == UnknownRole && keys:
		return NoRole
	case f == ExpiredKeys && r.As.WebIdentity != nil: // no keys were shown
		if strings.HasPrefix(said.code, "Expired") {
			return ExpiredIdentity
		}
		return WebIdentity
	case told:
		return f
	case said.status == http.StatusTooManyRequests:
		return Crowded
	case slices.Contains(badParameter, said.code), said.status < 500 && said.parameter() == ofLife:
		return said.ofParameter(r)
	case said.status >= 500:
		return Broken
	}
	return Unreadable
}

// badParameter are the codes of stores that take a parameter for wrong.
var badParameter = []string{"ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameter", "InvalidParameterCombination", "InvalidArgument", "MissingParameter"}

// ofParameter is what a refusal of a parameter is about. Many stores do not say which one
// they mean.
func (said *refusal) ofParameter(r driver.VendRequest) Fault {
	about := said.parameter()
	assumesNone := r.As.Authority.Kind == keyhatch.KeysCredential && r.As.Authority.Endpoint != ""
	switch {
	case about == ofLife && r.Life > leastLife, // else nobody can ask for less
		about == "" && said.code != "MissingParameter" && r.Life > sureLife: // what else could it be
		return LimitOfRole
	case assumesNone && (about == ofRole || about == ""): // the role that there is not
		return NoRole
	}
	return BadParameter
}

const (
	ofLife = "DurationSeconds"
	ofRole = "RoleArn"
)

// parameters are what is asked with.
var parameters = []string{"RoleSessionName", "SourceIdentity", "ExternalId", "WebIdentityToken", "Tags", "Policy", ofRole, ofLife}

// quoted is how AWS tells which parameter it means, with a small letter.
var quoted = regexp.MustCompile(`at '([A-Za-z]+)`)

// parameter is the one of ours that a refusal is about; empty: it names none.
func (said *refusal) parameter() string {
	text := strings.ToLower(said.message)
	if found := quoted.FindStringSubmatch(said.message); found != nil {
		text = strings.ToLower(found[1]) // what else it tells may be what it was asked with
		if text == "name" {              // of a federation token
			return "Name"
		}
	}
	for _, name := range parameters {
		if strings.Contains(text, strings.ToLower(name)) {
			return name
		}
	}
	return ""
}

// unanswered is the error of what was no answer. What an address or a network says may
// hold what is not for showing.
func unanswered(err error) error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return failure(NoAnswer, end)
		}
	}
	var sent *smithyhttp.RequestSendError
	switch {
	case errors.As(err, &sent):
		return failure(NoAnswer, sent.Err) // nothing came of which it could tell
	case brokenOff(err): // as with Ceph, now and then
		return failure(NoAnswer, errors.New("the connection broke off"))
	}
	return failure(Unreadable, nil)
}

// brokenOff tells whether an answer did not come to its end, in time.
func brokenOff(err error) bool {
	var network net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}
