package cli

import (
	"context"
	"fmt"
	"io"
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
and group, and until when. Its owner and the admins of its workspace may ask, the latter also about a location that is
gone: by its id, or by its address.

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
	fmt.Fprintf(to, "Who could %s %s (location %s) at %s:\n\n", a.Access, ask.Printable(a.URL), ask.Printable(a.Name), a.At.Format(time.RFC3339Nano))
	switch {
	case len(a.Ways) > 0:
	case a.Locked && a.Access == "write":
		fmt.Fprintln(to, "Nobody: the location was locked.")
		return nil
	default:
		fmt.Fprintln(to, "Nobody.")
		return nil
	}
	rows := [][]string{{"USER", "ACCESS", "THROUGH", "PREFIX", "EXPIRES"}}
	for _, w := range a.Ways {
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
	return ask.Columns(to, rows)
}
