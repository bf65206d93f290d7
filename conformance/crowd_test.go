package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
)

// prepare makes what they are going to use.
func (c *crowd) prepare() {
	t := c.riot.t
	c.grants, c.people = map[string]bool{}, map[string]bool{}
	bucket := c.buckets["theirs"]
	create(t, c.Server, "/api/v1/locations?workspace=lab", map[string]any{"name": "chaos", "url": "s3://" + bucket + "/chaos/"})
	admin := c.store.ClientWith(t, aws.Credentials{AccessKeyID: c.store.Keeper[0], SecretAccessKey: c.store.Keeper[1]})
	c.object = "chaos/object"
	c.must(c.put(admin, "theirs", c.object))
	me, err := c.api.CurrentToken(t.Context())
	c.must(err)
	_, err = c.api.GiveGrant(t.Context(), api.NewGrant{Location: "chaos", To: "user", Subject: me.User, Access: "read"})
	c.must(err)
}

// acknowledged notes a change.
func (c *crowd) acknowledged(action, target string) {
	c.note(func() { c.told = append(c.told, told{action, target}) })
	c.counted(action)
}

// counted counts what was done.
func (c *crowd) counted(what string) { c.note(func() { c.counts[what]++ }) }

// fails wants a call to fail for a reason that there is: a server that was killed or cannot
// reach its database. It tells whether it was refused instead.
func (c *crowd) fails(what string, err error) (refused bool) {
	var problem *api.Problem
	if !errors.As(err, &problem) {
		return false // it was not answered
	}
	switch problem.Status {
	case http.StatusServiceUnavailable:
		return false
	case http.StatusForbidden, http.StatusNotFound, http.StatusUnauthorized:
		return true
	}
	c.riot.t.Errorf("%s: %v", what, err)
	return false
}

// useTokens makes a token, or looks at one, or ends one.
func (c *crowd) useTokens(ctx context.Context) {
	h := pick(&c.riot.mu, &c.tokens, 40)
	asked := time.Now()
	if h == nil {
		made, err := c.any().client().CreateToken(ctx, api.NewToken{Name: "chaos"})
		if err != nil {
			c.fails("making a token", err)
			return
		}
		h = &history{id: made.ID, secret: made.Secret, begun: asked}
		h.did(give, asked, time.Now())
		c.acknowledged("token.create", h.id)
		keep(&c.riot.mu, &c.tokens, h)
		return
	}
	if rand.IntN(8) == 0 && h.mayEnd() {
		c.end(h, "token.revoke", c.any().client().RevokeToken(ctx, h.id), asked)
		return
	}
	c.lookAt(ctx, c.any(), h)
}

// end notes how the end of something was answered that was asked for.
func (c *crowd) end(h *history, action string, err error, asked time.Time) {
	if err != nil {
		h.perhaps(asked)
		if c.fails(action, err) { // it had been done at a try that was not answered
			h.did(end, asked, time.Now())
		}
		return
	}
	h.did(end, asked, time.Now())
	c.acknowledged(action, h.id)
}

// lookAt asks a server whether it takes a token.
func (c *crowd) lookAt(ctx context.Context, at *replica, h *history) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.now.Load().API+"/api/v1/tokens/current", nil)
	if err != nil {
		c.riot.t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+h.secret)
	asked := time.Now()
	answer, err := c.web.Do(r)
	if err != nil {
		return
	}
	answer.Body.Close()
	c.saw(h, answer.StatusCode, http.StatusUnauthorized, asked)
}

// saw notes what was answered to who used a secret.
func (c *crowd) saw(h *history, status, refusal int, asked time.Time) {
	switch status {
	case http.StatusOK:
		h.did(works, asked, time.Now())
	case refusal:
		h.did(isRefused, asked, time.Now())
	case http.StatusServiceUnavailable:
	default:
		c.riot.t.Errorf("the use of %s is answered %d", h.id, status)
	}
}

// useLeases borrows, or reads with what was borrowed, or ends it.
func (c *crowd) useLeases(ctx context.Context) {
	l := pick(&c.riot.mu, &c.leases, 20)
	asked := time.Now()
	if l == nil {
		lasts := 3 * 3600 // longer than the longest run
		lent, err := c.any().client().CreateLease(ctx, api.LeaseRequest{Location: "chaos", Access: "read", DurationSeconds: &lasts})
		if err != nil {
			c.fails("borrowing", err)
			return
		}
		l = &lending{keys: lent}
		l.id, l.begun = lent.ID, asked
		l.did(give, asked, time.Now())
		c.acknowledged("lease.lend", l.id)
		keep(&c.riot.mu, &c.leases, l)
		return
	}
	if rand.IntN(8) == 0 && l.mayEnd() {
		c.end(&l.history, "lease.revoke", c.any().client().RevokeLease(ctx, l.id), asked)
		return
	}
	c.readWith(ctx, c.any(), l)
}

// readWith reads an object at a server's S3 endpoint.
func (c *crowd) readWith(ctx context.Context, at *replica, l *lending) {
	now := at.now.Load()
	in := s3.New(s3.Options{
		BaseEndpoint: &now.S3, Region: l.keys.Region, UsePathStyle: true, HTTPClient: c.web, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(l.keys.AccessKeyID, l.keys.SecretAccessKey, l.keys.SessionToken),
	})
	bucket := c.buckets["theirs"]
	asked := time.Now()
	out, err := in.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &c.object})
	var refusal interface{ HTTPStatusCode() int }
	switch {
	case err == nil:
		out.Body.Close()
		c.saw(&l.history, http.StatusOK, http.StatusForbidden, asked)
	case errors.As(err, &refusal) && refusal.HTTPStatusCode() > 0:
		c.saw(&l.history, refusal.HTTPStatusCode(), http.StatusForbidden, asked)
	}
}

// useGrants gives a new user a grant, has it borrow, takes the grant back, has it try again,
// and ends it.
func (c *crowd) useGrants(ctx context.Context) {
	name := fmt.Sprintf("user-%x", rand.Uint64())
	user, err := c.any().client().CreateUser(ctx, api.NewUser{Name: name})
	if err != nil {
		c.fails("making a user", err)
		return
	}
	c.acknowledged("user.create", user.ID)
	c.note(func() { c.people[user.ID] = false })
	token, err := c.any().client().CreateToken(ctx, api.NewToken{User: user.ID, Workspace: "lab"})
	if err != nil {
		c.fails("making a user's token", err)
		return
	}
	c.acknowledged("token.create", token.ID)
	for range 4 {
		grant, err := c.any().client().GiveGrant(ctx, api.NewGrant{Location: "chaos", To: "user", Subject: user.ID, Access: "read", Prefix: "of/" + name + "/"})
		if err != nil {
			c.fails("giving a grant", err)
			return
		}
		c.acknowledged("grant.give", grant.ID)
		c.note(func() { c.grants[grant.ID] = false })
		if !c.borrowsSoon(ctx, token.Secret, name) {
			return
		}
		if err := c.any().client().TakeGrant(ctx, grant.ID); err != nil {
			c.fails("taking a grant", err)
			c.note(func() { delete(c.grants, grant.ID) }) // it is there, or it is not
			return
		}
		c.acknowledged("grant.take", grant.ID)
		c.note(func() { c.grants[grant.ID] = true })
		c.borrowsNoMore(ctx, token.Secret, name, "a second after its grant was taken")
	}
	inactive := false
	if _, err := c.any().client().UpdateUser(ctx, user.ID, api.UserChange{Active: &inactive}); err != nil {
		c.fails("ending a user", err)
		c.note(func() { delete(c.people, user.ID) })
		return
	}
	c.note(func() { c.people[user.ID] = true })
	c.borrowsNoMore(ctx, token.Secret, name, "a second after it was ended")
}

// borrows tries it once.
func (c *crowd) borrows(ctx context.Context, token, name string) error {
	_, err := keyhatch.New(c.any().now.Load().API, token).In("lab").CreateLease(ctx, api.LeaseRequest{Location: "chaos", Access: "read", Prefixes: []string{"of/" + name + "/"}})
	return err
}

// borrowsSoon wants it to work wherever it is tried a second after it was allowed.
func (c *crowd) borrowsSoon(ctx context.Context, token, name string) bool {
	for allowed := time.Now(); waits(ctx, 20, 200); {
		asked := time.Now()
		err := c.borrows(ctx, token, name)
		if err == nil {
			return true
		}
		if c.fails("borrowing with a grant", err) && asked.After(allowed.Add(bound)) {
			c.riot.t.Errorf("borrowing, %v after the grant was given: %v", asked.Sub(allowed), err)
			return false
		}
	}
	return false
}

// borrowsNoMore wants it to be refused wherever it is tried.
func (c *crowd) borrowsNoMore(ctx context.Context, token, name, when string) {
	if !waits(ctx, int(bound.Milliseconds()), int(bound.Milliseconds())+200) {
		return
	}
	for range 3 {
		if err := c.borrows(ctx, token, name); err == nil {
			c.riot.t.Errorf("S7: %s borrows %s", name, when)
		} else if c.fails("borrowing", err) {
			c.counted("borrowing refused")
		}
	}
}

// useKeys makes, issues, changes and deletes access keys that the store keeps.
func (c *crowd) useKeys(ctx context.Context) { c.act(ctx, c.any().client(), "theirs") }

// kept things of a crowd: the last ones are used.
type usable interface{ isOver() bool }

// pick is one of those that are in use, and nothing where there are few of them.
func pick[T usable](guard sync.Locker, all *[]T, few int) (one T) {
	guard.Lock()
	defer guard.Unlock()
	used := slices.DeleteFunc(slices.Clone((*all)[max(0, len(*all)-4*few):]), T.isOver)
	if len(used) == 0 || rand.IntN(few) >= len(used) || rand.IntN(few) == 0 {
		return one
	}
	return used[rand.IntN(len(used))]
}

func keep[T any](guard sync.Locker, all *[]T, one T) {
	guard.Lock()
	defer guard.Unlock()
	*all = append(*all, one)
}
