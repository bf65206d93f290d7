package awssts_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/driver/awssts"
	"github.com/keyhatch/keyhatch/policy"
)

const canary = "canary0secret"

// upstream answers one request after the other; the last answer is for all that follow.
// It is no server, so that time can be told.
type upstream struct {
	answers []func(*http.Request) (*http.Response, error)
	forms   []string
	auth    []string
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	u.forms, u.auth = append(u.forms, string(body)), append(u.auth, r.Header.Get("Authorization"))
	return u.answers[min(len(u.forms), len(u.answers))-1](r)
}

type answer = func(*http.Request) (*http.Response, error)

func says(status int, text string) answer {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}, "Location": {"https://elsewhere.example.com/"}},
			Body: io.NopCloser(strings.NewReader(text)), Request: r,
		}, nil
	}
}

func refuses(status int, code string) answer {
	return says(status, "<ErrorResponse><Error><Type>Sender</Type><Code>"+code+"</Code><Message>"+canary+"</Message></Error><RequestId>"+canary+"</RequestId></ErrorResponse>")
}

// tells refuses with a message that means something.
func tells(code, message string) answer {
	return says(400, "<ErrorResponse><Error><Code>"+code+"</Code><Message>"+message+"</Message></Error></ErrorResponse>")
}

// gives credentials that last so long from when they are asked for.
func gives(life time.Duration) answer {
	return func(r *http.Request) (*http.Response, error) {
		return says(200, fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>
			<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, canary, canary, time.Now().Add(life).UTC().Format(time.RFC3339)))(r)
	}
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// breaksOff sends half an answer.
func breaksOff(r *http.Request) (*http.Response, error) {
	response, err := says(200, "")(r)
	response.Body = io.NopCloser(io.MultiReader(strings.NewReader("<AssumeRoleResponse>"), failing{}))
	return response, err
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, &net.OpError{Op: "read", Err: net.ErrClosed} }

func drops(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func dated(a answer, away time.Duration) answer {
	return func(r *http.Request) (*http.Response, error) {
		response, err := a(r)
		response.Header.Set("Date", time.Now().Add(away).UTC().Format(http.TimeFormat))
		return response, err
	}
}

// someStore is one that is not AWS's, whose role is assumed with its own keys.
const someEndpoint = "https://store.example.com"

var someStore = keyhatch.Store{Name: "far", Kind: keyhatch.S3Store, Endpoint: someEndpoint, Region: "lab"}

func someRole() driver.Acting {
	base := keyhatch.AWSKeys("AKIABASE", canary)
	base.Endpoint = someEndpoint
	return driver.Acting{
		Authority: keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam:::role/lender", Endpoint: someEndpoint, Secret: "word"},
		Base:      &base,
	}
}

func request(as driver.Acting, store keyhatch.Store, life time.Duration) driver.VendRequest {
	return driver.VendRequest{
		ID: "vend_0mz3k8q2a7c4f9d", Store: store, As: as, User: "ann", Client: "boto3", Life: life,
		Open: policy.Set{{Bucket: "lab", Prefix: "a/", Access: keyhatch.Read}},
	}
}

// TestFaults: however a store fails, within the deadline comes an error of the right
// kind whose cause tells the operator what to repair, and nothing else that was said is
// in it (S5).
func TestFaults(t *testing.T) {
	const within = 10 * time.Second
	for _, tc := range []struct {
		name    string
		answers []answer
		life    time.Duration
		fault   awssts.Fault // empty: it works
		kind    keyhatch.Kind
		asked   int // at least
	}{
		{"well", []answer{gives(time.Hour)}, time.Hour, "", "", 1},
		{"throttled once", []answer{refuses(400, "Throttling"), gives(time.Hour)}, time.Hour, "", "", 2},
		{"one fault", []answer{refuses(500, "InternalFailure"), gives(time.Hour)}, time.Hour, "", "", 2},
		{"dropped once", []answer{drops, gives(time.Hour)}, time.Hour, "", "", 2},
		{"broken off once", []answer{breaksOff, gives(time.Hour)}, time.Hour, "", "", 2},
		{"one hang", []answer{hangs, gives(time.Hour)}, time.Hour, "", "", 2},
		{"throttled for ever", []answer{refuses(400, "Throttling")}, time.Hour, awssts.Crowded, keyhatch.TooMany, 3},
		{"throttled by status", []answer{says(429, "slow down")}, time.Hour, awssts.Crowded, keyhatch.TooMany, 3},
		{"faults for ever", []answer{says(500, "<html>"+canary)}, time.Hour, awssts.Broken, keyhatch.Unavailable, 3},
		{"away for ever", []answer{says(503, "")}, time.Hour, awssts.Broken, keyhatch.Unavailable, 3},
		{"hangs for ever", []answer{hangs}, time.Hour, awssts.NoAnswer, keyhatch.Unavailable, 2},
		{"drops for ever", []answer{drops}, time.Hour, awssts.NoAnswer, keyhatch.Unavailable, 3},
		{"not admitted", []answer{refuses(403, "AccessDenied")}, time.Hour, awssts.AccessDenied, keyhatch.Unavailable, 1},
		{"not admitted, in the form of S3", []answer{says(403, "<Error><Code>AccessDenied</Code><Message>"+canary+"</Message></Error>")}, time.Hour, awssts.AccessDenied, keyhatch.Unavailable, 1},
		{"an unknown key", []answer{refuses(403, "InvalidClientTokenId")}, time.Hour, awssts.UnknownKeys, keyhatch.Unavailable, 1},
		{"a wrong secret", []answer{refuses(403, "SignatureDoesNotMatch")}, time.Hour, awssts.WrongSecret, keyhatch.Unavailable, 1},
		{"keys that ended", []answer{refuses(403, "ExpiredToken")}, time.Hour, awssts.ExpiredKeys, keyhatch.Unavailable, 1},
		{"an unknown role", []answer{refuses(404, "NoSuchEntity")}, time.Hour, awssts.UnknownRole, keyhatch.Unavailable, 1},
		{"a policy that is not understood", []answer{refuses(400, "MalformedPolicyDocument")}, time.Hour, awssts.BadPolicy, keyhatch.Unavailable, 1},
		{"a clock that is away, by its code", []answer{refuses(403, "RequestTimeTooSkewed")}, time.Hour, awssts.ClockSkew, keyhatch.Unavailable, 1},
		{"a clock that is away, by its message", []answer{tells("SignatureDoesNotMatch", "Signature expired: 20261123T000000Z is now earlier than 20261123T010000Z")}, time.Hour, awssts.ClockSkew, keyhatch.Unavailable, 1},
		{"a clock that is away, by its date", []answer{dated(refuses(403, "SignatureDoesNotMatch"), time.Hour)}, time.Hour, awssts.ClockSkew, keyhatch.Unavailable, 1},
		{"no token service", []answer{says(501, "<Error><Code>NotImplemented</Code></Error>")}, time.Hour, awssts.NoService, keyhatch.Unavailable, 1},
		{"a region that is off", []answer{refuses(403, "RegionDisabledException")}, time.Hour, awssts.RegionOff, keyhatch.Unavailable, 1},
		{"another service", []answer{says(200, "<html>"+canary+"</html>")}, time.Hour, awssts.Unreadable, keyhatch.Unavailable, 1},
		{"somewhere else", []answer{says(307, canary)}, time.Hour, awssts.Unreadable, keyhatch.Unavailable, 1},
		{"an answer without an end", []answer{says(200, "<AssumeRoleResponse>"+strings.Repeat(canary, 100_000))}, time.Hour, awssts.Unreadable, keyhatch.Unavailable, 1},
		{"no credentials", []answer{says(200, "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>")}, time.Hour, awssts.NoCredentials, keyhatch.Unavailable, 1},
		{"credentials that have ended", []answer{gives(-time.Minute)}, time.Hour, awssts.EndedAlready, keyhatch.Unavailable, 1},
		{"credentials that end too early", []answer{gives(30 * time.Minute)}, time.Hour, awssts.TooShort, keyhatch.Invalid, 1},
		{"credentials that end too late", []answer{gives(2 * time.Hour)}, time.Hour, awssts.TooLong, keyhatch.Unavailable, 1},
		{"longer than the role gives", []answer{tells("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")}, 2 * time.Hour, awssts.LimitOfRole, keyhatch.Invalid, 1},
		// What is refused of a parameter was told as a matter of time, or as no token service at all.
		{"shorter than the role takes", []answer{tells("ValidationError", "Value '900' at 'durationSeconds' failed to satisfy constraint")}, 15 * time.Minute, awssts.BadParameter, keyhatch.Unavailable, 1},
		{"longer than a chain gives", []answer{tells("ValidationError", "Value '7200' at 'durationSeconds' failed to satisfy constraint")}, 2 * time.Hour, awssts.LimitOfRole, keyhatch.Invalid, 1},
		{"a length that is not said to be one", []answer{refuses(400, "InvalidArgument")}, 2 * time.Hour, awssts.LimitOfRole, keyhatch.Invalid, 1},
		{"a session name that is not taken", []answer{tells("ValidationError", "1 validation error detected: Value '"+canary+"' at 'roleSessionName' failed to satisfy constraint")}, 2 * time.Hour, awssts.BadParameter, keyhatch.Unavailable, 1},
		{"an external id that is not taken", []answer{tells("InvalidParameterValue", "ExternalId "+canary+" is not valid")}, 2 * time.Hour, awssts.BadParameter, keyhatch.Unavailable, 1},
		{"tags that are not taken", []answer{tells("ValidationError", "Value at 'tags.1.member.value' failed: Duration")}, 2 * time.Hour, awssts.BadParameter, keyhatch.Unavailable, 1},
		{"a parameter that is not named", []answer{refuses(400, "InvalidParameterValue")}, time.Hour, awssts.BadParameter, keyhatch.Unavailable, 1},
		{"a parameter that is missing", []answer{refuses(400, "MissingParameter")}, 2 * time.Hour, awssts.BadParameter, keyhatch.Unavailable, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{answers: tc.answers}
				begun := time.Now()
				v, err := awssts.New(awssts.Config{Transport: u, Within: within}).Vend(t.Context(), request(someRole(), someStore, tc.life))
				if took := time.Since(begun); took > within {
					t.Errorf("it took %v", took)
				}
				if len(u.forms) < tc.asked || tc.asked == 1 && len(u.forms) > 1 {
					t.Errorf("it was asked %d times", len(u.forms))
				}
				if tc.fault == "" {
					if err != nil || v.SecretAccessKey != canary || v.ID != "vend_0mz3k8q2a7c4f9d" || v.Endpoint != someEndpoint || v.Region != "lab" || v.Chained {
						t.Errorf("%+v, %v", v, err)
					}
					return
				}
				var failed *keyhatch.Error
				if !errors.Is(err, tc.fault) || !errors.As(err, &failed) || failed.Kind != tc.kind || v != (driver.Vended{}) {
					t.Fatalf("it is %v", err)
				}
				if errors.Is(err, driver.ErrNoAnswer) != (tc.fault == awssts.NoAnswer) {
					t.Errorf("whether it answered is not told: %v", err)
				}
				if errors.Is(err, driver.ErrUnnamed) != (tc.name == "a length that is not said to be one") {
					t.Errorf("whether it says what it means is not told: %v", err)
				}
				if tc.kind == keyhatch.TooMany && failed.RetryAfter <= 0 {
					t.Error("it does not say when to ask again")
				}
				if strings.Contains(err.Error(), canary) {
					t.Errorf("it tells a secret: %v", err)
				}
				if strings.Contains(failed.Message, string(tc.fault)) {
					t.Errorf("the caller is told what is the operator's: %s", failed.Message)
				}
			})
		})
	}
}

// TestPackedPolicy: only the store knows how large a policy is once it is packed.
func TestPackedPolicy(t *testing.T) {
	u := &upstream{answers: []answer{refuses(400, "PackedPolicyTooLarge")}}
	_, err := awssts.New(awssts.Config{Transport: u}).Vend(t.Context(), request(someRole(), someStore, time.Hour))
	var failed *keyhatch.Error
	if !errors.As(err, &failed) || failed.Code != keyhatch.CodePolicyTooLarge || failed.Field != "prefixes" || strings.Contains(err.Error(), canary) {
		t.Errorf("it is %v", err)
	}
}

// TestNotAsked: what cannot be is refused before anybody is asked, and what acts at one
// place is shown to no other.
func TestNotAsked(t *testing.T) {
	atAWS := keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
	role := keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/r", Secret: "word"}
	other := keyhatch.AWSKeys("AKIAOTHER", canary)
	other.Endpoint = "https://other.example.com"
	through := func(base *keyhatch.Authority) driver.Acting {
		as := someRole()
		as.Base = base
		return as
	}
	ofAWS := keyhatch.AWSKeys("AKIAUS", canary)
	for _, tc := range []struct {
		name string
		r    driver.VendRequest
		want error
	}{
		{"a store that is not AWS's, as AWS's", request(driver.Acting{Authority: ofAWS}, someStore, time.Hour), awssts.ForeignStore},
		{"a store's role as keys of AWS", request(through(&ofAWS), someStore, time.Hour), awssts.ForeignBase},
		{"a store's role as keys of another", request(through(&other), someStore, time.Hour), awssts.ForeignBase},
		{"a store's role as nobody", request(through(nil), someStore, time.Hour), awssts.ForeignBase},
		{"a store's role as a role", request(through(&role), someStore, time.Hour), awssts.ForeignBase},
		{"a role of AWS as keys of a store", request(driver.Acting{Authority: role, Base: &other}, atAWS, time.Hour), awssts.ForeignBase},
		{"a role of AWS as nobody", request(driver.Acting{Authority: role}, atAWS, time.Hour), awssts.NoIdentity},
		{"an authority of Azure", request(driver.Acting{Authority: keyhatch.Authority{Provider: keyhatch.Azure, Kind: keyhatch.KeysCredential}}, someStore, time.Hour), awssts.Unsuited},
		{"less than sessions last", request(someRole(), someStore, 14*time.Minute), keyhatch.Invalid},
		{"more than roles give", request(someRole(), someStore, 13*time.Hour), keyhatch.Invalid},
		{"a federation token of two days", request(driver.Acting{Authority: ofAWS}, atAWS, 48*time.Hour), keyhatch.Invalid},
		{"two hours through another role", request(driver.Acting{Authority: role, Base: &role}, atAWS, 2*time.Hour), keyhatch.Invalid},
		{"nothing", func() driver.VendRequest { r := request(someRole(), someStore, time.Hour); r.Open = nil; return r }(), keyhatch.Invalid},
	} {
		u := &upstream{answers: []answer{gives(time.Hour)}}
		v, err := awssts.New(awssts.Config{Transport: u}).Vend(context.Background(), tc.r)
		if !errors.Is(err, tc.want) || len(u.forms) > 0 || v != (driver.Vended{}) {
			t.Errorf("%s: %v, asked %d times", tc.name, err, len(u.forms))
		}
	}
}

// TestEachRequestIsSpent: each try counts, and one that a budget refuses is not made.
func TestEachRequestIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{answers: []answer{refuses(500, "InternalFailure"), drops, gives(time.Hour)}}
		r, spent := request(someRole(), someStore, time.Hour), 0
		r.Spend = func(context.Context) error { spent++; return nil }
		l := awssts.New(awssts.Config{Transport: u})
		if _, err := l.Vend(t.Context(), r); err != nil || spent != 3 || len(u.forms) != 3 {
			t.Errorf("%v: %d spent for %d requests", err, spent, len(u.forms))
		}
		full := keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests, "later").After(time.Second)
		r.Spend = func(context.Context) error { return full }
		if _, err := l.Vend(t.Context(), r); !errors.Is(err, full) || len(u.forms) != 3 {
			t.Errorf("%v after %d requests", err, len(u.forms))
		}
	})
}

// TestBaseIsSpent: a request for what a role is assumed through counts as well, which was
// free before, and is not made either when the budget is spent.
func TestBaseIsSpent(t *testing.T) {
	role := keyhatch.Authority{Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential, Principal: "arn:aws:iam::123456789012:role/r", Secret: "word"}
	base := role
	base.Principal = "arn:aws:iam::210987654321:role/base"
	full := keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests, "later").After(time.Second)
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{answers: []answer{gives(time.Hour)}}
		l := awssts.New(awssts.Config{Transport: u, Identity: credentials.NewStaticCredentialsProvider("AKIAUS", "secret", "")})
		r := request(driver.Acting{Authority: role, Base: &base}, keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}, time.Hour)
		spent, most := 0, 1
		r.Spend = func(context.Context) error {
			if spent == most {
				return full
			}
			spent++
			return nil
		}
		var failed *keyhatch.Error
		if _, err := l.Vend(t.Context(), r); !errors.As(err, &failed) || failed.Kind != keyhatch.TooMany || failed.RetryAfter != time.Second || len(u.forms) != 0 {
			t.Errorf("with a budget of one: %v, after %d requests", err, len(u.forms))
		}
		for i, want := range []int{2, 3, 4} { // its base is kept then
			spent, most = 0, 10
			if _, err := l.Vend(t.Context(), r); err != nil || len(u.forms) != want || spent != map[bool]int{true: 2, false: 1}[i == 0] {
				t.Errorf("%v: %d spent, %d requests", err, spent, len(u.forms))
			}
		}
		time.Sleep(56 * time.Minute)
		spent = 0
		if _, err := l.Vend(t.Context(), r); err != nil || spent != 2 {
			t.Errorf("when the base is renewed: %v, %d spent", err, spent)
		}
	})
}

// TestWebIdentityFails: that we cannot tell who we are is told, and no secret of it. That
// the token has expired was told as if keys had: who looked at those found nothing.
func TestWebIdentityFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer answer
		want   awssts.Fault
	}{
		{"it is refused", refuses(400, "InvalidIdentityToken"), awssts.WebIdentity},
		{"its claims are", refuses(403, "IDPRejectedClaim"), awssts.WebIdentity},
		{"it is no token", refuses(400, "InvalidToken"), awssts.WebIdentity},
		{"it has expired", refuses(400, "ExpiredTokenException"), awssts.ExpiredIdentity},
		{"it has expired, as MinIO says it", refuses(400, "ExpiredToken"), awssts.ExpiredIdentity},
		{"the provider does not answer AWS", refuses(400, "IDPCommunicationError"), awssts.ProviderAway},
	} {
		synctest.Test(t, func(t *testing.T) {
			as, u := someRole(), &upstream{answers: []answer{tc.answer}}
			as.WebIdentity = func(context.Context) (keyhatch.Secret, error) { return canary, nil }
			_, err := awssts.New(awssts.Config{Transport: u}).Vend(t.Context(), request(as, someStore, time.Hour))
			var failed *keyhatch.Error
			if !errors.Is(err, tc.want) || !errors.As(err, &failed) || failed.Kind != keyhatch.Unavailable || strings.Contains(failed.Message, string(tc.want)) {
				t.Errorf("%s: %v", tc.name, err)
			}
			if strings.Contains(err.Error(), canary) || u.auth[0] != "" {
				t.Errorf("%s: %v, signed %q", tc.name, err, u.auth)
			}
		})
	}
	as, u := someRole(), &upstream{answers: []answer{gives(time.Hour)}}
	as.WebIdentity = func(context.Context) (keyhatch.Secret, error) { return "", errors.New("no such file") }
	if _, err := awssts.New(awssts.Config{Transport: u}).Vend(t.Context(), request(as, someStore, time.Hour)); !errors.Is(err, awssts.NoToken) || len(u.forms) > 0 {
		t.Errorf("there is no token: %v", err)
	}
}

// TestKeysFail: keys of AWS, which assume no role, are not said to lack one, and keys of a
// store are.
func TestKeysFail(t *testing.T) {
	ofAWS, ofStore := keyhatch.AWSKeys("AKIAUS", canary), keyhatch.AWSKeys("AKIAUS", canary)
	ofStore.Endpoint = someEndpoint
	for _, tc := range []struct {
		as     keyhatch.Authority
		answer answer
		want   awssts.Fault
	}{
		{ofAWS, tells("ValidationError", "Value at 'name' failed to satisfy constraint"), awssts.BadParameter},
		{ofAWS, refuses(400, "ValidationError"), awssts.BadParameter},
		{ofStore, tells("ValidationError", "RoleArn is required"), awssts.NoRole},
		{ofStore, refuses(400, "InvalidArgument"), awssts.NoRole},
		{ofStore, tells("InvalidParameterValue", "Value at 'policy' is too long"), awssts.BadParameter},
	} {
		store := someStore
		if tc.as.Endpoint == "" {
			store = keyhatch.Store{Kind: keyhatch.S3Store, Endpoint: "https://s3.eu-west-1.amazonaws.com", Region: "eu-west-1"}
		}
		_, err := awssts.New(awssts.Config{Transport: &upstream{answers: []answer{tc.answer}}}).Vend(t.Context(), request(driver.Acting{Authority: tc.as}, store, time.Hour))
		if !errors.Is(err, tc.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s is to be told: %v", tc.want, err)
		}
	}
}
