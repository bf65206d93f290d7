package provena

import (
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
)

// longest is how long credentials last where nothing sets an earlier end. Clients cannot
// ask for less.
const longest = 8 * time.Hour

// status is how an answer says that it is one.
type status struct {
	Success bool   `json:"success"`
	Details string `json:"details"`
}

// credentials have these fields and no other: clients hand on all that there is, but for
// expiry.
type credentials struct {
	AccessKeyID     string `json:"aws_access_key_id"`
	SecretAccessKey string `json:"aws_secret_access_key"`
	SessionToken    string `json:"aws_session_token"`
	Expiry          string `json:"expiry"`
}

// generated is the answer to a request for credentials. The URL is left out when there is
// none: a client from 2022 takes null for a fault.
type generated struct {
	Status            status      `json:"status"`
	Credentials       credentials `json:"credentials"`
	ConsoleSessionURL string      `json:"console_session_url,omitempty"`
}

func (d *Door) readCredentials(c *call) (any, error)  { return d.generate(c, keyhatch.Read) }
func (d *Door) writeCredentials(c *call) (any, error) { return d.generate(c, keyhatch.Write) }

func (d *Door) generate(c *call, access keyhatch.Access) (any, error) {
	want, err := c.body.wanted()
	if err != nil {
		return nil, err
	}
	found, err := d.lending.Reach(c.ctx, c.caller, c.workspace, want.dataset)
	if err != nil {
		return nil, during(finding, err)
	}
	if f := barred(found, access, want.dataset); f != nil {
		return nil, f
	}
	lent, err := d.lending.Lease(c.ctx, c.caller, lending.LeaseRequest{
		Workspace: found.Location.Workspace, Location: found.Location.ID, Access: access, UpTo: longest, ListBucket: true, Console: want.console,
		Prefixes: []string{keyhatch.S3URL{Bucket: found.Location.BucketName, Prefix: found.Prefix}.String()}, SessionName: "provena",
	})
	if closed(err) { // since it was found, and only now it can be told by what
		if now, err := d.lending.Reach(c.ctx, c.caller, c.workspace, want.dataset); err == nil {
			found = now
		}
	}
	if err != nil {
		return nil, whileLending(found, access, want.dataset, err)
	}
	keys := lent.Credentials
	return generated{
		Status: status{true, "STS credentials generated successfully for specified path."},
		Credentials: credentials{
			AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey.Reveal(), SessionToken: keys.SessionToken.Reveal(),
			Expiry: lent.Lease.ExpiresAt.UTC().Format(timeForm),
		},
		ConsoleSessionURL: lent.Console.Reveal(),
	}, nil
}

// timeForm is how times are written; a part of a second is left out.
const timeForm = "2006-01-02T15:04:05-07:00"

// barred is what the format refuses before credentials are made, in its order: a lock, what
// the caller may, a release. A release locks too, and is told as what it is.
func barred(at lending.Reach, access keyhatch.Access, dataset string) error {
	l := at.Location
	switch {
	case access == keyhatch.Read && !at.Read:
		return mayNotRead
	case access == keyhatch.Read:
		return nil
	case l.Locked && l.Release == keyhatch.NotReleased:
		return locked
	case !at.Write:
		return mayNotWrite
	case l.Release != keyhatch.NotReleased:
		return beingReleased(l, dataset)
	}
	return nil
}

// closed tells whether a lease failed since its location is locked, or being released.
func closed(err error) bool {
	var e *keyhatch.Error
	return errors.As(err, &e) && e.Code == keyhatch.CodeLocationLocked
}

// whileLending is a failure of the lease. What has changed since the dataset was found is
// told as it would have been then.
func whileLending(at lending.Reach, access keyhatch.Access, dataset string, err error) error {
	if errors.Is(err, lending.ErrConsole) {
		return during(trading, err)
	}
	var e *keyhatch.Error
	if errors.As(err, &e) {
		switch e.Code {
		case keyhatch.CodeLocationLocked:
			if at.Location.Release != keyhatch.NotReleased {
				return beingReleased(at.Location, dataset)
			}
			return locked
		case keyhatch.CodeAccessNotGranted, keyhatch.CodeScopeNotGranted:
			at.Read, at.Write = false, false
			return barred(at, access, dataset)
		}
	}
	return during(vending, err)
}
