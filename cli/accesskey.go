package cli

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

var accessKeys = ask.Sheet[api.AccessKey]{
	{Title: "NAME", Cell: func(_ *ask.Names, k api.AccessKey) string { return k.Name }},
	{Title: "STORE", Cell: func(n *ask.Names, k api.AccessKey) string { return n.Store(k.Store) }},
	{Title: "READS", Cell: func(n *ask.Names, k api.AccessKey) string { return bucketsOf(n, k.Rights.ReadAll, k.Rights.Read) }},
	{Title: "WRITES", Cell: func(n *ask.Names, k api.AccessKey) string { return bucketsOf(n, k.Rights.WriteAll, k.Rights.Write) }},
	{Title: "SEES ALL", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return ask.Yes(k.Rights.SeeAll) }},
	{Title: "OWNER", Cell: func(n *ask.Names, k api.AccessKey) string { return n.User(k.Owner) }},
	{Title: "STATE", Cell: func(_ *ask.Names, k api.AccessKey) string { return k.State }},
	{Title: "REASON", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return k.Reason }},
	{Title: "ATTEMPTS", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return count(k.Attempts) }},
	{Title: "LAST ERROR", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return k.LastError }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, k api.AccessKey) string { return ask.TimeOr(k.ExpiresAt, "never") }},
	{Title: "LAST USED", Cell: func(_ *ask.Names, k api.AccessKey) string { return ask.TimeOr(k.LastUsedAt, "-") }},
	{Title: "NETWORKS", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return strings.Join(k.Networks, " ") }},
	{Title: "PAIRS", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return pairsOf(k.Pairs) }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, k api.AccessKey) string { return n.Workspace(k.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, k api.AccessKey) string { return k.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, k api.AccessKey) string { return ask.TimeOf(k.CreatedAt) }},
}

// count is a number, and nothing for none.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func bucketsOf(n *ask.Names, all bool, ids []string) string {
	if all {
		return "all buckets"
	}
	if len(ids) == 0 {
		return "-"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = n.Bucket(id)
	}
	return strings.Join(names, " ")
}

func pairsOf(pairs []api.IssuedPair) string {
	if len(pairs) == 0 {
		return "-"
	}
	var out []string
	for _, p := range pairs {
		text := p.AccessKeyID
		if p.EndsAt != nil {
			text += " until " + ask.TimeOf(*p.EndsAt)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// keyCommand is about access keys; keys, of the server's own, are others.
type keyCommand struct {
	List   keyList   `cmd:"" help:"List the access keys that you may see."`
	Show   keyShow   `cmd:"" help:"Show an access key."`
	Create keyCreate `cmd:"" help:"Make an access key, with rights on buckets; issue makes its pair."`
	Issue  keyIssue  `cmd:"" help:"Issue a pair for an access key, which is shown this once; the one before ends."`
	Update keyUpdate `cmd:"" help:"Rename an access key, or change its rights or its end."`
	Delete keyDelete `cmd:"" help:"Remove an access key; its pairs end at once."`
}

// Help is what --help says beside the verbs.
func (keyCommand) Help() string {
	return `Access keys are for what cannot use leases, which end by themselves: appliances, backup tools, old software. What the user loses who made one is closed to it.`
}

type keyList struct {
	ask.Listing
	Store string `placeholder:"NAME" help:"Those of this store, by name or id."`
}

func (k keyList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, k.Listing, accessKeys, func(c *client.Client) iter.Seq2[api.AccessKey, error] { return c.AccessKeys(ctx, k.Store) })
}

type keyShow struct {
	ask.Question
	Key string `arg:"" help:"Name or id."`
}

func (k keyShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, k.Question, accessKeys, func(c *client.Client) (api.AccessKey, error) { return c.AccessKey(ctx, k.Key) })
}

// keyRights are what a key is to open.
type keyRights struct {
	Read     []string `sep:"none" placeholder:"BUCKET" help:"A bucket in which it reads, by name or id. May be repeated."`
	Write    []string `sep:"none" placeholder:"BUCKET" help:"A bucket in which it writes, which is not to read. May be repeated."`
	ReadAll  bool     `help:"It reads in all buckets that the workspace has on the store, also in later ones."`
	WriteAll bool     `help:"It writes in all of them."`
	SeeAll   bool     `help:"It lists the names of all of them."`
}

func (r keyRights) any() bool {
	return len(r.Read) > 0 || len(r.Write) > 0 || r.ReadAll || r.WriteAll || r.SeeAll
}

func (r keyRights) rights() api.KeyRights {
	return api.KeyRights{SeeAll: r.SeeAll, ReadAll: r.ReadAll, WriteAll: r.WriteAll, Read: r.Read, Write: r.Write}
}

type keyCreate struct {
	ask.Question
	Name  string `arg:"" help:"Unique in the workspace."`
	Store string `required:"" placeholder:"NAME" help:"The store that it works on, by name or id."`
	keyRights
	Expires times.Deadline `placeholder:"TIME" help:"When it ends. Default: never."`
}

// Help is what --help says beside the flags.
func (keyCreate) Help() string { return times.DeadlineForms }

func (k keyCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewAccessKey{Store: k.Store, Name: k.Name, Rights: k.rights(), ExpiresAt: k.Expires.Or()}
	return ask.Show(ctx, s, k.Question, accessKeys, func(c *client.Client) (api.AccessKey, error) { return c.CreateAccessKey(ctx, n) })
}

type keyIssue struct {
	ask.Question
	Key   string     `arg:"" help:"Name or id."`
	Grace times.Span `placeholder:"TIME" help:"How long the pair before works on, as 1h, at most 7d. Default: it ends at once."`
}

var issuedKeys = ask.Sheet[api.IssuedKey]{
	{Title: "KEY", Cell: func(_ *ask.Names, k api.IssuedKey) string { return k.Name }},
	{Title: "ACCESS KEY ID", Cell: func(_ *ask.Names, k api.IssuedKey) string { return k.AccessKeyID }},
	{Title: "SECRET ACCESS KEY", Cell: func(_ *ask.Names, k api.IssuedKey) string { return k.SecretAccessKey }},
	{Title: "ENDPOINT", Cell: func(_ *ask.Names, k api.IssuedKey) string { return k.Endpoint }},
	{Title: "REGION", Cell: func(_ *ask.Names, k api.IssuedKey) string { return k.Region }},
	{Title: "PAIRS", Cell: func(_ *ask.Names, k api.IssuedKey) string { return pairsOf(k.Pairs) }},
}

func (k keyIssue) Run(ctx context.Context, s ask.Streams) error {
	r := api.IssueRequest{GraceSeconds: k.Grace.WholeSeconds()}
	return ask.Show(ctx, s, k.Question, issuedKeys, func(c *client.Client) (api.IssuedKey, error) { return c.IssueAccessKey(ctx, k.Key, r) })
}

type keyUpdate struct {
	ask.Question
	Key  string  `arg:"" help:"Name or id."`
	Name *string `placeholder:"NAME" help:"Another name."`
	keyRights
	NoRights bool           `help:"It opens nothing any more."`
	Expires  times.Deadline `placeholder:"TIME" help:"When it ends."`
}

// Help is what --help says beside the flags.
func (keyUpdate) Help() string {
	return "Rights that are given replace all of those before. " + times.DeadlineForms
}

func (k keyUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.AccessKeyChange{Name: k.Name, ExpiresAt: k.Expires.Or(), NeverExpires: k.Expires.Never}
	switch {
	case k.NoRights && k.any():
		return ask.UsageError{Err: errors.New("--no-rights takes all rights away: leave it or the others out")}
	case k.NoRights, k.any():
		rights := k.rights()
		change.Rights = &rights
	}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, k.Question, accessKeys, func(c *client.Client) (api.AccessKey, error) { return c.UpdateAccessKey(ctx, k.Key, change) })
}

type keyDelete struct {
	ask.Question
	Key string `arg:"" help:"Name or id."`
}

func (k keyDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, k.Question, ask.Ended{Action: "access_key.delete", Target: k.Key}, "the access key is gone, and its pairs have ended",
		func(c *client.Client) error { return c.DeleteAccessKey(ctx, k.Key) })
}
