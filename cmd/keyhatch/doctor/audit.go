package doctor

import (
	"context"
	"fmt"

	"github.com/keyhatch/keyhatch"
)

// lastChains are the chains, one for each start of a server, whose last event is looked at.
const lastChains = 100

// auditRecord looks whether the record ends where it has to. What is before the ends, only
// keyhatch audit verify reads.
func auditRecord(ctx context.Context, p *patient) []Finding {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	mac := p.keys.AuditMAC
	damaged := func(what string) []Finding {
		return one(failed("", what, "`keyhatch audit verify` tells all that is wrong; docs/audit.md says what that means"))
	}
	registry, err := p.db.AuditRegistry(ctx)
	if err != nil {
		return damaged(err.Error())
	}
	heads, err := p.db.AuditHeads(ctx)
	if err != nil {
		return damaged(err.Error())
	}
	if !registry.Genuine(mac) {
		return damaged("the registry of chains was changed or removed")
	}
	if int64(len(heads)) != registry.Chains {
		return damaged(fmt.Sprintf("the registry counts %d chains, and there are %d", registry.Chains, len(heads)))
	}
	for _, h := range heads {
		if !h.Genuine(mac) {
			return damaged("the head of " + h.Chain + " was changed")
		}
	}
	for _, h := range heads[max(0, len(heads)-lastChains):] {
		events, err := p.db.EventsFrom(ctx, h.Chain, h.Seq, 1)
		if err != nil {
			return damaged(err.Error())
		}
		if h.Seq > 0 && (len(events) == 0 || !same(events[0].Hash, h.Hash)) {
			return damaged(fmt.Sprintf("the last event of %s, number %d, is gone or was changed", h.Chain, h.Seq))
		}
	}
	return one(ok("", fmt.Sprintf("it ends where it has to, chains %d; `keyhatch audit verify` reads all of it", len(heads))))
}

func same(a, b keyhatch.Hash) bool { return string(a) == string(b) }
