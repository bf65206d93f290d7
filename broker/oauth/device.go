package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// How long a device waits for its user, how often it asks, and how many wait at a time (S9).
const (
	DeviceLife     = 10 * time.Minute
	DeviceInterval = 5 * time.Second
	maxDevices     = 10_000
)

// codeLetters are what a user types: no vowels, so that no word comes about, and nothing that
// looks like something else. Eight have 34 bits.
//
// Source: RFC 8628, section 6.1.
const (
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	codeChars   = 8
)

// Device is what a device shows to its user, and keeps for itself.
type Device struct {
	Secret    keyhatch.Secret // what it asks with
	Code      string          // what the user types, as BCDF-GHJK
	ExpiresAt time.Time
}

// StartDevice begins the login of a device.
//
// Source: RFC 8628, section 3.1.
func (svc *Service) StartDevice(ctx context.Context, p Proof, wanted Wanted) (Device, error) {
	client, err := svc.prove(ctx, p)
	if err != nil {
		return Device{}, err
	}
	if !slices.Contains(client.Flows, keyhatch.DeviceFlow) {
		return Device{}, ErrFlow
	}
	scopes, err := within(client.Scopes, wanted.Scopes)
	if err != nil {
		return Device{}, err
	}
	origin := keyhatch.OriginOf(ctx)
	if _, err := svc.starts.Take(kernel.Sender(origin.Address), startsOfAddress, svc.k.Now()); err != nil {
		return Device{}, err
	}
	out := Device{Secret: keyhatch.DeviceCode.New()}
	err = svc.k.WithKeys(ctx, func() error {
		hash, err := svc.k.Keys.HashToken(out.Secret)
		if err != nil {
			return err
		}
		return svc.k.ByItself(ctx, func(w *kernel.Work) error {
			if n, err := w.CountDevices(ctx, w.Now); err != nil || n >= maxDevices {
				return orFull(err)
			}
			d := db.Device{
				ID: keyhatch.NewID(keyhatch.DeviceID, w.Now), Client: client.ID, Hash: hash, Scopes: scopes, OpenID: wanted.OpenID,
				Address: origin.AddressText(), CreatedAt: w.Now, ExpiresAt: w.Now.Add(DeviceLife),
			}
			if d.Code, err = freeCode(w); err != nil {
				return err
			}
			out.Code, out.ExpiresAt = SpellCode(d.Code), d.ExpiresAt
			return w.Tx.InsertDevice(ctx, d)
		})
	})
	if err != nil {
		return Device{}, err
	}
	return out, nil
}

func orFull(err error) error {
	if err != nil {
		return err
	}
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "too many devices wait for their users: try again in some minutes").After(time.Minute)
}

// freeCode is one that no device has.
func freeCode(w *kernel.Work) (string, error) {
	for {
		code := newCode()
		_, err := w.DeviceByCode(w.Ctx, code)
		if errors.Is(err, keyhatch.NotFound) {
			return code, nil
		}
		if err != nil {
			return "", err
		}
	}
}

func newCode() string {
	out := make([]byte, codeChars)
	for i := range out {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(codeLetters)))) // never fails (crypto/rand)
		out[i] = codeLetters[n.Int64()]
	}
	return string(out)
}

// SpellCode writes a code as it is shown.
func SpellCode(typed string) string {
	code := readCode(typed)
	if len(code) != codeChars {
		return code
	}
	return code[:codeChars/2] + "-" + code[codeChars/2:]
}

// readCode is a code as a user types it: in any case, with whatever stands between.
func readCode(typed string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(codeLetters, c) {
			return c
		}
		return -1
	}, strings.ToUpper(typed))
}

// Waiting is what a user is shown of a device before it decides.
type Waiting struct {
	Asked
	Code    string // as it is typed
	Address string // from where the device asked
	Since   time.Time
}

// FindDevice is the device whose code a user types, keyhatch.NotFound when none waits with
// it: and keyhatch.TooMany for who has typed too many that there are not.
//
// Source: RFC 8628, section 5.1.
func (svc *Service) FindDevice(ctx context.Context, c keyhatch.Caller, typed string) (Waiting, error) {
	if err := mustBePerson(c); err != nil {
		return Waiting{}, err
	}
	now := svc.k.Now()
	if _, err := svc.guesses.Take(c.User.ID, guessesOfUser, now); err != nil {
		return Waiting{}, err
	}
	d, client, err := svc.waiting(ctx, svc.k.DB.Reader, typed, now)
	if err != nil {
		if errors.Is(err, keyhatch.NotFound) {
			err = svc.failed(ctx, err)
		}
		return Waiting{}, err
	}
	svc.guesses.Return(c.User.ID, now)
	return Waiting{Asked: Asked{client, d.Scopes}, Code: typed, Address: d.Address, Since: d.CreatedAt}, nil
}

func (svc *Service) waiting(ctx context.Context, r db.Reader, typed string, now time.Time) (db.Device, keyhatch.OAuthClient, error) {
	code := readCode(typed)
	if len(code) != codeChars || len(typed) > 4*codeChars {
		return db.Device{}, keyhatch.OAuthClient{}, kernel.NotFound(keyhatch.CodeDeviceNotFound)
	}
	d, err := r.DeviceByCode(ctx, code)
	if err == nil && (!now.Before(d.ExpiresAt) || d.Consent != "" || d.Refused) {
		err = kernel.NotFound(keyhatch.CodeDeviceNotFound)
	}
	if err != nil {
		return d, keyhatch.OAuthClient{}, err
	}
	client, err := svc.client(ctx, d.Client)
	return d, client.OAuthClient, err
}

// DecideDevice is what the user says to a device that waits: once.
func (svc *Service) DecideDevice(ctx context.Context, c keyhatch.Caller, typed string, allow bool) error {
	if _, err := svc.FindDevice(ctx, c, typed); err != nil {
		return err
	}
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		d, client, err := svc.waiting(ctx, w.Reader, typed, w.Now)
		if err != nil {
			return err
		}
		if !allow {
			if err := mustBePerson(w.Caller); err != nil {
				return err
			}
			d.Refused = true
			if err := w.Tx.DecideDevice(ctx, d); err != nil {
				return err
			}
			return w.Record(DeviceRefused, "", d.ID, kernel.Detail("client", client.Name, "device_address", d.Address))
		}
		consent, err := svc.consent(w, Asked{client, d.Scopes}, Wanted{OpenID: d.OpenID}, d.ExpiresAt)
		if err != nil {
			return err
		}
		d.Consent = consent.ID
		return w.Tx.DecideDevice(ctx, d)
	})
}

// PollDevice gives a device its tokens, once. Until its user has decided it is ErrPending, or
// ErrSlowDown for one that asks before its interval is over; ErrDenied and ErrExpired when
// nothing will come.
//
// Source: RFC 8628, sections 3.4 and 3.5.
func (svc *Service) PollDevice(ctx context.Context, p Proof, secret keyhatch.Secret) (Issued, error) {
	client, err := svc.prove(ctx, p)
	if err != nil {
		return Issued{}, err
	}
	if !keyhatch.DeviceCode.Is(secret) {
		return Issued{}, svc.failed(ctx, ErrGrant)
	}
	if err := svc.decided(ctx, client, secret); err != nil {
		return Issued{}, err
	}
	return svc.hand(ctx, client, secret, func(w *kernel.Work, hashes []keyhatch.TokenHash) (keyhatch.Consent, string, error) {
		d, err := w.DeviceByHash(w.Ctx, hashes)
		if err != nil {
			return keyhatch.Consent{}, "", err
		}
		consent, err := w.Consent(w.Ctx, d.Consent)
		if err != nil {
			return consent, "", err
		}
		return consent, "", w.Tx.DeleteDevice(w.Ctx, d.ID)
	}, nil)
}

// decided tells whether a device's user has consented. Looking writes nothing.
func (svc *Service) decided(ctx context.Context, client keyhatch.OAuthClient, secret keyhatch.Secret) error {
	now := svc.k.Now()
	var d db.Device
	err := svc.k.FindToken(ctx, secret, func(hashes []keyhatch.TokenHash) (err error) {
		d, err = svc.k.DB.DeviceByHash(ctx, hashes)
		return err
	})
	switch {
	case err != nil:
		return svc.grantFailed(ctx, err)
	case d.Client != client.ID:
		return svc.failed(ctx, ErrGrant)
	case d.Refused:
		return ErrDenied
	case !now.Before(d.ExpiresAt):
		return ErrExpired
	case d.Consent != "":
		return nil
	}
	return svc.polls.take(d.ID, now)
}

// polls is when devices asked last. It is of this process alone: it spares work, and decides
// nothing.
type polls struct {
	mu   sync.Mutex
	last map[string]poll
}

type poll struct {
	at    time.Time
	every time.Duration
}

func newPolls() *polls { return &polls{last: map[string]poll{}} }

// early is how much too early a device may ask: its way here is not always as long.
const early = time.Second

// take is ErrPending, or ErrSlowDown when it is too early, which makes the interval longer.
func (p *polls) take(device string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.last) > maxDevices {
		for id, l := range p.last {
			if now.Sub(l.at) > DeviceLife {
				delete(p.last, id)
			}
		}
	}
	before, asked := p.last[device]
	if !asked {
		before.every = DeviceInterval
	}
	err := ErrPending
	if asked && now.Sub(before.at) < before.every-early {
		before.every += DeviceInterval
		err = ErrSlowDown
	}
	p.last[device] = poll{now, before.every}
	return err
}
