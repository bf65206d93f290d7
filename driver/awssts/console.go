package awssts

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// ConsoleRequest asks for a page on which people see what credentials open.
type ConsoleRequest struct {
	Store  keyhatch.Store
	As     driver.Acting
	Vended driver.Vended
	Bucket string
	Prefix keyhatch.Prefix
	// Template is the URL of the store's own console, where it is not AWS's: {bucket}
	// and {prefix} stand for what is to be seen. Empty: it has none.
	Template string
	Issuer   string // URL where AWS sends people whose login has ended; may be empty
}

const (
	leastLogin   = 15 * time.Minute
	longestLogin = 12 * time.Hour
)

// ConsoleURL is where the credentials can be used with a browser; empty: nowhere. At AWS
// whoever has the URL is logged in, for as long as the credentials last: it is as secret
// as they are, and has to be used within 15 minutes. Elsewhere it logs nobody in. What
// passes is tried again as in Vend, within the same time.
//
// Source: IAM User Guide, "Enable custom identity broker access to the AWS console".
func (l *Lender) ConsoleURL(ctx context.Context, r ConsoleRequest) (keyhatch.Secret, error) {
	if !atAWS(r.Store) {
		return keyhatch.Secret(filled(r)), nil
	}
	session, err := json.Marshal(map[string]string{
		"sessionId": r.Vended.AccessKeyID, "sessionKey": r.Vended.SecretAccessKey.Reveal(), "sessionToken": r.Vended.SessionToken.Reveal(),
	})
	if err != nil {
		return "", err
	}
	place := partitionOf(r.Store.Region)
	signin := cmp.Or(l.signin, place.signin)
	asked := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	// AWS refuses the length of a login that rests on a chained session, or on a
	// federation token: it is that of the credentials then.
	left := min(time.Until(r.Vended.ExpiresAt), longestLogin)
	if r.As.Authority.Kind == keyhatch.RoleCredential && !r.Vended.Chained && left >= leastLogin {
		asked.Set("SessionDuration", strconv.Itoa(seconds(left)))
	}
	var token string
	err = l.tried(ctx, func(ctx context.Context) (err error) {
		token, err = l.signinToken(ctx, signin+"?"+asked.Encode())
		return err
	})
	if err != nil {
		return "", err
	}
	page := url.Values{"prefix": {string(r.Prefix)}, "region": {r.Store.Region}}
	login := url.Values{
		"Action": {"login"}, "SigninToken": {token},
		"Destination": {place.console + "s3/buckets/" + url.PathEscape(r.Bucket) + "?" + page.Encode()},
	}
	if r.Issuer != "" {
		login.Set("Issuer", r.Issuer)
	}
	return keyhatch.Secret(signin + "?" + login.Encode()), nil
}

// filled is the URL of a console, in whose path a text is written in another way than in
// its query.
func filled(r ConsoleRequest) string {
	fill := func(part string, escape func(string) string) string {
		return strings.NewReplacer("{bucket}", escape(r.Bucket), "{prefix}", escape(string(r.Prefix))).Replace(part)
	}
	path, query, has := strings.Cut(r.Template, "?")
	if !has {
		return fill(path, url.PathEscape)
	}
	return fill(path, url.PathEscape) + "?" + fill(query, url.QueryEscape)
}

// signinToken asks for the token of a login. The URL holds the credentials: it is in no
// error, and neither is what an answer says.
func (l *Lender) signinToken(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", failure(Unreadable, nil)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return "", failure(NoAnswer, nil)
	}
	defer response.Body.Close()
	var answer struct{ SigninToken string }
	switch {
	case response.StatusCode == http.StatusTooManyRequests:
		return "", failure(Crowded, nil)
	case response.StatusCode >= 500:
		return "", failure(Broken, nil)
	case response.StatusCode != http.StatusOK:
		return "", failure(NoLogin, nil)
	}
	text, err := io.ReadAll(response.Body) // which is bounded
	switch {
	case brokenOff(err):
		return "", failure(NoAnswer, nil)
	case err != nil || json.Unmarshal(text, &answer) != nil || answer.SigninToken == "":
		return "", failure(Unreadable, nil)
	}
	return answer.SigninToken, nil
}
