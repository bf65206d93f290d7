package oauth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// The tokens that users get for a name and a password, as Earthdata Login has them. They are
// signed texts, and the same text is made again for who asks again: an RSA signature of PKCS #1
// v1.5 is the same each time, so that nothing has to be kept but what was signed. Nobody can
// make it without the key.
const (
	userTokenLife  = 60 * 24 * time.Hour
	mostUserTokens = 2
	userTokenName  = "earthdata"
	// One that lives for longEnough is given again. Who has two that end sooner is given the one that
	// ends last, while that lives for justEnough, as long as the keys that are got with it.
	longEnough = 24 * time.Hour
	justEnough = time.Hour
)

// TokenShown is the event of a user's token whose text was made again.
const TokenShown keyhatch.Action = "token.show"

// UserToken is such a token.
type UserToken struct {
	Text      keyhatch.Secret
	ExpiresAt time.Time
}

var (
	errNoPassword = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "these tokens are for a name and a password, and no token gets another one: send yours by Basic")
	// ErrTooManyTokens: a user has so many of them already.
	ErrTooManyTokens = Refusal{"max_token_limit", "you have two tokens already: use one of them, or revoke one first", keyhatch.Forbidden}
	// ErrToken: what was shown is no token that works.
	ErrToken = Refusal{"invalid_token", "The token is either malformed or does not exist: ask for a new one", keyhatch.Forbidden}
)

// FindOrCreateUserToken is the token of a caller who has shown its password that ends last, or a
// new one if none lives long enough to be worth it. There are two at most: to make room, the one
// that ends first is ended, when neither is of much use any more.
func (svc *Service) FindOrCreateUserToken(ctx context.Context, c keyhatch.Caller) (out UserToken, err error) {
	err = svc.changeUserTokens(ctx, c, func(w *kernel.Work, have []madeAgain) error {
		slices.SortStableFunc(have, func(a, b madeAgain) int { return b.ExpiresAt.Compare(a.ExpiresAt) })
		full := len(have) >= mostUserTokens
		if len(have) > 0 {
			left, half := have[0].ExpiresAt.Sub(w.Now), svc.people.IssuedUntil(w.Now, userTokenLife).Sub(w.Now)/2
			if left >= min(longEnough, half) || full && left >= min(justEnough, half) {
				out = have[0].UserToken
				return showed(w, have[0])
			}
		}
		if full {
			if err := svc.people.EndWithMade(w, have[len(have)-1].row.Token); err != nil {
				return err
			}
		}
		out, err = svc.newUserToken(w)
		return err
	})
	return out, err
}

// CreateUserToken makes another token: ErrTooManyTokens when there are two.
func (svc *Service) CreateUserToken(ctx context.Context, c keyhatch.Caller) (out UserToken, err error) {
	err = svc.changeUserTokens(ctx, c, func(w *kernel.Work, have []madeAgain) error {
		if len(have) >= mostUserTokens {
			return ErrTooManyTokens
		}
		out, err = svc.newUserToken(w)
		return err
	})
	return out, err
}

// UserTokens are those of a caller who has shown its password, the newest first.
func (svc *Service) UserTokens(ctx context.Context, c keyhatch.Caller) (out []UserToken, err error) {
	err = svc.changeUserTokens(ctx, c, func(w *kernel.Work, have []madeAgain) error {
		if len(have) == 0 {
			return errNone
		}
		out = out[:0]
		for _, h := range have {
			out = append(out, h.UserToken)
			if err := showed(w, h); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errNone) {
		err = nil
	}
	return out, err
}

var errNone = errors.New("there are none")

// RevokeUserToken ends one of the caller's: ErrToken when it is none.
func (svc *Service) RevokeUserToken(ctx context.Context, c keyhatch.Caller, text keyhatch.Secret) error {
	return svc.changeUserTokens(ctx, c, func(w *kernel.Work, have []madeAgain) error {
		hashes, err := svc.k.Keys.HashesOfToken(text)
		if err != nil {
			return err
		}
		for _, h := range have {
			if slices.Contains(hashes, h.row.Hash) {
				return svc.people.EndWithMade(w, h.row.Token)
			}
		}
		return ErrToken
	})
}

// UserOf tells a client whose token it was shown: ErrToken when it does not work. Only those
// may ask that were made for Earthdata Login: ErrFlow for others.
func (svc *Service) UserOf(ctx context.Context, p Proof, token keyhatch.Secret) (keyhatch.User, error) {
	client, err := svc.prove(ctx, p)
	if err != nil {
		return keyhatch.User{}, err
	}
	if !client.Earthdata {
		return keyhatch.User{}, ErrFlow
	}
	seen, err := svc.people.Inspect(ctx, keyhatch.Caller{Origin: keyhatch.OriginOf(ctx)}, token)
	if err == nil && !seen.Active {
		err = ErrToken
	}
	return seen.User, err
}

// madeAgain is a token whose text is that which its user was given.
type madeAgain struct {
	UserToken
	row db.EarthdataToken
}

func showed(w *kernel.Work, t madeAgain) error {
	return w.Record(TokenShown, "", t.row.ID, kernel.Detail("user", t.row.User))
}

// changeUserTokens does something with the tokens of a caller that work.
func (svc *Service) changeUserTokens(ctx context.Context, c keyhatch.Caller, act func(w *kernel.Work, have []madeAgain) error) error {
	if c.User.ID == "" || c.Password == "" {
		return errNoPassword
	}
	if svc.issuer == "" {
		return noIssuer()
	}
	if err := svc.mayHaveToSign(ctx); err != nil {
		return err
	}
	return svc.k.WithKeys(ctx, func() error {
		return svc.k.Change(ctx, c, func(w *kernel.Work) error {
			have, err := svc.userTokens(w)
			if err != nil {
				return err
			}
			return act(w, have)
		})
	})
}

// userTokens makes the texts of the caller's tokens again. One whose text is another now, since
// it was given another secret, is a token like every other from then on.
func (svc *Service) userTokens(w *kernel.Work) (out []madeAgain, err error) {
	rows, err := w.EarthdataTokens(w.Ctx, w.Caller.User.ID)
	if err != nil {
		return nil, err
	}
	keys, err := w.SigningKeys(w.Ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if !row.Live(w.Now) {
			continue
		}
		by := slices.IndexFunc(keys, func(k db.SigningKey) bool { return k.ID == row.Key })
		if by < 0 {
			return nil, errors.New("the key of token " + row.ID + " is gone")
		}
		text, err := svc.signUserToken(keys[by], row)
		if err != nil {
			return nil, err
		}
		hashes, err := svc.k.Keys.HashesOfToken(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(hashes, row.Hash) {
			if err := w.Tx.DeleteEarthdataToken(w.Ctx, row.ID); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, madeAgain{UserToken{text, row.ExpiresAt}, row})
	}
	return out, nil
}

func (svc *Service) newUserToken(w *kernel.Work) (UserToken, error) {
	keys, err := w.SigningKeys(w.Ctx)
	if err != nil || len(keys) == 0 {
		return UserToken{}, errors.Join(err, errors.New("there is no signing key"))
	}
	user := w.Caller.User
	t := keyhatch.Token{
		ID: keyhatch.NewID(keyhatch.TokenID, w.Now), User: user.ID, Name: userTokenName, Scopes: []keyhatch.Scope{keyhatch.EarthdataScope},
		ExpiresAt: svc.people.IssuedUntil(w.Now, userTokenLife), Since: w.Now, CreatedAt: w.Now, CreatedFrom: w.Caller.Origin.AddressText(),
	}
	row := db.EarthdataToken{HashedToken: db.HashedToken{Token: t}, Key: keys[0].ID, UID: user.Name, Issued: t.CreatedAt, Until: t.ExpiresAt}
	text, err := svc.signUserToken(keys[0], row)
	if err != nil {
		return UserToken{}, err
	}
	if err := svc.people.Issue(w, t, text); err != nil {
		return UserToken{}, err
	}
	return UserToken{text, t.ExpiresAt}, w.Tx.InsertEarthdataToken(w.Ctx, row)
}

// userClaims are what a user's token says. Nothing in it may depend on anything but its row, and
// the order of the fields stays.
type userClaims struct {
	Type    string `json:"type"`
	UID     string `json:"uid"`
	Expires int64  `json:"exp"`
	Issued  int64  `json:"iat"`
	Issuer  string `json:"iss"`
	ID      string `json:"jti"`
}

func (svc *Service) signUserToken(by db.SigningKey, t db.EarthdataToken) (keyhatch.Secret, error) {
	return svc.signWith(by, "JWT", userClaims{"User", t.UID, t.Until.Unix(), t.Issued.Unix(), svc.issuer, t.ID})
}
