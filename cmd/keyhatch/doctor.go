package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/doctor"
)

type doctorCommand struct {
	ask.Format
	Config string `default:"keyhatch.yaml" type:"path" help:"Configuration file of the installation."`
}

// Help is what --help says beside the flags.
func (doctorCommand) Help() string {
	return `It may run beside servers: it changes nothing and takes no address. Run it as the user that they run as. The exit status is 5 when something has failed; see docs/doctor.md.`
}

// Run looks at an installation. Finding something is not failing, but for the status.
func (d doctorCommand) Run(ctx context.Context, s ask.Streams) error {
	progress := ask.NewProgress(s, progressAfter)
	findings, err := doctor.Examine(ctx, d.Config, progress.Tell)
	progress.End()
	if err != nil {
		return err
	}
	count := map[doctor.State]int{}
	for _, f := range findings {
		count[f.State]++
	}
	if err := d.Write(s.Out, findings, func(to io.Writer) error { return showFindings(to, findings, count) }); err != nil {
		return err
	}
	if n := count[doctor.Failed]; n > 0 {
		return ask.StatusError{Status: ask.ExitUnwell, Err: fmt.Errorf("what has failed: %d", n)}
	}
	return nil
}

// showFindings writes a line for each, and below it what is to be done.
func showFindings(to io.Writer, findings []doctor.Finding, count map[doctor.State]int) error {
	var what []string
	width := 0
	for _, f := range findings {
		what = append(what, ask.Printable(strings.TrimSpace(f.Check+" "+f.About)))
		width = max(width, len(what[len(what)-1]))
	}
	var out strings.Builder
	below := "\n" + strings.Repeat(" ", len(doctor.NotLooked)+width+4)
	for n, f := range findings {
		state := string(f.State)
		if f.State == doctor.Failed || f.State == doctor.Warning {
			state = strings.ToUpper(state)
		}
		fmt.Fprintf(&out, "%-*s  %-*s  %s\n", len(doctor.NotLooked), state, width, what[n], strings.ReplaceAll(ask.PrintableLines(f.Found), "\n", below))
		if f.Next != "" {
			fmt.Fprintf(&out, "%s%s\n", below[1:], "do: "+ask.Printable(f.Next))
		}
	}
	fmt.Fprintf(&out, "\nok %d, warnings %d, failed %d, not looked at %d\n", count[doctor.OK], count[doctor.Warning], count[doctor.Failed], count[doctor.NotLooked])
	_, err := io.WriteString(to, out.String())
	return err
}
