package lending

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/deliver"
	"github.com/keyhatch/keyhatch/deliver/snippets"
)

var leases = ask.Sheet[api.Lease]{
	{Title: "ID", Cell: func(_ *ask.Names, l api.Lease) string { return l.ID }},
	{Title: "USER", Cell: func(n *ask.Names, l api.Lease) string { return n.User(l.User) }},
	{Title: "ACCESS", Cell: func(_ *ask.Names, l api.Lease) string { return l.Access }},
	{Title: "PREFIXES", Cut: 24, Cell: func(_ *ask.Names, l api.Lease) string { return strings.Join(l.Prefixes, " ") }},
	{Title: "ISSUED", Cell: func(_ *ask.Names, l api.Lease) string { return ask.TimeOf(l.IssuedAt) }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, l api.Lease) string { return ask.TimeOf(l.ExpiresAt) }},
	{Title: "STATE", Cell: func(_ *ask.Names, l api.Lease) string { return stateOf(l, time.Now()) }},
	{Title: "STORE", Detail: true, Cell: func(_ *ask.Names, l api.Lease) string { return l.Store }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, l api.Lease) string { return n.Workspace(l.Workspace) }},
	{Title: "BORROWED WITH", Detail: true, Cell: func(_ *ask.Names, l api.Lease) string { return cmp.Or(l.Pair, l.Token) }},
	{Title: "GRANTS", Detail: true, Cell: func(_ *ask.Names, l api.Lease) string { return strings.Join(l.Grants, " ") }},
	{Title: "ACCESS KEY ID", Detail: true, Cell: func(_ *ask.Names, l api.Lease) string { return l.AccessKeyID }},
	{Title: "VEND", Detail: true, Cell: func(_ *ask.Names, l api.Lease) string { return l.Vend }},
	{Title: "REVOCATION", Detail: true, Cell: func(_ *ask.Names, l api.Lease) string { return l.Revocation }},
}

func stateOf(l api.Lease, now time.Time) string {
	switch {
	case l.RevokedAt != nil:
		return "revoked"
	case now.Before(l.ExpiresAt):
		return "live"
	}
	return "expired"
}

// Lease borrows S3 keys, and lists and ends what was borrowed.
type Lease struct {
	Borrow leaseBorrow `cmd:"" default:"withargs" help:"Borrow S3 keys. May be left out: keyhatch lease s3://…"`
	List   leaseList   `cmd:"" help:"List your leases, newest first; with --workspace, for its admins, all there."`
	Show   leaseShow   `cmd:"" help:"Show a lease, without its secret."`
	Revoke leaseRevoke `cmd:"" help:"End a lease at once."`
}

// Help is what --help says beside the flags.
func (Lease) Help() string {
	return `What is borrowed and in which form it is handed on (-o env, json, process or profile, --for-tool), is told by
keyhatch lease borrow --help.`
}

// Tools are those that --for-tool knows, as kong wants the values of a flag.
func Tools() string { return strings.Join(snippets.Tools(), ",") }

// wanted is the lease that a verb borrows.
type wanted struct {
	Location string     `arg:"" help:"A location's name or id, or an s3:// address inside one."`
	Access   string     `enum:"read,write" default:"read" help:"read: get and list; write: also put and delete."`
	For      times.Span `placeholder:"TIME" help:"How long, as 1h. Default: 1h, or less where a limit is lower."`
	AtLeast  times.Span `placeholder:"TIME" help:"Accept a shorter lease, down to this: where a limit is lower, or a session that the store minted for another lease still lasts so long."`
	Prefix   []string   `sep:"none" placeholder:"PREFIX" help:"Narrow it to prefixes inside the location, or s3:// addresses. May be repeated."`
}

func (w wanted) request() api.LeaseRequest {
	return api.LeaseRequest{Location: w.Location, Access: w.Access, Prefixes: w.Prefix, DurationSeconds: w.For.WholeSeconds(), MinDuration: w.AtLeast.WholeSeconds()}
}

// args are the words that ask for it again.
func (w wanted) args() []string {
	args := []string{w.Location, "--access=" + w.Access}
	if w.For.Duration != 0 {
		args = append(args, "--for="+w.For.String())
	}
	if w.AtLeast.Duration != 0 {
		args = append(args, "--at-least="+w.AtLeast.String())
	}
	for _, p := range w.Prefix {
		args = append(args, "--prefix="+p)
	}
	return args
}

type leaseBorrow struct {
	ask.Connection
	wanted
	Output  string  `short:"o" enum:"env,json,process,profile" default:"env" help:"env: commands for a shell to eval; json: all that the server says; process: for credential_process of the AWS configuration, from a cache; profile: a profile there that renews itself."`
	Shell   string  `enum:"auto,sh,bash,zsh,fish,powershell" default:"auto" help:"The shell of env: sh, bash, zsh, fish or powershell. Default: the one that runs keyhatch, else that of $$SHELL."`
	Profile *string `placeholder:"NAME" help:"The name of the profile that -o profile writes. Default: keyhatch."`
	Replace bool    `help:"Also change a profile that keyhatch did not write, or that gets another lease."`
	Console bool    `help:"With -o json: also a URL where people see in a browser what the lease opens (console_url), of stores that have one. At AWS whoever has it is logged in."`
	ForTool *string `placeholder:"TOOL" enum:"${tools}" help:"Print what to paste into a tool: ${tools}. With -o profile by the profile, else with the keys in it."`
}

// check finds mistakes before anything is borrowed.
func (l leaseBorrow) check() error {
	if slices.Contains(l.Prefix, "") {
		return ask.UsageError{Err: errors.New("--prefix is empty, which would be all of the location: leave it out for that")}
	}
	if l.Output != "profile" && (l.Profile != nil || l.Replace) {
		return ask.UsageError{Err: errors.New("--profile and --replace are about a profile to be written: add -o profile")}
	}
	if l.Console && l.Output != "json" {
		return ask.UsageError{Err: errors.New("--console asks for a URL beside the keys: add -o json")}
	}
	if l.ForTool != nil && (l.Output == "json" || l.Output == "process") {
		return ask.UsageError{Err: errors.New("--for-tool prints what to paste into a tool: leave -o out, or write its profile too with -o profile")}
	}
	if l.Shell != "auto" && (l.Output != "env" || l.ForTool != nil) {
		return ask.UsageError{Err: errors.New("--shell is about commands for a shell to eval: it goes with -o env only, and without --for-tool")}
	}
	if l.Output == "env" && l.ForTool == nil {
		if _, err := l.shell(); err != nil {
			return ask.UsageError{Err: err}
		}
	}
	if err := deliver.CheckProfileName(l.profile()); err != nil {
		return ask.UsageError{Err: err}
	}
	return nil
}

func (l leaseBorrow) profile() string {
	if l.Profile == nil {
		return "keyhatch"
	}
	return *l.Profile
}

// Run borrows, and hands the keys on in the way that was asked for.
func (l leaseBorrow) Run(ctx context.Context, s ask.Streams) error {
	if err := l.check(); err != nil {
		return err
	}
	begin := l.Open
	if l.Output == "process" {
		begin = l.OpenKept
	}
	open, err := begin()
	if err != nil {
		return err
	}
	asked := l.request()
	asked.Console = l.Console
	lend := renewing(l.Connection, open, asked)
	if l.Output == "process" || l.Output == "profile" {
		kept, done := l.cached(s, open, lend)
		defer done()
		lend = kept
	}
	lent, err := lend(ctx)
	if err != nil {
		return l.Explain(err)
	}
	profile := ""
	if l.Output == "profile" {
		profile = l.profile()
		if err := l.writeProfile(ctx, s, open, lent); err != nil {
			return err
		}
	}
	switch {
	case l.ForTool != nil:
		text, err := snippets.Of(*l.ForTool, profile, lent)
		if err != nil {
			return err
		}
		if n := len(lent.Prefixes); n > 1 {
			fmt.Fprintf(s.Err, "keyhatch: what to paste is for the first of %d prefixes, %s: the same keys open the others\n", n, ask.Printable(lent.Prefixes[0]))
		}
		_, err = io.WriteString(s.Out, text)
		return err
	case l.Output == "json":
		return ask.Format{Output: "json"}.Write(s.Out, lent, nil)
	case l.Output == "process":
		return deliver.WriteProcess(s.Out, lent)
	case l.Output == "env":
		shell, err := l.shell()
		if err != nil {
			return err
		}
		return deliver.WriteShell(s.Out, shell, lent)
	}
	return nil
}

// cached lends from the disk while it can; who writes a profile, also because of a
// lease that ended early, gets another there. One is not kept from a lease by a
// cache that cannot be used.
func (l leaseBorrow) cached(s ask.Streams, open ask.Session, lend deliver.Lend) (kept deliver.Lend, done func()) {
	folder, err := deliver.CacheFolder()
	if err == nil {
		var cache *deliver.Cache
		if cache, err = deliver.OpenCache(folder, open.Server, open.Token); err == nil {
			r := deliver.Request{Workspace: l.Workspace, LeaseRequest: l.request()}
			keep := cache.Keep
			if l.Output == "profile" {
				keep = cache.Renew
			}
			return keep(r, lend), func() { cache.Close() }
		}
	}
	fmt.Fprintf(s.Err, "keyhatch: each call borrows anew: %v\n", err)
	return lend, func() {}
}

// writeProfile writes a profile whose command is this verb, and tells what would have
// programs use its leases elsewhere.
func (l leaseBorrow) writeProfile(ctx context.Context, s ask.Streams, open ask.Session, lent api.Lent) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	config, err := deliver.ConfigFile(os.Getenv)
	if err != nil {
		return err
	}
	credentials, err := deliver.CredentialsFile(os.Getenv)
	if err != nil {
		return err
	}
	command := append([]string{program, "lease", "borrow"}, l.args()...)
	command = append(command, "--output=process", "--server="+open.Server)
	if workspace := cmp.Or(lent.Workspace, l.Workspace); workspace != "" { // older servers do not tell
		command = append(command, "--workspace="+workspace)
	}
	p := deliver.Profile{Name: l.profile(), Unnamed: l.Profile == nil, Command: command, Endpoint: lent.Endpoint, Region: lent.Region}
	var taken *deliver.TakenProfile
	err = deliver.WriteProfile(config, credentials, p, l.Replace)
	if errors.As(err, &taken) {
		if !l.Replace {
			err = fmt.Errorf("%w with --profile, or let it go with --replace", err)
		}
		return ask.UsageError{Err: err}
	}
	if err != nil {
		return err
	}
	if !open.Kept {
		fmt.Fprintf(s.Err, "the token came from %s: programs that use the profile need it there too, or kept by `keyhatch login --token`\n", ask.TokenVariable)
	}
	for _, warning := range deliver.Astray(ctx, os.Environ(), p.Name, p.Endpoint) {
		fmt.Fprintf(s.Err, "keyhatch: %s\n", warning)
	}
	if l.ForTool != nil {
		return nil
	}
	place := "" // aws takes one, and people paste it
	if len(lent.Prefixes) > 0 {
		place = " " + deliver.ShellWord(ask.Printable(lent.Prefixes[0]))
	}
	_, err = fmt.Fprintf(s.Out, "profile %s is in %s: aws --profile %s s3 ls%s\n", p.Name, config, p.Name, place)
	return err
}

type leaseList struct {
	ask.Listing
	Live bool `help:"Only those that are neither revoked nor expired."`
}

func (l leaseList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, leases, func(c *client.Client) iter.Seq2[api.Lease, error] { return c.Leases(ctx, l.Live) })
}

// leaseID is the id of a lease that is named by it, or by its access key id, which is
// what clients and their logs know.
func leaseID(name string) string {
	if payload, ok := strings.CutPrefix(name, "KHLE"); ok {
		return "lease_" + strings.ToLower(payload)
	}
	return name
}

type leaseShow struct {
	ask.Question
	Lease string `arg:"" help:"Id, or access key id."`
}

func (l leaseShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, l.Question, leases, func(c *client.Client) (api.Lease, error) { return c.Lease(ctx, leaseID(l.Lease)) })
}

type leaseRevoke struct {
	ask.Question
	Lease string `arg:"" help:"Id, or access key id."`
}

// Run ends it, and forgets it where this machine keeps it: a profile would hand it out
// until it is due. What other tokens and machines keep is out of reach.
func (l leaseRevoke) Run(ctx context.Context, s ask.Streams) error {
	open, err := l.Open()
	if err != nil {
		return err
	}
	id := leaseID(l.Lease)
	c, err := l.Client()
	if err != nil {
		return err
	}
	done := "the lease has ended: its keys open nothing any more"
	if lease, err := c.Lease(ctx, id); err == nil && lease.Revocation == "none" && time.Now().Before(lease.ExpiresAt) {
		done = "the lease is marked as ended, but its keys are a session of the store, which nobody can end: they work until " + ask.TimeOf(lease.ExpiresAt)
	}
	if err := ask.End(s, l.Question, ask.Ended{Action: "lease.revoke", Target: id}, done, func(c *client.Client) error { return c.RevokeLease(ctx, id) }); err != nil {
		return err
	}
	if err := forget(ctx, open, id); err != nil {
		fmt.Fprintf(s.Err, "keyhatch: a profile may hand it out until it is due: %v\n", err)
	}
	return nil
}

// forget drops a lease from the cache, if there is one.
func forget(ctx context.Context, open ask.Session, id string) error {
	folder, err := deliver.CacheFolder()
	if err != nil {
		return nil // nothing was kept then
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	cache, err := deliver.OpenCache(folder, open.Server, open.Token)
	if unsafe := (*deliver.UnsafeFolder)(nil); errors.As(err, &unsafe) {
		return nil // nor is anything kept there
	} else if err != nil {
		return err
	}
	defer cache.Close()
	return cache.Drop(ctx, id)
}
