package doctor

import (
	"context"
	"log/slog"
	"maps"
	"slices"
)

// trusted looks whether the keys of issuers can be fetched.
func trusted(ctx context.Context, p *patient) []Finding {
	v, err := p.config.Trusted(p.config.ListeningAt(), p.transport, slog.New(slog.DiscardHandler))
	if err != nil {
		return one(failed("", err.Error(), mend))
	}
	out := reached(v.Reach(ctx), "its keys can be fetched", "see that this machine reaches it; one in a private network must be in outbound_networks. Tokens of its keys work for a day after they were fetched last")
	for _, i := range p.config.Issuers {
		if len(i.Keys) > 0 {
			out = append(out, ok(i.Issuer, "its keys are of the configuration"))
		}
	}
	return orNone(out)
}

// logins looks whether the providers at which people log in can be asked.
func logins(ctx context.Context, p *patient) []Finding {
	all, err := p.config.LoginProviders(p.config.ListeningAt(), p.transport)
	if err != nil {
		return one(failed("", err.Error(), mend))
	}
	return orNone(reached(all.Reach(ctx), "it answers", "see that this machine reaches it, and that its issuer is what its own document says; one in a private network must be in outbound_networks. Nobody can log in there meanwhile"))
}

func reached(errs map[string]error, good, next string) (out []Finding) {
	for _, name := range slices.Sorted(maps.Keys(errs)) {
		if err := errs[name]; err != nil {
			out = append(out, failed(name, err.Error(), next))
		} else {
			out = append(out, ok(name, good))
		}
	}
	return out
}

func orNone(out []Finding) []Finding {
	if len(out) == 0 {
		return one(ok("", "there are none"))
	}
	return out
}
