package main

import (
	"context"
	"fmt"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/cli"
	"github.com/keyhatch/keyhatch/cli/ask"
)

type auditCommand struct {
	cli.AuditVerbs
	Verify auditVerifyCommand `cmd:"" help:"Find changed, removed, reordered and cut-off events."`
}

type auditVerifyCommand struct {
	Config string `default:"keyhatch.yaml" type:"path" help:"Configuration file of the installation."`
}

// Run checks the whole record. It may run beside a serving process.
func (a auditVerifyCommand) Run(ctx context.Context, s ask.Streams) error {
	c, err := config.Read(a.Config)
	if err != nil {
		return err
	}
	d, keys, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	report, err := broker.VerifyAudit(ctx, d, keys)
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Fprintln(s.Out, ask.Printable(fmt.Sprint(f)))
	}
	if n := len(report.Findings); n > 0 {
		return fmt.Errorf("places where the audit record is damaged: %d", n)
	}
	heads, err := d.AuditHeads(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "the audit record is whole: events %d, chains %d, object requests %d\n", report.Events, report.Chains, report.ObjectRequests)
	if report.Pruned > 0 {
		fmt.Fprintf(s.Out, "  pruned on purpose: object requests %d, all recorded before %s\n", report.Pruned, report.PrunedBefore.Format(time.RFC3339Nano))
	}
	if report.Dropped > 0 {
		fmt.Fprintf(s.Out, "  only counted while records could not be written: refused object requests %d\n", report.Dropped)
	}
	// Whoever keeps these can tell later that the record still holds them.
	for _, h := range heads {
		fmt.Fprintf(s.Out, "  chain %d  %s  event %d  %s\n", h.Number, h.Chain, h.Seq, h.Hash)
	}
	return nil
}
