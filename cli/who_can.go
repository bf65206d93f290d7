package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
)

type whoCanCommand struct {
	ask.Question
	audited
	Access string       `required:"" enum:"read,write" placeholder:"read|write" help:"read or write."`
	At     times.Moment `placeholder:"TIME" help:"When. Default: now."`
}

// Help is what --help says beside the flags.
func (whoCanCommand) Help() string {
	return `Tells from the audit record who could read or write a location, or a prefix in it: each user, through which grant
and group, and until when; which access keys opened it; and which sessions of its store outlive the rights they were lent on. Its owner and the admins of its workspace may ask, the latter
also about a location that is gone, by its id, and about any address in the workspace's buckets.

` + times.MomentForms + `

The exit status is 1, too, when the record leaves doubts.`
}

// Run asks the server.
func (w whoCanCommand) Run(ctx context.Context, s ask.Streams) error {
	location, err := w.location()
	if err != nil {
		return err
	}
	c, err := w.Client()
	if err != nil {
		return err
	}
	answer, err := c.WhoCan(ctx, location, w.Access, w.At.Time)
	if err != nil {
		return w.Explain(err)
	}
	if err := w.Write(s.Out, answer, func(to io.Writer) error { return whoCanTable(to, answer) }); err != nil {
		return err
	}
	for _, doubt := range answer.Doubts {
		fmt.Fprintf(s.Err, "in doubt: %s\n", ask.Printable(doubt))
	}
	if n := len(answer.Doubts); n > 0 {
		return fmt.Errorf("the answer is not certain: the audit record leaves doubts (%d); `keyhatch audit verify` tells whether it was changed", n)
	}
	return nil
}

func whoCanTable(to io.Writer, a api.WhoCan) error {
	in := "in no location"
	if a.Location != "" {
		in = "location " + ask.Printable(a.Name)
	}
	fmt.Fprintf(to, "Who could %s %s (%s) at %s:\n\n", a.Access, ask.Printable(a.URL), in, a.At.Format(time.RFC3339Nano))
	if len(a.LockedParts) > 0 {
		fmt.Fprintf(to, "Nobody in %s: locked.\n\n", ask.Printable(strings.Join(a.LockedParts, ", ")))
	}
	switch {
	case len(a.Ways) > 0:
		if err := ask.Columns(to, waysRows(a.Ways)); err != nil {
			return err
		}
	case a.Closed:
		fmt.Fprintln(to, "Nobody: the bucket was not there yet or any more, or the workspace's account on its store was closed.")
	case a.Locked && a.Access == "write":
		fmt.Fprintln(to, "Nobody: the location was locked.")
	case len(a.Keys) > 0, len(a.URLs) > 0, len(a.Sessions) > 0:
		fmt.Fprintln(to, "Nobody by a grant.")
	default:
		fmt.Fprintln(to, "Nobody.")
	}
	if len(a.Keys) > 0 {
		// A bucket is on one store.
		fmt.Fprintf(to, "\nWith these access keys of store %s, whoever had a pair:\n\n", ask.Printable(a.Keys[0].StoreName))
		if err := ask.Columns(to, keysRows(a.Keys)); err != nil {
			return err
		}
	}
	if len(a.URLs) > 0 {
		fmt.Fprint(to, "\nWith these presigned URLs, whoever had one:\n\n")
		if err := ask.Columns(to, urlsRows(a.URLs)); err != nil {
			return err
		}
	}
	if len(a.Sessions) == 0 {
		return nil
	}
	fmt.Fprintf(to, "\nWith these sessions of store %s, whoever had one, although its user could no more:\n\n", ask.Printable(a.Sessions[0].StoreName))
	return ask.Columns(to, sessionsRows(a.Sessions))
}

func sessionsRows(sessions []api.SessionWay) [][]string {
	rows := [][]string{{"USER", "ACCESS", "OPENS", "SINCE", "UNTIL", "LEASE"}}
	for _, w := range sessions {
		rows = append(rows, []string{
			cmp.Or(w.UserName, w.User), w.Access, strings.Join(w.Prefixes, " "), w.IssuedAt.Format(time.RFC3339), w.ExpiresAt.Format(time.RFC3339), w.Lease,
		})
	}
	return rows
}

func urlsRows(urls []api.URLWay) [][]string {
	rows := [][]string{{"OBJECT", "SIGNED BY", "AT", "EXPIRES", "LEASE"}}
	for _, u := range urls {
		rows = append(rows, []string{u.Object, cmp.Or(u.UserName, u.User), u.IssuedAt.Format(time.RFC3339), u.ExpiresAt.Format(time.RFC3339), u.Lease})
	}
	return rows
}

func waysRows(ways []api.Way) [][]string {
	rows := [][]string{{"USER", "ACCESS", "THROUGH", "PREFIX", "EXPIRES"}}
	for _, w := range ways {
		row := []string{w.UserName, w.Access, w.Grant, "all", ask.Never}
		if w.To == "everyone" {
			row[0] = "(every active user)"
		}
		switch {
		case w.GroupName != "":
			row[2] += ", group " + w.GroupName
		case w.TeamspaceName != "":
			row[2] += ", teamspace " + w.TeamspaceName
		}
		if w.Prefix != "" {
			row[3] = w.Prefix
		}
		if w.ExpiresAt != nil {
			row[4] = w.ExpiresAt.Format(time.RFC3339)
		}
		rows = append(rows, row)
	}
	return rows
}

// What keys' rights and their owners' standings are called.
var (
	keyRightNames = map[string]string{"bucket": "this bucket", "all": "all buckets", "all_keys": "all keys' bucket"}
	ownerAsNames  = map[string]string{
		"installation_admin": "installation admin", "workspace_admin": "workspace admin", "bucket_owner": "bucket owner",
	}
)

func keysRows(keys []api.KeyWay) [][]string {
	rows := [][]string{{"KEY", "PAIRS", "RIGHT ON", "OWNER", "OWNER IS", "EXPIRES", "ID"}}
	for _, k := range keys {
		row := []string{
			k.Name, strconv.Itoa(len(k.Pairs)), named(keyRightNames, k.Rights), k.OwnerName, named(ownerAsNames, k.OwnerAs), ask.Never, k.Key,
		}
		if len(k.Pairs) == 0 {
			row[1] = "none"
		}
		if k.Unconfirmed {
			row[2] += " (until its store confirms the end)"
		}
		if k.ExpiresAt != nil {
			row[5] = k.ExpiresAt.Format(time.RFC3339)
		}
		rows = append(rows, row)
	}
	return rows
}

// named are the names of words, in one cell; a word that is not known is its own name.
func named(names map[string]string, words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if out[i] = names[w]; out[i] == "" {
			out[i] = w
		}
	}
	return strings.Join(out, ", ")
}
