package katapult

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/accounts"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// Door serves the wire.
type Door struct {
	people   *people.Service
	places   *places.Service
	accounts *accounts.Service
	buckets  *buckets.Service
	keys     *accesskeys.Service
	lending  *lending.Service
	guard    *auth.Guard
	log      *slog.Logger
}

// New makes the door.
func New(b *broker.Broker, log *slog.Logger) *Door {
	return &Door{
		people: b.People, places: b.Places, accounts: b.Accounts, buckets: b.Buckets, keys: b.AccessKeys, lending: b.Lending,
		guard: auth.NewGuard(b.People).WithBearers(b.Bearers), log: log,
	}
}

// Mount adds the door's paths. It takes the whole of /core/v1/, so that what there is
// not under it answers in this format too.
func (d *Door) Mount(mux *http.ServeMux) {
	for _, path := range spellings(base) {
		mux.HandleFunc(path, d.serve)
	}
}

// call is a request that is being answered.
type call struct {
	ctx    context.Context
	route  route
	caller keyhatch.Caller
	arguments.Values
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Request-Id", requestID(keyhatch.OriginOf(r.Context()).RequestID))
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	c := &call{ctx: r.Context()}
	answer, err := d.do(w, r, c)
	switch {
	case err != nil:
		d.refuse(w, r, c, err)
	case r.Method == http.MethodOptions: // 200, and nothing
	default:
		d.send(w, r, c.route.status, answer)
	}
}

// do walks the request's way: what it asks is told first, then who calls, whether the
// token's scopes allow that, and what it says.
func (d *Door) do(w http.ResponseWriter, r *http.Request, c *call) (answer any, err error) {
	var words map[string]string
	if c.route, words, err = find(r); err != nil || r.Method == http.MethodOptions {
		return nil, err
	}
	c.caller, err = d.admit(r, c.route)
	if a := c.caller.Allowance; a.PerMinute > 0 {
		w.Header().Set("X-Ratelimit-Permitted", strconv.Itoa(a.PerMinute))
		w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(a.Remaining))
	}
	if err != nil {
		return nil, err
	}
	given, err := arguments.Read(w, r)
	if err != nil {
		return nil, err
	}
	if c.Values, err = arguments.Take(c.route.takes, given, words); err != nil {
		return nil, err
	}
	w.Header().Set("Cache-Control", "max-age=0, private, must-revalidate")
	if c.route.secret {
		w.Header().Set("Cache-Control", "no-store")
	}
	return c.route.run(d, c)
}

// admit tells who calls the route.
func (d *Door) admit(r *http.Request, t route) (keyhatch.Caller, error) {
	shown := r.Header.Values("Authorization")
	if len(shown) == 0 || bare(shown[0]) == "" {
		return keyhatch.Caller{}, fail(missingAPIToken)
	}
	if len(shown) > 1 { // who stands between might have looked at the other one
		return keyhatch.Caller{}, fail(invalidAPIToken, details{})
	}
	secret := keyhatch.Secret(bare(shown[0]))
	signed := keyhatch.LooksSigned(secret.Reveal())
	caller, err := d.guard.AdmitToken(auth.InWorkspace(r.Context(), auth.AskedWorkspace(r)), secret, t.calls()...)
	var e *keyhatch.Error
	switch {
	case signed && errors.As(err, &e) && notACapability[e.Code]:
		err = fail(invalidCapabilitiesToken)
	case errors.Is(err, keyhatch.Unauthenticated) && d.people.WorksElsewhere(r.Context(), secret):
		err = fail(unauthorizedNetwork, network{keyhatch.OriginOf(r.Context()).AddressText()})
	case errors.As(err, &e) && e.Code == keyhatch.CodeScopeNotGranted:
		err = fail(scopeNotGranted, scopes{t.scopes})
	}
	return caller, err
}

// bare is what an Authorization header says, without "Bearer".
func bare(value string) string {
	if scheme, rest, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(value)
}

// notACapability are the failures of a signed token itself.
var notACapability = map[keyhatch.Code]bool{
	keyhatch.CodeTokenInvalid: true, keyhatch.CodeWorkspaceRequired: true, keyhatch.CodeWorkspaceNotInToken: true,
}

// requestID is our own id of a request in the format's form, a UUID of version 8: its
// first twelve digits are the first of the id that the logs have.
func requestID(ours string) string {
	var more [9]byte
	rand.Read(more[:]) // never fails (crypto/rand)
	x := strings.ToLower(ours + "000000000000")[:12] + hex.EncodeToString(more[:])
	return x[:8] + "-" + x[8:12] + "-8" + x[12:15] + "-8" + x[15:18] + "-" + x[18:]
}

// send writes an answer. One that may be kept has a tag of what it says.
func (d *Door) send(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // our own answers always encode
		status, body = http.StatusInternalServerError, []byte("{}")
		d.log.ErrorContext(r.Context(), "answer not encoded", "error", err)
	}
	h := w.Header()
	if strings.HasPrefix(h.Get("Cache-Control"), "max-age=0") {
		sum := sha256.Sum256(body)
		h.Set("Etag", `W/"`+hex.EncodeToString(sum[:16])+`"`)
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}
