package accesskeys

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// MaxGrace is how long a pair that was replaced may go on working.
const MaxGrace = 7 * 24 * time.Hour

// Issue makes a new pair for a key and returns its secret, which is shown now and never
// again. The pair before works on for the grace, of at most MaxGrace, and any older one
// ends; without a grace all end at once. Who may is as with Update: who issues a pair gets what
// the key opens. While the workspace's account on the store is closed none is made. Where its store keeps a key, the store issues the pair, and that has to
// have the key as it is to be.
func (svc *Service) Issue(ctx context.Context, c keyhatch.Caller, workspace, ref string, grace time.Duration) (key keyhatch.AccessKey, made keyhatch.Credentials, err error) {
	if grace < 0 || grace > MaxGrace {
		return key, made, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidDuration, "a grace is 0 to %d seconds", int(MaxGrace/time.Second)).In("grace_seconds")
	}
	v := svc.k.View(ctx, c)
	if key, _, err = visible(v, workspace, ref); err != nil {
		return keyhatch.AccessKey{}, made, err
	}
	store, err := v.Store(ctx, key.Store)
	switch {
	case err != nil:
	case store.Keys.Kept():
		key, made, err = svc.issueThere(ctx, c, key.ID, store, grace)
	default:
		key, made, err = svc.issueHere(ctx, c, key.ID, grace)
	}
	if err != nil {
		return keyhatch.AccessKey{}, keyhatch.Credentials{}, err
	}
	return key, made, nil
}

// issueHere makes a pair of our own S3 endpoint.
func (svc *Service) issueHere(ctx context.Context, c keyhatch.Caller, id string, grace time.Duration) (key keyhatch.AccessKey, made keyhatch.Credentials, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if key, err = issuable(w, id); err != nil {
			return err
		}
		pair, err := newPair()
		if err != nil {
			return err
		}
		sealed, err := svc.k.Keys.SealColumn(db.PairsTable, pair.AccessKeyID, db.SecretColumn, pair.SecretAccessKey)
		if err != nil {
			return err
		}
		made = keyhatch.Credentials{
			AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey, Endpoint: svc.endpoint, Region: svc.region, ExpiresAt: key.ExpiresAt,
		}
		_, err = svc.putPair(w, &key, pair.AccessKeyID, sealed, grace)
		return err
	})
	return key, made, err
}

// issuable finds a key of which the caller may issue a pair. Of one whose store is closed to
// its workspace there is none, as nothing else is made there: who suspends an account wants
// no more secrets about, and it opens nothing.
func issuable(w *kernel.Work, id string) (keyhatch.AccessKey, error) {
	key, err := ruled(w, "", id)
	if err == nil {
		err = mayHaveMade(w, key)
	}
	if err == nil {
		err = w.MustOpen(key.Workspace, key.Store)
	}
	return key, err
}

// putPair puts an issued pair on record in the place of those before, and returns the
// access key ids of those that end with that.
func (svc *Service) putPair(w *kernel.Work, key *keyhatch.AccessKey, accessKeyID string, sealed []byte, grace time.Duration) (ended []string, err error) {
	before := key.Pairs
	left, err := endPairs(w, *key, grace)
	if err != nil {
		return nil, err
	}
	issued := keyhatch.IssuedPair{AccessKeyID: accessKeyID, Token: w.Caller.Token.ID, IssuedAt: w.Now}
	if err := w.Tx.InsertPair(w.Ctx, *key, issued, sealed); err != nil {
		return nil, err
	}
	key.Pairs = append([]keyhatch.IssuedPair{issued}, left...)
	ended = missing(before, left)
	detail := kernel.Detail("name", key.Name, "access_key_id", accessKeyID, "grace", grace.String(), "ended", joined(ended))
	for _, p := range left { // one at most
		detail["works_on"], detail["until"] = p.AccessKeyID, kernel.TimeText(p.EndsAt)
	}
	return ended, w.Record(Issued, key.Workspace, key.ID, detail)
}

// missing are the access key ids of the pairs that are not left.
func missing(before, left []keyhatch.IssuedPair) (ids []string) {
	for _, id := range idsOf(before) {
		if !slices.Contains(idsOf(left), id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func idsOf(pairs []keyhatch.IssuedPair) (ids []string) {
	for _, p := range pairs {
		ids = append(ids, p.AccessKeyID)
	}
	return ids
}

// newPair makes one: an access key id as S3's clients expect it, which is no secret, and
// 30 random bytes.
func newPair() (keyhatch.KeyPair, error) {
	var secret [30]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return keyhatch.KeyPair{}, err
	}
	return keyhatch.KeyPair{AccessKeyID: "KHAK" + rand.Text()[:16], SecretAccessKey: keyhatch.Secret(base64.URLEncoding.EncodeToString(secret[:]))}, nil
}

// endPairs ends the pairs of a key, the newest of them after the grace, and returns what
// is left.
func endPairs(w *kernel.Work, key keyhatch.AccessKey, grace time.Duration) (left []keyhatch.IssuedPair, err error) {
	for i, p := range key.Pairs {
		if i > 0 || grace == 0 || !p.Live(w.Now) {
			if err := w.Tx.DeletePair(w.Ctx, key, p.AccessKeyID); err != nil {
				return nil, err
			}
			continue
		}
		if end := w.Now.Add(grace); p.EndsAt.IsZero() || end.Before(p.EndsAt) {
			p.EndsAt = end
		}
		if err := w.Tx.EndPair(w.Ctx, key, p); err != nil {
			return nil, err
		}
		left = append(left, p)
	}
	return left, nil
}

// EndMadeWith ends what was made with a token that a thief may have had: the keys, and
// the pairs of others.
func (svc *Service) EndMadeWith(w *kernel.Work, token string) error {
	keys, err := w.AccessKeysByToken(w.Ctx, token)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key.Token == token {
			if err := svc.end(w, key); err != nil {
				return err
			}
			continue
		}
		for _, p := range key.Pairs {
			if p.Token != token {
				continue
			}
			if err := storekeys.EndPair(w, key, p.AccessKeyID, "its token leaked"); err != nil {
				return err
			}
		}
		if err := storekeys.Follow(w, &key); err != nil {
			return err
		}
		if err := w.Tx.UpdateAccessKeyState(w.Ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// Open finds the key of an access key id, with the secret that requests are signed with.
// It says nothing of what the key opens: ask Standing once the signature has been
// checked. An access key id that does not work fails with keyhatch.Unauthenticated.
func (svc *Service) Open(ctx context.Context, accessKeyID string) (key keyhatch.AccessKey, secret keyhatch.Secret, err error) {
	var sealed []byte
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		var pair db.SealedPair
		if key, pair, err = live(image, accessKeyID, svc.k.Now()); err != nil {
			return err
		}
		sealed = pair.Sealed
		return nil
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "the access key id is not valid")
	}
	if err != nil {
		return keyhatch.AccessKey{}, "", err
	}
	secret, err = svc.k.Keys.OpenColumn(db.PairsTable, accessKeyID, db.SecretColumn, sealed)
	return key, secret, err
}

func live(image *mirror.Image, accessKeyID string, now time.Time) (keyhatch.AccessKey, db.SealedPair, error) {
	pair, err := image.Pair(accessKeyID)
	if err == nil && !pair.Live(now) {
		err = kernel.NotFound(keyhatch.CodeAccessKeyNotFound)
	}
	if err != nil {
		return keyhatch.AccessKey{}, pair, err
	}
	key, err := image.AccessKey(pair.Key)
	return key, pair, err
}

// naming is memory with buckets of some names alone, or with all.
type naming struct {
	*mirror.Image
	names []string
}

func (n naming) BucketsOn(workspace, store string) []keyhatch.Bucket {
	if len(n.names) == 0 {
		return n.Image.BucketsOn(workspace, store)
	}
	return n.Image.BucketsNamed(workspace, store, n.names)
}

// noBucket is the name of none.
const noBucket = ""

// Identify tells whether a key works for who asks from where ctx tells. It notes the use,
// and counts against the key's request limit. The errors are those of Standing, and
// keyhatch.TooMany.
func (svc *Service) Identify(ctx context.Context, k keyhatch.AccessKey, accessKeyID string) error {
	if _, _, err := svc.Standing(ctx, accessKeyID, noBucket); err != nil {
		return err
	}
	_, err := svc.k.CountRequestOf(k.ID, svc.k.Now())
	return err
}

// Standing tells what the key of an access key id opens now to who asks from where ctx
// tells, and on which store, and notes the use. It is told of these buckets alone, or of
// all when none is named: a request is about one or two, and a key may open a thousand. The errors are policy.ErrKeyEnded,
// policy.ErrKeyElsewhere, and keyhatch.Unavailable when the present is not known.
func (svc *Service) Standing(ctx context.Context, accessKeyID string, buckets ...string) (open policy.Set, store keyhatch.Store, err error) {
	now := svc.k.Now()
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		key, _, err := live(image, accessKeyID, now)
		if err != nil {
			return err
		}
		if open, err = policy.StandingKey(key, naming{image, buckets}, now); err != nil {
			return err
		}
		if !keyhatch.InNetworks(keyhatch.OriginOf(ctx).Address, key.Networks) {
			return policy.ErrKeyElsewhere
		}
		svc.Used(key.ID, now)
		open = open.From(keyhatch.OriginOf(ctx).Address)
		store, err = image.Store(key.Store)
		return err
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = policy.ErrKeyEnded
	}
	return open, store, err
}
