package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

type accessCommand struct {
	connection
	output
	Location string `required:"" placeholder:"LOCATION" help:"Name, id, or an s3:// address inside one."`
	Since    moment `placeholder:"TIME" help:"What happened from then on. Default: 24 hours ago."`
	Until    moment `placeholder:"TIME" help:"What happened before. Default: now."`
	User     string `placeholder:"NAME" help:"What one user did, by name or id."`
	Access   string `enum:"read,write,any" default:"any" help:"read, write, or any."`
	Limit    int    `default:"1000" help:"At most so many, the newest; 0 for all."`
}

// Help is what --help says beside the flags.
func (accessCommand) Help() string {
	return `Tells from the audit record who read or wrote what at the S3 endpoint in a location, newest first, refused attempts
included. Its owner and the admins of its workspace may ask.

  keyhatch audit access --location alpha --since 2h
  keyhatch audit access --location s3://demo/alpha/2024/ --access write --since 2026-07-01 -o json

` + momentForms + `

The API token is read from the environment variable KEYHATCH_TOKEN.

Exit status: 0 done, 1 failed, 2 usage, 3 not permitted, 4 not found.`
}

// Run asks the server, a page after the other.
func (a accessCommand) Run(ctx context.Context, s streams) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	requests, more, err := a.fetch(ctx, c)
	if err != nil {
		return a.explain(err)
	}
	if err := a.write(s.out, requests, func(to io.Writer) error { return accessTable(to, requests) }); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(s.err, "there is more: these are the newest %d; --limit 0 shows all\n", len(requests))
	}
	return nil
}

const largestPage = 1000

func (a accessCommand) fetch(ctx context.Context, c *client.Client) (all []api.ObjectRequest, more bool, err error) {
	if a.Since.IsZero() {
		a.Since.Time = time.Now().Add(-24 * time.Hour)
	}
	q := url.Values{"location": {a.Location}, "since": {a.Since.UTC().Format(time.RFC3339Nano)}}
	for name, value := range map[string]string{"workspace": a.Workspace, "user": a.User, "access": a.Access} {
		if value != "" && value != "any" {
			q.Set(name, value)
		}
	}
	if !a.Until.IsZero() {
		q.Set("until", a.Until.UTC().Format(time.RFC3339Nano))
	}
	all = []api.ObjectRequest{} // which is [] in JSON
	for {
		size := largestPage
		if a.Limit > 0 {
			size = min(size, a.Limit-len(all))
		}
		q.Set("limit", strconv.Itoa(size))
		page, err := c.ObjectRequests(ctx, q)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page.Items...)
		if page.Next == "" || len(all) == a.Limit {
			return all, page.Next != "", nil
		}
		q.Set("cursor", page.Next)
	}
}

func accessTable(to io.Writer, requests []api.ObjectRequest) error {
	if len(requests) == 0 {
		_, err := fmt.Fprintln(to, "Nobody.")
		return err
	}
	rows := [][]string{{"AT", "USER", "ACCESS", "OPERATION", "OBJECT", "BYTES", "OUTCOME", "FROM"}}
	for _, r := range requests {
		user := r.UserName
		if user == "" {
			user = r.User
		}
		rows = append(rows, []string{
			r.At.Format(time.RFC3339), user, r.Access, r.Operation, "s3://" + r.Bucket + "/" + r.Key, strconv.FormatInt(r.Bytes, 10), outcome(r), r.Address,
		})
	}
	return columns(to, rows)
}

// outcome is how a request came out, in a word.
func outcome(r api.ObjectRequest) string {
	switch {
	case r.Status == 0:
		return "under way"
	case r.Code != "":
		return r.Code
	case r.Status >= 400:
		return "refused " + strconv.Itoa(r.Status)
	}
	return "done"
}
