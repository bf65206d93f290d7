package accesskeys

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// mayHaveMade refuses a caller whose token could not have made the key as it is: it hands
// on what the key opens, to itself or to others (S4).
func mayHaveMade(w *kernel.Work, key keyhatch.AccessKey) error {
	token := w.Caller.Token
	scopes, err := policy.ParseScopes(token.Scopes)
	if err != nil {
		return err
	}
	if !keyhatch.NetworksWithin(key.Networks, token.Networks) {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"the key works from more networks than the token that is used: use a token that works from them")
	}
	if last := kernel.LastEnd(token, scopes); !last.IsZero() && (key.ExpiresAt.IsZero() || key.ExpiresAt.After(last)) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry,
			"a key that is made, changed or issued with a confined token ends no later than that one, at %s", kernel.TimeText(last)).In("expires_at")
	}
	if !scopes.BoundsS3() {
		return nil
	}
	if onAll(key.Rights) {
		return tooBroad()
	}
	for access, ids := range map[keyhatch.Access][]string{keyhatch.Read: key.Rights.Read, keyhatch.Write: key.Rights.Write} {
		for _, id := range ids {
			bucket, err := w.Bucket(w.Ctx, id)
			if err != nil {
				return err
			}
			if !scopes.AllowsS3(access, keyhatch.S3URL{Bucket: bucket.Name}) {
				return tooBroad()
			}
		}
	}
	return reachOpenToAll(w.View, key, scopes)
}

// reachOpenToAll refuses scopes that do not reach all that buckets open to the key without
// its rights: those that are open to all keys, and that its owner decides over.
func reachOpenToAll(v kernel.View, key keyhatch.AccessKey, scopes policy.Scopes) error {
	buckets, err := v.Buckets(v.Ctx, key.Workspace, db.Everything)
	if err != nil {
		return err
	}
	owner, in, err := (&bounds{View: v, key: key}).owner()
	if err != nil {
		return err
	}
	for _, b := range buckets {
		if b.Store != key.Store || !owner.Admin && !policy.DecidesOver(b, owner.ID, in) {
			continue
		}
		for access, toAll := range map[keyhatch.Access]bool{keyhatch.Read: b.AllKeysRead, keyhatch.Write: b.AllKeysWrite} {
			if toAll && !scopes.AllowsS3(access, keyhatch.S3URL{Bucket: b.Name}) {
				return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
					"the key opens a bucket too that is open to all keys of the workspace, and that the token's s3: scopes do not reach: use a token without them, or one that reaches it")
			}
		}
	}
	return nil
}

func tooBroad() error {
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
		"a key's rights must lie within the s3: scopes of the token that makes or changes it: ask for narrower ones")
}

// lastEnd is when a key ends of which nothing is said: never, or when what the caller's
// token hands on ends.
func lastEnd(v kernel.View) (time.Time, error) {
	scopes, err := policy.ParseScopes(v.Caller.Token.Scopes)
	return kernel.LastEnd(v.Caller.Token, scopes), err
}
