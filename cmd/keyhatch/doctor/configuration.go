package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/driver/shield"
	"github.com/keyhatch/keyhatch/outbound"
)

const mend = "mend it; docs/configuration.md explains every setting"

// configuration reads the file, and makes of it what a server makes of it.
func configuration(ctx context.Context, p *patient) (out []Finding) {
	c, err := config.Read(p.path)
	if err != nil {
		return one(failed("", err.Error(), mend))
	}
	networks, err := config.Networks("outbound_networks", c.OutboundNetworks)
	if err != nil {
		return one(failed("", err.Error(), mend))
	}
	p.config, p.transport = c, p.clocks.watch(outbound.NewDialer(networks).Transport())
	at, silent := c.ListeningAt(), slog.New(slog.DiscardHandler)
	for _, try := range []func() error{
		func() error { _, err := c.Trusted(at, p.transport, silent); return err },
		func() error { _, err := c.LoginProviders(at, p.transport); return err },
		func() error { _, err := c.Elsewhere(at, p.transport); return err },
		func() error { _, err := c.Login.ConsentLives(); return err },
		func() error { _, err := c.Arvados.RootSecret(); return err },
		func() error { _, err := c.AWS.Asker(ctx, p.transport, shield.Watch{}); return err },
		func() error { _, err := c.DatabaseAddress(); return err },
	} {
		if err := try(); err != nil {
			out = append(out, failed("", err.Error(), mend))
		}
	}
	if info, err := os.Stat(p.path); err == nil && info.Mode().Perm()&0o022 != 0 {
		out = append(out, warning("", fmt.Sprintf("%s can be changed by others than its owner (mode %04o)", p.path, info.Mode().Perm()), "chmod go-w "+p.path))
	}
	for _, r := range c.Remarks() {
		text := r.Text
		for n := 0; n+1 < len(r.About); n += 2 {
			text += fmt.Sprintf(" (%v: %v)", r.About[n], r.About[n+1])
		}
		out = append(out, warning("", text, r.Next))
	}
	if len(out) == 0 {
		out = one(ok("", p.path))
	}
	return out
}
